#include "ctl/report-charts.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "basic/alloc.h"
#include "basic/count-text.h"
#include "basic/macros.h"

void report_times_done(ReportTimes *times) {
        for (size_t i = 0; i < times->n; i++) {
                free(times->points[i]);
                free(times->labels[i]);
        }
        free(times->points);
        free(times->labels);
        *times = REPORT_TIMES_NULL;
}

typedef enum TimeStyle {
        TIME_DAY,       /* 2026-11-14 */
        TIME_HOUR,      /* 2026-11-14 07:00 */
        TIME_SHORT_DAY, /* 14 Nov */
        TIME_CLOCK,     /* 07:00 */
} TimeStyle;

static char *format_time(TimeStyle style, usec_t at) {
        time_t seconds = (time_t) (at / USEC_PER_SEC);
        char text[64] = "";
        struct tm tm = {};

        (void) localtime_r(&seconds, &tm);
        switch (style) {
        case TIME_DAY:
                (void) strftime(text, sizeof text, "%Y-%m-%d", &tm);
                break;
        case TIME_HOUR:
                (void) strftime(text, sizeof text, "%Y-%m-%d %H:%M", &tm);
                break;
        case TIME_SHORT_DAY:
                (void) strftime(text, sizeof text, "%e %b", &tm);
                break;
        case TIME_CLOCK:
                (void) strftime(text, sizeof text, "%H:%M", &tm);
                break;
        }
        return strdup(text);
}

int report_times_make(const Report *report, ReportTimes *ret) {
        _cleanup_(report_times_done) ReportTimes times = REPORT_TIMES_NULL;
        bool is_short = report->until - report->since <= 2 * USEC_PER_DAY;

        times.points = new0(char *, report->n_bins);
        times.labels = new0(char *, report->n_bins);
        if (!times.points || !times.labels)
                return -ENOMEM;
        times.n = report->n_bins;
        for (size_t i = 0; i < report->n_bins; i++) {
                usec_t start = report->bins[i].start;

                times.points[i] = format_time(report->length < USEC_PER_DAY ? TIME_HOUR : TIME_DAY,
                                              start);
                times.labels[i] = format_time(is_short ? TIME_CLOCK : TIME_SHORT_DAY, start);
                if (!times.points[i] || !times.labels[i])
                        return -ENOMEM;
        }
        *ret = times;
        times = REPORT_TIMES_NULL;
        return 0;
}

/* The values of one series, by bin. NULL when memory is short. */
typedef double (*ValueOf)(const StatisticsBucket *work);

static double *series(const Report *report, ValueOf value_of) {
        double *values = new0(double, report->n_bins);

        for (size_t i = 0; values && i < report->n_bins; i++)
                values[i] = value_of(&report->bins[i].work);
        return values;
}

static Chart chart_over_time(const ReportTimes *times) {
        return (Chart) {
                .n_points = times->n,
                .points = (const char *const *) times->points,
                .point_labels = (const char *const *) times->labels,
        };
}

static int append_operations(StringBuffer *page, const Report *report, const ReportTimes *times,
                             const char *each) {
        double *values = new0(double, _REPORT_GROUP_MAX * report->n_bins);
        Chart chart = chart_over_time(times);
        char description[128];

        if (!values)
                return -ENOMEM;
        chart.id = "operations";
        chart.title = "Operations";
        (void) snprintf(description, sizeof description, "What was done in the replica in each %s",
                        each);
        chart.description = description;
        chart.kind = CHART_BARS;
        chart.scale = CHART_COUNTS;
        chart.n_series = _REPORT_GROUP_MAX;
        for (ReportGroup group = 0; group < _REPORT_GROUP_MAX; group++) {
                double *of_group = values + group * report->n_bins;

                for (size_t i = 0; i < report->n_bins; i++)
                        of_group[i] = (double) report_group_count(&report->bins[i].work, group);
                chart.series[group] = (ChartSeries) { report_group_to_string(group), of_group };
        }
        chart_append(page, &chart);
        free(values);
        return 0;
}

static bool is_known(const double *values, size_t n) {
        for (size_t i = 0; i < n; i++)
                if (values[i] >= 0)
                        return true;
        return false;
}

/* A chart of one series, if anything is known of it. */
static int append_simple(StringBuffer *page, const Report *report, const Chart *chart,
                         ValueOf value_of) {
        _cleanup_free_ double *values = series(report, value_of);
        Chart filled = *chart;

        if (!values)
                return -ENOMEM;
        filled.n_series = 1;
        filled.series[0].values = values;
        if (is_known(values, report->n_bins))
                chart_append(page, &filled);
        return 0;
}

static double bytes_of(const StatisticsBucket *work) {
        return (double) work->values[STATISTIC_BYTES];
}

static double versions_of(const StatisticsBucket *work) {
        return statistics_knows(work, STATISTIC_VERSIONS_BYTES)
                       ? (double) work->values[STATISTIC_VERSIONS_BYTES]
                       : -1;
}

