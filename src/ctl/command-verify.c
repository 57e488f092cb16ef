/* rebackupctl verify */

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>

#include "basic/alloc.h"
#include "basic/count-text.h"
#include "basic/macros.h"
#include "basic/size.h"
#include "basic/string-util.h"
#include "config/bus-name.h"
#include "ctl/bus-client.h"
#include "ctl/commands.h"
#include "ctl/interrupt.h"
#include "ctl/json.h"
#include "ctl/pair-state.h"
#include "ctl/progress.h"
#include "ctl/say.h"
#include "ctl/status-text.h"
#include "ctl/terminal.h"

/* One call, and what is known of it. */
typedef struct Question {
        const CtlOptions *options;
        sd_bus *bus;
        char *name, *path; /* owned */
        sd_bus_message *reply;
        PairState state; /* when it was last looked at */
        Progress progress;
} Question;

static void question_done(Question *question) {
        free(question->name);
        free(question->path);
        sd_bus_message_unref(question->reply);
        pair_state_done(&question->state);
}

/* Meanwhile */

static void add_count(LineParts *parts, unsigned rank, uint64_t n, const char *what) {
        char count[COUNT_TEXT_MAX];

        line_parts_add(parts, rank, "%s %s", count_format(count, sizeof count, n), what);
}

static void add_files(LineParts *parts, const PairState *state) {
        char read[COUNT_TEXT_MAX], expected[COUNT_TEXT_MAX];

        if (state->verify_files_expected == 0)
                add_count(parts, 3, state->verify_files, "files");
        else
                line_parts_add(
                        parts, 3, "%s of %s files",
                        count_format(read, sizeof read, state->verify_files),
                        count_format(expected, sizeof expected, state->verify_files_expected));
}

static void add_bytes(LineParts *parts, const PairState *state, usec_t now) {
        usec_t elapsed = now - MIN(now, state->verify_begun);
        char bytes[SIZE_TEXT_MAX];
        double rate;

        line_parts_add(parts, 4, "%s", size_format(bytes, sizeof bytes, state->verify_bytes));
        if (elapsed == 0)
                return;
        rate = (double) state->verify_bytes * USEC_PER_SEC / (double) elapsed;
        line_parts_add(parts, 2, "%s/s", size_format(bytes, sizeof bytes, (uint64_t) rate));
}

static void add_reading(LineParts *parts, const PairState *state) {
        usec_t now = now_usec(CLOCK_REALTIME), left = pair_state_verify_time_left(state, now);
        int done = pair_state_verify_progress(state);
        char span[SPAN_TEXT_MAX];

        if (done >= 0)
                line_parts_add(parts, 0, "%d %%", done / 10);
        add_files(parts, state);
        add_bytes(parts, state, now);
        if (left > 0)
                line_parts_add(parts, 1, "%s left", span_format(span, sizeof span, left));
        if (state->verify_damaged > 0)
                add_count(parts, 0, state->verify_damaged, "damaged");
}

/* It does not begin before the pair is live; and may be over since the pair was looked at. */
static void show_progress(Question *question) {
        const PairState *state = &question->state;
        LineParts parts = LINE_PARTS_NULL;
        Colour colour;

        if (state->verify_requested && state->verify_begun > 0) {
                add_reading(&parts, state);
                progress_show(&question->progress, pair_state_verify_progress(state), &parts);
        } else if (state->state && !streq(state->state, "live")) {
                line_parts_add(&parts, 0, "waiting: %s", status_word(state, &colour));
                progress_show(&question->progress, -1, &parts);
        }
}

static int look(Question *question) {
        _cleanup_(sd_bus_error_free) sd_bus_error error = SD_BUS_ERROR_NULL;
        PairState state;
        int r;

        r = pair_state_acquire(question->bus, question->name, &state, &error);
        if (r < 0)
                return r;
        pair_state_done(&question->state);
        question->state = state;
        return 0;
}

static int on_reply(sd_bus_message *reply, void *userdata, sd_bus_error *ret_error) {
        Question *question = userdata;

        (void) ret_error;
        question->reply = sd_bus_message_ref(reply);
        return 0;
}

