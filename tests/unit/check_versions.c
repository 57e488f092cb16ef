/* Keeping versions, and opening and listing them. */

#include <fcntl.h>
#include <limits.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "basic/macros.h"
#include "fs/confined.h"
#include "fs/remove-tree.h"
#include "test-versions.h"

/* All types, with what is theirs, and the frames above them. */
static void keep_all_types(Versions *versions) {
        test_keep_file(versions, "a/b/file", AT, "1");
        test_keep_directory(versions, "a/directory", AT, "2");
        test_keep_file(versions, "top", AT, "3");
        test_expect_content(AT_NAME "/a/b/file", "1");
        test_expect_content(AT_NAME "/a/directory/inside", "2");
        test_expect_content(AT_NAME "/top", "3");

        TEST_SYS(symlinkat("../../..", test_staging_fd, "1"));
        TEST_SYS(mkfifoat(test_staging_fd, "2", 0640));
        TEST_OK(versions_keep(versions, test_staging_fd, "1", "a/b/link", AT));
        TEST_OK(versions_keep(versions, test_staging_fd, "2", "a/fifo", AT));
        ck_assert_uint_eq(test_status(AT_NAME "/a/b/link").st_mode & S_IFMT, S_IFLNK);
        ck_assert_uint_eq(test_status(AT_NAME "/a/fifo").st_mode, S_IFIFO | 0640);
        ck_assert_uint_eq(test_status(AT_NAME "/a/directory").st_mode, S_IFDIR | 0755);
        ck_assert_uint_eq(test_status(AT_NAME "/a/b").st_mode, S_IFDIR | 0700);
        ck_assert_uint_eq(test_status(AT_NAME).st_mode, S_IFDIR | 0700);
        ck_assert_uint_eq(test_status("").st_mode, S_IFDIR | 0700);
}

START_TEST(on_file_systems) {
        bool is_marked = _i < N_TEST_FILE_SYSTEMS - 1;
        Versions *versions;
        usec_t *times;
        size_t n;

        if (!test_store(test_file_systems[_i]))
                return;
        versions = test_versions();

        keep_all_types(versions);
        TEST_EXPECT_KINDS(versions, VERSION_ENTRY, "a/b/file", "a/directory", "a/directory/inside",
                          "top");
        TEST_EXPECT_KINDS(versions, is_marked ? VERSION_FRAME : VERSION_ENTRY, "a", "a/b");
        TEST_EXPECT_KINDS(versions, VERSION_NONE, "b", "a/directory/no", "top/no",
                          "a/b/file/no/no");

        /* Others in the same directories, with another one in between, and at another time. */
        for (unsigned i = 0; i < 100; i++) {
                char path[32];

                (void) snprintf(path, sizeof(path), "a/%c/file%u", "bc"[i / 2 % 2], i);
                test_keep_file(versions, path, AT, path);
                test_keep_file(versions, path, LATER, path);
                if (i % 10 == 0) {
                        versions_close(versions);
                        versions = test_versions();
                }
        }
        test_expect_missing(AT_NAME "/a.1");
        test_expect_missing(AT_NAME "/a/b.1");
        test_expect_content(AT_NAME "/a/c/file99", "a/c/file99");
        test_expect_content(LATER_NAME "/a/b/file0", "a/b/file0");

        TEST_OK(versions_list(versions, &times, &n));
        ck_assert_uint_eq(n, 2);
        ck_assert_uint_eq(times[0], AT - AT % 1000);
        ck_assert_uint_eq(times[1], LATER - LATER % 1000);
        free(times);
        test_expect_staging_empty();
        versions_close(versions);
}
END_TEST

START_TEST(twins) {
        Versions *versions;

        if (!test_store(test_file_systems[_i]))
                return;
        versions = test_versions();

        for (int i = 0; i < 12; i++) {
                char path[64], text[16];

                (void) snprintf(text, sizeof(text), "%d", i);
                test_keep_file(versions, "d/file", AT, text);
                test_keep_directory(versions, "d/directory", AT, text);
                (void) snprintf(path, sizeof(path), i ? AT_NAME "/d/file.%d" : AT_NAME "/d/file",
                                i);
                test_expect_content(path, text);
                (void) snprintf(
                        path, sizeof(path),
                        i ? AT_NAME "/d/directory.%d/inside" : AT_NAME "/d/directory/inside", i);
                test_expect_content(path, text);
        }
        test_expect_staging_empty();
        versions_close(versions);
}
END_TEST

