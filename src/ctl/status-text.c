#include "ctl/status-text.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "basic/alloc.h"
#include "basic/count-text.h"
#include "basic/local-time.h"
#include "basic/macros.h"
#include "basic/size.h"
#include "basic/string-util.h"
#include "ctl/bar.h"

enum { BAR_BESIDE = 24, NARROW = 60 };

/* What a text is gathered for, and how many lines were printed. */
typedef struct Page {
        const Terminal *terminal;
        const PairState *state;
        usec_t now;
        StringBuffer text;
        size_t n_lines, n_lines_max;
} Page;

/* Words */

const char *status_word(const PairState *state, Colour *ret_colour) {
        static const struct {
                const char *state, *word;
                Colour colour;
        } words[] = {
                { "starting", "starting", COLOUR_BUSY },
                { "arming", "setting up watches", COLOUR_BUSY },
                { "first-pass", "first pass", COLOUR_BUSY },
                { "rescan", "rescan", COLOUR_BUSY },
                { "paused", "paused", COLOUR_BUSY },
                { "hold", "on hold", COLOUR_BAD },
                { "failing", "failing", COLOUR_BAD },
                { "stopping", "stopping", COLOUR_BUSY },
        };
        const char *name = state->state ?: "?";

        for (size_t i = 0; i < ELEMENTSOF(words); i++)
                if (streq(words[i].state, name)) {
                        *ret_colour = words[i].colour;
                        return words[i].word;
                }
        *ret_colour = COLOUR_BAD;
        if (!streq(name, "live"))
                return name;
        if (state->n_failures > 0)
                return "some entries fail";
        if (state->n_held > 0 || state->n_held_removals > 0)
                return "partly on hold";
        *ret_colour = state->n_pending > 0 ? COLOUR_BUSY : COLOUR_GOOD;
        return state->n_pending > 0 ? "copying" : "in step";
}

static void put_count(Page *page, uint64_t n, const char *one, const char *many) {
        char buffer[COUNT_TEXT_MAX];

        string_buffer_appendf(&page->text, "%s %s", count_format(buffer, sizeof buffer, n),
                              n == 1 ? one : many);
}

static void put_size(Page *page, uint64_t n) {
        char buffer[SIZE_TEXT_MAX];

        string_buffer_append(&page->text, size_format(buffer, sizeof buffer, n));
}

static void put_span(Page *page, usec_t span) {
        char buffer[SPAN_TEXT_MAX];

        /* Nobody reads fractions of what goes on. */
        if (span > 10 * USEC_PER_SEC)
                span -= span % USEC_PER_SEC;
        string_buffer_append(&page->text, span_format(buffer, sizeof buffer, span));
}

/* "2026-11-21 07:25:38 (2min ago)", or "2min ago" where there is little room. */
static void put_time(Page *page, usec_t at) {
        char buffer[LOCAL_TIME_MAX];

        if (page->terminal->width < NARROW && page->now >= at + USEC_PER_SEC) {
                put_span(page, (page->now - at) / USEC_PER_SEC * USEC_PER_SEC);
                string_buffer_append(&page->text, " ago");
                return;
        }

        string_buffer_append(&page->text, local_time_format(buffer, sizeof buffer, at));
        if (page->now < at + USEC_PER_SEC)
                return;
        string_buffer_append(&page->text, " (");
        put_span(page, (page->now - at) / USEC_PER_SEC * USEC_PER_SEC);
        string_buffer_append(&page->text, " ago)");
}

/* "since 2026-11-21 07:25:38 (2min ago)", or "for 2min" where there is little room. */
static void put_since(Page *page, usec_t at, const char *word) {
        if (page->terminal->width >= NARROW) {
                string_buffer_append(&page->text, "since ");
                put_time(page, at);
                return;
        }
        string_buffer_appendf(&page->text, "%s ", word);
        put_span(page, (page->now - MIN(page->now, at)) / USEC_PER_SEC * USEC_PER_SEC);
}

/* Prints what was gathered, unless the page is full: what counts most comes first. */
static void end_field(Page *page, const char *label, Colour colour) {
        _cleanup_free_ char *text = string_buffer_take(&page->text);

        page->text = STRING_BUFFER_NULL;
        if (page->n_lines + terminal_field_lines(page->terminal, text ?: "?") > page->n_lines_max) {
                page->n_lines_max = page->n_lines;
                return;
        }
        page->n_lines += terminal_print_field(page->terminal, label, colour, text ?: "?");
}

static void print_text(Page *page, const char *label, Colour colour, const char *text) {
        string_buffer_append(&page->text, text);
        end_field(page, label, colour);
}

