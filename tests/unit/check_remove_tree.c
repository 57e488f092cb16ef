#include <dirent.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "fs/confined.h"
#include "fs/listing.h"
#include "fs/remove-tree.h"
#include "test-fs.h"

static bool exists(const char *name) {
        return faccessat(test_fd, name, F_OK, AT_SYMLINK_NOFOLLOW) >= 0;
}

START_TEST(single_entries) {
        uint64_t n = 0;

        (void) close(test_file(test_fd, "file", "x", 1));
        TEST_SYS(symlinkat("file", test_fd, "link"));
        TEST_SYS(mkfifoat(test_fd, "fifo", 0600));
        TEST_SYS(mkdirat(test_fd, "directory", 0700));

        TEST_OK(remove_tree(test_fd, "link", &n));
        ck_assert(exists("file"));
        TEST_OK(remove_tree(test_fd, "file", &n));
        TEST_OK(remove_tree(test_fd, "fifo", &n));
        TEST_OK(remove_tree(test_fd, "directory", &n));
        ck_assert_uint_eq(n, 4);
        TEST_OK(remove_tree(test_fd, "missing", &n));
        TEST_OK(remove_tree(test_fd, "missing", NULL));
        ck_assert_uint_eq(n, 4);

        ck_assert_int_eq(remove_tree(test_fd, "..", &n), -EINVAL);
        ck_assert_int_eq(remove_tree(test_fd, "a/b", &n), -EINVAL);
        ck_assert_int_eq(remove_tree(test_fd, "", &n), -EINVAL);
}
END_TEST

/* Three levels of WIDTH directories and files each. */
static uint64_t make_bush(int fd, unsigned depth, unsigned width) {
        uint64_t n = 0;
        char name[16];

        for (unsigned i = 0; i < width; i++) {
                int child;

                (void) snprintf(name, sizeof(name), "f%u", i);
                (void) close(test_file(fd, name, NULL, 0));
                n++;
                if (depth == 0)
                        continue;

                (void) snprintf(name, sizeof(name), "d%u", i);
                TEST_SYS(mkdirat(fd, name, 0700));
                child = TEST_SYS(openat(fd, name, O_RDONLY | O_CLOEXEC));
                n += 1 + make_bush(child, depth - 1, width);
                (void) close(child);
        }

        return n;
}

START_TEST(wide_tree) {
        uint64_t n_made, n = 0;
        int fd;

        TEST_SYS(mkdirat(test_fd, "tree", 0700));
        fd = TEST_SYS(openat(test_fd, "tree", O_RDONLY | O_CLOEXEC));
        n_made = make_bush(fd, 3, 8);
        (void) close(fd);

        TEST_OK(remove_tree(test_fd, "tree", &n));
        ck_assert_uint_eq(n, n_made + 1);
        ck_assert(!exists("tree"));
}
END_TEST

/* A chain of directories with a file, a decoy name and a link out in each. */
static void make_chain(unsigned depth, mode_t mode) {
        int fd = dup(test_fd);

        for (unsigned i = 0; i < depth; i++) {
                const char *name = i == 0 ? "tree" : "deeper";
                int child;

                TEST_SYS(mkdirat(fd, name, 0700));
                child = TEST_SYS(openat(fd, name, O_RDONLY | O_CLOEXEC));
                if (i > 0)
                        TEST_SYS(fchmodat(fd, "file", mode & 0666, 0));
                if (i > 0)
                        TEST_SYS(fchmod(fd, mode));
                (void) close(fd);
                fd = child;

                (void) close(test_file(fd, "file", NULL, 0));
                (void) close(test_file(fd, ".raised-0", NULL, 0));
                TEST_SYS(symlinkat("../outside", fd, "outside"));
        }
        (void) close(fd);
}

