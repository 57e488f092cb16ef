/* What is kept of what was done: buckets, their lines, the file, and what becomes of damage. */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "basic/alloc.h"
#include "basic/macros.h"
#include "basic/string-util.h"
#include "state/statistics-file.h"
#include "state/statistics-text.h"
#include "test-fs.h"

#define DAY(n) (UINT64_C(20000) * USEC_PER_DAY + (n) *USEC_PER_DAY)

static StatisticsBucket hour(usec_t start, uint64_t n_copied, uint64_t n_entries) {
        StatisticsBucket bucket = { .start = start, .length = USEC_PER_HOUR };

        bucket.values[STATISTIC_COPY] = n_copied;
        bucket.values[STATISTIC_LAG_MAX_USEC] = n_copied * 10;
        bucket.lags[histogram_bucket(n_copied)] = n_copied;
        statistics_set(&bucket, STATISTIC_ENTRIES, n_entries);
        return bucket;
}

START_TEST(numbers_by_size) {
        static const struct {
                uint64_t number;
                unsigned bucket;
        } cases[] = {
                { 0, 0 },
                { 1, 0 },
                { 2, 1 },
                { 3, 1 },
                { 4, 2 },
                { 1023, 9 },
                { 1024, 10 },
                { UINT64_C(1) << 36, 36 },
                { (UINT64_C(1) << 36) - 1, 35 },
                { UINT64_MAX, 36 },
        };

        for (size_t i = 0; i < ELEMENTSOF(cases); i++)
                ck_assert_uint_eq(histogram_bucket(cases[i].number), cases[i].bucket);
        ck_assert_uint_eq(histogram_lower(0), 0);
        ck_assert_uint_eq(histogram_lower(10), 1024);
}
END_TEST

/* No percentile is farther off than its bucket is wide. */
START_TEST(percentiles) {
        uint64_t counts[HISTOGRAM_BUCKETS] = {};

        ck_assert_uint_eq(histogram_percentile(counts, 0, 50), 0);
        for (uint64_t i = 1; i <= 10000; i++)
                counts[histogram_bucket(i)]++;
        for (uint64_t percent = 1; percent <= 100; percent++) {
                uint64_t is = percent * 100,
                         found = histogram_percentile(counts, 10000, (double) percent);

                ck_assert_msg(found + 2 >= is / 2 && found <= is * 2, "%d %%: %d", (int) percent,
                              (int) found);
        }
        ck_assert_uint_eq(histogram_percentile(counts, 10000, 100), 10000);
        /* Evenly spread numbers come out nearly as they are. */
        ck_assert_uint_le(histogram_percentile(counts, 10000, 50), 5002);
        ck_assert_uint_ge(histogram_percentile(counts, 10000, 50), 4998);
}
END_TEST

START_TEST(hours_add_up) {
        _cleanup_(statistics_done) Statistics statistics = STATISTICS_NULL;
        StatisticsBucket first = hour(DAY(1), 3, 10), later = hour(DAY(1) + USEC_PER_HOUR, 1, 12),
                         more = hour(DAY(1), 2, 11);

        TEST_OK(statistics_add(&statistics, &later));
        TEST_OK(statistics_add(&statistics, &first));
        TEST_OK(statistics_add(&statistics, &more));
        ck_assert_uint_eq(statistics.n_buckets, 2);
        ck_assert_uint_eq(statistics.buckets[0].start, DAY(1));
        ck_assert_uint_eq(statistics.buckets[0].values[STATISTIC_COPY], 5);
        ck_assert_uint_eq(statistics.buckets[0].values[STATISTIC_LAG_MAX_USEC], 30);
        ck_assert_uint_eq(statistics.buckets[0].values[STATISTIC_ENTRIES], 11);
        ck_assert_uint_eq(histogram_total(statistics.buckets[0].lags), 5);
        ck_assert_uint_eq(statistics_operations(&statistics.buckets[0]), 5);
        ck_assert(!statistics_bucket_is_idle(&first));
        first = hour(DAY(1), 0, 3);
        ck_assert(statistics_bucket_is_idle(&first));
}
END_TEST

