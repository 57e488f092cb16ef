/* What leaves the replica is a version from then on, whole, with its metadata, under the path it
 * had; what only moved is none. */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <syslog.h>

#include "test-engine.h"

#define VERSIONS ".r.rebackup/versions"

static const char *const keep_all[] = { "Versions.Keep=30d", "Versions.MinInterval=0", NULL };

static unsigned long n_kept(void) {
        return test.result.counters.operations[OPERATION_VERSION];
}

/* The paths of all versions, without their times. */
static const char *kept_paths(void) {
        return test_output("find " VERSIONS " -mindepth 2 ! -type d -printf '%%P\\n' 2>/dev/null | "
                           "sed 's,^[^/]*/,,' | sort | tr '\\n' ' '");
}

START_TEST(replaced_and_removed) {
        test_run("mkdir -p s/d/e && echo 1 >s/1 && echo 2 >s/d/2 && echo 3 >s/d/e/3 && "
                 "ln -s x s/link && chmod 0640 s/1 && touch -d 2001-02-03 s/1");
        test_open(keep_all, 0);
        (void) test_full();
        ck_assert(!test_exists(VERSIONS));

        test_run("echo changed >s/1 && rm s/d/2 && ln -sfn y s/link");
        (void) test_full();
        ck_assert_uint_eq(n_kept(), 3);
        test_expect_in_step();
        ck_assert_str_eq(kept_paths(), "1 d/2 link ");
        ck_assert_str_eq(test_output("cat " VERSIONS "/*/1"), "1");
        ck_assert_str_eq(test_output("stat -c '%%a %%Y' " VERSIONS "/*/1"), "640 981158400");
        ck_assert_str_eq(test_output("readlink " VERSIONS "/*/link"), "x");
        ck_assert_str_eq(test_output("stat -c %%a " VERSIONS), "700");

        /* A directory goes as a whole, with one rename. */
        uint64_t inode = test_inode("r/d");
        test_run("rm -r s/d");
        (void) test_full();
        ck_assert_uint_eq(n_kept(), 1);
        ck_assert_str_eq(test_output("cat " VERSIONS "/*/d/e/3"), "3");
        ck_assert_uint_eq(
                strtoull(test_output("stat -c %%i " VERSIONS "/*/d/e/.. | tail -n 1"), NULL, 10),
                inode);
        test_expect_in_step();
        test_expect_no_orphans();
        ck_assert_uint_eq(test_n_staged(), 0);
}
END_TEST

START_TEST(replaced_types) {
        test_run("mkdir s/d s/x && echo in >s/d/in && echo f >s/f");
        test_open(keep_all, 0);
        (void) test_full();
        test_run("rm -r s/d && echo file >s/d && rm s/f && mkdir s/f && echo deep >s/f/deep");
        (void) test_full();
        test_expect_in_step();
        ck_assert_str_eq(kept_paths(), "d/in f ");
        ck_assert_uint_eq(test_n_staged(), 0);
}
END_TEST

/* Names change, content stays: nothing is a version. */
START_TEST(moved) {
        test_run("mkdir -p s/a/b s/c && echo 1 >s/a/b/1 && echo 2 >s/2 && ln s/2 s/two && "
                 "mkdir s/x s/y && echo x >s/x/x && echo y >s/y/y");
        test_open(keep_all, 0);
        (void) test_full();
        test_run("mv s/a s/c/a && mv s/2 s/c/2 && mv s/x s/z && mv s/y s/x && mv s/z s/y");
        (void) test_full();
        ck_assert_uint_eq(n_kept(), 0);
        ck_assert_str_eq(kept_paths(), "");
        test_expect_in_step();
        ck_assert_uint_eq(test_n_staged(), 0);
}
END_TEST

/* Moved and then removed, and all names of a group at once: the content is still somewhere. */
START_TEST(all_names_gone) {
        test_run("echo 1 >s/1 && echo 2 >s/2 && ln s/2 s/two && ln s/2 s/zwei");
        test_open(keep_all, 0);
        (void) test_full();
        test_run("mv s/1 s/one");
        (void) test_dirty("", "one");
        test_run("rm s/one s/2 s/two s/zwei");
        (void) test_full();
        test_expect_in_step();
        ck_assert_str_eq(test_output("cat " VERSIONS "/*/* | sort -u | tr '\\n' ' '"), "1 2 ");
        ck_assert_uint_eq(test_n_staged(), 0);
}
END_TEST