START_TEST(deep_tree_with_few_descriptors) {
        enum { DEPTH = 5000 };
        struct rlimit limit;
        uint64_t n = 0;

        TEST_SYS(mkdirat(test_fd, "outside", 0700));
        (void) close(test_file(test_fd, "outside/precious", NULL, 0));
        (void) close(test_file(test_fd, "file", NULL, 0));
        make_chain(DEPTH, 0700);

        TEST_SYS(getrlimit(RLIMIT_NOFILE, &limit));
        limit.rlim_cur = 64;
        TEST_SYS(setrlimit(RLIMIT_NOFILE, &limit));
        TEST_OK(remove_tree(test_fd, "tree", &n));
        ck_assert_uint_eq(n, 4 * DEPTH);
        ck_assert(!exists("tree"));
        ck_assert(exists("outside/precious"));
}
END_TEST

/* A directory that must be made accessible although nothing but a directory is in it. */
static void remove_closed_chain(void) {
        uint64_t n = 0;

        TEST_SYS(mkdirat(test_fd, "tree", 0700));
        TEST_SYS(mkdirat(test_fd, "tree/a", 0700));
        TEST_SYS(mkdirat(test_fd, "tree/a/b", 0700));
        TEST_SYS(fchmodat(test_fd, "tree/a", 0400, 0));
        TEST_SYS(fchmodat(test_fd, "tree", 0400, 0));
        TEST_OK(remove_tree(test_fd, "tree", &n));
        ck_assert_uint_eq(n, 3);
}

static void remove_own_chain(void) {
        uint64_t n = 0;

        (void) close(test_file(test_fd, "file", NULL, 0));
        make_chain(100, 0400);
        TEST_SYS(fchmodat(test_fd, "tree", 0, 0));
        TEST_OK(remove_tree(test_fd, "tree", &n));
        ck_assert_uint_eq(n, 400);
        ck_assert(!exists("tree"));
}

START_TEST(modes_that_forbid_it) {
        struct stat st;

        TEST_SYS(fchmod(test_fd, 01777));
        test_as_nobody(remove_closed_chain);
        test_as_nobody(remove_own_chain);
        TEST_SYS(fstat(test_fd, &st));
        ck_assert_uint_eq(st.st_mode & 07777, 01777);
}
END_TEST

static void remove_with_foreign(void) {
        uint64_t n = 0;

        ck_assert_int_eq(remove_tree(test_fd, "tree", &n), -EACCES);
        ck_assert_uint_eq(n, 2);
        ck_assert(exists("tree/foreign/file"));
        ck_assert(!exists("tree/zzz"));
}

START_TEST(goes_on_after_errors) {
        if (geteuid() != 0) {
                test_skip("needs root to make what others own");
                return;
        }

        TEST_SYS(fchmod(test_fd, 0777));
        TEST_SYS(mkdirat(test_fd, "tree", 0700));
        TEST_SYS(fchownat(test_fd, "tree", 65534, 65534, 0));
        TEST_SYS(mkdirat(test_fd, "tree/foreign", 0755));
        (void) close(test_file(test_fd, "tree/foreign/file", NULL, 0));
        (void) close(test_file(test_fd, "tree/aaa", NULL, 0));
        (void) close(test_file(test_fd, "tree/zzz", NULL, 0));
        test_as_nobody(remove_with_foreign);
}
END_TEST

START_TEST(mount_points_stay) {
        int fd = test_mount("tmpfs", "mounted");
        uint64_t n = 0;

        if (fd < 0)
                return;

        (void) close(test_file(fd, "precious", NULL, 0));
        ck_assert_int_eq(remove_tree(test_fd, "mounted", &n), -EBUSY);

        TEST_SYS(mkdirat(test_fd, "tree", 0700));
        TEST_SYS(mkdirat(test_fd, "tree/bound", 0700));
        (void) close(test_file(test_fd, "tree/file", NULL, 0));
        {
                char from[128], to[128];

                (void) snprintf(from, sizeof(from), "%s/mounted", test_path);
                (void) snprintf(to, sizeof(to), "%s/tree/bound", test_path);
                TEST_SYS(mount(from, to, "", MS_BIND, NULL));
                ck_assert_int_eq(remove_tree(test_fd, "tree", &n), -EBUSY);
                TEST_SYS(umount(to));
        }
        ck_assert_int_ge(faccessat(fd, "precious", F_OK, 0), 0);
        ck_assert(!exists("tree/file"));
        ck_assert_uint_eq(n, 1);
        (void) close(fd);
}
END_TEST

