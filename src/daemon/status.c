#include "daemon/status.h"

#include <errno.h>
#include <string.h>
#include <time.h>

#include "basic/count-text.h"
#include "basic/local-time.h"
#include "basic/macros.h"
#include "basic/size.h"
#include "basic/string-util.h"

/* Below this an estimate says more about noise than about what is left. */
#define ESTIMATE_AFTER_USEC (2 * USEC_PER_SEC)

static void put_count(StringBuffer *text, uint64_t n, const char *one, const char *many) {
        char buffer[COUNT_TEXT_MAX];

        string_buffer_appendf(text, "%s %s", count_format(buffer, sizeof buffer, n),
                              n == 1 ? one : many);
}

/* Percentage of a pass: 99 at most, because what is expected is what was there the last time. -1:
 * unknown. */
static int percentage(const StatusFacts *facts) {
        if (facts->phase == STATUS_VERIFYING)
                return facts->n_bytes_expected > 0
                               ? (int) MIN(facts->n_bytes * 100 / facts->n_bytes_expected,
                                           UINT64_C(99))
                               : -1;
        if (facts->n_expected <= 0)
                return -1;
        return (int) MIN(facts->n_entries * 100 / (uint64_t) facts->n_expected, UINT64_C(99));
}

static void put_pass(StringBuffer *text, const StatusFacts *facts) {
        char bytes[SIZE_TEXT_MAX];

        if (facts->phase == STATUS_VERIFYING)
                put_count(text, facts->n_entries, "file", "files");
        else
                put_count(text, facts->n_entries, "entry", "entries");
        if (facts->n_bytes > 0)
                string_buffer_appendf(text, ", %s",
                                      size_format(bytes, sizeof bytes, facts->n_bytes));
}

static void put_time(StringBuffer *text, usec_t realtime) {
        char buffer[LOCAL_TIME_MAX];

        string_buffer_append(text, local_time_format(buffer, sizeof buffer, realtime));
}

/* What is worth a word only where there is any. */
static void put_clause(StringBuffer *text, const char *separator, uint64_t n, const char *one,
                       const char *many) {
        if (n == 0)
                return;
        string_buffer_append(text, separator);
        put_count(text, n, one, many);
}

/* "; verified 41 % of 84,123 files, the oldest on 2026-11-21 06:25:38" */
static void put_coverage(StringBuffer *text, const StatusFacts *facts) {
        if (!facts->patrols || facts->n_files == 0)
                return;
        string_buffer_appendf(text, "; %s %d %% of ", facts->verifying ? "verifying," : "verified",
                              (int) (facts->n_verified * 100 / facts->n_files));
        put_count(text, facts->n_files, "file", "files");
        if (facts->oldest_verified > 0) {
                string_buffer_append(text, ", the oldest on ");
                put_time(text, facts->oldest_verified);
        }
        if (facts->verified_by > 0) {
                string_buffer_append(text, ", all by ");
                put_time(text, facts->verified_by);
        }
        put_clause(text, ", ", facts->n_without_hash, "without a hash", "without a hash");
}

static void put_live(StringBuffer *text, const StatusFacts *facts) {
        if (facts->watching) {
                string_buffer_append(text, "Watching ");
                put_count(text, facts->n_watched, "directory", "directories");
                if (facts->n_fallen_back > 0) {
                        string_buffer_append(text, " (");
                        put_count(text, facts->n_fallen_back, "by inotify)", "by inotify)");
                }
        } else
                string_buffer_append(text, "Rescanning by timer");
        put_clause(text, ", ", facts->n_unwatched, "more left to rescans", "more left to rescans");
        if (facts->replica_watching)
                put_clause(text, ", ", facts->n_replica_unwatched,
                           "directory of the replica left to rescans",
                           "directories of the replica left to rescans");
        put_clause(text, "; ", facts->n_overflows, "overflow of events", "overflows of events");
        if (facts->n_pending > 0) {
                string_buffer_append(text, "; ");
                put_count(text, facts->n_pending, "change pending", "changes pending");
        } else if (facts->in_step_since > 0 && facts->n_failed == 0 && facts->n_held == 0) {
                string_buffer_append(text, "; in step since ");
                put_time(text, facts->in_step_since);
                if (facts->proof)
                        string_buffer_appendf(text, "; %s", facts->proof);
        }
        put_clause(text, "; ", facts->n_failed, "entry failed", "entries failed");
        put_clause(text, "; ", facts->n_held, "place on hold", "places on hold");
        put_clause(text, "; ", facts->n_damaged, "file damaged", "files damaged");
        put_coverage(text, facts);
        if (facts->config_refused)
                string_buffer_append(text, "; new configuration refused");
        if (facts->reason)
                string_buffer_appendf(text, "; %s", facts->reason);
}

