#include "ctl/report-text.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "basic/alloc.h"
#include "basic/count-text.h"
#include "basic/local-time.h"
#include "basic/macros.h"
#include "basic/size.h"
#include "basic/string-util.h"
#include "ctl/spark.h"

enum {
        WIDTH_ELSEWHERE = 80,
        MARGIN = 15, /* before what stands behind a label */
        BINS_MIN = 12,
        BINS_MAX = 96,
        BAR_WIDTH_MAX = 40,
        PATH_COLUMNS_MIN = 24,
        LAG_LABEL = 17,
        LAG_LABEL_MAX = 2 * SPAN_TEXT_MAX + 8,
};

static size_t width_of(const Terminal *terminal) {
        return terminal->width == SIZE_MAX ? WIDTH_ELSEWHERE : terminal->width;
}

size_t report_text_bins(const Terminal *terminal) {
        size_t width = width_of(terminal);

        return width < MARGIN + BINS_MIN ? BINS_MIN : MIN(width - MARGIN, (size_t) BINS_MAX);
}

static void field(const Terminal *terminal, const char *label, Colour colour, StringBuffer *text) {
        _cleanup_free_ char *value = string_buffer_take(text);

        (void) terminal_print_field(terminal, label, colour, value ?: "?");
}

static void put_count(StringBuffer *text, const char *before, uint64_t n, const char *after) {
        char count[COUNT_TEXT_MAX];

        string_buffer_appendf(text, "%s%s%s", before, count_format(count, sizeof count, n), after);
}

static void put_size(StringBuffer *text, const char *before, uint64_t n, const char *after) {
        char size[SIZE_TEXT_MAX];

        string_buffer_appendf(text, "%s%s%s", before, size_format(size, sizeof size, n), after);
}

static void put_span(StringBuffer *text, const char *before, usec_t span, const char *after) {
        char buffer[SPAN_TEXT_MAX];

        string_buffer_appendf(text, "%s%s%s", before, span_format(buffer, sizeof buffer, span),
                              after);
}

char *report_operations_text(const StatisticsBucket *work) {
        static const struct {
                Statistic statistic;
                const char *done;
        } words[] = {
                { STATISTIC_COPY, " copied" },           { STATISTIC_MKDIR, " directories made" },
                { STATISTIC_UPDATE, " updated" },        { STATISTIC_RENAME, " renamed" },
                { STATISTIC_LINK, " linked" },           { STATISTIC_METADATA, " metadata" },
                { STATISTIC_REMOVE, " removed" },        { STATISTIC_ADOPT, " adopted" },
                { STATISTIC_HEAL, " healed" },           { STATISTIC_VERSION, " versioned" },
                { STATISTIC_KEEP, " left as they are" },
        };
        _cleanup_(string_buffer_done) StringBuffer text = STRING_BUFFER_NULL;

        for (size_t i = 0; i < ELEMENTSOF(words); i++)
                if (work->values[words[i].statistic] > 0)
                        put_count(&text, text.length > 0 ? ", " : "",
                                  work->values[words[i].statistic], words[i].done);
        if (text.length == 0)
                string_buffer_append(&text, "nothing had to be done");
        return string_buffer_take(&text);
}

char *report_period_text(const Report *report) {
        char since[LOCAL_TIME_MAX], until[LOCAL_TIME_MAX], *text;

        (void) local_time_format(since, sizeof since, report->since);
        (void) local_time_format(until, sizeof until, report->until);
        /* Without seconds. */
        return asprintf(&text, "%.16s to %.16s", since, until) < 0 ? NULL : text;
}

static void print_done(const Terminal *terminal, const StatisticsBucket *work) {
        _cleanup_free_ char *done = report_operations_text(work);
        StringBuffer text = STRING_BUFFER_NULL;
        uint64_t n_failed = work->values[STATISTIC_FAIL], n_now = work->values[STATISTIC_FAILING];

        (void) terminal_print_field(terminal, "Done", COLOUR_NONE, done ?: "?");
        put_size(&text, "", work->values[STATISTIC_BYTES], "");
        field(terminal, "Copied", COLOUR_NONE, &text);
        if (n_failed > 0)
                put_count(&text, "", n_failed, n_failed == 1 ? " attempt" : " attempts");
        else
                string_buffer_append(&text, "nothing");
        if (n_now > 0)
                put_count(&text, "; ", n_now, " cannot be mirrored at present");
        field(terminal, "Failed",
              n_now > 0      ? COLOUR_BAD
              : n_failed > 0 ? COLOUR_BUSY
                             : COLOUR_GOOD,
              &text);
        if (work->values[STATISTIC_CONFLICTS] > 0) {
                put_count(&text, "", work->values[STATISTIC_CONFLICTS],
                          " entries that had changed on both sides");
                field(terminal, "Conflicts", COLOUR_BUSY, &text);
        }
        put_count(&text, "", work->values[STATISTIC_PASSES],
                  work->values[STATISTIC_PASSES] == 1 ? " time" : " times");
        if (work->values[STATISTIC_PASSES] > 0)
                put_span(&text, ", ",
                         work->values[STATISTIC_PASS_USEC] / work->values[STATISTIC_PASSES],
                         " on average");
        if (work->values[STATISTIC_OVERFLOWS] > 0)
                put_count(&text, "; ", work->values[STATISTIC_OVERFLOWS],
                          " times events were lost");
        field(terminal, "Compared", COLOUR_NONE, &text);
}

