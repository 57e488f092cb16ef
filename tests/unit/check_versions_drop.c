/* Dropping versions, the oldest first, and measuring them. */

#include <fcntl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "fs/confined.h"
#include "test-versions.h"

#define DROPPED ".dropping-" AT_NAME

static usec_t time_of(unsigned i) {
        return AT / 1000 * 1000 + i * USEC_PER_SEC;
}

static void expect_oldest(Versions *versions, usec_t at) {
        usec_t oldest;

        TEST_OK(versions_oldest(versions, &oldest));
        ck_assert_uint_eq(oldest, at);
}

static void expect_none(Versions *versions) {
        ck_assert_int_eq(versions_oldest(versions, &(usec_t) { 0 }), -ENOENT);
        ck_assert_int_eq(versions_drop_oldest(versions, 10, NULL), 0);
}

static uint64_t measured(Versions *versions) {
        uint64_t n = 0;

        TEST_OK(versions_measure(versions, &n));
        return n;
}

/* Drops all in steps of LIMIT, each of which must do something. Returns the bytes. */
static uint64_t drop_all(Versions *versions, uint64_t limit) {
        unsigned n = test_count_entries("versions");
        uint64_t n_bytes = 0;

        while (TEST_OK(versions_drop_oldest(versions, limit, &n_bytes)) == 1) {
                unsigned n_left = test_count_entries("versions");

                ck_assert_uint_le(n_left, n);
                ck_assert_uint_le(n - n_left, limit);
                n = n_left;
        }
        ck_assert_uint_eq(n, 1);
        return n_bytes;
}

/* Some of everything: several times, kinds, sizes and depths. */
static void keep_a_lot(Versions *versions) {
        static const char text[100000];

        for (unsigned i = 0; i < 6; i++) {
                test_keep_file(versions, "a/b/c/file", time_of(i), "1");
                test_keep_directory(versions, "a/b/directory", time_of(i), "2");
                (void) close(test_file(test_staging_fd, "large", text, i * 20000));
                TEST_OK(versions_keep(versions, test_staging_fd, "large", "large", time_of(i)));
                TEST_SYS(symlinkat("/", test_staging_fd, "link"));
                TEST_OK(versions_keep(versions, test_staging_fd, "link", "a/link", time_of(i)));
                TEST_SYS(mkfifoat(test_staging_fd, "fifo", 0600));
                TEST_OK(versions_keep(versions, test_staging_fd, "fifo", "a/fifo", time_of(i)));
        }
}

START_TEST(on_file_systems) {
        Versions *versions;
        uint64_t n_bytes;
        struct stat st;

        if (!test_store(test_file_systems[_i]))
                return;
        versions = test_versions();
        expect_none(versions);
        ck_assert_uint_eq(measured(versions), 0);

        keep_a_lot(versions);
        /* What is not allocated yet is not counted. */
        TEST_SYS(syncfs(test_store_fd));
        n_bytes = measured(versions);
        TEST_SYS(fstatat(test_store_fd, "versions", &st, 0));
        ck_assert_uint_eq(n_bytes + (uint64_t) st.st_blocks * 512,
                          test_allocated_bytes("versions"));
        ck_assert_uint_ge(n_bytes, 300000);
        ck_assert_uint_eq(drop_all(versions, 1 + 3 * (unsigned) _i), n_bytes);
        expect_none(versions);
        test_expect_staging_empty();
        versions_close(versions);
}
END_TEST

START_TEST(oldest_first) {
        enum { N_TIMES = 1300 };
        Versions *versions;

        ck_assert(test_store(NULL));
        versions = test_versions();
        for (unsigned i = 0; i < N_TIMES; i++)
                test_keep_file(versions, "f", time_of(i * 7919 % N_TIMES), "");
        TEST_SYS(mkdirat(test_store_fd, "versions/of-somebody", 0700));
        TEST_SYS(mkdirat(test_store_fd, "versions/2001-02-30T00:00:00.000Z", 0700));
        TEST_SYS(symlinkat("..", test_store_fd, "versions/2001-02-03T00:00:00.000Z"));

        for (unsigned i = 0; i < N_TIMES; i++) {
                expect_oldest(versions, time_of(i));
                expect_oldest(versions, time_of(i));
                ck_assert_int_eq(versions_drop_oldest(versions, 1, NULL), 1);
                expect_oldest(versions, time_of(i));
                ck_assert_int_eq(versions_drop_oldest(versions, 1000, NULL), 1);
        }
        expect_none(versions);
        ck_assert_uint_eq(test_count_entries("versions"), 4);

        /* And what comes then. */
        test_keep_file(versions, "f", time_of(5), "");
        expect_oldest(versions, time_of(5));
        versions_close(versions);
}
END_TEST