static unsigned count_entries(int parent_fd, const char *name) {
        Listing listing = LISTING_NULL;
        unsigned n = 1;
        int fd;

        fd = confined_open_child(parent_fd, name, O_RDONLY | O_DIRECTORY);
        if (fd == -ENOENT)
                return 0;
        if (fd == -ENOTDIR || fd == -ELOOP)
                return 1;

        TEST_OK(fd);
        TEST_OK(listing_read(&listing, fd));
        for (size_t i = 0; i < listing.n_entries; i++)
                n += count_entries(fd, listing_name(&listing, i));
        listing_done(&listing);
        (void) close(fd);
        return n;
}

/* Every step but the last removes exactly as much as it may. */
static void remove_in_steps(int fd, const char *name, unsigned limit) {
        unsigned n_left = count_entries(fd, name);
        uint64_t n_removed = 0, n_bytes = 0;

        for (;;) {
                unsigned expected = n_left > limit ? n_left - limit : 0;
                int r;

                r = TEST_OK(remove_tree_some(fd, name, limit, &n_removed, &n_bytes));
                n_left = count_entries(fd, name);
                ck_assert_uint_eq(n_left, expected);
                ck_assert_int_eq(r, n_left > 0);
                if (r == 0)
                        return;
        }
}

START_TEST(in_steps) {
        static const unsigned limits[] = { 1, 2, 7, 100, 424, 425, 426, 100000 };
        uint64_t n;
        int fd;

        TEST_SYS(mkdirat(test_fd, "tree", 0700));
        fd = TEST_SYS(openat(test_fd, "tree", O_RDONLY | O_CLOEXEC));
        n = make_bush(fd, 3, 4) + 1;
        (void) close(fd);
        ck_assert_uint_eq(n, 425);
        remove_in_steps(test_fd, "tree", limits[_i]);

        (void) close(test_file(test_fd, "file", "x", 1));
        remove_in_steps(test_fd, "file", limits[_i]);
        remove_in_steps(test_fd, "missing", limits[_i]);
}
END_TEST

/* What is moved up counts, too, and is never in the way of a later step. */
START_TEST(deep_in_steps) {
        enum { DEPTH = 3000, LIMIT = 50 };
        uint64_t n = 0, n_bytes = 0;
        unsigned n_steps = 0;

        TEST_SYS(mkdirat(test_fd, "outside", 0700));
        (void) close(test_file(test_fd, "outside/precious", NULL, 0));
        (void) close(test_file(test_fd, "file", NULL, 0));
        make_chain(DEPTH, 0700);
        while (TEST_OK(remove_tree_some(test_fd, "tree", LIMIT, &n, &n_bytes)) == 1)
                n_steps++;
        ck_assert_uint_eq(n, 4 * DEPTH);
        ck_assert_uint_ge(n_steps, 4 * DEPTH / LIMIT);
        ck_assert_uint_le(n_steps, 5 * DEPTH / LIMIT);
        ck_assert(!exists("tree"));
        ck_assert(exists("outside/precious"));
}
END_TEST