static void print_lag(const Terminal *terminal, const StatisticsBucket *work) {
        StringBuffer text = STRING_BUFFER_NULL;

        if (histogram_total(work->lags) == 0)
                return;
        put_span(&text, "median ", report_lag(work, 50), "");
        put_span(&text, ", 95% ", report_lag(work, 95), "");
        put_span(&text, ", 99% ", report_lag(work, 99), "");
        put_span(&text, ", longest ", work->values[STATISTIC_LAG_MAX_USEC], "");
        field(terminal, "Lag", COLOUR_NONE, &text);
}

static void print_verify(const Terminal *terminal, const StatisticsBucket *work) {
        StringBuffer text = STRING_BUFFER_NULL;
        uint64_t n_rotten = work->values[STATISTIC_ROTTEN],
                 n_damaged = work->values[STATISTIC_FILES_DAMAGED];
        double coverage = report_coverage(work);

        put_count(&text, "", work->values[STATISTIC_VERIFIED], " files, ");
        put_size(&text, "", work->values[STATISTIC_VERIFIED_BYTES], "");
        if (coverage >= 0)
                string_buffer_appendf(&text, "; now %d %% of all within the interval",
                                      (int) (coverage * 100));
        field(terminal, "Read back", COLOUR_NONE, &text);
        if (n_rotten == 0 && n_damaged == 0)
                return;
        put_count(&text, "", n_rotten, " found damaged, ");
        put_count(&text, "", work->values[STATISTIC_ROT_HEALED], " healed; ");
        put_count(&text, "", n_damaged, " damaged now");
        field(terminal, "Rot", n_damaged > 0 ? COLOUR_BAD : COLOUR_BUSY, &text);
}

static void print_growth(const Terminal *terminal, const Report *report) {
        uint64_t now = report->total.values[STATISTIC_VERSIONS_BYTES],
                 was = report->before.values[STATISTIC_VERSIONS_BYTES];
        StringBuffer text = STRING_BUFFER_NULL;

        if (statistics_knows(&report->total, STATISTIC_VERSIONS_BYTES)) {
                put_size(&text, "", now, "");
                if (now != was)
                        put_size(&text, ", ", now > was ? now - was : was - now,
                                 now > was ? " more than before" : " less than before");
                field(terminal, "Versions", COLOUR_NONE, &text);
        }
        now = report->total.values[STATISTIC_ENTRIES];
        was = report->before.values[STATISTIC_ENTRIES];
        if (!statistics_knows(&report->total, STATISTIC_ENTRIES))
                return;
        put_count(&text, "", now, "");
        if (now != was)
                put_count(&text, ", ", now > was ? now - was : was - now,
                          now > was ? " more than before" : " less than before");
        field(terminal, "Entries", COLOUR_NONE, &text);
}

static double operations_of(const StatisticsBucket *work) {
        return (double) statistics_operations(work);
}

static double bytes_of(const StatisticsBucket *work) {
        return (double) work->values[STATISTIC_BYTES];
}

static double lag_of(const StatisticsBucket *work) {
        usec_t lag = report_lag(work, 99);

        /* By powers of two, or one slow one would flatten all others. */
        return lag > 0 ? histogram_bucket(lag) + 1.0 : 0;
}

/* What is there begins at 1. */
static void stretch(double *values, size_t n) {
        double min = 0;

        for (size_t i = 0; i < n; i++)
                if (values[i] > 0 && (min == 0 || values[i] < min))
                        min = values[i];
        for (size_t i = 0; i < n; i++)
                if (values[i] > 0)
                        values[i] -= min - 1;
}

static void print_line(const Terminal *terminal, const Report *report, const char *label,
                       double (*value_of)(const StatisticsBucket *)) {
        _cleanup_free_ double *values = new0(double, report->n_bins);
        _cleanup_free_ char *line = NULL;

        for (size_t i = 0; values && i < report->n_bins; i++)
                values[i] = value_of(&report->bins[i].work);
        if (values && value_of == lag_of)
                stretch(values, report->n_bins);
        if (values)
                line = spark_line(values, report->n_bins, terminal->has_utf8);
        (void) printf("    %-11s", label);
        terminal_print(terminal, COLOUR_GOOD, line ?: "?");
        (void) fputc('\n', stdout);
}