/* Many entries in one directory that was retired as a whole, and many times beside it. */
START_TEST(huge_directory) {
        enum { N_FILES = 10000, LIMIT = 700 };
        unsigned n_steps = 0, n_entries;
        Versions *versions;
        char name[32];
        int fd;

        if (!test_store(test_file_systems[_i]))
                return;
        versions = test_versions();
        test_stage_directory("huge", "");
        fd = TEST_OK(confined_open_child(test_staging_fd, "huge", O_RDONLY | O_DIRECTORY));
        for (unsigned i = 0; i < N_FILES; i++) {
                (void) snprintf(name, sizeof(name), "%u", i);
                (void) close(test_file(fd, name, NULL, 0));
        }
        (void) close(fd);
        TEST_OK(versions_keep(versions, test_staging_fd, "huge", "a/huge", time_of(1)));
        test_keep_file(versions, "a/huge", time_of(2), "");

        n_entries = test_count_entries("versions") - 4; /* versions/ and the second time */
        while (n_entries > 0) {
                unsigned n_left;

                expect_oldest(versions, time_of(1));
                ck_assert_int_eq(versions_drop_oldest(versions, LIMIT, NULL), 1);
                n_left = test_count_entries("versions") - 4;
                ck_assert_uint_eq(n_entries - n_left, n_entries < LIMIT ? n_entries : LIMIT);
                n_entries = n_left;
                n_steps++;
        }
        ck_assert_uint_eq(n_steps, (N_FILES + 4 + LIMIT - 1) / LIMIT);
        expect_oldest(versions, time_of(2));
        versions_close(versions);
}
END_TEST

static size_t n_listed(Versions *versions) {
        usec_t *times;
        size_t n;

        TEST_OK(versions_list(versions, &times, &n));
        free(times);
        return n;
}

/* Nobody is shown a time of which something is gone already; it goes on with the next step, also of
 * another process. */
START_TEST(half_a_time_is_none) {
        Versions *versions;
        uint64_t n_bytes = 0, n_before;

        ck_assert(test_store(NULL));
        versions = test_versions();
        for (unsigned i = 0; i < 3; i++) {
                test_keep_directory(versions, "a/d", time_of(i), "x");
                test_keep_file(versions, "a/f", time_of(i), "x");
        }
        TEST_SYS(mkdirat(test_store_fd, "versions/.dropping-x", 0700));
        n_before = measured(versions);

        ck_assert_int_eq(versions_drop_oldest(versions, 1, &n_bytes), 1);
        ck_assert_uint_eq(test_count_entries("versions/" DROPPED), 4);
        ck_assert_uint_eq(measured(versions), n_before - n_bytes);
        ck_assert_uint_eq(n_listed(versions), 2);
        ck_assert_int_eq(versions_find(versions, time_of(0), "a", NULL), VERSION_NONE);
        ck_assert_int_eq(versions_find(versions, time_of(1), "a", NULL), VERSION_FRAME);
        expect_oldest(versions, time_of(0));
        versions_close(versions);

        /* What is kept at that time even now goes with it or after it. */
        versions = test_versions();
        test_keep_directory(versions, "a/d", time_of(0), "x");
        ck_assert_uint_eq(n_listed(versions), 3);
        ck_assert_uint_gt(measured(versions), 0);
        for (unsigned i = 0; i < 4 + 4; i++) {
                expect_oldest(versions, time_of(0));
                ck_assert_int_eq(versions_drop_oldest(versions, 1, NULL), 1);
        }
        expect_oldest(versions, time_of(1));
        while (versions_drop_oldest(versions, 100, NULL) == 1)
                ;
        expect_none(versions);
        ck_assert_uint_eq(test_count_entries("versions"), 2);
        versions_close(versions);
}
END_TEST

/* A directory of DEPTH levels, each with a file of 4 KiB. */
static void stage_chain(unsigned depth) {
        static const char page[4096] = "x";
        int fd = dup(test_staging_fd);

        for (unsigned i = 0; i < depth; i++) {
                int child;

                TEST_SYS(mkdirat(fd, "d", 0700));
                child = TEST_OK(confined_open_child(fd, "d", O_RDONLY | O_DIRECTORY));
                (void) close(fd);
                fd = child;
                (void) close(test_file(fd, "a", page, sizeof(page)));
                (void) close(test_file(fd, "z", page, sizeof(page)));
        }
        (void) close(fd);
}

