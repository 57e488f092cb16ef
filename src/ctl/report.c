#include "ctl/report.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "basic/alloc.h"
#include "basic/macros.h"

/* A pair that runs records each of its rescans. */
#define STALE_USEC USEC_PER_DAY

void report_done(Report *report) {
        free(report->bins);
        slowest_done(&report->slowest);
        *report = REPORT_NULL;
}

/* The least length with which there are at most N_MAX bins, and no bucket is longer than one. */
static usec_t choose_length(usec_t span, usec_t longest, size_t n_max) {
        static const unsigned hours[] = { 1,      2,      3,       6,       12,      24,
                                          2 * 24, 7 * 24, 14 * 24, 28 * 24, 91 * 24, 365 * 24 };
        usec_t length = USEC_PER_HOUR;

        for (size_t i = 0; i < ELEMENTSOF(hours); i++) {
                length = hours[i] * USEC_PER_HOUR;
                if (length >= longest && span / length + 2 <= n_max)
                        break;
        }
        return length;
}

static bool is_in(const Report *report, const StatisticsBucket *bucket) {
        return bucket->start + bucket->length > report->since && bucket->start < report->until;
}

static void take_last(StatisticsBucket *known, const StatisticsBucket *bucket, bool all) {
        for (Statistic i = 0; i < _STATISTIC_MAX; i++)
                if (statistic_kind(i) == STATISTIC_LAST && statistics_knows(bucket, i) &&
                    (all || !statistics_knows(known, i)))
                        statistics_set(known, i, bucket->values[i]);
}

/* Sums, and when it all begins. */
static int measure(const Statistics *statistics, Report *report, usec_t *ret_longest) {
        usec_t first = USEC_INFINITY, longest = 0;

        for (size_t i = 0; i < statistics->n_buckets; i++) {
                const StatisticsBucket *bucket = &statistics->buckets[i];

                if (!is_in(report, bucket)) {
                        if (bucket->start < report->since)
                                take_last(&report->before, bucket, true);
                        continue;
                }
                take_last(&report->before, bucket, false);
                statistics_bucket_add(&report->total, bucket);
                first = MIN(first, bucket->start);
                report->recorded = MIN(bucket->start + bucket->length, report->until);
                longest = MAX(longest, bucket->length);
        }
        if (first == USEC_INFINITY)
                return -ENODATA;
        report->since = MAX(first, report->since - report->since % USEC_PER_HOUR);
        *ret_longest = longest;
        return 0;
}

static int fill_bins(const Statistics *statistics, Report *report) {
        usec_t first = report->since - report->since % report->length;
        StatisticsBucket known = {};
        size_t next = 0;

        report->n_bins = (size_t) ((report->until - 1 - first) / report->length) + 1;
        report->bins = new0(ReportBin, report->n_bins);
        if (!report->bins)
                return -ENOMEM;
        for (size_t i = 0; i < report->n_bins; i++) {
                ReportBin *bin = &report->bins[i];

                bin->start = first + i * report->length;
                for (; next < statistics->n_buckets &&
                       statistics->buckets[next].start < bin->start + report->length;
                     next++) {
                        take_last(&known, &statistics->buckets[next], true);
                        if (is_in(report, &statistics->buckets[next]))
                                statistics_bucket_add(&bin->work, &statistics->buckets[next]);
                }
                take_last(&bin->work, &known, true);
        }
        return 0;
}

static int find_slowest(const Statistics *statistics, Report *report) {
        int r = 0;

        for (size_t i = 0; r >= 0 && i < statistics->n_days; i++)
                for (size_t k = 0; r >= 0 && k < statistics->days[i].n_items; k++) {
                        const SlowOperation *operation = &statistics->days[i].items[k];

                        if (operation->at >= report->since && operation->at < report->until)
                                r = slowest_add(&report->slowest, operation);
                }
        return MIN(r, 0);
}

int report_make(const Statistics *statistics, usec_t since, usec_t until, size_t n_bins_max,
                Report *ret) {
        _cleanup_(report_done) Report report = { .since = since, .until = until };
        usec_t longest = 0;
        int r;

        r = measure(statistics, &report, &longest);
        if (r < 0)
                return r;
        report.length = choose_length(until - report.since, longest, n_bins_max);
        r = fill_bins(statistics, &report);
        if (r >= 0)
                r = find_slowest(statistics, &report);
        if (r < 0)
                return r;
        *ret = report;
        report = REPORT_NULL;
        return 0;
}

char *report_length_format(char *buffer, size_t size, usec_t length) {
        static const struct {
                usec_t unit;
                const char *name;
        } units[] = {
                { USEC_PER_WEEK, "week" },
                { USEC_PER_DAY, "day" },
                { USEC_PER_HOUR, "hour" },
        };
        size_t i = 0;

        while (i + 1 < ELEMENTSOF(units) && length % units[i].unit != 0)
                i++;
        if (length == units[i].unit)
                (void) snprintf(buffer, size, "%s", units[i].name);
        else
                (void) snprintf(buffer, size, "%u %ss", (unsigned) (length / units[i].unit),
                                units[i].name);
        return buffer;
}

bool report_is_stale(const Report *report) {
        return report->until - report->recorded > STALE_USEC;
}

usec_t report_lag(const StatisticsBucket *work, double percent) {
        return histogram_percentile(work->lags, work->values[STATISTIC_LAG_MAX_USEC], percent);
}

double report_coverage(const StatisticsBucket *work) {
        uint64_t n = work->values[STATISTIC_FILES];

        if (!statistics_knows(work, STATISTIC_FILES_VERIFIED) || n == 0)
                return -1;
        return (double) MIN(work->values[STATISTIC_FILES_VERIFIED], n) / (double) n;
}

static const ReportGroup groups[_STATISTIC_OPERATION_MAX] = {
        [STATISTIC_COPY] = REPORT_NEW,       [STATISTIC_UPDATE] = REPORT_CHANGED,
        [STATISTIC_RENAME] = REPORT_RENAMED, [STATISTIC_LINK] = REPORT_NEW,
        [STATISTIC_MKDIR] = REPORT_NEW,      [STATISTIC_METADATA] = REPORT_CHANGED,
        [STATISTIC_REMOVE] = REPORT_REMOVED, [STATISTIC_ADOPT] = REPORT_OTHER,
        [STATISTIC_HEAL] = REPORT_OTHER,
};

const char *report_group_to_string(ReportGroup group) {
        static const char *const names[_REPORT_GROUP_MAX] = {
                [REPORT_NEW] = "new",         [REPORT_CHANGED] = "changed",
                [REPORT_RENAMED] = "renamed", [REPORT_REMOVED] = "removed",
                [REPORT_OTHER] = "other",
        };

        return names[group];
}

uint64_t report_group_count(const StatisticsBucket *work, ReportGroup group) {
        uint64_t n = 0;

        for (Statistic i = 0; i < _STATISTIC_OPERATION_MAX; i++)
                if (groups[i] == group)
                        n += work->values[i];
        return n;
}
