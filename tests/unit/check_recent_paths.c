#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "state/recent-paths.h"
#include "watch-random.h"

enum { INTERVAL = 1000, START = 1000000 };

static RecentPaths *new_recent(usec_t interval, size_t n_max) {
        RecentPaths *recent;

        ck_assert_int_eq(recent_paths_new(interval, n_max, &recent), 0);
        return recent;
}

static const char *numbered(unsigned i) {
        static char path[64];

        (void) snprintf(path, sizeof(path), "some/directory/%u/file", i);
        return path;
}

START_TEST(one_in_an_interval) {
        RecentPaths *recent = new_recent(INTERVAL, 16);

        /* The oldest counts: what changes all the time gets one in each interval. */
        for (unsigned i = 0; i < 20 * INTERVAL; i += 10)
                ck_assert_int_eq(recent_paths_note(recent, "a", START + i), i % INTERVAL == 0);

        ck_assert(recent_paths_note(recent, "b", START));
        recent_paths_free(recent);
}
END_TEST

START_TEST(other_paths) {
        static const char *const paths[] = { "",       "a", "b",        "aa",        "a/a",
                                             "a/b",    "A", "12345678", "123456789", "12345678\x01",
                                             "1234567" };
        enum { N_PATHS = sizeof(paths) / sizeof(*paths) };
        RecentPaths *recent = new_recent(INTERVAL, N_PATHS);

        for (unsigned i = 0; i < N_PATHS; i++)
                ck_assert(recent_paths_note(recent, paths[i], START));
        for (unsigned i = 0; i < N_PATHS; i++)
                ck_assert(!recent_paths_note(recent, paths[i], START + INTERVAL - 1));
        recent_paths_free(recent);
}
END_TEST

START_TEST(oldest_go_first) {
        enum { N_MAX = 65536, N_MORE = 1000 };
        RecentPaths *recent = new_recent(USEC_INFINITY, N_MAX);

        for (unsigned i = 0; i < N_MAX + N_MORE; i++)
                ck_assert(recent_paths_note(recent, numbered(i), START + i));
        for (unsigned i = N_MORE; i < N_MAX + N_MORE; i++)
                ck_assert(!recent_paths_note(recent, numbered(i), START + 2 * N_MAX));
        ck_assert(recent_paths_note(recent, numbered(N_MORE - 1), START + 2 * N_MAX));
        ck_assert(recent_paths_note(recent, numbered(N_MORE), START + 2 * N_MAX));
        recent_paths_free(recent);
}
END_TEST

START_TEST(forgotten) {
        RecentPaths *recent = new_recent(INTERVAL, 4);

        recent_paths_forget(recent, "a");
        ck_assert(recent_paths_note(recent, "a", START));
        ck_assert(recent_paths_note(recent, "b", START));
        ck_assert(recent_paths_note(recent, "c", START));
        recent_paths_forget(recent, "b");
        recent_paths_forget(recent, "d");
        ck_assert(!recent_paths_note(recent, "a", START + 1));
        ck_assert(recent_paths_note(recent, "b", START + 1));
        ck_assert(!recent_paths_note(recent, "b", START + 2));
        ck_assert(!recent_paths_note(recent, "c", START + 2));
        recent_paths_free(recent);
}
END_TEST

START_TEST(clock_set_back) {
        RecentPaths *recent = new_recent(INTERVAL, 4);

        ck_assert(recent_paths_note(recent, "a", START + 10 * INTERVAL));
        ck_assert(recent_paths_note(recent, "a", START));
        ck_assert(!recent_paths_note(recent, "a", START + 1));
        ck_assert(recent_paths_note(recent, "a", START + 10 * INTERVAL));
        ck_assert(recent_paths_note(recent, "a", 0));
        ck_assert(recent_paths_note(recent, "a", USEC_INFINITY));
        recent_paths_free(recent);

        recent = new_recent(USEC_INFINITY, 4);
        ck_assert(recent_paths_note(recent, "a", START));
        ck_assert(!recent_paths_note(recent, "a", START));
        ck_assert(recent_paths_note(recent, "a", START / 2));
        recent_paths_free(recent);
}
END_TEST

START_TEST(extremes) {
        RecentPaths *recent = new_recent(0, 1);

        ck_assert(recent_paths_note(recent, "a", START));
        ck_assert(recent_paths_note(recent, "a", START));
        recent_paths_free(recent);

        recent = new_recent(INTERVAL, 1);
        for (int i = 0; i < 3; i++) {
                ck_assert(recent_paths_note(recent, "a", START));
                ck_assert(!recent_paths_note(recent, "a", START));
                ck_assert(recent_paths_note(recent, "b", START));
        }
        recent_paths_free(recent);
        ck_assert_ptr_null(recent_paths_free(NULL));
}
END_TEST

/* Against a plain table: as long as there is room the answers are the same, and with less room than
 * paths no answer is "no" where the table says "yes". */
START_TEST(model) {
        enum { N_PATHS = 300, N_STEPS = 400000 };
        uint64_t state = random_seed(__func__);
        size_t n_max = _i == 0 ? N_PATHS : 100;
        RecentPaths *recent = new_recent(INTERVAL, n_max);
        usec_t noted[N_PATHS] = {}, at = START;
        unsigned n_true = 0, n_more = 0;

        for (int step = 0; step < N_STEPS; step++) {
                unsigned i = random_below(&state, random_below(&state, 2) ? N_PATHS : 20);
                bool expected = noted[i] + INTERVAL <= at, answer;

                if (random_below(&state, 50) == 0) {
                        recent_paths_forget(recent, numbered(i));
                        noted[i] = 0;
                        continue;
                }

                answer = recent_paths_note(recent, numbered(i), at);
                ck_assert(answer || !expected);
                if (_i == 0)
                        ck_assert_int_eq(answer, expected);
                if (answer)
                        noted[i] = at;
                n_true += answer;
                n_more += answer && !expected;

                at += random_below(&state, 10);
                if (random_below(&state, 20000) == 0)
                        at += 2 * INTERVAL;
        }
        ck_assert_uint_gt(n_true, 1000);
        ck_assert_int_eq(n_more > 0, _i == 1);
        recent_paths_free(recent);
}
END_TEST

int main(void) {
        Suite *suite = suite_create("recent-paths");
        TCase *tcase = tcase_create("recent-paths");
        SRunner *runner;
        int n_failed;

        tcase_add_test(tcase, one_in_an_interval);
        tcase_add_test(tcase, other_paths);
        tcase_add_test(tcase, oldest_go_first);
        tcase_add_test(tcase, forgotten);
        tcase_add_test(tcase, clock_set_back);
        tcase_add_test(tcase, extremes);
        tcase_add_loop_test(tcase, model, 0, 2);
        tcase_set_timeout(tcase, 60);
        suite_add_tcase(suite, tcase);
        runner = srunner_create(suite);
        srunner_run_all(runner, CK_ENV);
        n_failed = srunner_ntests_failed(runner);
        srunner_free(runner);
        return n_failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