static void print_lines(const Terminal *terminal, const Report *report) {
        char length[REPORT_LENGTH_MAX];

        if (statistics_bucket_is_idle(&report->total))
                return;
        (void) printf("\n    Over time, a column for each %s\n",
                      report_length_format(length, sizeof length, report->length));
        print_line(terminal, report, "Operations", operations_of);
        print_line(terminal, report, "Copied", bytes_of);
        if (histogram_total(report->total.lags) > 0)
                print_line(terminal, report, "Lag (99 %)", lag_of);
}

static void lag_label(char *buffer, size_t size, unsigned bucket) {
        char lower[SPAN_TEXT_MAX], upper[SPAN_TEXT_MAX];

        (void) span_format(lower, sizeof lower, histogram_lower(bucket));
        (void) span_format(upper, sizeof upper, histogram_lower(bucket) * 2);
        (void) snprintf(buffer, size, "%s to %s", bucket == 0 ? "0" : lower, upper);
}

static void print_histogram(const Terminal *terminal, const uint64_t *lags) {
        size_t width = width_of(terminal), room = 4 + LAG_LABEL + 1 + 7;
        double total = (double) histogram_total(lags), max = 0;
        unsigned first = HISTOGRAM_BUCKETS, last = 0;

        for (unsigned i = 0; i < HISTOGRAM_BUCKETS; i++)
                if (lags[i] > 0) {
                        first = MIN(first, i);
                        last = i;
                        max = MAX(max, (double) lags[i]);
                }
        if (total == 0)
                return;
        width = MIN(width > room + 4 ? width - room : 4, (size_t) BAR_WIDTH_MAX);
        (void) puts("\n    Lags");
        for (unsigned i = first; i <= last; i++) {
                char label[LAG_LABEL_MAX];
                _cleanup_free_ char *bar = spark_bar((double) lags[i] / max, width,
                                                     terminal->has_utf8);

                lag_label(label, sizeof label, i);
                (void) printf("    %-*s", LAG_LABEL, label);
                terminal_print(terminal, COLOUR_GOOD, bar ?: "?");
                if (lags[i] == 0)
                        (void) puts("0 %");
                else if ((double) lags[i] / total < 0.0005)
                        (void) puts(" < 0.1 %");
                else
                        (void) printf(" %.1f %%\n", (double) lags[i] / total * 100);
        }
}

static void print_slow(const Terminal *terminal, const SlowOperation *operation) {
        char span[SPAN_TEXT_MAX], size[SIZE_TEXT_MAX];
        _cleanup_free_ char *escaped = escape_bytes(operation->path),
                            *path = escaped ? terminal_text(terminal, escaped) : NULL, *text = NULL;
        size_t used = 4 + 9 + 11 + 9, width = width_of(terminal);
        bool is_narrow = width < used + PATH_COLUMNS_MIN;

        if (is_narrow)
                used = 8;

        (void) printf(is_narrow ? "    %s, %s, %s\n        " : "    %-9s%-11s%-9s",
                      span_format(span, sizeof span, operation->duration),
                      size_format(size, sizeof size, operation->n_bytes), operation->what);
        if (path)
                text = terminal_shorten(terminal, path, width - used);
        (void) puts(text ?: "?");
}

static void print_stale(const Terminal *terminal, const Report *report) {
        StringBuffer text = STRING_BUFFER_NULL;
        char recorded[LOCAL_TIME_MAX];

        string_buffer_appendf(&text, "until %s; does the pair still run?",
                              local_time_format(recorded, sizeof recorded, report->recorded));
        field(terminal, "Recorded", COLOUR_BAD, &text);
}

/* The path of a replica can be too long for one line. */
static void print_heading(const Terminal *terminal, const char *name, const Report *report) {
        _cleanup_free_ char *safe = terminal_text(terminal, name), *shown = NULL,
                            *period = report_period_text(report);
        size_t width = width_of(terminal), columns;

        if (safe)
                shown = terminal_shorten(terminal, safe, width);
        columns = terminal_columns(shown ?: "?") + strlen(": ") + strlen(period ?: "?");
        terminal_print(terminal, COLOUR_HEADING, shown ?: "?");
        (void) printf("%s%s\n", columns <= width ? ": " : "\n    ", period ?: "?");
}

void report_print_text(const Terminal *terminal, const char *name, const Report *report) {
        print_heading(terminal, name, report);
        if (report_is_stale(report))
                print_stale(terminal, report);
        print_done(terminal, &report->total);
        print_lag(terminal, &report->total);
        print_verify(terminal, &report->total);
        print_growth(terminal, report);
        print_lines(terminal, report);
        print_histogram(terminal, report->total.lags);
        if (report->slowest.n_items > 0)
                (void) puts("\n    Slowest");
        for (size_t i = 0; i < report->slowest.n_items; i++)
                print_slow(terminal, &report->slowest.items[i]);
}