/* Lines */

static void print_heading(Page *page) {
        const Terminal *terminal = page->terminal;
        Colour colour;
        const char *word = status_word(page->state, &colour);
        size_t beside = strlen(": ") + strlen(word),
               width = terminal->width > 2 * beside ? terminal->width - beside : beside;
        _cleanup_free_ char *name = terminal_text(terminal, page->state->name ?: "?"),
                            *shown = name ? terminal_shorten(terminal, name, width) : NULL;

        terminal_print(terminal, COLOUR_HEADING, shown ?: "?");
        (void) fputs(": ", stdout);
        terminal_print(terminal, colour, word);
        (void) fputc('\n', stdout);
        page->n_lines++;
}

static void print_reason(Page *page) {
        const PairState *state = page->state;

        if (state->reason && state->reason[0])
                print_text(page, "Because", COLOUR_BAD, state->reason);
        if (state->n_held > 0) {
                put_count(page, state->n_held, "place of the source, whose disk is missing",
                          "places of the source, whose disks are missing");
                end_field(page, "On hold", COLOUR_BAD);
        }
        if (state->n_held_removals > 0) {
                put_count(
                        page, state->n_held_removals,
                        "removal, more than MaxDelete allows; if it is meant: rebackupctl approve",
                        "removals, more than MaxDelete allows; if they are meant: "
                        "rebackupctl approve");
                end_field(page, "On hold", COLOUR_BAD);
        }
        if (state->n_kept > 0) {
                put_count(page, state->n_kept, "entry, as Overwrite and Delete say",
                          "entries, as Overwrite and Delete say");
                end_field(page, "Kept", COLOUR_NONE);
        }
        if (state->config_refused)
                print_text(page, "Reload", COLOUR_BAD,
                           "the new configuration was refused, the journal says why; the former "
                           "one is in force");
}

static const char *backend_to_string(const char *backend) {
        if (streq(backend, "fanotify-directories"))
                return "fanotify on each directory";
        if (streq(backend, "fanotify-file-systems"))
                return "fanotify on whole file systems";
        return backend;
}

/* Of what is there; nothing is said of all. */
static void put_share(Page *page, uint64_t n, uint64_t n_others) {
        if (n_others > 0)
                string_buffer_appendf(&page->text, " (%u %%)",
                                      (unsigned) MIN(n * 100 / (n + n_others), UINT64_C(99)));
}

static void print_watching(Page *page) {
        const PairState *state = page->state;
        const char *backend = state->watch_backend ?: "off";
        Colour colour = COLOUR_NONE;

        if (state->n_directories == 0) /* as long as it is not open */
                return;
        if (streq(backend, "off"))
                string_buffer_append(&page->text, "off: changes are found by rescans alone");
        else {
                put_count(page, state->n_watched, "directory", "directories");
                put_share(page, state->n_watched, state->n_unwatched);
                string_buffer_appendf(&page->text, " by %s", backend_to_string(backend));
        }
        if (state->n_fallen_back > 0) {
                string_buffer_append(&page->text, ", of these ");
                put_count(page, state->n_fallen_back, "by inotify", "by inotify");
        }
        if (state->n_unwatched > 0) {
                string_buffer_append(&page->text, "; ");
                put_count(page, state->n_unwatched, "more is left to rescans",
                          "more are left to rescans");
                colour = COLOUR_BUSY;
        }
        if (!state->replica_watched)
                string_buffer_append(&page->text, "; the replica is left to rescans");
        else if (state->n_replica_unwatched > 0) {
                string_buffer_append(&page->text, "; ");
                put_count(page, state->n_replica_unwatched,
                          "directory of the replica is left to rescans",
                          "directories of the replica are left to rescans");
        }
        if (state->n_overflows > 0) {
                string_buffer_append(&page->text, "; ");
                put_count(page, state->n_overflows, "overflow of events", "overflows of events");
        }
        end_field(page, "Watching", colour);
}

static bool is_first_pass(const PairState *state) {
        const char *name = state->state ?: "?";

        return streq(name, "starting") || streq(name, "arming") || streq(name, "first-pass");
}

static void print_pending(Page *page) {
        const PairState *state = page->state;

        if (state->in_step_since > 0) {
                string_buffer_append(&page->text, "nothing; in step ");
                put_since(page, state->in_step_since, "for");
        } else if (state->n_pending > 0)
                put_count(page, state->n_pending, "change", "changes");
        else if (is_first_pass(state))
                string_buffer_append(&page->text, "everything, until the first pass is done");
        else
                string_buffer_append(&page->text, "nothing noted");
        if (state->lag > 0 && state->in_step_since == 0) {
                string_buffer_append(&page->text, ", lag ");
                put_span(page, state->lag);
        }
        end_field(page, "Pending", COLOUR_NONE);
}