START_TEST(bytes_of_last_links) {
        static const char page[4096] = "x";
        uint64_t n = 0, n_bytes = 0;

        TEST_SYS(mkdirat(test_fd, "tree", 0700));
        (void) close(test_file(test_fd, "tree/alone", page, sizeof(page)));
        (void) close(test_file(test_fd, "live", page, sizeof(page)));
        TEST_SYS(linkat(test_fd, "live", test_fd, "tree/linked", 0));
        (void) close(test_file(test_fd, "tree/1", page, sizeof(page)));
        TEST_SYS(linkat(test_fd, "tree/1", test_fd, "tree/2", 0));
        TEST_OK(remove_tree_some(test_fd, "tree", 100, &n, &n_bytes));
        ck_assert_uint_eq(n, 5);
        ck_assert_uint_eq(n_bytes, 2 * sizeof(page));
        ck_assert(exists("live"));
}
END_TEST

/* The errors of a step that does not come to the end are those of the last one again. */
START_TEST(steps_go_on_after_errors) {
        int fd = test_mount("tmpfs", "tree"), r, n_steps = 0;
        uint64_t n = 0;
        char path[128];

        if (fd < 0)
                return;
        (void) make_bush(fd, 1, 10);
        TEST_SYS(mkdirat(test_fd, "tree/d0/mounted", 0700));
        (void) snprintf(path, sizeof(path), "%s/tree/d0/mounted", test_path);
        TEST_SYS(mount("inner", path, "tmpfs", 0, NULL));
        (void) close(test_file(test_fd, "tree/d0/mounted/precious", NULL, 0));

        TEST_SYS(mkdirat(fd, "top", 0700));
        TEST_SYS(renameat(fd, "d0", fd, "top/d0"));
        TEST_SYS(renameat(fd, "d1", fd, "top/d1"));
        while ((r = remove_tree_some(fd, "top", 4, &n, NULL)) == 1)
                n_steps++;
        ck_assert_int_eq(r, -EBUSY);
        ck_assert_uint_eq(n, 10 + 11);
        ck_assert_int_eq(n_steps, 21 / 4);
        ck_assert(exists("tree/top/d0/mounted/precious"));
        ck_assert(!exists("tree/top/d0/f0"));
        ck_assert(!exists("tree/top/d1"));
        (void) snprintf(path, sizeof(path), "%s/tree/top/d0/mounted", test_path);
        TEST_SYS(umount(path));
        (void) close(fd);
}
END_TEST

/* Its owner has a directory open and goes on filling it. */
typedef struct Filler {
        int fd;
        atomic_bool refused;
} Filler;