/* Whatever comes until DUE. */
static int process(Question *question, usec_t due) {
        usec_t now;
        int r = 0;

        while (r >= 0 && !question->reply && interrupt_check(NULL) == 0 &&
               (now = now_usec(CLOCK_MONOTONIC)) < due) {
                r = sd_bus_process(question->bus, NULL);
                if (r == 0)
                        r = sd_bus_wait(question->bus, due - now);
                if (r == -EINTR)
                        r = 0;
        }
        return r;
}

/* 0 with the answer, which may be an error; -EINTR; -errno. */
static int await(Question *question) {
        int r = 0;

        while (r >= 0 && !question->reply && interrupt_check(NULL) == 0) {
                r = process(question,
                            now_usec(CLOCK_MONOTONIC) + progress_interval(&question->progress));
                if (r < 0 || question->reply || interrupt_check(NULL) < 0)
                        break;
                if (question->options->json && !question->progress.is_terminal)
                        continue;
                r = look(question);
                if (r >= 0)
                        show_progress(question);
        }
        progress_clear(&question->progress);
        return r < 0 ? r : question->reply ? 0 : -EINTR;
}

static int ask(Question *question) {
        _cleanup_(sd_bus_message_unrefp) sd_bus_message *call = NULL;
        _cleanup_(sd_bus_slot_unrefp) sd_bus_slot *slot = NULL;
        int r;

        r = sd_bus_message_new_method_call(question->bus, &call, question->name, BUS_PATH,
                                           BUS_INTERFACE, "Verify");
        if (r >= 0)
                r = sd_bus_message_append_array(call, 'y', question->path, strlen(question->path));
        if (r >= 0)
                r = sd_bus_message_append(call, "t", UINT64_C(0));
        if (r >= 0)
                r = sd_bus_call_async(question->bus, &slot, call, on_reply, question, UINT64_MAX);
        return r < 0 ? r : await(question);
}

/* The answer */

typedef struct Answer {
        const char *summary;
        StateCounters counters;
        uint64_t n_unlisted;
} Answer;

static int read_finding(const Question *question, const Terminal *terminal, size_t i) {
        const char *kind, *message;
        uint64_t first, n_blocks;
        _cleanup_free_ char *path = NULL, *shown = NULL;
        const void *bytes;
        size_t size;
        int r;

        r = sd_bus_message_read_array(question->reply, 'y', &bytes, &size);
        if (r >= 0)
                r = sd_bus_message_read(question->reply, "stts", &kind, &first, &n_blocks,
                                        &message);
        if (r < 0)
                return r;
        path = strndup(bytes, size);
        if (!question->options->json) {
                shown = terminal_text(terminal, message);
                terminal_print(terminal, COLOUR_BAD, shown ?: "?");
                (void) fputc('\n', stdout);
                return 0;
        }
        (void) fputs(i > 0 ? ",\n{\"Path\":" : "\n{\"Path\":", stdout);
        json_print_name(stdout, path ?: "");
        (void) printf(",\"Damage\":\"%s\",\"FirstByte\":%" PRIu64 ",\"Blocks\":%" PRIu64
                      ",\"Message\":",
                      kind, first, n_blocks);
        json_print_name(stdout, message);
        (void) fputc('}', stdout);
        return 0;
}

static int print_findings(const Question *question, const Terminal *terminal) {
        size_t n = 0;
        int r;

        r = sd_bus_message_enter_container(question->reply, 'a', "(aystts)");
        while (r >= 0 && (r = sd_bus_message_enter_container(question->reply, 'r', "aystts")) > 0) {
                r = read_finding(question, terminal, n++);
                if (r >= 0)
                        r = sd_bus_message_exit_container(question->reply);
        }
        return r < 0 ? r : sd_bus_message_exit_container(question->reply);
}