START_TEST(hours_become_days) {
        _cleanup_(statistics_done) Statistics statistics = STATISTICS_NULL;
        const usec_t now = DAY(5 * 365 + 1);
        StatisticsBucket bucket;

        bucket = hour(DAY(0), 1, 1); /* too old */
        TEST_OK(statistics_add(&statistics, &bucket));
        for (unsigned i = 0; i < 24; i++) {
                bucket = hour(DAY(3) + i * USEC_PER_HOUR, 2, i);
                TEST_OK(statistics_add(&statistics, &bucket));
                bucket = hour(now - USEC_PER_DAY + i * USEC_PER_HOUR, 3, i);
                TEST_OK(statistics_add(&statistics, &bucket));
        }
        for (int again = 0; again < 2; again++) {
                TEST_OK(statistics_age(&statistics, now));
                ck_assert_uint_eq(statistics.n_buckets, 25);
                ck_assert_uint_eq(statistics.buckets[0].start, DAY(3));
                ck_assert_uint_eq(statistics.buckets[0].length, USEC_PER_DAY);
                ck_assert_uint_eq(statistics.buckets[0].values[STATISTIC_COPY], 48);
                ck_assert_uint_eq(statistics.buckets[0].values[STATISTIC_ENTRIES], 23);
        }
        /* After the clock was set back: there is a day already. */
        bucket = hour(DAY(3) + 5 * USEC_PER_HOUR, 1, 1);
        TEST_OK(statistics_add(&statistics, &bucket));
        ck_assert_uint_eq(statistics.n_buckets, 25);
        ck_assert_uint_eq(statistics.buckets[0].values[STATISTIC_COPY], 49);
}
END_TEST

START_TEST(slowest_of_a_day) {
        _cleanup_(statistics_done) Statistics statistics = STATISTICS_NULL;
        char path[] = "a";

        for (unsigned i = 0; i < 3 * SLOWEST_MAX; i++) {
                SlowOperation operation = { .at = DAY(1) + i,
                                            .duration = i * 7 % 30,
                                            .path = path };

                TEST_OK(statistics_add_slow(&statistics, &operation));
                operation.at += USEC_PER_DAY;
                TEST_OK(statistics_add_slow(&statistics, &operation));
        }
        ck_assert_uint_eq(statistics.n_days, 2);
        ck_assert_uint_eq(statistics.days[0].n_items, SLOWEST_MAX);
        for (unsigned i = 0; i < SLOWEST_MAX; i++)
                ck_assert_uint_eq(statistics.days[1].items[i].duration, 29 - i);
        TEST_OK(statistics_age(&statistics, DAY(2) + STATISTICS_KEEP_HOURS_USEC));
        ck_assert_uint_eq(statistics.n_days, 1);
        ck_assert_uint_eq(statistics.day_starts[0], DAY(2));
}
END_TEST

/* A file with one of each line. */
static void write_example(void) {
        _cleanup_free_ char *lines = NULL;
        StringBuffer text = STRING_BUFFER_NULL;
        char path[] = "a b%/\xff\n";
        SlowOperation slow = {
                .at = DAY(2), .duration = 5, .n_bytes = 7, .what = "copy", .path = path
        };
        StatisticsBucket bucket = hour(DAY(2), 1000, 0);

        bucket.values[STATISTIC_BYTES] = UINT64_MAX;
        statistics_write_bucket(&text, &bucket);
        statistics_write_slow(&text, &slow);
        statistics_write_reported(&text, DAY(3));
        lines = string_buffer_take(&text);
        ck_assert_ptr_nonnull(lines);
        TEST_OK(statistics_append(test_path, lines));
}

static void load(Statistics *ret, size_t n_bad, bool is_torn) {
        StatisticsCondition condition;

        TEST_OK(statistics_load(test_path, ret, &condition));
        ck_assert_uint_eq(condition.n_bad, n_bad);
        ck_assert_int_eq(condition.is_torn, is_torn);
}

static void check_example(const Statistics *statistics, uint64_t times) {
        ck_assert_uint_eq(statistics->n_buckets, 1);
        ck_assert_uint_eq(statistics->buckets[0].values[STATISTIC_COPY], 1000 * times);
        ck_assert_uint_eq(statistics->buckets[0].lags[histogram_bucket(1000)], 1000 * times);
        ck_assert(statistics_knows(&statistics->buckets[0], STATISTIC_ENTRIES));
        ck_assert(!statistics_knows(&statistics->buckets[0], STATISTIC_FILES));
        ck_assert_uint_eq(statistics->n_days, 1);
        ck_assert_str_eq(statistics->days[0].items[0].path, "a b%/\xff\n");
        ck_assert_str_eq(statistics->days[0].items[0].what, "copy");
        ck_assert_uint_eq(statistics->days[0].items[0].n_bytes, 7);
        ck_assert_uint_eq(statistics->reported, DAY(3));
        ck_assert_uint_eq(statistics->unreported.values[STATISTIC_COPY], 0);
}

