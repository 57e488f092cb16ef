#include "daemon/status.h"

#include <errno.h>
#include <string.h>
#include <time.h>

#include "basic/count-text.h"
#include "basic/estimate.h"
#include "basic/line-parts.h"
#include "basic/local-time.h"
#include "basic/macros.h"
#include "basic/size.h"
#include "basic/string-util.h"

static void put_count(StringBuffer *text, uint64_t n, const char *one, const char *many) {
        char buffer[COUNT_TEXT_MAX];

        string_buffer_appendf(text, "%s %s", count_format(buffer, sizeof buffer, n),
                              n == 1 ? one : many);
}

/* How much of the pass, and of how much. */
static uint64_t work_done(const StatusFacts *facts) {
        return facts->phase == STATUS_VERIFYING ? estimate_reading(facts->n_entries, facts->n_bytes)
                                                : facts->n_entries;
}

static uint64_t work_expected(const StatusFacts *facts) {
        uint64_t n = (uint64_t) MAX(facts->n_expected, (int64_t) 0);

        return facts->phase == STATUS_VERIFYING ? estimate_reading(n, facts->n_bytes_expected) : n;
}

/* Of a pass; -1: unknown. */
static int percentage(const StatusFacts *facts) {
        int progress = estimate_progress(work_done(facts), work_expected(facts));

        return progress < 0 ? -1 : progress / 10;
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

/* "; verifying, 12,345 of 84,123 files" */
static void put_asked(StringBuffer *text, const StatusFacts *facts) {
        char buffer[COUNT_TEXT_MAX];

        if (!facts->asked_to_verify)
                return;
        string_buffer_append(text, "; verifying");
        if (facts->n_files_expected == 0)
                return;
        string_buffer_appendf(text, ", %s of ",
                              count_format(buffer, sizeof buffer, facts->n_files_read));
        put_count(text, facts->n_files_expected, "file", "files");
}

/* "; verified 41 % of 84,123 files, the oldest on 2026-11-21 06:25:38" */
static void put_coverage(StringBuffer *text, const StatusFacts *facts) {
        if (!facts->patrols || facts->n_files == 0)
                return;
        string_buffer_appendf(text, "; %s %d %% of ",
                              facts->verifying && !facts->asked_to_verify ? "verifying,"
                                                                          : "verified",
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
        put_clause(text, "; ", facts->n_held_removals, "removal on hold", "removals on hold");
        put_clause(text, "; ", facts->n_damaged, "file damaged", "files damaged");
        put_asked(text, facts);
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
                string_buffer_append(text, facts->watching ? "Setting up watches: " : "Counting: ");
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

static usec_t time_left(const StatusFacts *facts) {
        return estimate_left(facts->elapsed, work_done(facts), work_expected(facts));
}

/* What is left out of a line that is too long, the highest first. */
enum { RANK_PERCENTAGE, RANK_LEFT, RANK_COUNT, RANK_RATE, RANK_BYTES };

static void add_bytes(LineParts *parts, const StatusFacts *facts) {
        char bytes[SIZE_TEXT_MAX], rate[SIZE_TEXT_MAX];
        double per_second;

        if (facts->n_bytes == 0)
                return;
        line_parts_add(parts, RANK_BYTES, "%s", size_format(bytes, sizeof bytes, facts->n_bytes));
        if (facts->elapsed == 0)
                return;
        per_second = (double) facts->n_bytes * USEC_PER_SEC / (double) facts->elapsed;
        line_parts_add(parts, RANK_RATE, "%s/s",
                       size_format(rate, sizeof rate, (uint64_t) per_second));
}

static void add_progress(LineParts *parts, const StatusFacts *facts) {
        bool verifying = facts->phase == STATUS_VERIFYING, one = facts->n_entries == 1;
        char count[COUNT_TEXT_MAX], span[SPAN_TEXT_MAX];
        int percent = percentage(facts);

        line_parts_add(parts, percent >= 0 ? RANK_COUNT : RANK_PERCENTAGE, "%s %s",
                       count_format(count, sizeof count, facts->n_entries),
                       verifying ? (one ? "file" : "files") : (one ? "entry" : "entries"));
        add_bytes(parts, facts);
        if (percent >= 0)
                line_parts_add(parts, RANK_PERCENTAGE, "%d %%", percent);
        if (time_left(facts) > 0)
                line_parts_add(parts, RANK_LEFT, "%s left",
                               span_format(span, sizeof span, time_left(facts)));
}

static void add_arming(LineParts *parts, const StatusFacts *facts) {
        char count[COUNT_TEXT_MAX];

        line_parts_add(parts, RANK_COUNT, facts->watching ? "setting up watches" : "counting");
        line_parts_add(parts, RANK_PERCENTAGE, "%s %s",
                       count_format(count, sizeof count, facts->n_directories),
                       facts->n_directories == 1 ? "directory" : "directories");
}

int progress_format(const StatusFacts *facts, size_t width, char **ret) {
        LineParts parts = LINE_PARTS_NULL;

        if (facts->phase == STATUS_ARMING)
                add_arming(&parts, facts);
        else
                add_progress(&parts, facts);
        return line_parts_join(&parts, width, ret);
}