static void print_json_head(const Question *question, const Answer *answer) {
        static const struct {
                const char *name, *counter;
        } numbers[] = {
                { "Files", "files" },
                { "Bytes", "bytes" },
                { "Damaged", "damaged" },
                { "Healed", "healed" },
                { "Changing", "changing" },
                { "Failed", "failed" },
                { "WithoutHash", "without-hash" },
                { "KnownDamaged", "known-damaged" },
                { "DurationUSec", "duration-usec" },
        };

        (void) fputs("{\"Pair\":", stdout);
        json_print_name(stdout, question->options->pair);
        (void) fputs(",\"Path\":", stdout);
        json_print_name(stdout, question->path[0] ? question->path : ".");
        for (size_t i = 0; i < ELEMENTSOF(numbers); i++)
                (void) printf(",\"%s\":%" PRIu64, numbers[i].name,
                              state_counter(&answer->counters, numbers[i].counter));
        (void) fputs(",\"Findings\":[", stdout);
}

static void print_end(const Question *question, const Terminal *terminal, const Answer *answer,
                      bool is_sound) {
        if (question->options->json) {
                (void) printf("],\"Unlisted\":%" PRIu64 "}\n", answer->n_unlisted);
                return;
        }
        if (answer->n_unlisted > 0)
                (void) printf("and %" PRIu64 " more, which the journal names\n",
                              answer->n_unlisted);
        terminal_print(terminal, is_sound ? COLOUR_GOOD : COLOUR_BAD, answer->summary);
        (void) fputc('\n', stdout);
}

static int read_answer(Question *question, Answer *answer, int *ret_status) {
        Terminal terminal;
        bool is_sound;
        int r;

        terminal_init(&terminal);
        r = sd_bus_message_read(question->reply, "s", &answer->summary);
        if (r >= 0)
                r = state_counters_read(question->reply, &answer->counters);
        if (r < 0)
                return r;
        is_sound = state_counter(&answer->counters, "damaged") == 0 &&
                   state_counter(&answer->counters, "known-damaged") == 0 &&
                   state_counter(&answer->counters, "failed") == 0;
        *ret_status = is_sound ? EX_OK : EXIT_SOME_FAILED;
        if (question->options->json)
                print_json_head(question, answer);
        r = print_findings(question, &terminal);
        if (r >= 0)
                r = sd_bus_message_read(question->reply, "t", &answer->n_unlisted);
        if (r >= 0)
                print_end(question, &terminal, answer, is_sound);
        return r;
}

static int print_answer(Question *question) {
        const sd_bus_error *error = sd_bus_message_get_error(question->reply);
        Answer answer = {};
        int r, status = EX_OK;

        if (error)
                return client_say_error(question->options, -sd_bus_error_get_errno(error), error);
        r = read_answer(question, &answer, &status);
        state_counters_done(&answer.counters);
        if (r >= 0)
                return finish_output(status);
        say_error("%s: the answer cannot be read: %s", question->options->pair, strerror(-r));
        return EX_SOFTWARE;
}

/* Leaving the bus ends the verification. */
static int give_up(Question *question) {
        const PairState *state = &question->state;
        char count[COUNT_TEXT_MAX], size[SIZE_TEXT_MAX];

        (void) look(question);
        if (state->verify_begun == 0)
                say_error("ended before anything was read");
        else
                say_error("ended early: %s files, %s read back, %" PRIu64 " damaged; what was read "
                          "counts as verified",
                          count_format(count, sizeof count, state->verify_files),
                          size_format(size, sizeof size, state->verify_bytes),
                          state->verify_damaged);
        interrupt_end();
        return EXIT_SOME_FAILED;
}

int command_verify(const CtlOptions *options) {
        _cleanup_(sd_bus_flush_close_unrefp) sd_bus *bus = NULL;
        _cleanup_(question_done) Question question = { .options = options };
        sd_bus_error none = SD_BUS_ERROR_NULL;
        int r;

        r = client_connect(options, &bus);
        if (r == EX_OK)
                r = client_name(options->pair, &question.name);
        if (r == EX_OK)
                r = client_path(options, bus, question.name,
                                options->n_arguments > 1 ? options->arguments[1] : ".",
                                &question.path);
        if (r != EX_OK)
                return r;
        question.bus = bus;
        progress_init(&question.progress);
        interrupt_catch();
        r = ask(&question);
        if (r == -EINTR)
                return give_up(&question);
        return r < 0 ? client_say_error(options, r, &none) : print_answer(&question);
}