START_TEST(long_names) {
        Versions *versions;
        char name[NAME_MAX + 1], path[1024];

        ck_assert(test_store(NULL));
        versions = test_versions();
        memset(name, 'n', NAME_MAX);
        name[NAME_MAX] = '\0';

        for (int i = 0; i < 3; i++)
                test_keep_file(versions, name, AT, "file");
        (void) snprintf(path, sizeof(path), "%s/below", name);
        test_keep_file(versions, path, AT, "below");

        (void) snprintf(path, sizeof(path), AT_NAME "/%s", name);
        test_expect_content(path, "file");
        (void) snprintf(path, sizeof(path), AT_NAME "/%.240s.2", name);
        test_expect_content(path, "file");
        (void) snprintf(path, sizeof(path), AT_NAME "/%.240s.3/below", name);
        test_expect_content(path, "below");
        test_expect_staging_empty();

        (void) snprintf(path, sizeof(path), "%sn/below", name);
        test_stage_file("staged", "");
        ck_assert_int_eq(versions_keep(versions, test_staging_fd, "staged", path, AT),
                         -ENAMETOOLONG);
        ck_assert_int_eq(test_find(versions, path), VERSION_NONE);
        versions_close(versions);
}
END_TEST

/* N levels with names of LENGTH letters, and a file at the end. */
static char *deep_path(unsigned n, size_t length) {
        char *path = malloc(n * (length + 1) + sizeof("file")), *p = path;

        ck_assert_ptr_nonnull(path);
        for (unsigned i = 0; i < n; i++) {
                memset(p, 'a' + (int) i % 26, length);
                p[length] = '/';
                p += length + 1;
        }
        (void) strcpy(p, "file");
        return path;
}

static void check_deep(Versions *versions, unsigned n, size_t length) {
        char *path = deep_path(n, length), *below = malloc(strlen(path) + sizeof(AT_NAME "/"));

        ck_assert_ptr_nonnull(below);
        (void) sprintf(below, AT_NAME "/%s", path);

        test_keep_file(versions, path, AT, "deep");
        test_expect_content(below, "deep");
        ck_assert_int_eq(test_find(versions, path), VERSION_ENTRY);
        path[strlen(path) - 1] = 'f';
        test_keep_file(versions, path, AT, "beside");
        below[strlen(below) - 1] = 'f';
        test_expect_content(below, "beside");
        *strrchr(path, '/') = '\0';
        ck_assert_int_eq(test_find(versions, path), VERSION_FRAME);
        test_keep_directory(versions, path, LATER, "x");
        free(path);
        free(below);
}

START_TEST(deep_paths) {
        struct rlimit limit;
        Versions *versions;

        ck_assert(test_store(NULL));
        versions = test_versions();
        TEST_SYS(getrlimit(RLIMIT_NOFILE, &limit));
        limit.rlim_cur = 32;
        TEST_SYS(setrlimit(RLIMIT_NOFILE, &limit));

        check_deep(versions, 40, 255);
        check_deep(versions, 5000, 1);
        test_expect_staging_empty();
        versions_close(versions);
}
END_TEST

/* What cannot be kept stays where it was. */
START_TEST(failures_lose_nothing) {
        static const char *const bad[] = { "", ".", "..", "a/..", "../a", "a//b", "/a", "a/" };
        Versions *versions;

        ck_assert(test_store(NULL));
        versions = test_versions();
        ck_assert_int_eq(versions_keep(versions, test_staging_fd, "missing", "a/b", AT), -ENOENT);

        test_stage_file("staged", "x");
        for (size_t i = 0; i < ELEMENTSOF(bad); i++)
                ck_assert_msg(versions_keep(versions, test_staging_fd, "staged", bad[i], AT) ==
                                      -EINVAL,
                              "\"%s\" was taken", bad[i]);
        ck_assert_int_eq(versions_keep(versions, test_staging_fd, "../staging/staged", "a", AT),
                         -EINVAL);
        TEST_SYS(symlinkat("..", test_store_fd, "versions/" LATER_NAME));
        ck_assert_int_lt(versions_keep(versions, test_staging_fd, "staged", "a", LATER), 0);
        ck_assert_uint_eq(test_count_entries("staging"), 2);
        versions_close(versions);
}
END_TEST

