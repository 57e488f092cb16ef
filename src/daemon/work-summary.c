#include "daemon/work-summary.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>

#include "basic/count-text.h"
#include "basic/macros.h"
#include "basic/size.h"
#include "basic/string-util.h"

/* As in summary.c: making a directory is copying it. */
static const struct {
        Statistic statistic;
        const char *done;
} words[] = {
        { STATISTIC_COPY, "copied" },       { STATISTIC_UPDATE, "updated" },
        { STATISTIC_RENAME, "renamed" },    { STATISTIC_LINK, "linked" },
        { STATISTIC_METADATA, "metadata" }, { STATISTIC_REMOVE, "removed" },
        { STATISTIC_ADOPT, "adopted" },     { STATISTIC_HEAL, "healed" },
        { STATISTIC_VERSION, "versioned" },
};

static uint64_t count_of(const StatisticsBucket *work, Statistic statistic) {
        uint64_t n = work->values[statistic];

        return statistic == STATISTIC_COPY ? n + work->values[STATISTIC_MKDIR] : n;
}

static void put_count(StringBuffer *text, const char *before, uint64_t n, const char *after) {
        char count[COUNT_TEXT_MAX];

        string_buffer_appendf(text, "%s%s%s", before, count_format(count, sizeof count, n), after);
}

static void put_operations(StringBuffer *text, const StatisticsBucket *work) {
        const char *before = ": ";
        char size[SIZE_TEXT_MAX];

        for (size_t i = 0; i < ELEMENTSOF(words); i++) {
                uint64_t n = count_of(work, words[i].statistic);

                if (n == 0)
                        continue;
                put_count(text, before, n, " ");
                string_buffer_append(text, words[i].done);
                before = ", ";
        }
        if (work->values[STATISTIC_KEEP] > 0) {
                put_count(text, before, work->values[STATISTIC_KEEP], " left as they are");
                before = ", ";
        }
        if (work->values[STATISTIC_FAIL] > 0)
                put_count(text, before, work->values[STATISTIC_FAIL], " failed attempts");
        else if (statistics_operations(work) == 0)
                string_buffer_append(text, ": nothing had to be done");
        else
                string_buffer_append(text, ", nothing failed");
        if (work->values[STATISTIC_CONFLICTS] > 0)
                put_count(text, ", ", work->values[STATISTIC_CONFLICTS],
                          work->values[STATISTIC_CONFLICTS] == 1 ? " conflict" : " conflicts");
        if (work->values[STATISTIC_BYTES] > 0)
                string_buffer_appendf(
                        text, "; %s copied",
                        size_format(size, sizeof size, work->values[STATISTIC_BYTES]));
}

static uint64_t lag_at(const StatisticsBucket *work, double percent) {
        return histogram_percentile(work->lags, work->values[STATISTIC_LAG_MAX_USEC], percent);
}

static void put_lag(StringBuffer *text, const StatisticsBucket *work) {
        char median[SPAN_TEXT_MAX], most[SPAN_TEXT_MAX], max[SPAN_TEXT_MAX];

        if (histogram_total(work->lags) == 0)
                return;
        string_buffer_appendf(text,
                              "; in the replica after %s (median), %s (99 %%), %s at the longest",
                              span_format(median, sizeof median, lag_at(work, 50)),
                              span_format(most, sizeof most, lag_at(work, 99)),
                              span_format(max, sizeof max, work->values[STATISTIC_LAG_MAX_USEC]));
}

static void put_state(StringBuffer *text, const StatisticsBucket *work) {
        char size[SIZE_TEXT_MAX];

        if (work->values[STATISTIC_PASSES] > 0)
                put_count(text, "; compared ", work->values[STATISTIC_PASSES],
                          work->values[STATISTIC_PASSES] == 1 ? " time" : " times");
        if (work->values[STATISTIC_VERIFIED] > 0)
                put_count(text, "; ", work->values[STATISTIC_VERIFIED], " files read back");
        if (work->values[STATISTIC_ROTTEN] > 0) {
                put_count(text, ", ", work->values[STATISTIC_ROTTEN], " found damaged");
                put_count(text, ", ", work->values[STATISTIC_ROT_HEALED], " healed");
        }
        if (work->values[STATISTIC_ENTRIES] > 0)
                put_count(text, "; now ", work->values[STATISTIC_ENTRIES], " entries");
        if (work->values[STATISTIC_VERSIONS_BYTES] > 0)
                string_buffer_appendf(
                        text, ", %s of versions",
                        size_format(size, sizeof size, work->values[STATISTIC_VERSIONS_BYTES]));
        if (work->values[STATISTIC_FAILING] > 0)
                put_count(text, "; ", work->values[STATISTIC_FAILING],
                          " cannot be mirrored at present");
}

int work_summary_format(const StatisticsBucket *work, usec_t duration, char **ret) {
        _cleanup_(string_buffer_done) StringBuffer text = STRING_BUFFER_NULL;
        char span[SPAN_TEXT_MAX], *line;

        string_buffer_appendf(&text, "in the last %s",
                              span_format(span, sizeof span, MAX(duration, USEC_PER_SEC)));
        put_operations(&text, work);
        put_lag(&text, work);
        put_state(&text, work);
        line = string_buffer_take(&text);
        if (!line)
                return -ENOMEM;
        *ret = line;
        return 0;
}

static void add_field(WorkFields *fields, const char *name, uint64_t value) {
        char *text = fields->names[fields->n_fields];

        (void) snprintf(text, WORK_FIELD_NAME_MAX, "REBACKUP_%s", name);
        for (char *p = text; *p; p++)
                *p = *p == '-' ? '_' : (char) toupper((unsigned char) *p);
        fields->fields[fields->n_fields++] = (LogField) { text, value };
}

void work_fields_make(const StatisticsBucket *work, WorkFields *ret) {
        ret->n_fields = 0;
        for (Statistic i = 0; i < _STATISTIC_MAX; i++)
                add_field(ret, statistic_to_string(i), work->values[i]);
        add_field(ret, "lag-50-usec", lag_at(work, 50));
        add_field(ret, "lag-95-usec", lag_at(work, 95));
        add_field(ret, "lag-99-usec", lag_at(work, 99));
}
