#include "state/statistics.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "basic/alloc.h"
#include "basic/macros.h"
#include "basic/string-util.h"

static const struct {
        const char *name;
        StatisticKind kind;
} statistics_known[_STATISTIC_MAX] = {
        [STATISTIC_COPY] = { "copy", STATISTIC_SUM },
        [STATISTIC_UPDATE] = { "update", STATISTIC_SUM },
        [STATISTIC_RENAME] = { "rename", STATISTIC_SUM },
        [STATISTIC_LINK] = { "link", STATISTIC_SUM },
        [STATISTIC_MKDIR] = { "mkdir", STATISTIC_SUM },
        [STATISTIC_METADATA] = { "metadata", STATISTIC_SUM },
        [STATISTIC_REMOVE] = { "remove", STATISTIC_SUM },
        [STATISTIC_ADOPT] = { "adopt", STATISTIC_SUM },
        [STATISTIC_HEAL] = { "heal", STATISTIC_SUM },
        [STATISTIC_VERSION] = { "version", STATISTIC_SUM },
        [STATISTIC_FAIL] = { "fail", STATISTIC_SUM },
        [STATISTIC_KEEP] = { "keep", STATISTIC_SUM },
        [STATISTIC_BYTES] = { "bytes", STATISTIC_SUM },
        [STATISTIC_UNSTABLE] = { "unstable", STATISTIC_SUM },
        [STATISTIC_CONFLICTS] = { "conflicts", STATISTIC_SUM },
        [STATISTIC_PASSES] = { "passes", STATISTIC_SUM },
        [STATISTIC_PASS_USEC] = { "pass-usec", STATISTIC_SUM },
        [STATISTIC_OVERFLOWS] = { "overflows", STATISTIC_SUM },
        [STATISTIC_VERIFIED] = { "verified", STATISTIC_SUM },
        [STATISTIC_VERIFIED_BYTES] = { "verified-bytes", STATISTIC_SUM },
        [STATISTIC_ROTTEN] = { "rotten", STATISTIC_SUM },
        [STATISTIC_ROT_HEALED] = { "rot-healed", STATISTIC_SUM },
        [STATISTIC_LAG_USEC] = { "lag-usec", STATISTIC_SUM },
        [STATISTIC_ENTRIES] = { "entries", STATISTIC_LAST },
        [STATISTIC_FILES] = { "files", STATISTIC_LAST },
        [STATISTIC_FILES_VERIFIED] = { "files-verified", STATISTIC_LAST },
        [STATISTIC_FILES_DAMAGED] = { "files-damaged", STATISTIC_LAST },
        [STATISTIC_FAILING] = { "failing", STATISTIC_LAST },
        [STATISTIC_VERSIONS_BYTES] = { "versions-bytes", STATISTIC_LAST },
        [STATISTIC_LAG_MAX_USEC] = { "lag-max-usec", STATISTIC_GREATEST },
};

StatisticKind statistic_kind(Statistic statistic) {
        return statistics_known[statistic].kind;
}

const char *statistic_to_string(Statistic statistic) {
        return statistics_known[statistic].name;
}

Statistic statistic_from_string(const char *text) {
        for (Statistic i = 0; i < _STATISTIC_MAX; i++)
                if (streq(statistics_known[i].name, text))
                        return i;
        return _STATISTIC_INVALID;
}

void statistics_set(StatisticsBucket *bucket, Statistic statistic, uint64_t value) {
        bucket->values[statistic] = value;
        bucket->known |= UINT64_C(1) << statistic;
}

static void add_value(StatisticsBucket *total, const StatisticsBucket *more, Statistic i) {
        switch (statistic_kind(i)) {
        case STATISTIC_SUM:
                total->values[i] += more->values[i];
                break;
        case STATISTIC_LAST:
                if (statistics_knows(more, i))
                        statistics_set(total, i, more->values[i]);
                break;
        case STATISTIC_GREATEST:
                total->values[i] = MAX(total->values[i], more->values[i]);
                break;
        }
}

void statistics_bucket_add(StatisticsBucket *total, const StatisticsBucket *more) {
        for (Statistic i = 0; i < _STATISTIC_MAX; i++)
                add_value(total, more, i);
        for (size_t i = 0; i < HISTOGRAM_BUCKETS; i++)
                total->lags[i] += more->lags[i];
}

bool statistics_bucket_is_idle(const StatisticsBucket *bucket) {
        for (Statistic i = 0; i < _STATISTIC_MAX; i++)
                if (statistic_kind(i) != STATISTIC_LAST && bucket->values[i] > 0)
                        return false;
        return true;
}

uint64_t statistics_operations(const StatisticsBucket *bucket) {
        uint64_t n = 0;

        for (Statistic i = 0; i < _STATISTIC_OPERATION_MAX; i++)
                n += bucket->values[i];
        return n;
}