static double median_of(const StatisticsBucket *work) {
        return (double) report_lag(work, 50);
}

static double most_of(const StatisticsBucket *work) {
        return (double) report_lag(work, 99);
}

static int append_bytes(StringBuffer *page, const Report *report, const ReportTimes *times,
                        const char *each) {
        Chart chart = chart_over_time(times);
        char description[128];

        (void) snprintf(description, sizeof description, "Bytes of content in each %s", each);
        chart.id = "bytes";
        chart.title = "Copied";
        chart.description = description;
        chart.kind = CHART_BARS;
        chart.scale = CHART_BYTES;
        chart.series[0].name = "copied";
        return append_simple(page, report, &chart, bytes_of);
}

static int append_lags(StringBuffer *page, const Report *report, const ReportTimes *times) {
        _cleanup_free_ double *median = series(report, median_of), *most = series(report, most_of);
        Chart chart = chart_over_time(times);

        if (!median || !most)
                return -ENOMEM;
        chart.id = "lag";
        chart.title = "Lag over time";
        chart.description = "From a change in the source until it was safe in the replica";
        chart.kind = CHART_LINES;
        chart.scale = CHART_SPANS;
        chart.n_series = 2;
        chart.series[0] = (ChartSeries) { "median", median };
        chart.series[1] = (ChartSeries) { "99 %", most };
        string_buffer_append(page, "<div class=\"lines\">");
        chart_append(page, &chart);
        string_buffer_append(page, "</div>\n");
        return 0;
}

static void name_lag(char *buffer, size_t size, unsigned bucket) {
        char lower[SPAN_TEXT_MAX], upper[SPAN_TEXT_MAX];

        (void) snprintf(buffer, size, "%s to %s",
                        span_format(lower, sizeof lower, histogram_lower(bucket)),
                        span_format(upper, sizeof upper,
                                    2 * histogram_lower(MAX(bucket, 1U)) / (bucket == 0 ? 2 : 1)));
}

/* How the lags are distributed, by powers of two. */
static void append_distribution(StringBuffer *page, const Report *report) {
        static const char description[] = "How many changes took how long to be in the replica";
        char texts[HISTOGRAM_BUCKETS][2 * SPAN_TEXT_MAX + 8],
                shorts[HISTOGRAM_BUCKETS][SPAN_TEXT_MAX];
        const char *points[HISTOGRAM_BUCKETS], *labels[HISTOGRAM_BUCKETS];
        const uint64_t *lags = report->total.lags;
        unsigned first = HISTOGRAM_BUCKETS, end = 0;
        double values[HISTOGRAM_BUCKETS];
        Chart chart = { .id = "lags", .title = "Lags", .description = description };

        for (unsigned i = 0; i < HISTOGRAM_BUCKETS; i++)
                if (lags[i] > 0) {
                        first = MIN(first, i);
                        end = i + 1;
                }
        for (unsigned i = first; i < end; i++) {
                name_lag(texts[i], sizeof texts[i], i);
                (void) span_format(shorts[i], sizeof shorts[i], histogram_lower(i));
                points[i - first] = texts[i];
                labels[i - first] = shorts[i];
                values[i - first] = (double) lags[i];
        }
        chart.kind = CHART_BARS;
        chart.scale = CHART_COUNTS;
        chart.n_series = 1;
        chart.series[0] = (ChartSeries) { "changes", values };
        chart.n_points = end > first ? end - first : 0;
        chart.points = points;
        chart.point_labels = labels;
        if (chart.n_points > 0)
                chart_append(page, &chart);
}

static int append_coverage(StringBuffer *page, const Report *report, const ReportTimes *times) {
        Chart chart = chart_over_time(times);

        chart.id = "verify";
        chart.title = "Read back in time";
        chart.description = "Share of the files that were read back from both disks within the "
                            "interval for it";
        chart.kind = CHART_AREA;
        chart.scale = CHART_SHARE;
        chart.series[0].name = "of the files";
        return append_simple(page, report, &chart, report_coverage);
}

static int append_versions(StringBuffer *page, const Report *report, const ReportTimes *times) {
        Chart chart = chart_over_time(times);

        chart.id = "versions";
        chart.title = "Versions";
        chart.description = "Space that earlier contents take in the store";
        chart.kind = CHART_AREA;
        chart.scale = CHART_BYTES;
        chart.series[0].name = "of versions";
        return append_simple(page, report, &chart, versions_of);
}

int report_append_charts(StringBuffer *page, const Report *report, const ReportTimes *times) {
        char each[REPORT_LENGTH_MAX];
        int r;

        (void) report_length_format(each, sizeof each, report->length);
        r = append_operations(page, report, times, each);
        if (r >= 0)
                r = append_bytes(page, report, times, each);
        if (r >= 0 && histogram_total(report->total.lags) > 0)
                r = append_lags(page, report, times);
        append_distribution(page, report);
        if (r >= 0)
                r = append_coverage(page, report, times);
        return r < 0 ? r : append_versions(page, report, times);
}