/* Moved over something: that is one. */
START_TEST(moved_over) {
        test_run("mkdir s/a s/b && echo a >s/a/a && echo b >s/b/b && echo 1 >s/1 && echo 2 >s/2");
        test_open(keep_all, 0);
        (void) test_full();
        test_run("rm -r s/b && mv s/a s/b && mv s/1 s/2");
        (void) test_full();
        test_expect_in_step();
        ck_assert_str_eq(kept_paths(), "2 b/b ");
        ck_assert_str_eq(test_output("cat " VERSIONS "/*/2"), "2");
        ck_assert_uint_eq(test_n_staged(), 0);
}
END_TEST

START_TEST(a_change_through_one_of_many_names) {
        test_run("echo old >s/a && ln s/a s/b && ln s/a s/c");
        test_open(keep_all, 0);
        (void) test_full();
        test_run("echo new >s/b && rm s/c");
        (void) test_full();
        test_expect_in_step();
        ck_assert_str_eq(test_output("cat " VERSIONS "/*/* | sort -u"), "old");
        ck_assert_str_eq(kept_paths(), "a b c ");
}
END_TEST

/* Of a path that keeps changing the first content of the interval is kept, whatever happens to the
 * others. */
START_TEST(least_interval) {
        static const char *const settings[] = { "Versions.Keep=30d", "Versions.MinInterval=1h",
                                                NULL };

        test_run("echo 0 >s/often && echo 0 >s/once");
        test_open(settings, 0);
        (void) test_full();
        for (int i = 1; i < 5; i++) {
                test_run("echo %d >s/often", i);
                (void) test_full();
                ck_assert_uint_eq(n_kept(), i == 1);
        }
        test_run("echo 1 >s/once");
        (void) test_full();
        ck_assert_str_eq(kept_paths(), "often once ");
        ck_assert_str_eq(test_output("cat " VERSIONS "/*/often"), "0");
        ck_assert_uint_eq(test_n_staged(), 0);
        test_expect_in_step();
}
END_TEST

START_TEST(none) {
        test_run("mkdir s/d && echo 1 >s/d/1 && echo 2 >s/2");
        test_open(NULL, 0);
        (void) test_full();
        test_run("rm -r s/d && echo more >>s/2");
        (void) test_full();
        ck_assert_uint_eq(n_kept(), 0);
        ck_assert(!test_exists(VERSIONS));
        test_expect_in_step();
}
END_TEST

/* The oldest go when all together are too large: soon, but not at once. */
START_TEST(limit_of_size) {
        static const char *const settings[] = { "Versions.Keep=30d", "Versions.MinInterval=0",
                                                "Versions.MaxUse=3M", NULL };
        usec_t deadline;

        test_open(settings, 0);
        for (int i = 0; i < 6; i++) {
                test_run("head -c 1M /dev/urandom >s/file && echo %d >s/number", i);
                (void) test_full();
        }
        deadline = now_usec(CLOCK_MONOTONIC) + 60 * USEC_PER_SEC;
        while (strtoul(test_output("du -sm " VERSIONS), NULL, 10) > 3) {
                ck_assert_uint_lt(now_usec(CLOCK_MONOTONIC), deadline);
                test_run("sleep 0.1");
        }
        /* The latest is still there, the first is not. */
        ck_assert_str_eq(test_output("cat " VERSIONS "/*/number | tail -n 1"), "4");
        ck_assert_str_ne(test_output("cat " VERSIONS "/*/number | head -n 1"), "0");
        test_expect_in_step();
}
END_TEST

/* A full disk: versions make room, and only without any left a copy fails. */
START_TEST(full_disk) {
        if (!test_small_disk("20m"))
                return;
        test_open(keep_all, 0);
        for (int i = 0; i < 8; i++) {
                test_run("head -c 6M /dev/urandom >s/file");
                (void) test_full();
                ck_assert_uint_eq(test.result.counters.operations[OPERATION_FAIL], 0);
                (void) test_expect_equal();
        }
        ck_assert(test_logged(LOG_NOTICE, "dropped old versions"));
        test_run("head -c 19M /dev/urandom >s/file");
        (void) test_full();
        ck_assert_uint_eq(test.result.counters.operations[OPERATION_FAIL], 1);
        test_close();
}
END_TEST

int main(void) {
        TCase *tcase;
        Suite *suite = test_engine_suite("engine_versions", &tcase);

        tcase_add_test(tcase, replaced_and_removed);
        tcase_add_test(tcase, replaced_types);
        tcase_add_test(tcase, moved);
        tcase_add_test(tcase, all_names_gone);
        tcase_add_test(tcase, moved_over);
        tcase_add_test(tcase, a_change_through_one_of_many_names);
        tcase_add_test(tcase, least_interval);
        tcase_add_test(tcase, none);
        tcase_add_test(tcase, limit_of_size);
        tcase_add_test(tcase, full_disk);
        return test_fs_run(suite);
}
