#include <dirent.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "basic/macros.h"
#include "state/store.h"
#include "test-catalog.h"

static int try_open(const char *name, Store *ret) {
        const StorePlan plan = { .path = (char *) test_catalog_path(name) };

        return store_open(&plan, ret);
}

static Store open_store(const char *name) {
        Store store;

        TEST_OK(try_open(name, &store));
        return store;
}

static mode_t mode_of(const char *name) {
        struct stat st;

        TEST_SYS(fstatat(test_fd, name, &st, AT_SYMLINK_NOFOLLOW));
        return st.st_mode & 07777;
}

START_TEST(created) {
        const CatalogRow row = test_row(CATALOG_ROOT, "a", 1);
        CatalogReader *reader;
        Store store;

        (void) umask(0);
        store = open_store("store");
        ck_assert(store.created);
        ck_assert(!store.catalog_was_set_aside);
        ck_assert(!store.inside_replica);
        ck_assert_str_eq(store.path, test_catalog_path("store"));
        ck_assert_uint_eq(mode_of("store"), 0700);
        ck_assert_uint_eq(mode_of("store/staging"), 0700);
        test_put(store.catalog, &row);
        (void) close(test_file(store.staging_fd, "staged", NULL, 0));
        store_close(&store);
        ck_assert_int_lt(store.fd, 0);
        ck_assert_ptr_null(store.path);
        store_close(&store);

        store = open_store("store");
        ck_assert(!store.created);
        reader = test_reader(store.catalog);
        test_expect_row(reader, &row);
        catalog_reader_close(reader);
        TEST_SYS(faccessat(store.staging_fd, "staged", F_OK, 0));
        store_close(&store);
}
END_TEST

START_TEST(parent_is_missing) {
        Store store;

        ck_assert_int_eq(try_open("no/store", &store), -ENOENT);
        (void) close(test_file(test_fd, "file", NULL, 0));
        ck_assert_int_eq(try_open("file/store", &store), -ENOTDIR);
        ck_assert_int_eq(try_open("file", &store), -ENOTDIR);
}
END_TEST

START_TEST(symbolic_link) {
        Store store;

        TEST_SYS(mkdirat(test_fd, "victim", 0700));
        TEST_SYS(symlinkat("victim", test_fd, "store"));
        ck_assert_int_eq(try_open("store", &store), -EPERM);
        TEST_SYS(symlinkat("nowhere", test_fd, "dangling"));
        ck_assert_int_eq(try_open("dangling", &store), -EPERM);
        ck_assert_int_lt(faccessat(test_fd, "nowhere", F_OK, 0), 0);
        /* Nothing was made in it: only an empty directory can be removed. */
        TEST_SYS(unlinkat(test_fd, "victim", AT_REMOVEDIR));
}
END_TEST

START_TEST(links_within) {
        static const char *const names[] = { "lock", "staging", "catalog.db" };
        Store store;

        TEST_SYS(mkdirat(test_fd, "store", 0700));
        (void) close(test_file(test_fd, "victim", "precious", 8));
        for (size_t i = 0; i < ELEMENTSOF(names); i++) {
                char path[64];
                struct stat st;

                (void) snprintf(path, sizeof path, "store/%s", names[i]);
                (void) unlinkat(test_fd, path, 0);
                (void) unlinkat(test_fd, path, AT_REMOVEDIR);
                TEST_SYS(symlinkat("../victim", test_fd, path));
                ck_assert_int_lt(try_open("store", &store), 0);
                TEST_SYS(unlinkat(test_fd, path, 0));
                TEST_SYS(fstatat(test_fd, "victim", &st, 0));
                ck_assert_int_eq(st.st_size, 8);
        }
}
END_TEST

START_TEST(of_somebody_else) {
        Store store;

        if (geteuid() != 0) {
                test_skip("owners can only be given by root");
                return;
        }
        TEST_SYS(mkdirat(test_fd, "store", 0700));
        TEST_SYS(fchownat(test_fd, "store", 65534, 65534, 0));
        ck_assert_int_eq(try_open("store", &store), -EPERM);
        ck_assert_int_lt(faccessat(test_fd, "store/lock", F_OK, 0), 0);
}
END_TEST

