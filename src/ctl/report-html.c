#include "ctl/report-html.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "basic/alloc.h"
#include "basic/count-text.h"
#include "basic/fd.h"
#include "basic/local-time.h"
#include "basic/macros.h"
#include "basic/size.h"
#include "ctl/report-charts.h"
#include "ctl/report-style.h"
#include "ctl/report-text.h"

/* A name as people may see it: escaped as for a terminal, and for the page. Its direction is its
 * own. */
static void append_name(StringBuffer *page, const char *name) {
        _cleanup_free_ char *safe = escape_bytes(name);

        string_buffer_append(page, "<bdi>");
        html_append(page, safe ?: "?");
        string_buffer_append(page, "</bdi>");
}

static void append_head(StringBuffer *page, const char *name, const Report *report) {
        _cleanup_free_ char *period = report_period_text(report), *safe = escape_bytes(name);

        string_buffer_append(
                page, "<!DOCTYPE html>\n<html xmlns=\"http://www.w3.org/1999/xhtml\" lang=\"en\">\n"
                      "<head>\n<meta charset=\"utf-8\"/>\n"
                      "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\"/>\n"
                      "<meta name=\"color-scheme\" content=\"light dark\"/>\n"
                      "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; "
                      "style-src 'unsafe-inline'\"/>\n<title>");
        html_append(page, safe ?: "?");
        string_buffer_append(page, ": what was mirrored</title>\n<style>\n");
        string_buffer_append(page, report_style);
        string_buffer_append(page, "</style>\n</head>\n<body>\n<main>\n<header>\n<h1>");
        append_name(page, name);
        string_buffer_append(page, "</h1>\n<p>What rebackup did, ");
        html_append(page, period ?: "");
        string_buffer_append(page, "</p>\n</header>\n");
}

static void append_count(StringBuffer *page, const char *before, uint64_t n, const char *after) {
        char count[COUNT_TEXT_MAX];

        string_buffer_appendf(page, "%s%s%s", before, count_format(count, sizeof count, n), after);
}

/* What matters before all numbers. */
static void append_verdict(StringBuffer *page, const Report *report) {
        const StatisticsBucket *work = &report->total;
        char recorded[LOCAL_TIME_MAX];
        uint64_t n_failing = work->values[STATISTIC_FAILING],
                 n_damaged = work->values[STATISTIC_FILES_DAMAGED],
                 n_rotten = work->values[STATISTIC_ROTTEN];

        if (report_is_stale(report)) {
                string_buffer_appendf(
                        page,
                        "<p class=\"verdict bad\">Nothing was recorded after %s: "
                        "does the pair still run?</p>\n",
                        local_time_format(recorded, sizeof recorded, report->recorded));
                return;
        }
        if (n_failing == 0 && n_damaged == 0) {
                string_buffer_append(page, "<p class=\"verdict good\">Everything is mirrored");
                if (n_rotten > 0)
                        append_count(page, "; ", n_rotten, " damaged found, and healed");
                else if (work->values[STATISTIC_VERIFIED] > 0)
                        string_buffer_append(page, ", and no damage was found");
                string_buffer_append(page, ".</p>\n");
                return;
        }
        string_buffer_append(page, "<p class=\"verdict bad\">");
        if (n_failing > 0)
                append_count(page, "", n_failing,
                             n_failing == 1 ? " entry cannot be mirrored at present. "
                                            : " entries cannot be mirrored at present. ");
        if (n_damaged > 0)
                append_count(page, "", n_damaged,
                             n_damaged == 1 ? " file is damaged." : " files are damaged.");
        string_buffer_append(page, "</p>\n");
}

/* VALUE is left as it is; NOTE may be empty. */
static void append_tile(StringBuffer *page, const char *name, const char *value, const char *note) {
        string_buffer_appendf(page,
                              "<div class=\"card\"><dt>%s</dt><dd class=\"value\">%s</dd><dd "
                              "class=\"note\">",
                              name, value);
        html_append(page, note);
        string_buffer_append(page, "</dd></div>\n");
}

static const char *growth(char *buffer, size_t size, ChartScale scale, const Report *report,
                          Statistic statistic) {
        uint64_t now = report->total.values[statistic], was = report->before.values[statistic];
        char value[CHART_VALUE_MAX];

        if (now == was)
                return "as before";
        (void) snprintf(buffer, size, "%s %s",
                        chart_format(value, sizeof value, scale,
                                     (double) (now > was ? now - was : was - now)),
                        now > was ? "more than before" : "less than before");
        return buffer;
}

