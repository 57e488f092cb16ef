#include "daemon/recorder.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "basic/alloc.h"
#include "basic/log.h"
#include "basic/macros.h"
#include "basic/string-util.h"
#include "daemon/manager.h"
#include "daemon/message-ids.h"
#include "daemon/work-summary.h"
#include "state/statistics-file.h"
#include "state/statistics-text.h"

#define RECORDER_PRIORITY (SD_EVENT_PRIORITY_NORMAL + 20)
/* Whoever asks for a report soon after the start is shown something. */
#define FIRST_DELAY_USEC (3 * USEC_PER_SEC)
#define INTERVAL_USEC (1 * USEC_PER_MINUTE)
#define ACCURACY_USEC (1 * USEC_PER_SEC)
#define REPORT_ACCURACY_USEC (500 * USEC_PER_MSEC)

enum {
        APPENDED_MAX = 2000,    /* lines, before the file is written anew */
        LINES_TO_SPARE = 500,   /* likewise, when it is read at the start */
        SLOW_BYTES_MAX = 65536, /* of lines that cannot be written */
};

struct Recorder {
        Manager *manager;      /* borrowed */
        const char *directory; /* the pair's */
        sd_event_source *timer, *report_timer;
        usec_t written; /* CLOCK_MONOTONIC */
        bool waits;     /* for the timer */
        bool failed;    /* to write, and that was said */
        size_t n_appended;

        Counters sampled; /* as when it was last looked */
        uint64_t n_overflows;
        StatisticsBucket pending; /* not written yet; of sums, and of what is now, as written */
        Slowest slowest;          /* of the day that began at DAY */
        usec_t day;
        StringBuffer slow_lines;

        StatisticsBucket unreported; /* since REPORTED */
        bool begins;                 /* REPORTED is to be written */
        usec_t reported;             /* CLOCK_REALTIME */
};

static const struct {
        Statistic statistic;
        size_t offset; /* in Counters */
} sampled[] = {
        { STATISTIC_BYTES, offsetof(Counters, n_bytes) },
        { STATISTIC_UNSTABLE, offsetof(Counters, n_unstable) },
        { STATISTIC_CONFLICTS, offsetof(Counters, n_conflicts) },
        { STATISTIC_VERIFIED, offsetof(Counters, n_verified) },
        { STATISTIC_VERIFIED_BYTES, offsetof(Counters, n_verified_bytes) },
        { STATISTIC_ROTTEN, offsetof(Counters, n_rotten) },
        { STATISTIC_ROT_HEALED, offsetof(Counters, n_rot_healed) },
        { STATISTIC_LAG_USEC, offsetof(Counters, lag_sum) },
};

static uint64_t counter_at(Counters *counters, size_t offset) {
        return *(atomic_uint_fast64_t *) ((char *) counters + offset);
}

static void sample_counters(Recorder *recorder) {
        StatisticsBucket *pending = &recorder->pending;
        Counters *was = &recorder->sampled, is = {};

        counters_add(&is, &recorder->manager->totals);
        if (recorder->manager->engine)
                engine_add_counters(recorder->manager->engine, &is);
        for (Operation i = 0; i < _OPERATION_MAX; i++) {
                Statistic statistic = statistic_from_string(operation_to_string(i));

                if (statistic >= 0)
                        pending->values[statistic] += is.operations[i] - was->operations[i];
        }
        for (size_t i = 0; i < ELEMENTSOF(sampled); i++)
                pending->values[sampled[i].statistic] += counter_at(&is, sampled[i].offset) -
                                                         counter_at(was, sampled[i].offset);
        for (size_t i = 0; i < HISTOGRAM_BUCKETS; i++)
                pending->lags[i] += is.lags[i] - was->lags[i];
        *was = (Counters) {};
        counters_add(was, &is);
}

