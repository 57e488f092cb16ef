#pragma once

/* What a pair did, added up by the hour: so much of it as is worth keeping for years. Pure; the
 * file is statistics-file.h's. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "basic/histogram.h"
#include "basic/time-span.h"
#include "state/slowest.h"

/* By hours for so long, by days (UTC) from then on, and at last not at all. */
#define STATISTICS_KEEP_HOURS_USEC (90 * USEC_PER_DAY)
#define STATISTICS_KEEP_DAYS_USEC (5 * 365 * USEC_PER_DAY)

typedef enum Statistic {
        /* operations, in the order of their kinds; then other sums */
        STATISTIC_COPY,
        STATISTIC_UPDATE,
        STATISTIC_RENAME,
        STATISTIC_LINK,
        STATISTIC_MKDIR,
        STATISTIC_METADATA,
        STATISTIC_REMOVE,
        STATISTIC_ADOPT,
        STATISTIC_HEAL,
        STATISTIC_VERSION,
        STATISTIC_FAIL,
        STATISTIC_KEEP,
        STATISTIC_BYTES,
        STATISTIC_UNSTABLE,
        STATISTIC_CONFLICTS, /* of two-way pairs */
        STATISTIC_PASSES,    /* full ones */
        STATISTIC_PASS_USEC,
        STATISTIC_OVERFLOWS,
        STATISTIC_VERIFIED,
        STATISTIC_VERIFIED_BYTES,
        STATISTIC_ROTTEN,
        STATISTIC_ROT_HEALED,
        STATISTIC_LAG_USEC, /* of all lags */
        /* as it was at the end */
        STATISTIC_ENTRIES,
        STATISTIC_FILES,
        STATISTIC_FILES_VERIFIED, /* within the interval for it */
        STATISTIC_FILES_DAMAGED,
        STATISTIC_FAILING,
        STATISTIC_VERSIONS_BYTES,
        /* the greatest */
        STATISTIC_LAG_MAX_USEC,
        _STATISTIC_MAX,
        /* What was done; what was kept as a version thereby, and what failed, are none of these. */
        _STATISTIC_OPERATION_MAX = STATISTIC_VERSION,
        _STATISTIC_INVALID = -22,
} Statistic;

typedef enum StatisticKind {
        STATISTIC_SUM,
        STATISTIC_LAST,
        STATISTIC_GREATEST,
} StatisticKind;

StatisticKind statistic_kind(Statistic statistic);
/* "copy", …: names in the file, of JSON, and for scripts. */
const char *statistic_to_string(Statistic statistic);
Statistic statistic_from_string(const char *text);

/* What was done from START on for LENGTH. */
typedef struct StatisticsBucket {
        usec_t start, length; /* CLOCK_REALTIME */
        uint64_t values[_STATISTIC_MAX];
        uint64_t lags[HISTOGRAM_BUCKETS]; /* microseconds */
        uint64_t known;                   /* of those that are as at the end: bits by Statistic */
} StatisticsBucket;

static inline bool statistics_knows(const StatisticsBucket *bucket, Statistic statistic) {
        return bucket->known >> statistic & 1;
}
void statistics_set(StatisticsBucket *bucket, Statistic statistic, uint64_t value);
/* Adds MORE, which is later, to TOTAL; TOTAL's times stay. */
void statistics_bucket_add(StatisticsBucket *total, const StatisticsBucket *more);
/* Whether anything was done in it. */
bool statistics_bucket_is_idle(const StatisticsBucket *bucket);
/* Operations of all kinds that succeeded; the versions that they left are none. */
uint64_t statistics_operations(const StatisticsBucket *bucket);

typedef struct Statistics {
        StatisticsBucket *buckets; /* in the order of their starts, which differ */
        size_t n_buckets, n_allocated;
        Slowest *days; /* the slowest of each day on which there were any, in order */
        usec_t *day_starts;
        size_t n_days;
        usec_t reported;             /* when work was summed up last; 0: never */
        StatisticsBucket unreported; /* what was done since, without times */
} Statistics;

#define STATISTICS_NULL ((Statistics) {})
void statistics_done(Statistics *statistics);

/* Adds BUCKET to the one of the same start and length, which is made if there is none. 0 or
 * -ENOMEM. */
int statistics_add(Statistics *statistics, const StatisticsBucket *bucket);
int statistics_add_slow(Statistics *statistics, const SlowOperation *operation);
/* Makes days of hours that are old at NOW, and drops what is too old. 0 or -ENOMEM. */
int statistics_age(Statistics *statistics, usec_t now);