static void *fill(void *userdata) {
        Filler *filler = userdata;

        /* Of this thread alone, as with system calls of its own. */
        if (syscall(SYS_setresuid, 65534, 65534, 65534) < 0)
                return NULL;
        for (unsigned i = 0;; i++) {
                char name[16];
                int fd;

                (void) snprintf(name, sizeof(name), "%u", i);
                fd = openat(filler->fd, name, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
                if (fd < 0)
                        break;
                (void) close(fd);
        }
        atomic_store(&filler->refused, errno == EACCES || errno == ENOENT);
        return NULL;
}

START_TEST(filled_meanwhile) {
        static const struct {
                uid_t uid;
                mode_t mode;
        } foreign[] = { { 65534, 0755 }, { 0, 0777 } };
        Filler filler = {};
        pthread_t thread;
        uint64_t n = 0;

        if (geteuid() != 0) {
                test_skip("needs root to be somebody else");
                return;
        }
        TEST_SYS(mkdirat(test_fd, "tree", 0700));
        TEST_SYS(mkdirat(test_fd, "tree/foreign", 0700));
        TEST_SYS(fchownat(test_fd, "tree/foreign", foreign[_i].uid, 0, 0));
        TEST_SYS(fchmodat(test_fd, "tree/foreign", foreign[_i].mode, 0));
        filler.fd = TEST_SYS(openat(test_fd, "tree/foreign", O_RDONLY | O_DIRECTORY | O_CLOEXEC));
        ck_assert_int_eq(pthread_create(&thread, NULL, fill, &filler), 0);
        while (count_entries(test_fd, "tree") < 1000)
                ;

        /* A single step is enough to lock it out. */
        ck_assert_int_eq(remove_tree_some(test_fd, "tree", 1, &n, NULL), 1);
        ck_assert_int_eq(pthread_join(thread, NULL), 0);
        ck_assert(atomic_load(&filler.refused));
        TEST_OK(remove_tree(test_fd, "tree", &n));
        ck_assert(!exists("tree"));
        (void) close(filler.fd);
}
END_TEST

/* What was moved up goes although something beside it cannot. */
START_TEST(deep_beside_what_stays) {
        uint64_t n = 0;
        char path[128];

        make_chain(200, 0700);
        TEST_SYS(mkdirat(test_fd, "tree/mounted", 0700));
        (void) snprintf(path, sizeof(path), "%s/tree/mounted", test_path);
        if (geteuid() != 0 || mount("inner", path, "tmpfs", 0, NULL) < 0) {
                test_skip("a tmpfs cannot be mounted here");
                return;
        }
        ck_assert_int_eq(remove_tree(test_fd, "tree", &n), -EBUSY);
        ck_assert_uint_eq(count_entries(test_fd, "tree"), 2);
        TEST_SYS(umount(path));
}
END_TEST

START_TEST(wide_on_disk) {
        static const char *const types[] = { "ext4", "xfs", "btrfs" };
        enum { N_FILES = 6000 };
        int fs_fd = test_mount(types[_i], "a"), fd;
        char name[16];

        if (fs_fd < 0)
                return;
        TEST_SYS(mkdirat(fs_fd, "tree", 0700));
        fd = TEST_SYS(openat(fs_fd, "tree", O_RDONLY | O_CLOEXEC));
        for (unsigned i = 0; i < N_FILES; i++) {
                (void) snprintf(name, sizeof(name), "%u", i);
                (void) close(test_file(fd, name, NULL, 0));
        }
        (void) close(fd);
        remove_in_steps(fs_fd, "tree", 350);
        (void) close(fs_fd);
}
END_TEST

START_TEST(on_disk_file_systems) {
        static const char *const types[] = { "ext4", "xfs", "btrfs" };
        int fs_fd = test_mount(types[_i], "a"), fd;
        Listing listing = LISTING_NULL;
        uint64_t n_made, n = 0;

        if (fs_fd < 0)
                return;

        TEST_SYS(mkdirat(fs_fd, "tree", 0700));
        fd = TEST_SYS(openat(fs_fd, "tree", O_RDONLY | O_CLOEXEC));
        n_made = make_bush(fd, 3, 9);

        TEST_OK(remove_tree(fs_fd, "tree", &n));
        ck_assert_uint_eq(n, n_made + 1);
        (void) close(fd);

        TEST_OK(listing_read(&listing, fs_fd));
        for (size_t i = 0; i < listing.n_entries; i++)
                ck_assert_str_eq(listing_name(&listing, i), "lost+found");
        listing_done(&listing);
}
END_TEST

int main(void) {
        TCase *tcase;
        Suite *suite = test_fs_suite("remove-tree", &tcase);

        tcase_add_test(tcase, single_entries);
        tcase_add_test(tcase, wide_tree);
        tcase_add_test(tcase, deep_tree_with_few_descriptors);
        tcase_add_test(tcase, modes_that_forbid_it);
        tcase_add_test(tcase, goes_on_after_errors);
        tcase_add_test(tcase, mount_points_stay);
        tcase_add_loop_test(tcase, in_steps, 0, 8);
        tcase_add_test(tcase, deep_in_steps);
        tcase_add_test(tcase, bytes_of_last_links);
        tcase_add_test(tcase, steps_go_on_after_errors);
        tcase_add_loop_test(tcase, filled_meanwhile, 0, 2);
        tcase_add_test(tcase, deep_beside_what_stays);
        tcase_add_loop_test(tcase, wide_on_disk, 0, 3);
        tcase_add_loop_test(tcase, on_disk_file_systems, 0, 3);
        return test_fs_run(suite);
}