/* On FAT everything belongs to whom the mount says. */
START_TEST(without_owners) {
        char command[512];
        Store store;

        (void) snprintf(
                command, sizeof command,
                "cd %s && mkdir disk && truncate -s 40M image && mkfs.vfat image >/dev/null && "
                "mount -t vfat -o loop,uid=65534,gid=65534,umask=022 image disk 2>/dev/null",
                test_path);
        if (geteuid() != 0 || system(command) != 0) {
                test_skip("FAT cannot be mounted here");
                return;
        }
        for (int i = 0; i < 2; i++) {
                TEST_OK(try_open("disk/store", &store));
                ck_assert(store.created == (i == 0));
                test_put_many(store.catalog, 20, 100);
                store_close(&store);
        }
        TEST_SYS(umount(test_catalog_path("disk")));
}
END_TEST

START_TEST(too_open) {
        Store store;

        TEST_SYS(mkdirat(test_fd, "store", 0700));
        TEST_SYS(fchmodat(test_fd, "store", 0777, 0));
        store = open_store("store");
        ck_assert(!store.created);
        ck_assert_uint_eq(mode_of("store"), 0700);
        store_close(&store);
}
END_TEST

START_TEST(locked) {
        Store store = open_store("store"), second;
        StoreIdentity identity = {
                .pair_id = (char *) "0123456789abcdef0123456789abcdef",
                .source = (char *) "/s",
                .replica = (char *) "/r",
        };

        ck_assert_int_eq(try_open("store", &second), -EBUSY);
        /* Nor when the identity is written meanwhile. */
        TEST_OK(store_identity_save(store.fd, "identity", &identity));
        TEST_OK(store_identity_save(store.fd, "identity", &identity));
        ck_assert_int_eq(try_open("store", &second), -EBUSY);
        test_put_many(store.catalog, 20, 10);
        store_close(&store);

        second = open_store("store");
        store_close(&second);
}
END_TEST

/* A lock dies with its process, and what it committed does not. */
START_TEST(killed) {
        CatalogReader *reader;
        int fds[2];
        pid_t pid;
        Store store;
        char c;

        TEST_SYS(pipe(fds));
        pid = TEST_SYS(fork());
        if (pid == 0) {
                store = open_store("store");
                test_put_many(store.catalog, 20, 100);
                TEST_SYS(write(fds[1], "x", 1));
                for (;;)
                        (void) pause();
        }
        ck_assert_int_eq(TEST_SYS(read(fds[0], &c, 1)), 1);
        ck_assert_int_eq(try_open("store", &store), -EBUSY);
        TEST_SYS(kill(pid, SIGKILL));
        TEST_SYS(waitpid(pid, NULL, 0));

        store = open_store("store");
        ck_assert(!store.created && !store.catalog_was_set_aside);
        reader = test_reader(store.catalog);
        ck_assert_int_eq(test_count(reader), 100);
        catalog_reader_close(reader);
        store_close(&store);
        (void) close(fds[0]);
        (void) close(fds[1]);
}
END_TEST

/* How many files are set aside; ENDING is that of logs, or NULL for the databases. */
static int count_damaged(const char *ending) {
        DIR *directory = opendir(test_catalog_path("store"));
        const struct dirent *entry;
        int n = 0;

        while ((entry = readdir(directory))) {
                const char prefix[] = "catalog.db.damaged-";
                const char *time = entry->d_name + sizeof prefix - 1;

                if (strncmp(entry->d_name, prefix, sizeof prefix - 1) != 0)
                        continue;
                n += ending ? strstr(time, ending) != NULL : !strchr(time, '-');
                ck_assert_uint_eq(strspn(time, "0123456789"), 8);
                ck_assert_int_eq(time[8], 'T');
                ck_assert_int_eq(time[15], 'Z');
        }
        (void) closedir(directory);
        return n;
}

START_TEST(damaged_catalog) {
        CatalogReader *reader;
        Store store = open_store("store");

        test_put_many(store.catalog, 20, 100);
        store_close(&store);

        /* Three times within a second, with a log and without. */
        for (int i = 1; i <= 3; i++) {
                int fd = TEST_SYS(openat(test_fd, "store/catalog.db", O_WRONLY | O_CLOEXEC));

                TEST_SYS(pwrite(fd, "noise noise noise noise", 23, 0));
                (void) close(fd);
                if (i == 2)
                        (void) close(test_file(test_fd, "store/catalog.db-wal", "x", 1));

                store = open_store("store");
                ck_assert(store.catalog_was_set_aside);
                ck_assert(!store.created);
                reader = test_reader(store.catalog);
                ck_assert_int_eq(test_count(reader), 0);
                test_put_many(store.catalog, 20, 10);
                ck_assert_int_eq(test_count(reader), 10);
                catalog_reader_close(reader);
                store_close(&store);
                ck_assert_int_eq(count_damaged(NULL), i);
                ck_assert_int_eq(count_damaged("-wal"), i >= 2);
        }

        store = open_store("store");
        ck_assert(!store.catalog_was_set_aside);
        store_close(&store);
}
END_TEST