START_TEST(file) {
        _cleanup_(statistics_done) Statistics statistics = STATISTICS_NULL, again = STATISTICS_NULL;
        StatisticsCondition condition;

        ck_assert_int_eq(statistics_load(test_path, &statistics, &condition), -ENOENT);
        write_example();
        load(&statistics, 0, false);
        check_example(&statistics, 1);
        ck_assert_uint_eq(statistics.buckets[0].values[STATISTIC_BYTES], UINT64_MAX);
        TEST_OK(statistics_replace(test_path, &statistics, false));
        write_example();
        load(&again, 0, false);
        check_example(&again, 2);
}
END_TEST

/* What was done since the last summary stays told apart when the file is written anew. */
START_TEST(unreported) {
        for (uint64_t times = 1; times <= 3; times++) {
                _cleanup_(statistics_done) Statistics statistics = STATISTICS_NULL;
                _cleanup_free_ char *lines = NULL;
                StatisticsBucket bucket = hour(DAY(2), 5, 1);
                StringBuffer text = STRING_BUFFER_NULL;

                if (times == 1)
                        write_example();
                statistics_write_bucket(&text, &bucket);
                lines = string_buffer_take(&text);
                TEST_OK(statistics_append(test_path, lines));
                load(&statistics, 0, false);
                ck_assert_uint_eq(statistics.unreported.values[STATISTIC_COPY], 5 * times);
                ck_assert_uint_eq(statistics.buckets[0].values[STATISTIC_COPY], 1000 + 5 * times);
                TEST_OK(statistics_replace(test_path, &statistics, false));
        }
}
END_TEST

/* Each single byte that is not as it was costs its own line. */
START_TEST(damage) {
        char bytes[4096];
        size_t n;
        FILE *f;

        write_example();
        ck_assert_int_eq(chdir(test_path), 0);
        f = fopen(STATISTICS_NAME, "r");
        n = fread(bytes, 1, sizeof bytes, f);
        (void) fclose(f);
        for (size_t i = 0; i < n; i++) {
                _cleanup_(statistics_done) Statistics statistics = STATISTICS_NULL;
                StatisticsCondition condition;

                bytes[i] ^= 0x15;
                f = fopen(STATISTICS_NAME, "w");
                ck_assert_uint_eq(fwrite(bytes, 1, n, f), n);
                (void) fclose(f);
                bytes[i] ^= 0x15;
                TEST_OK(statistics_load(test_path, &statistics, &condition));
                ck_assert_msg(condition.n_bad > 0 || condition.is_torn, "byte %d", (int) i);
                ck_assert_uint_le(condition.n_bad, 2);
        }
}
END_TEST

START_TEST(torn_and_set_aside) {
        _cleanup_(statistics_done) Statistics statistics = STATISTICS_NULL, again = STATISTICS_NULL;

        write_example();
        ck_assert_int_eq(chdir(test_path), 0);
        ck_assert_int_eq(truncate(STATISTICS_NAME, 50), 0);
        load(&statistics, 0, true);
        ck_assert_uint_eq(statistics.n_buckets, 0);
        TEST_OK(statistics_replace(test_path, &statistics, true));
        ck_assert_int_eq(access(STATISTICS_DAMAGED_NAME, F_OK), 0);
        write_example();
        load(&again, 0, false);
        check_example(&again, 1);
}
END_TEST

int main(void) {
        TCase *files, *pure = tcase_create("pure");
        Suite *suite = test_fs_suite("statistics", &files);

        tcase_add_test(pure, numbers_by_size);
        tcase_add_test(pure, percentiles);
        tcase_add_test(pure, hours_add_up);
        tcase_add_test(pure, hours_become_days);
        tcase_add_test(pure, slowest_of_a_day);
        tcase_add_test(files, file);
        tcase_add_test(files, unreported);
        tcase_add_test(files, damage);
        tcase_add_test(files, torn_and_set_aside);
        suite_add_tcase(suite, pure);
        return test_fs_run(suite);
}
