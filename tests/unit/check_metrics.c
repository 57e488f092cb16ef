/* What a pair says of itself to Prometheus. */

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "basic/alloc.h"
#include "basic/macros.h"
#include "daemon/metrics-text.h"
#include "test-fs.h"

static char empty[] = "", version[] = "1.0", backend[] = "inotify", live[] = "live",
            done[] = "done";

static PairFacts example(char *name) {
        PairFacts facts = {
                .version = version,
                .name = name,
                .watch_backend = backend,
                .state = live,
                .last_pass_result = empty,
                .started = UINT64_C(1795000000000001),
                .n_entries = 84123,
                .n_files = 1000,
                .n_verified = 250,
        };

        facts.counters.values[OPERATION_COPY] = 12;
        facts.counters.values[FACT_COUNTER_BYTES] = UINT64_MAX;
        facts.lags[histogram_bucket(1500)] = 3;
        facts.lags[histogram_bucket(2 * USEC_PER_HOUR)] = 1;
        facts.lag_sum = 2 * USEC_PER_HOUR + USEC_PER_SEC;
        return facts;
}

START_TEST(samples) {
        char name[] = "photos";
        PairFacts facts = example(name);
        _cleanup_free_ char *text = NULL;
        static const char *const wanted[] = {
                "rebackup_info{pair=\"photos\",version=\"1.0\",watch=\"inotify\"} 1\n",
                "rebackup_state{pair=\"photos\",state=\"live\"} 1\n",
                "rebackup_state{pair=\"photos\",state=\"hold\"} 0\n",
                "rebackup_start_time_seconds{pair=\"photos\"} 1795000000.000001\n",
                "rebackup_entries{pair=\"photos\"} 84123\n",
                "rebackup_operations_total{pair=\"photos\",operation=\"copy\"} 12\n",
                "rebackup_copied_bytes_total{pair=\"photos\"} 18446744073709551615\n",
                "rebackup_verified_ratio{pair=\"photos\"} 0.250000\n",
                "rebackup_lag_seconds_bucket{pair=\"photos\",le=\"0.001024\"} 0\n",
                "rebackup_lag_seconds_bucket{pair=\"photos\",le=\"0.002048\"} 3\n",
                "rebackup_lag_seconds_bucket{pair=\"photos\",le=\"+Inf\"} 4\n",
                "rebackup_lag_seconds_sum{pair=\"photos\"} 7201.000000\n",
                "rebackup_lag_seconds_count{pair=\"photos\"} 4\n",
        };

        TEST_OK(metrics_format(&facts, &text));
        for (size_t i = 0; i < ELEMENTSOF(wanted); i++)
                ck_assert_msg(strstr(text, wanted[i]) != NULL, "no %s", wanted[i]);
}
END_TEST

/* There is no point in time for what never was, and no share of nothing. */
START_TEST(nothing_yet) {
        char name[] = "photos";
        PairFacts facts = example(name);
        _cleanup_free_ char *text = NULL;
        static const char *const unwanted[] = {
                "rebackup_last_pass_timestamp_seconds{",
                "rebackup_last_pass_success{",
                "rebackup_oldest_pending_timestamp_seconds{",
                "rebackup_verified_ratio{",
        };

        facts.n_files = facts.n_verified = 0;
        TEST_OK(metrics_format(&facts, &text));
        for (size_t i = 0; i < ELEMENTSOF(unwanted); i++)
                ck_assert_msg(!strstr(text, unwanted[i]), "there is %s", unwanted[i]);
        ck_assert_ptr_nonnull(strstr(text, "# TYPE rebackup_last_pass_success gauge\n"));
}
END_TEST

START_TEST(last_pass) {
        char name[] = "photos";
        PairFacts facts = example(name);
        _cleanup_free_ char *text = NULL;

        facts.last_pass_begun = 1;
        facts.last_pass_result = done;
        facts.last_pass_duration = 1500 * USEC_PER_MSEC;
        TEST_OK(metrics_format(&facts, &text));
        ck_assert_ptr_nonnull(strstr(text, "rebackup_last_pass_success{pair=\"photos\"} 1\n"));
        ck_assert_ptr_nonnull(
                strstr(text, "rebackup_last_pass_duration_seconds{pair=\"photos\"} 1.500000\n"));
}
END_TEST

START_TEST(names_are_escaped) {
        char name[] = "a\"b\\c\nd";
        PairFacts facts = example(name);
        _cleanup_free_ char *text = NULL;

        TEST_OK(metrics_format(&facts, &text));
        ck_assert_ptr_nonnull(strstr(text, "rebackup_entries{pair=\"a\\\"b\\\\c\\nd\"} 84123\n"));
}
END_TEST

/* Each sample stands behind the type of its metric, and no metric begins twice. */
START_TEST(samples_are_declared) {
        char name[] = "photos";
        PairFacts facts = example(name);
        _cleanup_free_ char *text = NULL;
        char declared[128] = "", *rest = NULL;

        TEST_OK(metrics_format(&facts, &text));
        for (char *line = strtok_r(text, "\n", &rest); line; line = strtok_r(NULL, "\n", &rest)) {
                size_t n = strcspn(line, "{");
                char metric[128];

                if (sscanf(line, "# TYPE %127s", metric) == 1) {
                        ck_assert_str_ne(metric, declared);
                        (void) snprintf(declared, sizeof declared, "%s", metric);
                } else if (line[0] != '#') {
                        bool is_part = strncmp(line, "rebackup_lag_seconds_", 21) == 0;

                        ck_assert_uint_eq(is_part ? 20 : n, strlen(declared));
                        ck_assert_int_eq(strncmp(line, declared, strlen(declared)), 0);
                }
        }
}
END_TEST

int main(void) {
        Suite *suite = suite_create("metrics");
        TCase *tcase = tcase_create("metrics");

        tcase_add_test(tcase, samples);
        tcase_add_test(tcase, nothing_yet);
        tcase_add_test(tcase, last_pass);
        tcase_add_test(tcase, names_are_escaped);
        tcase_add_test(tcase, samples_are_declared);
        suite_add_tcase(suite, tcase);
        return test_fs_run(suite);
}