START_TEST(deep_directory) {
        enum { DEPTH = 5000 };
        uint64_t n_bytes = 0, n_all;
        struct rlimit limit;
        Versions *versions;
        unsigned n = 0;

        ck_assert(test_store(NULL));
        versions = test_versions();
        TEST_SYS(getrlimit(RLIMIT_NOFILE, &limit));
        limit.rlim_cur = 64;
        TEST_SYS(setrlimit(RLIMIT_NOFILE, &limit));

        stage_chain(DEPTH);
        TEST_OK(versions_keep(versions, test_staging_fd, "d", "a/d", time_of(0)));
        n_all = measured(versions);
        ck_assert_uint_eq(n_all, (uint64_t) DEPTH * 2 * 4096);
        while (TEST_OK(versions_drop_oldest(versions, 100, &n_bytes)) == 1)
                ck_assert_uint_lt(n++, DEPTH * 4 / 100);
        ck_assert_uint_eq(n_bytes, n_all);
        expect_none(versions);
        versions_close(versions);
}
END_TEST

/* Names of files that are in the replica still, and of one another. */
START_TEST(hard_links) {
        static const char page[4096] = "live";
        uint64_t n_bytes = 0, n_before;
        Versions *versions;

        ck_assert(test_store(NULL));
        versions = test_versions();
        test_keep_file(versions, "d/f", time_of(0), "x");
        n_before = measured(versions);
        (void) close(test_file(test_fd, "live", page, sizeof(page)));
        (void) close(test_file(test_staging_fd, "two", page, sizeof(page)));
        for (unsigned i = 0; i < 3; i++) {
                TEST_SYS(linkat(test_fd, "live", test_staging_fd, "1", 0));
                TEST_OK(versions_keep(versions, test_staging_fd, "1", "live", time_of(i)));
        }
        TEST_SYS(linkat(test_staging_fd, "two", test_staging_fd, "1", 0));
        TEST_OK(versions_keep(versions, test_staging_fd, "1", "two", time_of(1)));
        TEST_OK(versions_keep(versions, test_staging_fd, "two", "two", time_of(2)));
        ck_assert_uint_eq(measured(versions), n_before);

        while (versions_drop_oldest(versions, 1, &n_bytes) == 1)
                ;
        ck_assert_uint_eq(n_bytes, n_before + sizeof(page));
        TEST_SYS(faccessat(test_fd, "live", R_OK, 0));
        versions_close(versions);
}
END_TEST

START_TEST(unremovable) {
        uint64_t n_bytes = 0;
        Versions *versions;
        unsigned n_left;

        if (!test_store("ext4"))
                return;
        versions = test_versions();
        for (unsigned i = 0; i < 4; i++) {
                test_keep_file(versions, "a/b/fixed", time_of(i), "x");
                test_keep_directory(versions, "a/c", time_of(i), "x");
        }
        if (!test_set_immutable("versions/" AT_NAME "/a/b/fixed", true))
                return;

        /* The rest of its time goes, and the others after it. */
        for (n_left = test_count_entries("versions/" AT_NAME); n_left > 4; n_left--) {
                expect_oldest(versions, time_of(0));
                ck_assert_int_eq(versions_drop_oldest(versions, 1, &n_bytes), 1);
                ck_assert_uint_eq(test_count_entries("versions/" DROPPED), n_left - 1);
        }
        ck_assert_int_eq(versions_drop_oldest(versions, 1, &n_bytes), 1);
        expect_oldest(versions, time_of(1));
        for (unsigned i = 0; versions_drop_oldest(versions, 2, &n_bytes) == 1; i++)
                ck_assert_uint_lt(i, 20);
        ck_assert_uint_gt(n_bytes, 0);
        ck_assert_uint_eq(test_count_entries("versions"), 5);
        for (unsigned i = 0; i < 3; i++) {
                ck_assert_int_eq(versions_drop_oldest(versions, 1, NULL), -EPERM);
                ck_assert_int_eq(versions_oldest(versions, &(usec_t) { 0 }), -ENOENT);
        }
        test_keep_file(versions, "a", time_of(9), "x");
        expect_oldest(versions, time_of(9));
        ck_assert_int_eq(versions_drop_oldest(versions, 10, NULL), 1);
        ck_assert_int_eq(versions_drop_oldest(versions, 10, NULL), -EPERM);
        versions_close(versions);

        versions = test_versions();
        expect_oldest(versions, time_of(0));
        ck_assert(test_set_immutable("versions/" DROPPED "/a/b/fixed", false));
        ck_assert_int_eq(versions_drop_oldest(versions, 10, NULL), 1);
        expect_none(versions);
        versions_close(versions);
}
END_TEST