/* Whether it is other than it was when it was last written. */
static bool sample(Recorder *recorder, Statistic statistic, bool is_known, uint64_t value) {
        StatisticsBucket *pending = &recorder->pending;

        if (!is_known ||
            (statistics_knows(pending, statistic) && pending->values[statistic] == value))
                return false;
        statistics_set(pending, statistic, value);
        return true;
}

static bool sample_state(Recorder *recorder) {
        Manager *manager = recorder->manager;
        const CatalogCoverage *coverage = &manager->verify.coverage;
        VersionsUsage usage = engine_versions_usage(manager->engine);
        bool changed = false, knows_files = coverage->n_files > 0;

        changed |= sample(recorder, STATISTIC_ENTRIES, manager->n_entries > 0, manager->n_entries);
        changed |= sample(recorder, STATISTIC_FAILING, manager->live,
                          engine_n_failures(manager->engine));
        changed |= sample(recorder, STATISTIC_FILES, knows_files, coverage->n_files);
        changed |= sample(recorder, STATISTIC_FILES_VERIFIED, knows_files, coverage->n_since);
        changed |= sample(recorder, STATISTIC_FILES_DAMAGED, knows_files, coverage->n_damaged);
        changed |= sample(recorder, STATISTIC_VERSIONS_BYTES, usage.measured > 0, usage.n_bytes);
        return changed;
}

/* Reads what is there, keeps what is still wanted, and writes that. */
static int shorten(Recorder *recorder, Statistics *statistics, bool damaged) {
        int r;

        r = statistics_age(statistics, now_usec(CLOCK_REALTIME));
        if (r >= 0)
                r = statistics_replace(recorder->directory, statistics, damaged);
        if (r >= 0)
                recorder->n_appended = 0;
        return r;
}

static void shorten_when_long(Recorder *recorder) {
        _cleanup_(statistics_done) Statistics statistics = STATISTICS_NULL;
        StatisticsCondition condition;
        int r;

        if (recorder->n_appended < APPENDED_MAX)
                return;
        recorder->n_appended = 0;
        r = statistics_load(recorder->directory, &statistics, &condition);
        if (r >= 0)
                r = shorten(recorder, &statistics, condition.n_bad > 0);
        if (r < 0)
                (void) log_debug_errno(r, "cannot shorten the statistics: %m");
}

/* The directory is made with the first full pass. */
static int append(Recorder *recorder, StringBuffer *text) {
        _cleanup_free_ char *lines = string_buffer_take(text);
        int r;

        r = lines ? statistics_append(recorder->directory, lines) : -ENOMEM;
        if (r < 0 && r != -ENOENT && !recorder->failed)
                (void) log_warning_errno(
                        r, "cannot write %s/" STATISTICS_NAME ", trying again later: %m",
                        recorder->directory);
        recorder->failed = r < 0 && r != -ENOENT;
        if (r >= 0)
                recorder->n_appended++;
        return r;
}

static void written(Recorder *recorder) {
        StatisticsBucket fresh = { .length = USEC_PER_HOUR };

        statistics_bucket_add(&recorder->unreported, &recorder->pending);
        for (Statistic i = 0; i < _STATISTIC_MAX; i++)
                if (statistic_kind(i) == STATISTIC_LAST && statistics_knows(&recorder->pending, i))
                        statistics_set(&fresh, i, recorder->pending.values[i]);
        recorder->pending = fresh;
        recorder->begins = false;
        string_buffer_done(&recorder->slow_lines);
}

static void record(Recorder *recorder) {
        usec_t now = now_usec(CLOCK_REALTIME);
        StringBuffer text = STRING_BUFFER_NULL;
        bool changed;

        recorder->written = now_usec(CLOCK_MONOTONIC);
        if (!recorder->manager->engine)
                return;
        sample_counters(recorder);
        changed = sample_state(recorder);
        if (!recorder->begins && !changed && statistics_bucket_is_idle(&recorder->pending))
                return;
        recorder->pending.start = now - now % USEC_PER_HOUR;
        if (recorder->begins)
                statistics_write_reported(&text, recorder->reported);
        statistics_write_bucket(&text, &recorder->pending);
        if (recorder->slow_lines.text)
                string_buffer_append(&text, recorder->slow_lines.text);
        if (append(recorder, &text) < 0)
                return;
        written(recorder);
        shorten_when_long(recorder);
}

