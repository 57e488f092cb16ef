#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include "basic/macros.h"
#include "state/store.h"
#include "test-catalog.h"

/* A store as far as planning looks. */
static void make_store(const char *name) {
        char path[128];

        TEST_SYS(mkdirat(test_fd, name, 0700));
        (void) snprintf(path, sizeof path, "%s/catalog.db", name);
        (void) close(test_file(test_fd, path, NULL, 0));
}

static int open_replica(const char *name) {
        return openat(test_fd, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
}

/* Plans for the replica NAME, which need not be there, and expects EXPECTED as the store's name. */
static void expect_plan(const char *name, const char *configured, const char *expected,
                        bool exists) {
        StorePlan plan;
        int fd = open_replica(name);
        const char *inside = strrchr(expected, '/');

        TEST_OK(store_plan(test_catalog_path(name), fd,
                           configured ? test_catalog_path(configured) : NULL, &plan));
        ck_assert_str_eq(plan.path, test_catalog_path(expected));
        ck_assert(plan.exists == exists);
        ck_assert(plan.inside_replica == (inside && strcmp(inside, "/.rebackup") == 0));
        store_plan_done(&plan);
        if (fd >= 0)
                (void) close(fd);
}

static void expect_refused(const char *name, const char *configured, int expected) {
        StorePlan plan = {};
        int fd = open_replica(name);

        ck_assert_int_eq(
                store_plan(test_catalog_path(name), fd, test_catalog_path(configured), &plan),
                expected);
        ck_assert_ptr_null(plan.path);
        if (fd >= 0)
                (void) close(fd);
}

static bool mount_tmpfs(const char *name) {
        TEST_SYS(mkdirat(test_fd, name, 0755));
        if (geteuid() == 0 && mount("plan", test_catalog_path(name), "tmpfs", 0, NULL) >= 0)
                return true;

        test_skip("a tmpfs cannot be mounted here");
        return false;
}

START_TEST(beside) {
        TEST_SYS(mkdirat(test_fd, "replica", 0755));
        expect_plan("replica", NULL, ".replica.rebackup", false);
        /* Nothing was made. */
        ck_assert_int_lt(faccessat(test_fd, ".replica.rebackup", F_OK, 0), 0);
        TEST_SYS(mkdirat(test_fd, ".replica.rebackup", 0700));
        expect_plan("replica", NULL, ".replica.rebackup", true);
}
END_TEST

START_TEST(replica_is_missing) {
        expect_plan("replica", NULL, ".replica.rebackup", false);
        expect_plan("deep/replica", NULL, "deep/.replica.rebackup", false);
        expect_plan("deep/replica", "elsewhere", "elsewhere", false);
        make_store(".replica.rebackup");
        expect_plan("replica", NULL, ".replica.rebackup", true);
}
END_TEST

START_TEST(slashes) {
        StorePlan plan;
        char path[128];
        int fd;

        TEST_SYS(mkdirat(test_fd, "replica", 0755));
        fd = TEST_SYS(open_replica("replica"));
        (void) snprintf(path, sizeof path, "%s///replica//", test_path);
        TEST_OK(store_plan(path, fd, NULL, &plan));
        ck_assert_str_eq(plan.path, test_catalog_path(".replica.rebackup"));
        store_plan_done(&plan);

        (void) snprintf(path, sizeof path, "%s//store/", test_path);
        TEST_OK(store_plan(test_catalog_path("replica"), fd, path, &plan));
        ck_assert_str_eq(plan.path, test_catalog_path("store"));
        store_plan_done(&plan);

        ck_assert_int_eq(store_plan("replica", fd, NULL, &plan), -EINVAL);
        ck_assert_int_eq(store_plan("/a/..", fd, NULL, &plan), -EINVAL);
        ck_assert_int_eq(store_plan("/a", fd, "/", &plan), -EINVAL);
        ck_assert_int_eq(store_plan("/a", fd, "store", &plan), -EINVAL);
        (void) close(fd);
}
END_TEST

START_TEST(root_directory) {
        int fd = TEST_SYS(open("/", O_RDONLY | O_DIRECTORY | O_CLOEXEC));
        StorePlan plan;

        TEST_OK(store_plan("/", fd, NULL, &plan));
        ck_assert_str_eq(plan.path, "/.rebackup");
        ck_assert(plan.inside_replica);
        store_plan_done(&plan);
        (void) close(fd);
}
END_TEST

START_TEST(existing_inside) {
        TEST_SYS(mkdirat(test_fd, "replica", 0755));
        /* A directory of that name is not yet a store: it may be mirrored. */
        TEST_SYS(mkdirat(test_fd, "replica/.rebackup", 0700));
        expect_plan("replica", NULL, ".replica.rebackup", false);

        (void) close(test_file(test_fd, "replica/.rebackup/catalog.db", NULL, 0));
        expect_plan("replica", NULL, "replica/.rebackup", true);

        /* The one beside goes first. */
        make_store(".replica.rebackup");
        expect_plan("replica", NULL, ".replica.rebackup", true);
}
END_TEST

/* Names in the replica come from the source, and so from whoever may write there. */
START_TEST(planted_inside) {
        if (geteuid() != 0) {
                test_skip("owners can only be given by root");
                return;
        }
        TEST_SYS(mkdirat(test_fd, "replica", 0755));
        make_store("replica/.rebackup");
        TEST_SYS(fchownat(test_fd, "replica/.rebackup", 65534, 65534, 0));
        expect_plan("replica", NULL, ".replica.rebackup", false);

        make_store("trap");
        TEST_SYS(unlinkat(test_fd, "replica/.rebackup/catalog.db", 0));
        TEST_SYS(unlinkat(test_fd, "replica/.rebackup", AT_REMOVEDIR));
        TEST_SYS(symlinkat("../trap", test_fd, "replica/.rebackup"));
        expect_plan("replica", NULL, ".replica.rebackup", false);
}
END_TEST

START_TEST(mount_point) {
        if (!mount_tmpfs("replica"))
                return;
        expect_plan("replica", NULL, "replica/.rebackup", false);

        /* What lies beside it is on the other side of the border. */
        make_store(".replica.rebackup");
        expect_plan("replica", NULL, "replica/.rebackup", false);
        make_store("replica/.rebackup");
        expect_plan("replica", NULL, "replica/.rebackup", true);
}
END_TEST

START_TEST(below_mount_point) {
        if (!mount_tmpfs("disk"))
                return;
        TEST_SYS(mkdirat(test_fd, "disk/replica", 0755));
        expect_plan("disk/replica", NULL, "disk/.replica.rebackup", false);
        make_store("disk/.replica.rebackup");
        expect_plan("disk/replica", NULL, "disk/.replica.rebackup", true);
}
END_TEST

/* A bind mount has the same device, but nothing can be renamed out of it. */
START_TEST(bind_mount) {
        TEST_SYS(mkdirat(test_fd, "original", 0755));
        TEST_SYS(mkdirat(test_fd, "original/below", 0755));
        TEST_SYS(mkdirat(test_fd, "replica", 0755));
        if (geteuid() != 0 || mount(test_catalog_path("original"), test_catalog_path("replica"),
                                    "none", MS_BIND, NULL) < 0) {
                test_skip("bind mounts cannot be made here");
                return;
        }
        expect_plan("replica", NULL, "replica/.rebackup", false);
        expect_plan("replica/below", NULL, "replica/.below.rebackup", false);
        expect_refused("replica/below", "elsewhere", -EXDEV);
        expect_refused("original/below", "replica/store", -EXDEV);
        expect_plan("replica/below", "replica/store", "replica/store", false);
}
END_TEST

/* Through a link, the parent by name may be elsewhere than the replica. */
START_TEST(linked_replica) {
        if (!mount_tmpfs("disk"))
                return;
        TEST_SYS(mkdirat(test_fd, "disk/real", 0755));
        TEST_SYS(symlinkat("disk/real", test_fd, "replica"));
        expect_plan("replica", NULL, "replica/.rebackup", false);

        TEST_SYS(mkdirat(test_fd, "near", 0755));
        TEST_SYS(symlinkat("near", test_fd, "link"));
        expect_plan("link", NULL, ".link.rebackup", false);
}
END_TEST

START_TEST(read_only_parent) {
        if (!mount_tmpfs("disk"))
                return;
        TEST_SYS(mkdirat(test_fd, "disk/replica", 0755));
        TEST_SYS(mount("plan", test_catalog_path("disk"), "none", MS_REMOUNT | MS_RDONLY, NULL));
        expect_plan("disk/replica", NULL, "disk/replica/.rebackup", false);
}
END_TEST

static void plan_as_nobody(void) {
        expect_plan("parent/replica", NULL, "parent/replica/.rebackup", false);
        expect_plan("closed/replica", NULL, "closed/replica/.rebackup", false);
        expect_plan("open/replica", NULL, "open/.replica.rebackup", false);
}

START_TEST(parent_not_ours) {
        static const char *const names[] = { "parent",         "parent/replica", "closed",
                                             "closed/replica", "open",           "open/replica" };

        if (geteuid() != 0) {
                test_skip("owners can only be given by root");
                return;
        }
        for (size_t i = 0; i < ELEMENTSOF(names); i++)
                TEST_SYS(mkdirat(test_fd, names[i], 0755));
        for (size_t i = 1; i < ELEMENTSOF(names); i += 2)
                TEST_SYS(fchownat(test_fd, names[i], 65534, 65534, 0));
        TEST_SYS(fchmodat(test_fd, "closed", 0711, 0));
        TEST_SYS(fchmodat(test_fd, "open", 01777, 0));
        test_as_nobody(plan_as_nobody);
}
END_TEST

START_TEST(configured) {
        TEST_SYS(mkdirat(test_fd, "replica", 0755));
        expect_plan("replica", "store", "store", false);
        make_store(".replica.rebackup");
        expect_plan("replica", "store", "store", false);
        make_store("store");
        expect_plan("replica", "store", "store", true);
        expect_plan("replica", "replica/.rebackup", "replica/.rebackup", false);
        expect_refused("replica", "no/store", -ENOENT);
        (void) close(test_file(test_fd, "file", NULL, 0));
        expect_refused("replica", "file/store", -ENOTDIR);
}
END_TEST

START_TEST(configured_elsewhere) {
        if (!mount_tmpfs("disk"))
                return;
        TEST_SYS(mkdirat(test_fd, "replica", 0755));
        TEST_SYS(mkdirat(test_fd, "disk/replica", 0755));
        expect_refused("replica", "disk/store", -EXDEV);
        expect_refused("disk/replica", "store", -EXDEV);
        expect_refused("disk/missing", "store", -EXDEV);
        expect_plan("disk/missing", "disk/store", "disk/store", false);

        /* A store that is a disk of its own, on the right directory. */
        if (mount_tmpfs("store"))
                expect_refused("replica", "store", -EXDEV);
}
END_TEST

START_TEST(btrfs_subvolumes) {
        char command[256];
        int fd = test_mount("btrfs", "disk");

        if (fd < 0)
                return;
        (void) snprintf(command, sizeof command,
                        "cd %s/disk && btrfs subvolume create replica >/dev/null && mkdir store",
                        test_path);
        if (system(command) != 0) {
                test_skip("btrfs-progs is not installed");
                return;
        }
        expect_plan("disk/replica", NULL, "disk/replica/.rebackup", false);
        expect_refused("disk/replica", "disk/store", -EXDEV);
        (void) close(fd);
        test_unmount("disk");
}
END_TEST

int main(void) {
        TCase *tests;
        Suite *suite = test_fs_suite("plan of a store", &tests);

        tcase_add_test(tests, beside);
        tcase_add_test(tests, replica_is_missing);
        tcase_add_test(tests, slashes);
        tcase_add_test(tests, root_directory);
        tcase_add_test(tests, existing_inside);
        tcase_add_test(tests, planted_inside);
        tcase_add_test(tests, mount_point);
        tcase_add_test(tests, below_mount_point);
        tcase_add_test(tests, bind_mount);
        tcase_add_test(tests, linked_replica);
        tcase_add_test(tests, read_only_parent);
        tcase_add_test(tests, parent_not_ours);
        tcase_add_test(tests, configured);
        tcase_add_test(tests, configured_elsewhere);
        tcase_add_test(tests, btrfs_subvolumes);
        return test_fs_run(suite);
}