static void append_lag_tile(StringBuffer *page, const StatisticsBucket *work) {
        char median[SPAN_TEXT_MAX], most[SPAN_TEXT_MAX], note[2 * SPAN_TEXT_MAX];

        if (histogram_total(work->lags) == 0)
                return;
        (void) snprintf(note, sizeof note, "median; 99 %% within %s",
                        span_format(most, sizeof most, report_lag(work, 99)));
        append_tile(page, "Lag", span_format(median, sizeof median, report_lag(work, 50)), note);
}

static void append_verify_tile(StringBuffer *page, const StatisticsBucket *work) {
        char value[CHART_VALUE_MAX], note[CHART_VALUE_MAX + 32];
        double coverage = report_coverage(work);

        (void) snprintf(note, sizeof note, "%s from both disks",
                        chart_format(value, sizeof value, CHART_BYTES,
                                     (double) work->values[STATISTIC_VERIFIED_BYTES]));
        if (coverage >= 0)
                append_tile(page, "Read back",
                            chart_format(value, sizeof value, CHART_SHARE,
                                         (double) (int) (coverage * 100) / 100),
                            note);
}

static void append_tiles(StringBuffer *page, const Report *report) {
        const StatisticsBucket *work = &report->total;
        char value[CHART_VALUE_MAX], note[128];

        string_buffer_append(page, "<dl class=\"tiles\">\n");
        (void) snprintf(note, sizeof note, "compared %s time%s",
                        chart_format(value, sizeof value, CHART_COUNTS,
                                     (double) work->values[STATISTIC_PASSES]),
                        work->values[STATISTIC_PASSES] == 1 ? "" : "s");
        append_tile(page, "Operations",
                    count_format(value, sizeof value, statistics_operations(work)), note);
        append_tile(page, "Copied", size_format(value, sizeof value, work->values[STATISTIC_BYTES]),
                    "of content");
        append_lag_tile(page, work);
        append_tile(page, "Failed", count_format(value, sizeof value, work->values[STATISTIC_FAIL]),
                    work->values[STATISTIC_FAIL] == 0      ? "attempts"
                    : work->values[STATISTIC_FAILING] == 0 ? "attempts; nothing fails now"
                                                           : "attempts");
        append_verify_tile(page, work);
        if (statistics_knows(work, STATISTIC_ENTRIES)) {
                const char *text = growth(note, sizeof note, CHART_COUNTS, report,
                                          STATISTIC_ENTRIES);

                append_tile(page, "Entries",
                            count_format(value, sizeof value, work->values[STATISTIC_ENTRIES]),
                            text);
        }
        if (statistics_knows(work, STATISTIC_VERSIONS_BYTES)) {
                const char *text = growth(note, sizeof note, CHART_BYTES, report,
                                          STATISTIC_VERSIONS_BYTES);

                append_tile(
                        page, "Versions",
                        size_format(value, sizeof value, work->values[STATISTIC_VERSIONS_BYTES]),
                        text);
        }
        string_buffer_append(page, "</dl>\n");
}

static void append_slowest(StringBuffer *page, const Slowest *slowest) {
        char span[SPAN_TEXT_MAX], size[SIZE_TEXT_MAX];

        if (slowest->n_items == 0)
                return;
        string_buffer_append(page, "<section class=\"card\"><h2>Slowest operations</h2>\n<div "
                                   "class=\"wide\"><table><thead><tr><th>Time</th><th>Size</th><th "
                                   "class=\"text\">Operation</th><th class=\"text\">Path</th></tr>"
                                   "</thead><tbody>\n");
        for (size_t i = 0; i < slowest->n_items; i++) {
                const SlowOperation *operation = &slowest->items[i];

                string_buffer_appendf(page, "<tr><td>%s</td><td>%s</td><td class=\"text\">",
                                      span_format(span, sizeof span, operation->duration),
                                      size_format(size, sizeof size, operation->n_bytes));
                html_append(page, operation->what);
                string_buffer_append(page, "</td><td class=\"text path\">");
                append_name(page, operation->path);
                string_buffer_append(page, "</td></tr>\n");
        }
        string_buffer_append(page, "</tbody></table></div></section>\n");
}

static void append_cell(StringBuffer *page, ChartScale scale, double value) {
        char text[CHART_VALUE_MAX];

        string_buffer_appendf(page, "<td>%s</td>",
                              value < 0 ? "\xe2\x80\x93"
                                        : chart_format(text, sizeof text, scale, value));
}