static int on_timer(sd_event_source *source, uint64_t usec, void *userdata) {
        Recorder *recorder = ASSERT_PTR(userdata);

        (void) source, (void) usec;
        recorder->waits = false;
        record(recorder);
        return 0;
}

static int set_timer(Recorder *recorder, usec_t after) {
        int r;

        if (recorder->timer) {
                r = sd_event_source_set_time_relative(recorder->timer, after);
                return r < 0 ? r : sd_event_source_set_enabled(recorder->timer, SD_EVENT_ONESHOT);
        }
        r = sd_event_add_time_relative(recorder->manager->event, &recorder->timer, CLOCK_MONOTONIC,
                                       after, ACCURACY_USEC, on_timer, recorder);
        if (r < 0)
                return r;
        (void) sd_event_source_set_description(recorder->timer, "statistics");
        return sd_event_source_set_priority(recorder->timer, RECORDER_PRIORITY);
}

void recorder_note_change(Recorder *recorder) {
        usec_t delay;

        if (!recorder || recorder->waits || recorder->manager->options->once)
                return;
        delay = recorder->written > 0 ? INTERVAL_USEC : FIRST_DELAY_USEC;
        recorder->waits = set_timer(recorder, delay) >= 0;
}

static void note_slow(Recorder *recorder, const SlowOperation *operation) {
        usec_t day = operation->at - operation->at % USEC_PER_DAY;

        if (day != recorder->day)
                slowest_done(&recorder->slowest);
        recorder->day = day;
        if (slowest_add(&recorder->slowest, operation) > 0 &&
            recorder->slow_lines.length < SLOW_BYTES_MAX)
                statistics_write_slow(&recorder->slow_lines, operation);
}

void recorder_note_pass(Recorder *recorder, const PassResult *result) {
        uint64_t *values;

        if (!recorder)
                return;
        values = recorder->pending.values;
        if (result->kind == PASS_FULL && result->result == 0) {
                values[STATISTIC_PASSES]++;
                values[STATISTIC_PASS_USEC] += result->duration;
        }
        values[STATISTIC_OVERFLOWS] += recorder->manager->n_overflows_ever - recorder->n_overflows;
        recorder->n_overflows = recorder->manager->n_overflows_ever;
        values[STATISTIC_LAG_MAX_USEC] = MAX(values[STATISTIC_LAG_MAX_USEC],
                                             result->counters.lag_max);
        for (size_t i = 0; i < result->slowest.n_items; i++)
                note_slow(recorder, &result->slowest.items[i]);
}

void recorder_end(Recorder *recorder) {
        if (recorder)
                record(recorder);
}

/* From then on it is summed up anew; that is written with what comes next. */
static void begin_reporting(Recorder *recorder, usec_t now) {
        recorder->reported = now;
        recorder->begins = true;
        recorder->unreported = (StatisticsBucket) {};
}

static void report(Recorder *recorder, usec_t now) {
        _cleanup_free_ char *line = NULL;
        WorkFields fields;

        record(recorder);
        /* What could not be written is still said. */
        statistics_bucket_add(&recorder->unreported, &recorder->pending);
        if (work_summary_format(&recorder->unreported, now - MIN(recorder->reported, now), &line) <
            0)
                return;
        work_fields_make(&recorder->unreported, &fields);
        log_event(&(LogEvent) { .level = LOG_NOTICE,
                                .message_id = REBACKUP_MSG_REPORT,
                                .fields = fields.fields,
                                .n_fields = fields.n_fields },
                  "%s", line);
}