void statistics_done(Statistics *statistics) {
        for (size_t i = 0; i < statistics->n_days; i++)
                slowest_done(&statistics->days[i]);
        free(statistics->days);
        free(statistics->day_starts);
        free(statistics->buckets);
        *statistics = STATISTICS_NULL;
}

/* Where the first bucket is that does not start before START. Most are added at the end. */
static size_t find(const Statistics *statistics, usec_t start) {
        size_t i = statistics->n_buckets;

        while (i > 0 && statistics->buckets[i - 1].start >= start)
                i--;
        return i;
}

static int insert(Statistics *statistics, size_t at, const StatisticsBucket *bucket) {
        StatisticsBucket *buckets = statistics->buckets;

        if (statistics->n_buckets == statistics->n_allocated) {
                size_t n = MAX(2 * statistics->n_allocated, (size_t) 64);

                buckets = reallocarray(buckets, n, sizeof *buckets);
                if (!buckets)
                        return -ENOMEM;
                statistics->buckets = buckets;
                statistics->n_allocated = n;
        }
        memmove(buckets + at + 1, buckets + at, (statistics->n_buckets - at) * sizeof *buckets);
        buckets[at] = *bucket;
        statistics->n_buckets++;
        return 0;
}

/* An hour that is already counted in with its day is added to that. */
int statistics_add(Statistics *statistics, const StatisticsBucket *bucket) {
        size_t i = find(statistics, bucket->start);
        StatisticsBucket *at = statistics->buckets + i;

        if (i < statistics->n_buckets && at->start == bucket->start) {
                at->length = MAX(at->length, bucket->length);
                statistics_bucket_add(at, bucket);
                return 0;
        }
        if (i > 0 && at[-1].start + at[-1].length > bucket->start) {
                statistics_bucket_add(&at[-1], bucket);
                return 0;
        }
        return insert(statistics, i, bucket);
}

/* The slowest of the day of START, which are made if there are none; NULL when memory is short. */
static Slowest *acquire_day(Statistics *statistics, usec_t start) {
        size_t n = statistics->n_days, i = n;
        usec_t *starts;
        Slowest *days;

        while (i > 0 && statistics->day_starts[i - 1] >= start)
                i--;
        if (i < n && statistics->day_starts[i] == start)
                return &statistics->days[i];
        starts = reallocarray(statistics->day_starts, n + 1, sizeof *starts);
        if (!starts)
                return NULL;
        statistics->day_starts = starts;
        days = reallocarray(statistics->days, n + 1, sizeof *days);
        if (!days)
                return NULL;
        statistics->days = days;
        memmove(starts + i + 1, starts + i, (n - i) * sizeof *starts);
        memmove(days + i + 1, days + i, (n - i) * sizeof *days);
        starts[i] = start;
        days[i] = SLOWEST_NULL;
        statistics->n_days++;
        return &days[i];
}

int statistics_add_slow(Statistics *statistics, const SlowOperation *operation) {
        Slowest *day = acquire_day(statistics, operation->at - operation->at % USEC_PER_DAY);
        int r;

        if (!day)
                return -ENOMEM;
        r = slowest_add(day, operation);
        return MIN(r, 0);
}

static bool is_older(usec_t at, usec_t now, usec_t age) {
        return at < now && now - at > age;
}

static void drop_days(Statistics *statistics, usec_t now) {
        size_t n = 0;

        while (n < statistics->n_days &&
               is_older(statistics->day_starts[n], now, STATISTICS_KEEP_HOURS_USEC))
                slowest_done(&statistics->days[n++]);
        if (n == 0)
                return;
        statistics->n_days -= n;
        memmove(statistics->days, statistics->days + n,
                statistics->n_days * sizeof *statistics->days);
        memmove(statistics->day_starts, statistics->day_starts + n,
                statistics->n_days * sizeof *statistics->day_starts);
}

int statistics_age(Statistics *statistics, usec_t now) {
        _cleanup_(statistics_done) Statistics aged = STATISTICS_NULL;
        int r = 0;

        for (size_t i = 0; r >= 0 && i < statistics->n_buckets; i++) {
                StatisticsBucket bucket = statistics->buckets[i];

                if (is_older(bucket.start, now, STATISTICS_KEEP_DAYS_USEC))
                        continue;
                if (is_older(bucket.start, now, STATISTICS_KEEP_HOURS_USEC)) {
                        bucket.start -= bucket.start % USEC_PER_DAY;
                        bucket.length = USEC_PER_DAY;
                }
                r = statistics_add(&aged, &bucket);
        }
        if (r < 0)
                return r;
        drop_days(statistics, now);
        free(statistics->buckets);
        statistics->buckets = TAKE_PTR(aged.buckets);
        statistics->n_buckets = aged.n_buckets;
        statistics->n_allocated = aged.n_allocated;
        return 0;
}