/* A directory that was left behind empty is no store. */
START_TEST(emptied) {
        static const char *const names[] = { "lock", "staging", "catalog.db" };

        for (size_t i = 0; i < ELEMENTSOF(names); i++) {
                Store store = open_store("store");

                ck_assert_int_eq(store_is_present(&store), 1);
                TEST_SYS(unlinkat(store.fd, names[i], i == 1 ? AT_REMOVEDIR : 0));
                ck_assert_int_eq(store_is_present(&store), 0);
                store_close(&store);
        }
}
END_TEST

START_TEST(presence) {
        Store store = open_store("store"), other;

        ck_assert_int_eq(store_is_present(&store), 1);
        TEST_SYS(renameat(test_fd, "store", test_fd, "away"));
        ck_assert_int_eq(store_is_present(&store), 0);
        TEST_SYS(symlinkat("away", test_fd, "store"));
        ck_assert_int_eq(store_is_present(&store), 0);
        TEST_SYS(unlinkat(test_fd, "store", 0));

        other = open_store("store");
        ck_assert(other.created);
        ck_assert_int_eq(store_is_present(&store), 0);
        ck_assert_int_eq(store_is_present(&other), 1);
        store_close(&other);

        /* The one that was moved still works. */
        test_put_many(store.catalog, 20, 10);
        store_close(&store);
        store = open_store("away");
        ck_assert(!store.created && !store.catalog_was_set_aside);
        store_close(&store);
}
END_TEST

/* Deleted while it is open, as by rm -r. */
START_TEST(deleted) {
        Store store = open_store("store"), again;
        char command[160];

        test_put_many(store.catalog, 20, 10);
        (void) snprintf(command, sizeof command, "rm -rf %s", test_catalog_path("store"));
        ck_assert_int_eq(system(command), 0);
        ck_assert_int_eq(store_is_present(&store), 0);
        again = open_store("store");
        ck_assert(again.created);
        store_close(&store);
        test_put_many(again.catalog, 20, 10);
        ck_assert_int_eq(store_is_present(&again), 1);
        store_close(&again);
}
END_TEST

START_TEST(no_room) {
        Store store;

        TEST_SYS(mkdirat(test_fd, "small", 0700));
        if (geteuid() != 0 ||
            mount("small", test_catalog_path("small"), "tmpfs", 0, "size=4k,nr_inodes=4") < 0) {
                test_skip("a small tmpfs cannot be mounted here");
                return;
        }
        ck_assert_int_eq(try_open("small/store", &store), -ENOSPC);
        TEST_SYS(umount2(test_catalog_path("small"), MNT_DETACH));
}
END_TEST

START_TEST(read_only) {
        Store store;

        TEST_SYS(mkdirat(test_fd, "disk", 0700));
        if (geteuid() != 0 || mount("disk", test_catalog_path("disk"), "tmpfs", 0, NULL) < 0) {
                test_skip("a tmpfs cannot be mounted here");
                return;
        }
        store = open_store("disk/store");
        store_close(&store);
        TEST_SYS(mount("disk", test_catalog_path("disk"), "none", MS_REMOUNT | MS_RDONLY, NULL));
        ck_assert_int_eq(try_open("disk/store", &store), -EROFS);
        ck_assert_int_eq(try_open("disk/new", &store), -EROFS);
        TEST_SYS(umount2(test_catalog_path("disk"), MNT_DETACH));
}
END_TEST

int main(void) {
        TCase *tests;
        Suite *suite = test_fs_suite("store", &tests);

        tcase_add_test(tests, created);
        tcase_add_test(tests, parent_is_missing);
        tcase_add_test(tests, symbolic_link);
        tcase_add_test(tests, links_within);
        tcase_add_test(tests, of_somebody_else);
        tcase_add_test(tests, without_owners);
        tcase_add_test(tests, too_open);
        tcase_add_test(tests, locked);
        tcase_add_test(tests, killed);
        tcase_add_test(tests, damaged_catalog);
        tcase_add_test(tests, emptied);
        tcase_add_test(tests, presence);
        tcase_add_test(tests, deleted);
        tcase_add_test(tests, no_room);
        tcase_add_test(tests, read_only);
        return test_fs_run(suite);
}