static int on_report(sd_event_source *source, uint64_t usec, void *userdata) {
        Recorder *recorder = ASSERT_PTR(userdata);
        usec_t now = now_usec(CLOCK_REALTIME);

        (void) source, (void) usec;
        report(recorder, now);
        begin_reporting(recorder, now);
        record(recorder);
        recorder_plan_report(recorder);
        return 0;
}

static int set_report_timer(Recorder *recorder, usec_t when) {
        sd_event_source **timer = &recorder->report_timer;
        int r;

        *timer = sd_event_source_disable_unref(*timer);
        r = sd_event_add_time(recorder->manager->event, timer, CLOCK_REALTIME, when,
                              REPORT_ACCURACY_USEC, on_report, recorder);
        if (r < 0)
                return r;
        (void) sd_event_source_set_description(*timer, "report");
        return sd_event_source_set_priority(*timer, RECORDER_PRIORITY);
}

/* By the clock on the wall: it goes on while the machine sleeps. After it was set back, as if
 * nothing had been said. */
void recorder_plan_report(Recorder *recorder) {
        usec_t now = now_usec(CLOCK_REALTIME), interval;
        int r;

        if (!recorder || recorder->manager->options->once)
                return;
        interval = recorder->manager->config->report_interval;
        recorder->report_timer = sd_event_source_disable_unref(recorder->report_timer);
        if (interval == 0)
                return;
        if (recorder->reported > now)
                recorder->reported = now;
        r = set_report_timer(recorder, recorder->reported + interval);
        if (r < 0)
                (void) log_warning_errno(r, "cannot plan the next summary: %m");
}

static size_t n_lines_needed(const Statistics *statistics) {
        return statistics->n_buckets + statistics->n_days * SLOWEST_MAX + LINES_TO_SPARE;
}

static void load(Recorder *recorder) {
        _cleanup_(statistics_done) Statistics statistics = STATISTICS_NULL;
        StatisticsCondition condition = {};
        usec_t now = now_usec(CLOCK_REALTIME);
        int r;

        r = statistics_load(recorder->directory, &statistics, &condition);
        if (r < 0 && r != -ENOENT)
                (void) log_warning_errno(r, "cannot read %s/" STATISTICS_NAME ": %m",
                                         recorder->directory);
        recorder->reported = statistics.reported;
        recorder->unreported = statistics.unreported;
        if (condition.n_bad > 0)
                log_warning("the statistics are damaged: %zu of %zu lines are lost; the damaged "
                            "file is kept as %s/" STATISTICS_DAMAGED_NAME,
                            condition.n_bad, condition.n_lines, recorder->directory);
        if (condition.n_bad > 0 || condition.is_torn ||
            condition.n_lines > n_lines_needed(&statistics)) {
                r = shorten(recorder, &statistics, condition.n_bad > 0);
                if (r < 0)
                        (void) log_warning_errno(r, "cannot write the statistics anew: %m");
        }
        if (recorder->reported == 0)
                begin_reporting(recorder, now);
}

int recorder_new(Manager *manager, Recorder **ret) {
        Recorder *recorder;

        *ret = NULL;
        if (!manager->pair->state_directory)
                return 0;
        recorder = new0(Recorder, 1);
        if (!recorder)
                return -ENOMEM;
        recorder->manager = manager;
        recorder->directory = manager->pair->state_directory;
        recorder->pending.length = USEC_PER_HOUR;
        load(recorder);
        recorder_plan_report(recorder);
        *ret = recorder;
        return 0;
}

Recorder *recorder_free(Recorder *recorder) {
        if (!recorder)
                return NULL;
        sd_event_source_disable_unref(recorder->timer);
        sd_event_source_disable_unref(recorder->report_timer);
        slowest_done(&recorder->slowest);
        string_buffer_done(&recorder->slow_lines);
        free(recorder);
        return NULL;
}