static void print_failures(Page *page) {
        const PairState *state = page->state;

        if (state->n_failures == 0) {
                print_text(page, "Failures", COLOUR_NONE, "none");
                return;
        }
        put_count(page, state->n_failures, "entry", "entries");
        string_buffer_appendf(&page->text, "; see 'rebackupctl failures %s'", state->name ?: "");
        end_field(page, "Failures", COLOUR_BAD);
}

/* What was done, in the words of the daemon's summaries; zeroes are left out, and NOTHING is said
 * if all are. */
static void put_counters(Page *page, const StateCounters *counters, const char *nothing) {
        static const struct {
                const char *name, *past;
        } words[] = {
                { "copy", "copied" },
                { "update", "updated" },
                { "rename", "renamed" },
                { "link", "linked" },
                { "mkdir", "made" },
                { "metadata", "metadata" },
                { "remove", "removed" },
                { "adopt", "adopted" },
                { "heal", "healed" },
                { "version", "versions kept" },
                { "unstable", "never at rest" },
                { "fail", "failed" },
        };
        const char *separator = "";
        uint64_t n;

        for (size_t i = 0; i < ELEMENTSOF(words); i++) {
                n = state_counter(counters, words[i].name);
                if (n == 0)
                        continue;
                string_buffer_append(&page->text, separator);
                put_count(page, n, words[i].past, words[i].past);
                separator = ", ";
        }
        if (!separator[0])
                string_buffer_append(&page->text, nothing);
        n = state_counter(counters, "bytes");
        if (n > 0) {
                string_buffer_append(&page->text, "; ");
                put_size(page, n);
        }
}

static void print_last_pass(Page *page) {
        const PairState *state = page->state;
        const char *result = state->last_pass_result ?: "";
        bool good = streq(result, "done");

        if (state->last_pass_begun == 0)
                string_buffer_append(&page->text, "none yet");
        else {
                put_time(page, state->last_pass_begun);
                string_buffer_append(&page->text, ", took ");
                put_span(page, state->last_pass_duration);
                string_buffer_append(&page->text, ": ");
                if (!good && !streq(result, "incomplete"))
                        string_buffer_appendf(&page->text, "%s; ", result);
                put_counters(page, &state->last_pass_counters, "nothing to do");
        }
        end_field(page, "Full pass",
                  good || state->last_pass_begun == 0 ? COLOUR_NONE : COLOUR_BAD);
        if (state->next_pass > page->now) {
                string_buffer_append(&page->text, "in ");
                put_span(page, state->next_pass - page->now);
                end_field(page, "Next", COLOUR_NONE);
        }
}

static void print_versions(Page *page) {
        const PairState *state = page->state;

        if (state->versions_measured == 0)
                return;
        put_size(page, state->versions_bytes);
        string_buffer_append(&page->text, ", measured ");
        put_time(page, state->versions_measured);
        end_field(page, "Versions", COLOUR_NONE);
}

static void print_verified(Page *page) {
        const PairState *state = page->state;

        if (state->n_files == 0)
                return;
        string_buffer_appendf(&page->text, "%u %% of ",
                              (unsigned) (state->n_verified * 100 / state->n_files));
        put_count(page, state->n_files, "file", "files");
        string_buffer_append(&page->text, " within the interval");
        if (state->n_without_hash > 0) {
                string_buffer_append(&page->text, ", ");
                put_count(page, state->n_without_hash, "without a hash", "without a hash");
        }
        if (state->oldest_verified > 0) {
                string_buffer_append(&page->text, ", the oldest ");
                put_time(page, state->oldest_verified);
        }
        if (state->verifying && !state->verify_requested)
                string_buffer_append(&page->text, "; some are being read");
        end_field(page, "Verified", COLOUR_NONE);
}

/* Whether the replica is what it should be, as far as anybody knows. */
static void print_health(Page *page) {
        const PairState *state = page->state;
        Colour colour = state->n_damaged > 0 ? COLOUR_BAD : COLOUR_NONE;

        if (state->n_damaged > 0)
                put_count(page, state->n_damaged, "damaged file, which the journal names",
                          "damaged files, which the journal names");
        else if (state->n_files > 0 && state->n_verified > 0)
                string_buffer_append(&page->text, "no damage known");
        else
                string_buffer_append(&page->text, "nothing was read back yet");
        if (state->identical && state->in_step_since > 0)
                string_buffer_append(&page->text, "; identical to the source");
        if (state->proven > 0) {
                string_buffer_append(&page->text, "; proven equal ");
                put_time(page, state->proven);
        }
        end_field(page, "Health", colour);
}

