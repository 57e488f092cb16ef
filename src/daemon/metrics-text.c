#include "daemon/metrics-text.h"

#include <errno.h>
#include <inttypes.h>
#include <stddef.h>
#include <stdio.h>

#include "basic/alloc.h"
#include "basic/macros.h"
#include "basic/string-util.h"
#include "basic/time-span.h"

enum {
        LAG_BUCKET_FIRST = 9, /* below a millisecond */
        LAG_BUCKET_LAST = 31, /* over an hour */
};

typedef enum Unit {
        UNIT_NUMBER,
        UNIT_TRUTH, /* an int */
        UNIT_SPAN,  /* of microseconds, shown in seconds */
        UNIT_TIME,  /* likewise, and 0 is none */
} Unit;

typedef struct Metric {
        const char *name, *type, *help;
        Unit unit;
        size_t offset; /* in PairFacts */
} Metric;

#define METRIC(name_, type_, unit_, member_, help_)                                 \
        {                                                                           \
                .name = (name_), .type = (type_), .help = (help_), .unit = (unit_), \
                .offset = offsetof(PairFacts, member_)                              \
        }
#define GAUGE(name, member, help) METRIC(name, "gauge", UNIT_NUMBER, member, help)
#define TIME(name, member, help) METRIC(name, "gauge", UNIT_TIME, member, help)
#define COUNTER(name, member, help) METRIC(name, "counter", UNIT_NUMBER, member, help)
#define COUNTED(name, index, help) COUNTER(name, counters.values[FACT_COUNTER_##index], help)

static const Metric metrics[] = {
        TIME("rebackup_start_time_seconds", started, "When the service was started."),
        METRIC("rebackup_configuration_refused", "gauge", UNIT_TRUTH, config_refused,
               "1 while the configuration file has mistakes and an earlier one is in force."),

        GAUGE("rebackup_entries", n_entries, "Entries of the source, as of the last full pass."),
        GAUGE("rebackup_directories", n_directories, "Directories of the source."),
        GAUGE("rebackup_files", n_files, "Regular files, as of when files were last read back."),
        TIME("rebackup_in_step_timestamp_seconds", in_step_since,
             "Since when nothing is left to do; no sample while something is."),
        GAUGE("rebackup_pending_changes", n_pending, "Changes that wait or are worked on."),
        TIME("rebackup_oldest_pending_timestamp_seconds", pending_since,
             "When the oldest change that is not in the replica yet was noticed."),
        GAUGE("rebackup_failures", n_failures, "Entries that cannot be mirrored at present."),
        GAUGE("rebackup_held", n_held,
              "Places that are left as they are because their file system is not the known one."),

        GAUGE("rebackup_held_removals", n_held_removals,
              "Removals that wait for approval, because they are more than MaxDelete allows."),
        GAUGE("rebackup_kept", n_kept,
              "Entries that a policy keeps as they are, changed in the source or gone from it."),

        TIME("rebackup_last_pass_timestamp_seconds", last_pass_begun,
             "When the last full pass that has ended began."),
        METRIC("rebackup_last_pass_duration_seconds", "gauge", UNIT_SPAN, last_pass_duration,
               "How long it took."),
        TIME("rebackup_next_pass_timestamp_seconds", next_pass, "When the next one is due."),

        COUNTED("rebackup_copied_bytes_total", BYTES, "Bytes of content copied since the start."),
        COUNTED("rebackup_unstable_total", UNSTABLE,
                "Files published although they would not rest, since the start."),

        COUNTED("rebackup_conflicts_total", CONFLICTS,
                "Entries that changed on both sides of a two-way pair, since the start."),

        GAUGE("rebackup_watched_directories", n_watched, "Directories watched for changes."),
        GAUGE("rebackup_unwatched_directories", n_unwatched,
              "Directories of the source that only rescans look at."),
        COUNTER("rebackup_watch_overflows_total", n_overflows,
                "How often the kernel lost events, since the start."),

        GAUGE("rebackup_versions_bytes", versions_bytes,
              "Space that versions take, as last measured."),

        TIME("rebackup_oldest_verified_timestamp_seconds", oldest_verified,
             "When the file was read back that was not for the longest time."),
        COUNTED("rebackup_verified_bytes_total", VERIFIED_BYTES,
                "Bytes read back from both disks and held against their hashes, since the start."),
        GAUGE("rebackup_damaged_files", n_damaged, "Files known to be damaged at present."),
        COUNTED("rebackup_rotten_total", ROTTEN, "Files found damaged since the start."),
        COUNTED("rebackup_healed_total", ROT_HEALED, "Files made good again since the start."),
};

static const char *const states[] = {
        "starting", "arming", "first-pass", "rescan",   "live",
        "hold",     "paused", "failing",    "stopping",
};

typedef struct Text {
        StringBuffer buffer;
        char *pair; /* the name as the value of a label */
} Text;

/* In the value of a label these three stand as escapes. Source: "Exposition formats", Prometheus.
 */
static char *label_value(const char *text) {
        _cleanup_(string_buffer_done) StringBuffer buffer = STRING_BUFFER_NULL;

        for (const char *p = text; *p; p++)
                if (*p == '\n')
                        string_buffer_append(&buffer, "\\n");
                else {
                        if (*p == '\\' || *p == '"')
                                string_buffer_append(&buffer, "\\");
                        string_buffer_append_bytes(&buffer, p, 1);
                }
        return string_buffer_take(&buffer);
}

static void begin_metric(Text *text, const char *name, const char *type, const char *help) {
        string_buffer_appendf(&text->buffer, "# HELP %s %s\n# TYPE %s %s\n", name, help, name,
                              type);
}