START_TEST(failures_leave_no_litter) {
        Versions *versions;

        if (!test_store("ext4"))
                return;
        versions = test_versions();
        test_keep_file(versions, "d/file", AT, "x");
        if (!test_set_immutable("versions/" AT_NAME, true))
                return;
        test_stage_file("staged", "x");
        ck_assert_int_eq(versions_keep(versions, test_staging_fd, "staged", "e/file", AT), -EPERM);
        ck_assert_uint_eq(test_count_entries("staging"), 2);
        ck_assert(test_set_immutable("versions/" AT_NAME, false));
        TEST_OK(versions_keep(versions, test_staging_fd, "staged", "e/file", AT));
        test_expect_staging_empty();
        versions_close(versions);
}
END_TEST

/* What a crash left in the place where frames are made. */
START_TEST(left_by_a_crash) {
        Versions *versions;
        char name[32];

        ck_assert(test_store(NULL));
        (void) snprintf(name, sizeof(name), ".frame-%d", (int) gettid());
        TEST_SYS(mkdirat(test_staging_fd, name, 0700));
        versions = test_versions();
        test_keep_file(versions, "d/file", AT, "x");
        ck_assert_int_eq(test_find(versions, "d"), VERSION_FRAME);
        test_expect_staging_empty();
        versions_close(versions);
}
END_TEST

/* As where a file system or a kernel has no flags for renameat2(2). */
static void refuse_flags(void) {
        struct sock_filter filter[] = {
                BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
                BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_renameat2, 0, 3),
                BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, args[4])),
                BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, 0, 1, 0),
                BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EINVAL),
                BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
        };
        struct sock_fprog program = { .len = ELEMENTSOF(filter), .filter = filter };

        TEST_SYS(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0));
        TEST_SYS(prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program));
        ck_assert_int_lt(renameat2(test_fd, "a", test_fd, "b", RENAME_NOREPLACE), 0);
        ck_assert_int_eq(errno, EINVAL);
}

START_TEST(renames_without_flags) {
        Versions *versions;

        ck_assert(test_store(NULL));
        versions = test_versions();
        refuse_flags();
        test_keep_file(versions, "d/file", AT, "1");
        test_keep_file(versions, "d/file", AT, "2");
        test_keep_file(versions, "e/file", AT, "3");
        test_keep_directory(versions, "d", AT, "4");
        test_keep_directory(versions, "d", AT, "5");
        test_expect_content(AT_NAME "/d/inside", "4");
        test_expect_content(AT_NAME "/d.2/inside", "5");
        test_expect_content(AT_NAME "/d.1/file", "1");
        test_expect_content(AT_NAME "/d.1/file.1", "2");
        test_expect_content(AT_NAME "/e/file", "3");
        test_expect_staging_empty();
        versions_close(versions);
}
END_TEST

START_TEST(opening) {
        Versions *versions;
        usec_t *times;
        size_t n;

        ck_assert(test_store(NULL));
        ck_assert_int_eq(versions_open(test_store_fd, false, &versions), -ENOENT);

        TEST_SYS(symlinkat("staging", test_store_fd, "versions"));
        ck_assert_int_eq(versions_open(test_store_fd, true, &versions), -ELOOP);
        TEST_SYS(unlinkat(test_store_fd, "versions", 0));

        TEST_SYS(mkdirat(test_store_fd, "versions", 0777));
        versions = test_versions();
        ck_assert_uint_eq(test_status("").st_mode & 07777, 0700);
        versions_close(versions);

        if (geteuid() == 0) {
                TEST_SYS(fchownat(test_store_fd, "versions", 65534, 65534, 0));
                ck_assert_int_eq(versions_open(test_store_fd, true, &versions), -EPERM);
        }

        TEST_OK(versions_open(test_store_fd, false, &versions));
        TEST_SYS(unlinkat(test_store_fd, "versions", AT_REMOVEDIR));
        TEST_OK(versions_list(versions, &times, &n));
        ck_assert_uint_eq(n, 0);
        free(times);
        ck_assert_int_eq(test_find(versions, "a"), VERSION_NONE);
        ck_assert_int_eq(versions_oldest(versions, &(usec_t) { 0 }), -ENOENT);
        ck_assert_int_eq(versions_drop_oldest(versions, 1, NULL), 0);
        versions_close(versions);
        ck_assert_ptr_null(versions_close(NULL));
}
END_TEST