static void put_bar(Page *page, int progress) {
        const Terminal *terminal = page->terminal;
        size_t width = terminal->width == SIZE_MAX || terminal->width < BAR_BESIDE
                               ? (size_t) BAR_COLUMNS_MIN
                               : CLAMP(terminal->width - BAR_BESIDE, (size_t) BAR_COLUMNS_MIN,
                                       (size_t) BAR_COLUMNS_MAX);

        bar_append(&page->text, terminal->has_utf8, width, progress);
        string_buffer_appendf(&page->text, " %d %%", progress / 10);
}

static void put_rate(Page *page, uint64_t n_bytes, usec_t begun) {
        usec_t elapsed = page->now - MIN(page->now, begun);

        if (n_bytes == 0 || elapsed == 0)
                return;
        string_buffer_append(&page->text, ", ");
        put_size(page, n_bytes);
        string_buffer_append(&page->text, ", ");
        put_size(page, (uint64_t) ((double) n_bytes * USEC_PER_SEC / (double) elapsed));
        string_buffer_append(&page->text, "/s");
}

static void put_left(Page *page, usec_t left) {
        if (left == 0)
                return;
        string_buffer_append(&page->text, ", ");
        put_span(page, left);
        string_buffer_append(&page->text, " left");
}

static void print_pass(Page *page) {
        const PairState *state = page->state;
        int progress = pair_state_progress(state);

        if (!state->pass || !state->pass[0])
                return;
        if (progress >= 0) {
                put_bar(page, progress);
                end_field(page, "Now", COLOUR_BUSY);
        }
        if (streq(state->pass, "arm"))
                put_count(page, state->pass_directories, "directory", "directories");
        else
                put_count(page, state->pass_entries, "entry", "entries");
        put_rate(page, state->pass_bytes, state->pass_begun);
        put_left(page, pair_state_time_left(state, page->now));
        end_field(page, progress >= 0 ? "" : "Now", COLOUR_NONE);
}

/* What somebody asked for; the patrol's shares come and go. */
static void print_verifying(Page *page) {
        const PairState *state = page->state;
        int progress = pair_state_verify_progress(state);
        char buffer[COUNT_TEXT_MAX];

        if (!state->verify_requested)
                return;
        if (state->verify_begun == 0) {
                print_text(page, "Verifying", COLOUR_BUSY, "is to begin");
                return;
        }
        if (progress >= 0) {
                put_bar(page, progress);
                end_field(page, "Verifying", COLOUR_BUSY);
        }
        if (state->verify_files_expected > 0)
                string_buffer_appendf(&page->text, "%s of ",
                                      count_format(buffer, sizeof buffer, state->verify_files));
        put_count(page, MAX(state->verify_files_expected, state->verify_files), "file", "files");
        put_rate(page, state->verify_bytes, state->verify_begun);
        put_left(page, pair_state_verify_time_left(state, page->now));
        if (state->verify_damaged > 0) {
                string_buffer_append(&page->text, ", ");
                put_count(page, state->verify_damaged, "damaged", "damaged");
        }
        end_field(page, progress >= 0 ? "" : "Verifying",
                  state->verify_damaged > 0 ? COLOUR_BAD : COLOUR_NONE);
}

static void print_totals(Page *page) {
        const PairState *state = page->state;

        if (state->n_entries > 0) {
                put_count(page, state->n_entries, "entry", "entries");
                string_buffer_append(&page->text, " in ");
                put_count(page, state->n_directories, "directory", "directories");
                end_field(page, "Contains", COLOUR_NONE);
        }
        put_counters(page, &state->counters, "nothing");
        string_buffer_append(&page->text, ", ");
        put_since(page, state->started, "in");
        end_field(page, "Done", COLOUR_NONE);
}

size_t status_print(const Terminal *terminal, const PairState *state, usec_t now,
                    size_t n_lines_max) {
        Page page = {
                .terminal = terminal, .state = state, .now = now, .n_lines_max = n_lines_max
        };

        print_heading(&page);
        print_reason(&page);
        print_pass(&page);
        print_verifying(&page);
        print_text(&page, "Source", COLOUR_NONE, state->source ?: "?");
        print_text(&page, "Replica", COLOUR_NONE, state->replica ?: "?");
        print_watching(&page);
        print_pending(&page);
        print_failures(&page);
        print_last_pass(&page);
        print_health(&page);
        print_verified(&page);
        print_versions(&page);
        print_totals(&page);
        return page.n_lines;
}