START_TEST(mounted_over) {
        Versions *versions;
        char path[256];
        uint64_t n;

        ck_assert(test_store(NULL));
        versions = test_versions();
        test_keep_directory(versions, "a/d", time_of(0), "x");
        test_keep_directory(versions, "b", time_of(0), "x");
        test_keep_directory(versions, "b", time_of(1), "x");
        n = measured(versions);
        (void) snprintf(path, sizeof(path), "%s/store/versions/" AT_NAME "/a/d", test_path);
        if (geteuid() != 0 || mount("over", path, "tmpfs", 0, NULL) < 0) {
                test_skip("a tmpfs cannot be mounted here");
                return;
        }
        (void) close(test_file(test_store_fd, "versions/" AT_NAME "/a/d/precious", "y", 1));
        ck_assert_uint_lt(measured(versions), n);

        while (versions_drop_oldest(versions, 2, NULL) == 1)
                ;
        ck_assert_int_eq(versions_drop_oldest(versions, 2, NULL), -EBUSY);
        test_expect_content(DROPPED "/a/d/precious", "y");
        ck_assert_uint_eq(test_count_entries("versions"), 5);
        (void) snprintf(path, sizeof(path), "%s/store/versions/" DROPPED "/a/d", test_path);
        TEST_SYS(umount(path));
        versions_close(versions);
}
END_TEST

/* Two threads: one drops whatever there is, and one keeps, also at the oldest time, and drops a
 * little. */
enum { N_STEPS_MIN = 500 };

typedef struct Race {
        atomic_bool stop;
        atomic_uint n_steps;
        int r;
} Race;

static void *drop_main(void *userdata) {
        Race *race = userdata;
        Versions *versions;

        race->r = versions_open(test_store_fd, false, &versions);
        if (race->r < 0)
                return NULL;
        while (race->r >= 0 && !atomic_load(&race->stop)) {
                race->r = versions_drop_oldest(versions, 3, NULL);
                if (race->r != 0)
                        atomic_fetch_add(&race->n_steps, 1);
        }
        /* Whatever ended it: nobody needs to wait for more. */
        atomic_fetch_add(&race->n_steps, N_STEPS_MIN);
        versions_close(versions);
        return NULL;
}

START_TEST(dropped_while_keeping) {
        enum { N = 6000 };
        Versions *versions;
        Race race = {};
        pthread_t thread;

        if (!test_store(test_file_systems[_i]))
                return;
        versions = test_versions();
        ck_assert_int_eq(pthread_create(&thread, NULL, drop_main, &race), 0);
        for (unsigned i = 0; i < N || atomic_load(&race.n_steps) < N_STEPS_MIN; i++) {
                char path[64];

                (void) snprintf(path, sizeof(path), "a/%u/%u/file", i / 100 % 2, i / 10 % 5);
                test_stage_file("staged", "x");
                TEST_OK(versions_keep(versions, test_staging_fd, "staged", path,
                                      time_of(i / 2000)));
                if (i % 5 == 0)
                        TEST_OK(versions_drop_oldest(versions, 2, NULL));
        }
        atomic_store(&race.stop, true);
        ck_assert_int_eq(pthread_join(thread, NULL), 0);
        TEST_OK(race.r);
        test_expect_staging_empty();

        while (TEST_OK(versions_drop_oldest(versions, 1000, NULL)) == 1)
                ;
        expect_none(versions);
        versions_close(versions);
}
END_TEST

START_TEST(measuring_is_cancelled) {
        uint64_t n = 42;
        Versions *versions;

        ck_assert(test_store(NULL));
        versions = test_versions();
        test_keep_directory(versions, "d", time_of(0), "x");
        versions_cancel(versions);
        ck_assert_int_eq(versions_measure(versions, &n), -ECANCELED);
        ck_assert_uint_eq(n, 42);
        ck_assert_int_eq(versions_drop_oldest(versions, 10, NULL), 1);
        versions_close(versions);
}
END_TEST

int main(void) {
        TCase *tcase;
        Suite *suite = test_fs_suite("versions-drop", &tcase);

        tcase_add_loop_test(tcase, on_file_systems, 0, N_TEST_FILE_SYSTEMS);
        tcase_add_test(tcase, oldest_first);
        tcase_add_loop_test(tcase, huge_directory, 0, N_TEST_FILE_SYSTEMS - 1);
        tcase_add_test(tcase, half_a_time_is_none);
        tcase_add_test(tcase, deep_directory);
        tcase_add_test(tcase, hard_links);
        tcase_add_test(tcase, unremovable);
        tcase_add_test(tcase, mounted_over);
        tcase_add_loop_test(tcase, dropped_while_keeping, 0, N_TEST_FILE_SYSTEMS - 1);
        tcase_add_test(tcase, measuring_is_cancelled);
        return test_fs_run(suite);
}
