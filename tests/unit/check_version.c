/* Keeping what was displaced under versions/. */

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "fs/confined.h"
#include "sync/version.h"
#include "test-pair.h"

/* 2026-11-21T06:25:38.123456Z */
#define AT UINT64_C(1795242338123456)
#define AT_NAME "2026-11-21T06:25:38.123Z"

static Store store;

static void setup(void) {
        test_mkdir("store");
        test_mkdir("store/staging");
        store.fd = TEST_SYS(open(test_name("store"), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
        store.staging_fd = TEST_SYS(
                openat(store.fd, "staging", O_RDONLY | O_DIRECTORY | O_CLOEXEC));
        /* As in a process with an engine. */
        (void) umask(0);
}

static void teardown(void) {
        (void) close(store.staging_fd);
        (void) close(store.fd);
}

static void stage(const char *name) {
        (void) close(test_file(store.staging_fd, name, name, strlen(name)));
}

static void expect_content(const char *path, const char *text) {
        char buffer[64] = {};
        int fd = TEST_OK(confined_open(store.fd, path, O_RDONLY));

        ck_assert_int_eq(TEST_SYS(read(fd, buffer, sizeof buffer - 1)), (ssize_t) strlen(text));
        ck_assert_str_eq(buffer, text);
        (void) close(fd);
}

static void expect_staging_empty(void) {
        ck_assert_int_eq(unlinkat(store.fd, "staging", AT_REMOVEDIR), 0);
}

static void expect_private(const char *path) {
        struct stat st;

        TEST_SYS(fstatat(store.fd, path, &st, AT_SYMLINK_NOFOLLOW));
        ck_assert_uint_eq(st.st_mode, S_IFDIR | 0700);
}

START_TEST(path_is_made) {
        struct stat st;

        stage("1");
        TEST_SYS(fchmodat(store.staging_fd, "1", 04640, 0));
        TEST_OK(version_keep(&store, "1", "a/b/c.txt", AT));
        expect_content("versions/" AT_NAME "/a/b/c.txt", "1");
        expect_private("versions");
        expect_private("versions/" AT_NAME);
        expect_private("versions/" AT_NAME "/a");
        expect_private("versions/" AT_NAME "/a/b");
        /* What is kept keeps its mode. */
        TEST_SYS(fstatat(store.fd, "versions/" AT_NAME "/a/b/c.txt", &st, 0));
        ck_assert_uint_eq(st.st_mode & 07777, 04640);

        stage("2");
        TEST_OK(version_keep(&store, "2", "a/b/d", AT + USEC_PER_MSEC));
        expect_content("versions/2026-11-21T06:25:38.124Z/a/b/d", "2");
        stage("3");
        TEST_OK(version_keep(&store, "3", "top", 0));
        expect_content("versions/1970-01-01T00:00:00.000Z/top", "3");
        expect_staging_empty();
}
END_TEST

START_TEST(twins) {
        char name[16], path[128];

        for (int i = 0; i < 12; i++) {
                (void) snprintf(name, sizeof name, "%d", i);
                stage(name);
                TEST_OK(version_keep(&store, name, "d/f", AT));
                (void) snprintf(path, sizeof path, "versions/" AT_NAME "/d/f%s%s", i ? "." : "",
                                i ? name : "");
                expect_content(path, name);
        }
        expect_staging_empty();
}
END_TEST

START_TEST(directories_are_kept_whole) {
        TEST_SYS(mkdirat(store.staging_fd, "1", 0755));
        (void) close(test_file(store.staging_fd, "1/inside", "x", 1));
        TEST_OK(version_keep(&store, "1", "d", AT));
        TEST_SYS(mkdirat(store.staging_fd, "2", 0755));
        (void) close(test_file(store.staging_fd, "2/inside", "y", 1));
        TEST_OK(version_keep(&store, "2", "d", AT));
        expect_content("versions/" AT_NAME "/d/inside", "x");
        expect_content("versions/" AT_NAME "/d.1/inside", "y");
        expect_staging_empty();
}
END_TEST

START_TEST(other_types_are_kept) {
        char target[64];

        TEST_SYS(symlinkat("nowhere", store.staging_fd, "1"));
        TEST_SYS(mkfifoat(store.staging_fd, "2", 0600));
        TEST_OK(version_keep(&store, "1", "link", AT));
        TEST_OK(version_keep(&store, "2", "fifo", AT));
        ck_assert_int_eq(readlinkat(store.fd, "versions/" AT_NAME "/link", target, sizeof target),
                         7);
        expect_staging_empty();
}
END_TEST

START_TEST(long_names) {
        char name[256], path[512];

        memset(name, 'n', 255);
        name[255] = '\0';
        for (int i = 0; i < 3; i++) {
                stage("1");
                TEST_OK(version_keep(&store, "1", name, AT));
        }
        (void) snprintf(path, sizeof path, "versions/" AT_NAME "/%s", name);
        expect_content(path, "1");
        (void) snprintf(path, sizeof path, "versions/" AT_NAME "/%.240s.2", name);
        expect_content(path, "1");
        expect_staging_empty();
}
END_TEST

/* 40 levels of 255 bytes are more than PATH_MAX. */
START_TEST(deep_paths) {
        enum { LEVELS = 40 };
        char path[LEVELS * 256 + 64];
        size_t n = 0;

        n += (size_t) sprintf(path, "versions/" AT_NAME);
        for (int i = 0; i < LEVELS; i++) {
                path[n++] = '/';
                memset(path + n, 'a' + i % 26, 255);
                n += 255;
        }
        path[n] = '\0';
        stage("1");
        TEST_OK(version_keep(&store, "1", path + strlen("versions/" AT_NAME "/"), AT));
        expect_content(path, "1");
        expect_staging_empty();
}
END_TEST

START_TEST(thousand_levels) {
        enum { LEVELS = 1000 };
        char path[2 * LEVELS + 64];
        size_t n = (size_t) sprintf(path, "versions/" AT_NAME);

        for (int i = 0; i < LEVELS; i++)
                n += (size_t) sprintf(path + n, "/%c", 'a' + i % 26);
        stage("1");
        TEST_OK(version_keep(&store, "1", path + strlen("versions/" AT_NAME "/"), AT));
        expect_content(path, "1");
        expect_staging_empty();
}
END_TEST

/* What cannot be kept stays where it was. */
START_TEST(failures_lose_nothing) {
        ck_assert_int_eq(version_keep(&store, "missing", "a/b", AT), -ENOENT);
        stage("1");
        stage("2");
        TEST_OK(version_keep(&store, "1", "file", AT));
        ck_assert_int_lt(version_keep(&store, "2", "file/below", AT), 0);
        expect_content("staging/2", "2");
}
END_TEST

/* A symbolic link in the place of a directory is not followed. */
START_TEST(links_are_not_followed) {
        test_mkdir("elsewhere");
        TEST_SYS(symlinkat("../elsewhere", store.fd, "versions"));
        stage("1");
        ck_assert_int_lt(version_keep(&store, "1", "f", AT), 0);
        expect_content("staging/1", "1");
        TEST_SYS(unlinkat(test_fd, "elsewhere", AT_REMOVEDIR));
}
END_TEST

int main(void) {
        TCase *tcase;
        Suite *suite = test_pair_suite("version", &tcase);

        tcase_add_checked_fixture(tcase, setup, teardown);
        tcase_add_test(tcase, path_is_made);
        tcase_add_test(tcase, twins);
        tcase_add_test(tcase, directories_are_kept_whole);
        tcase_add_test(tcase, other_types_are_kept);
        tcase_add_test(tcase, long_names);
        tcase_add_test(tcase, deep_paths);
        tcase_add_test(tcase, thousand_levels);
        tcase_add_test(tcase, failures_lose_nothing);
        tcase_add_test(tcase, links_are_not_followed);
        return test_fs_run(suite);
}