START_TEST(list_knows_its_own) {
        static const char *const others[] = { "2026-02-30T06:25:38.123Z", "lost+found", "a",
                                              "2026-11-21T06:25:38.123Z.1" };
        enum { N_TIMES = 1500 };
        Versions *versions;
        usec_t *times;
        size_t n;

        ck_assert(test_store(NULL));
        versions = test_versions();
        for (size_t i = 0; i < ELEMENTSOF(others); i++)
                TEST_SYS(mkdir(test_versions_path(others[i]), 0700));
        (void) close(test_file(test_store_fd, "versions/2001-02-03T04:05:06.007Z", "", 0));
        for (unsigned i = 0; i < N_TIMES; i++)
                test_keep_file(versions, "f", AT + i * 7919 % N_TIMES * USEC_PER_MINUTE, "");

        TEST_OK(versions_list(versions, &times, &n));
        ck_assert_uint_eq(n, N_TIMES);
        for (unsigned i = 0; i < N_TIMES; i++)
                ck_assert_uint_eq(times[i], AT / 1000 * 1000 + i * USEC_PER_MINUTE);
        free(times);
        versions_close(versions);
}
END_TEST

/* An administrator removes all, or puts it away: what is kept then goes to the usual place. */
START_TEST(put_away) {
        Versions *versions;

        ck_assert(test_store(NULL));
        versions = test_versions();
        test_keep_file(versions, "d/1", AT, "1");
        TEST_OK(remove_tree(test_store_fd, "versions", NULL));
        test_keep_file(versions, "d/2", AT, "2");
        test_expect_content(AT_NAME "/d/2", "2");

        TEST_SYS(renameat(test_store_fd, "versions", test_store_fd, "saved"));
        ck_assert_int_eq(versions_oldest(versions, &(usec_t) { 0 }), -ENOENT);
        ck_assert_int_eq(versions_drop_oldest(versions, 100, NULL), 0);
        test_keep_file(versions, "d/3", AT, "3");
        test_expect_content(AT_NAME "/d/3", "3");
        ck_assert_uint_eq(test_count_entries("saved"), 4);

        /* Somebody else makes the new one. */
        TEST_SYS(renameat(test_store_fd, "versions", test_store_fd, "saved-too"));
        TEST_SYS(mkdirat(test_store_fd, "versions", 0700));
        test_keep_file(versions, "d/4", LATER, "4");
        test_expect_content(LATER_NAME "/d/4", "4");
        ck_assert_uint_eq(test_count_entries("saved-too"), 4);
        versions_close(versions);
}
END_TEST

static void keep_as_nobody(void) {
        Versions *versions = test_versions();

        test_stage_directory("staged", "x");
        TEST_SYS(fchmodat(test_staging_fd, "staged", 01000, 0));
        TEST_OK(versions_keep(versions, test_staging_fd, "staged", "a/closed", AT));
        ck_assert_uint_eq(test_status(AT_NAME "/a/closed").st_mode, S_IFDIR | 01000);
        test_keep_file(versions, "a/closed/below", AT, "below");
        test_expect_content(AT_NAME "/a/closed.1/below", "below");
        TEST_EXPECT_KINDS(versions, VERSION_ENTRY, "a/closed");
        TEST_EXPECT_KINDS(versions, VERSION_FRAME, "a", "a/closed.1");
        test_expect_staging_empty();
        for (unsigned i = 0; versions_drop_oldest(versions, 2, NULL) == 1; i++)
                ck_assert_uint_lt(i, 10);
        ck_assert_uint_eq(test_count_entries("versions"), 1);
        versions_close(versions);
}

START_TEST(without_rights) {
        ck_assert(test_store(NULL));
        if (geteuid() == 0) {
                TEST_SYS(fchown(test_store_fd, 65534, 65534));
                TEST_SYS(fchown(test_staging_fd, 65534, 65534));
        }
        test_as_nobody(keep_as_nobody);
}
END_TEST

int main(void) {
        TCase *tcase;
        Suite *suite = test_fs_suite("versions", &tcase);

        tcase_add_loop_test(tcase, on_file_systems, 0, N_TEST_FILE_SYSTEMS);
        tcase_add_loop_test(tcase, twins, 0, N_TEST_FILE_SYSTEMS);
        tcase_add_test(tcase, long_names);
        tcase_add_test(tcase, deep_paths);
        tcase_add_test(tcase, failures_lose_nothing);
        tcase_add_test(tcase, failures_leave_no_litter);
        tcase_add_test(tcase, left_by_a_crash);
        tcase_add_test(tcase, renames_without_flags);
        tcase_add_test(tcase, opening);
        tcase_add_test(tcase, list_knows_its_own);
        tcase_add_test(tcase, put_away);
        tcase_add_test(tcase, without_rights);
        return test_fs_run(suite);
}
