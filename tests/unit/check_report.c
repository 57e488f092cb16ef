/* What a report shows: its bins, its pictures in characters, and its page. */

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "basic/alloc.h"
#include "basic/macros.h"
#include "basic/string-util.h"
#include "ctl/chart.h"
#include "ctl/report-html.h"
#include "ctl/report.h"
#include "ctl/spark.h"
#include "test-fs.h"

#define START (UINT64_C(20000) * USEC_PER_DAY)

static Statistics made;

/* N hours from START on, in which 1, 2, … files were copied. */
static void make_hours(unsigned n) {
        made = STATISTICS_NULL;
        for (unsigned i = 0; i < n; i++) {
                StatisticsBucket bucket = { .start = START + i * USEC_PER_HOUR,
                                            .length = USEC_PER_HOUR };

                bucket.values[STATISTIC_COPY] = i + 1;
                bucket.values[STATISTIC_VERSION] = 1;
                bucket.values[STATISTIC_LAG_MAX_USEC] = 2000;
                bucket.lags[10] = i + 1;
                statistics_set(&bucket, STATISTIC_VERSIONS_BYTES, 100 + i);
                TEST_OK(statistics_add(&made, &bucket));
        }
}

START_TEST(bins) {
        Report report;

        make_hours(48);
        TEST_OK(report_make(&made, START, START + 48 * USEC_PER_HOUR, 60, &report));
        ck_assert_uint_eq(report.length, USEC_PER_HOUR);
        ck_assert_uint_eq(report.n_bins, 48);
        ck_assert_uint_eq(report.total.values[STATISTIC_COPY], 48 * 49 / 2);
        ck_assert_uint_eq(statistics_operations(&report.total), 48 * 49 / 2);
        ck_assert_uint_eq(report.bins[47].work.values[STATISTIC_COPY], 48);
        report_done(&report);
        TEST_OK(report_make(&made, START, START + 48 * USEC_PER_HOUR, 10, &report));
        ck_assert_uint_eq(report.length, 6 * USEC_PER_HOUR);
        ck_assert_uint_eq(report.n_bins, 8);
        ck_assert_uint_eq(report.bins[0].work.values[STATISTIC_COPY], 21);
        report_done(&report);
        statistics_done(&made);
}
END_TEST

/* Also where nothing was done it is known how it stood. */
START_TEST(what_was_before) {
        Report report;

        make_hours(10);
        TEST_OK(report_make(&made, START + 5 * USEC_PER_HOUR + 7, START + 20 * USEC_PER_HOUR, 60,
                            &report));
        ck_assert_uint_eq(report.since, START + 5 * USEC_PER_HOUR);
        ck_assert_uint_eq(report.n_bins, 15);
        ck_assert_uint_eq(report.total.values[STATISTIC_COPY], 6 + 7 + 8 + 9 + 10);
        ck_assert_uint_eq(report.before.values[STATISTIC_VERSIONS_BYTES], 104);
        ck_assert_uint_eq(report.total.values[STATISTIC_VERSIONS_BYTES], 109);
        ck_assert_uint_eq(report.bins[14].work.values[STATISTIC_VERSIONS_BYTES], 109);
        ck_assert_uint_eq(report.bins[14].work.values[STATISTIC_COPY], 0);
        ck_assert_uint_eq(report.recorded, START + 10 * USEC_PER_HOUR);
        ck_assert(!report_is_stale(&report));
        report.until = START + 35 * USEC_PER_HOUR;
        ck_assert(report_is_stale(&report));
        report_done(&report);
        ck_assert_int_eq(report_make(&made, START + 20 * USEC_PER_HOUR, START + 30 * USEC_PER_HOUR,
                                     60, &report),
                         -ENODATA);
        statistics_done(&made);
}
END_TEST

/* Days are not split. */
START_TEST(bins_are_as_long_as_days) {
        StatisticsBucket day = { .start = START - 3 * USEC_PER_DAY, .length = USEC_PER_DAY };
        Report report;

        make_hours(3);
        day.values[STATISTIC_COPY] = 1000;
        TEST_OK(statistics_add(&made, &day));
        TEST_OK(report_make(&made, 0, START + 3 * USEC_PER_HOUR, 60, &report));
        ck_assert_uint_eq(report.length, USEC_PER_DAY);
        ck_assert_uint_eq(report.n_bins, 4);
        ck_assert_uint_eq(report.bins[0].work.values[STATISTIC_COPY], 1000);
        ck_assert_uint_eq(report.bins[3].work.values[STATISTIC_COPY], 6);
        report_done(&report);
        statistics_done(&made);
}
END_TEST

/* Every operation is in one of the groups. */
START_TEST(groups_add_up) {
        StatisticsBucket work = {};
        uint64_t sum = 0;

        for (Statistic i = 0; i < _STATISTIC_MAX; i++)
                work.values[i] = UINT64_C(1) << i;
        for (ReportGroup group = 0; group < _REPORT_GROUP_MAX; group++)
                sum += report_group_count(&work, group);
        ck_assert_uint_eq(sum, statistics_operations(&work));
}
END_TEST