static void append_row(StringBuffer *page, const ReportBin *bin, const char *when) {
        const StatisticsBucket *work = &bin->work;
        bool has_lag = histogram_total(work->lags) > 0;

        string_buffer_append(page, "<tr><td>");
        html_append(page, when);
        string_buffer_append(page, "</td>");
        for (ReportGroup group = 0; group < _REPORT_GROUP_MAX; group++)
                append_cell(page, CHART_COUNTS, (double) report_group_count(work, group));
        append_cell(page, CHART_COUNTS, (double) work->values[STATISTIC_FAIL]);
        append_cell(page, CHART_BYTES, (double) work->values[STATISTIC_BYTES]);
        append_cell(page, CHART_SPANS, has_lag ? (double) report_lag(work, 50) : -1);
        append_cell(page, CHART_SPANS, has_lag ? (double) report_lag(work, 99) : -1);
        append_cell(page, CHART_SHARE, report_coverage(work));
        append_cell(page, CHART_BYTES,
                    statistics_knows(work, STATISTIC_VERSIONS_BYTES)
                            ? (double) work->values[STATISTIC_VERSIONS_BYTES]
                            : -1);
        string_buffer_append(page, "</tr>\n");
}

static void append_figures(StringBuffer *page, const Report *report, const ReportTimes *times) {
        string_buffer_append(page,
                             "<details class=\"card\"><summary>All figures of the charts</summary>"
                             "\n<div class=\"wide\"><table><thead><tr><th>From</th>");
        for (ReportGroup group = 0; group < _REPORT_GROUP_MAX; group++)
                string_buffer_appendf(page, "<th>%s</th>", report_group_to_string(group));
        string_buffer_append(page,
                             "<th>failed</th><th>copied</th><th>median lag</th><th>99 % lag</th>"
                             "<th>read back</th><th>versions</th></tr></thead><tbody>\n");
        for (size_t i = 0; i < report->n_bins; i++)
                append_row(page, &report->bins[i], times->points[i]);
        string_buffer_append(page, "</tbody></table></div></details>\n");
}

int report_format_html(const char *name, const Report *report, char **ret) {
        _cleanup_(string_buffer_done) StringBuffer page = STRING_BUFFER_NULL;
        _cleanup_(report_times_done) ReportTimes times = REPORT_TIMES_NULL;
        char *text;
        int r;

        r = report_times_make(report, &times);
        if (r < 0)
                return r;
        append_head(&page, name, report);
        append_verdict(&page, report);
        append_tiles(&page, report);
        string_buffer_append(&page, "<div class=\"charts\">\n");
        r = report_append_charts(&page, report, &times);
        if (r < 0)
                return r;
        string_buffer_append(&page, "</div>\n");
        append_slowest(&page, &report->slowest);
        append_figures(&page, report, &times);
        string_buffer_append(&page, "<footer>rebackup " PACKAGE_VERSION
                                    "; times are those of the machine, lags from a change in the "
                                    "source until it was safe in the replica.</footer>\n"
                                    "</main>\n</body>\n</html>\n");
        text = string_buffer_take(&page);
        if (!text)
                return -ENOMEM;
        *ret = text;
        return 0;
}

/* With the rights that a new file of the user's has. */
static int write_to(int fd, const char *text) {
        mode_t mask = umask(0);

        (void) umask(mask);
        if (fchmod(fd, 0666 & ~mask) < 0)
                return -errno;
        return loop_write(fd, text, strlen(text));
}

static int write_file(const char *path, const char *text) {
        _cleanup_free_ char *temporary = NULL;
        _cleanup_close_ int fd = -EBADF;
        int r;

        if (asprintf(&temporary, "%s.XXXXXX", path) < 0)
                return -ENOMEM;
        fd = mkostemp(temporary, O_CLOEXEC);
        if (fd < 0)
                return -errno;
        r = write_to(fd, text);
        if (r >= 0 && rename(temporary, path) < 0)
                r = -errno;
        if (r < 0)
                (void) unlink(temporary);
        return r;
}

int report_write_html(const char *path, const char *name, const Report *report) {
        _cleanup_free_ char *text = NULL;
        int r;

        r = report_format_html(name, report, &text);
        if (r < 0)
                return r;
        return streq(path, "-") ? loop_write(STDOUT_FILENO, text, strlen(text))
                                : write_file(path, text);
}
