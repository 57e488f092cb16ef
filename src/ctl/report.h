#pragma once

/* What a pair did in some time, as reports show it: sums, and how they came about over time. Pure.
 */

#include <stdbool.h>

#include "state/statistics.h"

typedef struct ReportBin {
        usec_t start;
        StatisticsBucket work; /* of what is as at the end, the last that was known by then */
} ReportBin;

typedef struct Report {
        usec_t since, until; /* CLOCK_REALTIME; whole hours, but for the end */
        usec_t recorded;     /* until when anything was recorded; an hour has to end first */
        StatisticsBucket total;
        StatisticsBucket before; /* what was so at the beginning, or when it was first known */
        ReportBin *bins;         /* owned; without a gap, LENGTH each */
        size_t n_bins;
        usec_t length;
        Slowest slowest;
} Report;

#define REPORT_NULL ((Report) {})
void report_done(Report *report);

/* Of STATISTICS what was done since SINCE, or since they begin, until UNTIL, in N_BINS_MAX bins at
 * the most. 0; -ENODATA when there is nothing; -ENOMEM. */
int report_make(const Statistics *statistics, usec_t since, usec_t until, size_t n_bins_max,
                Report *ret);

/* How long LENGTH is: "hour", "3 hours", "day", "2 weeks". Returns BUFFER. */
enum { REPORT_LENGTH_MAX = 32 };
char *report_length_format(char *buffer, size_t size, usec_t length);

/* Whether nothing was recorded for so long before the end that how things stand is not known: the
 * pair does not run. */
bool report_is_stale(const Report *report);

/* What PERCENT of the changes in WORK took at the most to get to the replica. */
usec_t report_lag(const StatisticsBucket *work, double percent);
/* Share of the files that were read back within the interval, 0 to 1; negative: unknown. */
double report_coverage(const StatisticsBucket *work);

/* Operations as people count them. */
typedef enum ReportGroup {
        REPORT_NEW,     /* copied, made and linked */
        REPORT_CHANGED, /* content, or metadata alone */
        REPORT_RENAMED,
        REPORT_REMOVED,
        REPORT_OTHER, /* adopted, healed */
        _REPORT_GROUP_MAX,
} ReportGroup;
const char *report_group_to_string(ReportGroup group);
uint64_t report_group_count(const StatisticsBucket *work, ReportGroup group);