START_TEST(coverage) {
        StatisticsBucket work = {};

        ck_assert(report_coverage(&work) < 0);
        statistics_set(&work, STATISTIC_FILES, 4);
        ck_assert(report_coverage(&work) < 0);
        statistics_set(&work, STATISTIC_FILES_VERIFIED, 3);
        ck_assert(report_coverage(&work) == 0.75);
}
END_TEST

static const struct {
        usec_t length;
        const char *text;
} lengths[] = {
        { USEC_PER_HOUR, "hour" }, { 3 * USEC_PER_HOUR, "3 hours" },
        { USEC_PER_DAY, "day" },   { 2 * USEC_PER_DAY, "2 days" },
        { USEC_PER_WEEK, "week" }, { 4 * USEC_PER_WEEK, "4 weeks" },
};

START_TEST(length) {
        char buffer[REPORT_LENGTH_MAX];

        ck_assert_str_eq(report_length_format(buffer, sizeof buffer, lengths[_i].length),
                         lengths[_i].text);
}
END_TEST

START_TEST(sparks) {
        static const double values[] = { 0, 0.001, 1, 2, 4, 7, 7 };
        _cleanup_free_ char *ascii = spark_line(values, ELEMENTSOF(values), false),
                            *utf8 = spark_line(values, ELEMENTSOF(values), true),
                            *none = spark_line(values, 1, false),
                            *empty = spark_line(values, 0, true);

        ck_assert_str_eq(ascii, "_..-=##");
        ck_assert_str_eq(utf8, "\xe2\x96\x81\xe2\x96\x82\xe2\x96\x82\xe2\x96\x83\xe2\x96\x85"
                               "\xe2\x96\x88\xe2\x96\x88");
        ck_assert_str_eq(none, "_");
        ck_assert_str_eq(empty, "");
}
END_TEST

START_TEST(bars) {
        static const struct {
                double share;
                bool utf8;
                const char *bar;
        } cases[] = {
                { 0, false, "" },
                { 0.0001, false, "#" },
                { 0.5, false, "####" },
                { 1, false, "########" },
                { 2, false, "########" },
                { 0, true, "" },
                { 0.0001, true, "\xe2\x96\x8f" },
                { 0.125, true, "\xe2\x96\x88" },
                { 0.1875, true, "\xe2\x96\x88\xe2\x96\x8c" },
        };

        for (size_t i = 0; i < ELEMENTSOF(cases); i++) {
                _cleanup_free_ char *bar = spark_bar(cases[i].share, 8, cases[i].utf8);

                ck_assert_str_eq(bar, cases[i].bar);
        }
}
END_TEST

/* The highest tick is not below the highest value, nor the axis twice as high. */
START_TEST(axis_fits) {
        const double value[] = { _i == 0 ? 0 : (double) (UINT64_C(1) << (_i - 1)) * 1.3 };
        const char *const points[] = { "now" };
        _cleanup_(string_buffer_done) StringBuffer page = STRING_BUFFER_NULL;
        Chart chart = { .id = "c",
                        .title = "t",
                        .description = "d",
                        .n_series = 1,
                        .n_points = 1,
                        .series = { { "s", value } },
                        .points = points,
                        .point_labels = points };
        const char *height;

        chart_append(&page, &chart);
        ck_assert(!page.failed);
        height = strstr(page.text, "height=\"");
        ck_assert_int_eq(height != NULL, _i > 0);
        if (height) {
                double h = strtod(height + strlen("height=\""), NULL);

                ck_assert_msg(h <= 156.1 && h >= 156 / 2.6, "%f", h);
        }
}
END_TEST

START_TEST(page_is_escaped) {
        _cleanup_free_ char *page = NULL;
        char path[] = "<script>alert(1)</script>&\"\n";
        SlowOperation slow = { .at = START + 1, .duration = 1, .what = "copy", .path = path };
        Report report;

        make_hours(3);
        TEST_OK(statistics_add_slow(&made, &slow));
        TEST_OK(report_make(&made, START, START + 3 * USEC_PER_HOUR, 60, &report));
        TEST_OK(report_format_html("<b>\xff", &report, &page));
        ck_assert_ptr_null(strstr(page, "<script"));
        ck_assert_ptr_null(strstr(page, "<b>"));
        ck_assert_ptr_nonnull(strstr(page, "&lt;b&gt;\\xff"));
        ck_assert_ptr_nonnull(strstr(page, "&lt;script&gt;alert(1)&lt;/script&gt;&amp;&quot;\\n"));
        report_done(&report);
        statistics_done(&made);
}
END_TEST

int main(void) {
        Suite *suite = suite_create("report");
        TCase *tcase = tcase_create("report");

        tcase_add_test(tcase, bins);
        tcase_add_test(tcase, what_was_before);
        tcase_add_test(tcase, bins_are_as_long_as_days);
        tcase_add_test(tcase, groups_add_up);
        tcase_add_test(tcase, coverage);
        tcase_add_loop_test(tcase, length, 0, (int) ELEMENTSOF(lengths));
        tcase_add_test(tcase, sparks);
        tcase_add_test(tcase, bars);
        tcase_add_loop_test(tcase, axis_fits, 0, 62);
        tcase_add_test(tcase, page_is_escaped);
        suite_add_tcase(suite, tcase);
        return test_fs_run(suite);
}