/* LABEL may be NULL. */
static void begin_sample(Text *text, const char *name, const char *label, const char *value) {
        string_buffer_appendf(&text->buffer, "%s{pair=\"%s\"", name, text->pair);
        if (label)
                string_buffer_appendf(&text->buffer, ",%s=\"%s\"", label, value);
        string_buffer_append(&text->buffer, "} ");
}

static void end_seconds(Text *text, usec_t usec) {
        string_buffer_appendf(&text->buffer, "%" PRIu64 ".%06" PRIu64 "\n", usec / USEC_PER_SEC,
                              usec % USEC_PER_SEC);
}

static void add_metric(Text *text, const Metric *metric, const PairFacts *facts) {
        const void *member = (const char *) facts + metric->offset;
        uint64_t value = metric->unit == UNIT_TRUTH ? *(const int *) member != 0
                                                    : *(const uint64_t *) member;

        begin_metric(text, metric->name, metric->type, metric->help);
        if (metric->unit == UNIT_TIME && value == 0)
                return;
        begin_sample(text, metric->name, NULL, NULL);
        if (metric->unit == UNIT_NUMBER || metric->unit == UNIT_TRUTH)
                string_buffer_appendf(&text->buffer, "%" PRIu64 "\n", value);
        else
                end_seconds(text, value);
}

static void add_info(Text *text, const PairFacts *facts) {
        begin_metric(text, "rebackup_info", "gauge", "Version and way of watching; always 1.");
        string_buffer_appendf(&text->buffer,
                              "rebackup_info{pair=\"%s\",version=\"%s\",watch=\"%s\"} 1\n",
                              text->pair, facts->version, facts->watch_backend);
}

static void add_states(Text *text, const PairFacts *facts) {
        begin_metric(text, "rebackup_state", "gauge", "1 for the state that the pair is in.");
        for (size_t i = 0; i < ELEMENTSOF(states); i++) {
                begin_sample(text, "rebackup_state", "state", states[i]);
                string_buffer_append(&text->buffer, streq(states[i], facts->state) ? "1\n" : "0\n");
        }
}

static void add_last_result(Text *text, const PairFacts *facts) {
        begin_metric(text, "rebackup_last_pass_success", "gauge",
                     "1 if the last full pass left nothing undone, else 0.");
        if (facts->last_pass_begun == 0)
                return;
        begin_sample(text, "rebackup_last_pass_success", NULL, NULL);
        string_buffer_append(&text->buffer, streq(facts->last_pass_result, "done") ? "1\n" : "0\n");
}

static void add_operations(Text *text, const PairFacts *facts) {
        begin_metric(text, "rebackup_operations_total", "counter",
                     "What was done in the replica since the start, by kind.");
        for (Operation i = 0; i < _OPERATION_MAX; i++) {
                begin_sample(text, "rebackup_operations_total", "operation",
                             operation_to_string(i));
                string_buffer_appendf(&text->buffer, "%" PRIu64 "\n", facts->counters.values[i]);
        }
}

static void add_verified(Text *text, const PairFacts *facts) {
        begin_metric(text, "rebackup_verified_ratio", "gauge",
                     "Share of the files that were read back within the interval for it.");
        if (facts->n_files == 0)
                return;
        begin_sample(text, "rebackup_verified_ratio", NULL, NULL);
        string_buffer_appendf(&text->buffer, "%.6f\n",
                              (double) facts->n_verified / (double) facts->n_files);
}

/* Each bucket has all that took less as well; the few that are left out at both ends never tell
 * anything. */
static void add_lags(Text *text, const PairFacts *facts) {
        const char *name = "rebackup_lag_seconds_bucket";
        uint64_t n = 0;
        char limit[32];

        begin_metric(text, "rebackup_lag_seconds", "histogram",
                     "From a change until it was in the replica, safe on its disk.");
        for (unsigned i = 0; i < HISTOGRAM_BUCKETS; i++) {
                usec_t upper = histogram_lower(i) * 2;

                n += facts->lags[i];
                if (i < LAG_BUCKET_FIRST || i > LAG_BUCKET_LAST)
                        continue;
                (void) snprintf(limit, sizeof limit, "%" PRIu64 ".%06" PRIu64, upper / USEC_PER_SEC,
                                upper % USEC_PER_SEC);
                begin_sample(text, name, "le", limit);
                string_buffer_appendf(&text->buffer, "%" PRIu64 "\n", n);
        }
        begin_sample(text, name, "le", "+Inf");
        string_buffer_appendf(&text->buffer, "%" PRIu64 "\n", n);
        begin_sample(text, "rebackup_lag_seconds_sum", NULL, NULL);
        end_seconds(text, facts->lag_sum);
        begin_sample(text, "rebackup_lag_seconds_count", NULL, NULL);
        string_buffer_appendf(&text->buffer, "%" PRIu64 "\n", n);
}

int metrics_format(const PairFacts *facts, char **ret) {
        Text text = { .pair = label_value(facts->name) };
        char *copy;

        if (!text.pair)
                return -ENOMEM;
        add_info(&text, facts);
        add_states(&text, facts);
        for (size_t i = 0; i < ELEMENTSOF(metrics); i++)
                add_metric(&text, &metrics[i], facts);
        add_last_result(&text, facts);
        add_operations(&text, facts);
        add_verified(&text, facts);
        add_lags(&text, facts);
        free(text.pair);
        copy = string_buffer_take(&text.buffer);
        string_buffer_done(&text.buffer);
        if (!copy)
                return -ENOMEM;
        *ret = copy;
        return 0;
}