static void put_status(StringBuffer *text, const StatusFacts *facts) {
        switch (facts->phase) {
        case STATUS_STARTING:
                string_buffer_append(text, "Starting");
                break;
        case STATUS_ARMING:
                string_buffer_append(text, "Setting up watches: ");
                put_count(text, facts->n_directories, "directory", "directories");
                break;
        case STATUS_INITIAL:
        case STATUS_RESCAN:
                string_buffer_append(text, facts->phase == STATUS_INITIAL ? "Initial pass: "
                                                                          : "Full pass: ");
                put_pass(text, facts);
                if (percentage(facts) >= 0)
                        string_buffer_appendf(text, ", %d %%", percentage(facts));
                break;
        case STATUS_VERIFYING:
                string_buffer_append(text, "Verifying: ");
                put_pass(text, facts);
                if (percentage(facts) >= 0)
                        string_buffer_appendf(text, ", %d %%", percentage(facts));
                break;
        case STATUS_LIVE:
                put_live(text, facts);
                break;
        case STATUS_HOLD:
                string_buffer_appendf(text, "On hold: %s",
                                      facts->reason ? facts->reason : "a disk is missing");
                break;
        case STATUS_PAUSED:
                string_buffer_append(text, "Paused");
                put_clause(text, "; ", facts->n_pending, "change pending", "changes pending");
                break;
        case STATUS_STOPPING:
                string_buffer_append(text, "Stopping");
                break;
        }
}

int status_format(const StatusFacts *facts, char **ret) {
        _cleanup_(string_buffer_done) StringBuffer text = STRING_BUFFER_NULL;
        char *line;

        put_status(&text, facts);
        line = string_buffer_take(&text);
        if (!line)
                return -ENOMEM;
        *ret = line;
        return 0;
}

/* How long the rest of the pass takes if it goes on as it did; 0: cannot be told. */
static usec_t time_left(const StatusFacts *facts) {
        uint64_t expected = (uint64_t) MAX(facts->n_expected, (int64_t) 0);

        if (facts->elapsed < ESTIMATE_AFTER_USEC || facts->n_entries == 0 ||
            facts->n_entries >= expected)
                return 0;
        double usec = (double) facts->elapsed * (double) (expected - facts->n_entries) /
                      (double) facts->n_entries;
        return (usec_t) (usec / USEC_PER_SEC + 1) * USEC_PER_SEC;
}

static void put_progress(StringBuffer *text, const StatusFacts *facts) {
        char rate[SIZE_TEXT_MAX], span[SPAN_TEXT_MAX];

        if (facts->phase == STATUS_ARMING) {
                put_status(text, facts);
                return;
        }
        put_pass(text, facts);
        if (facts->n_bytes > 0 && facts->elapsed > 0) {
                double per_second = (double) facts->n_bytes * USEC_PER_SEC /
                                    (double) facts->elapsed;
                string_buffer_appendf(text, ", %s/s",
                                      size_format(rate, sizeof rate, (uint64_t) per_second));
        }
        if (percentage(facts) >= 0)
                string_buffer_appendf(text, ", %d %%", percentage(facts));
        if (time_left(facts) > 0)
                string_buffer_appendf(text, ", %s left",
                                      span_format(span, sizeof span, time_left(facts)));
}

int progress_format(const StatusFacts *facts, size_t width, char **ret) {
        _cleanup_(string_buffer_done) StringBuffer text = STRING_BUFFER_NULL;
        char *line;

        put_progress(&text, facts);
        line = string_buffer_take(&text);
        if (!line)
                return -ENOMEM;
        line[strnlen(line, width)] = 0;
        *ret = line;
        return 0;
}
