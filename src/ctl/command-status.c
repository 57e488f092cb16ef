/* rebackupctl list, rebackupctl status */

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sysexits.h>

#include "basic/alloc.h"
#include "basic/macros.h"
#include "basic/string-util.h"
#include "config/bus-name.h"
#include "config/config.h"
#include "ctl/bus-client.h"
#include "ctl/commands.h"
#include "ctl/json.h"
#include "ctl/pair-names.h"
#include "ctl/pair-state.h"
#include "ctl/say.h"
#include "ctl/status-text.h"

/* Ages and estimates move although nothing happens. */
#define REDRAW_USEC (1 * USEC_PER_SEC)
/* What happens more often is shown together. */
#define REDRAW_MIN_USEC (200 * USEC_PER_MSEC)

/* The state of the pair NAME. 1; 0: it does not run; else -errno, with *RET_ERROR set. */
static int ask(sd_bus *bus, const char *name, PairState *ret, sd_bus_error *ret_error) {
        _cleanup_free_ char *bus_name = NULL;
        int r;

        if (client_name(name, &bus_name) != EX_OK)
                return -EINVAL;
        r = pair_state_acquire(bus, bus_name, ret, ret_error);
        if (r >= 0)
                return 1;
        if (!client_is_absent(ret_error))
                return r;
        sd_bus_error_free(ret_error);
        return 0;
}

static int gather(const CtlOptions *options, sd_bus *bus, PairNames *names) {
        int r;

        r = pair_names_add_configured(names, options);
        if (r < 0)
                say_error("cannot read the configurations: %s", strerror(-r));
        r = pair_names_add_running(names, bus);
        if (r < 0)
                say_error("cannot ask the bus which pairs run: %s", strerror(-r));
        return r;
}

static void print_object(const char *name, const PairState *state) {
        (void) fputs("{\"Pair\":", stdout);
        json_print_name(stdout, name);
        (void) printf(",\"Running\":%s", state ? "true" : "false");
        if (state) {
                (void) fputc(',', stdout);
                pair_state_print_json(state);
        }
        (void) fputc('}', stdout);
}

/* list */

enum { NAME_COLUMN, STATE_COLUMN, SOURCE_COLUMN, REPLICA_COLUMN, N_COLUMNS, GAP = 2 };

typedef struct Row {
        char *cells[N_COLUMNS]; /* owned */
        Colour colour;
} Row;

/* What is not running is told from its configuration. */
static void add_paths(const CtlOptions *options, const Terminal *terminal, const PairName *pair,
                      Row *row) {
        _cleanup_(config_freep) Config *config = NULL;
        _cleanup_free_ char *problems = NULL, *source = NULL, *replica = NULL;

        if (!pair->configured ||
            config_load_instance(options->config_root, pair->name, NULL, &config, &problems) < 0)
                return;
        source = escape_bytes(config->source);
        replica = escape_bytes(config->replica);
        free(row->cells[SOURCE_COLUMN]);
        free(row->cells[REPLICA_COLUMN]);
        row->cells[SOURCE_COLUMN] = terminal_text(terminal, source ?: "?");
        row->cells[REPLICA_COLUMN] = terminal_text(terminal, replica ?: "?");
}

static Row make_row(const Terminal *terminal, const char *name, const PairState *state) {
        Colour colour = COLOUR_FAINT;
        const char *word = state ? status_word(state, &colour) : "not running";
        _cleanup_free_ char *escaped = escape_bytes(name);

        return (Row) { .cells = { terminal_text(terminal, escaped ?: "?"), strdup(word),
                                  terminal_text(terminal, state ? state->source ?: "" : ""),
                                  terminal_text(terminal, state ? state->replica ?: "" : "") },
                       .colour = colour };
}

static void print_cell(const Terminal *terminal, Colour colour, const char *text, size_t width,
                       bool last) {
        _cleanup_free_ char *shown = terminal_shorten(terminal, text, width);

        terminal_print(terminal, colour, shown ?: "?");
        if (last)
                (void) fputc('\n', stdout);
        else
                (void) printf("%*s",
                              (int) (width - MIN(width, terminal_columns(shown ?: "?")) + GAP), "");
}

/* What the widest column can do without goes first, until all fit. */
static void fit(const Terminal *terminal, size_t widths[N_COLUMNS]) {
        for (;;) {
                size_t sum = GAP * (N_COLUMNS - 1), widest = 0;

                for (size_t i = 0; i < N_COLUMNS; i++) {
                        sum += widths[i];
                        if (widths[i] > widths[widest])
                                widest = i;
                }
                if (sum <= terminal->width || widths[widest] <= 1)
                        return;
                widths[widest]--;
        }
}

static void print_table(const Terminal *terminal, const Row *rows, size_t n_rows) {
        static const char *const headings[N_COLUMNS] = { "NAME", "STATE", "SOURCE", "REPLICA" };
        size_t widths[N_COLUMNS];

        for (size_t column = 0; column < N_COLUMNS; column++) {
                widths[column] = strlen(headings[column]);
                for (size_t i = 0; i < n_rows; i++)
                        widths[column] = MAX(widths[column],
                                             terminal_columns(rows[i].cells[column] ?: "?"));
        }
        fit(terminal, widths);
        for (size_t column = 0; column < N_COLUMNS; column++)
                print_cell(terminal, COLOUR_HEADING, headings[column], widths[column],
                           column == N_COLUMNS - 1);
        for (size_t i = 0; i < n_rows; i++)
                for (size_t column = 0; column < N_COLUMNS; column++)
                        print_cell(terminal, column == STATE_COLUMN ? rows[i].colour : COLOUR_NONE,
                                   rows[i].cells[column] ?: "?", widths[column],
                                   column == N_COLUMNS - 1);
}

static int list(const CtlOptions *options, sd_bus *bus, const PairNames *names) {
        _cleanup_free_ Row *rows = new0(Row, names->n_items + 1);
        Terminal terminal;

        if (!rows)
                return EX_SOFTWARE;
        terminal_init(&terminal);
        if (options->json)
                (void) fputc('[', stdout);
        for (size_t i = 0; i < names->n_items; i++) {
                _cleanup_(pair_state_done) PairState state = PAIR_STATE_NULL;
                _cleanup_(sd_bus_error_free) sd_bus_error error = SD_BUS_ERROR_NULL;
                const char *name = names->items[i].name;
                bool runs = names->items[i].running && ask(bus, name, &state, &error) > 0;

                if (options->json) {
                        (void) fputs(i > 0 ? ",\n" : "\n", stdout);
                        print_object(name, runs ? &state : NULL);
                } else {
                        rows[i] = make_row(&terminal, name, runs ? &state : NULL);
                        if (!runs)
                                add_paths(options, &terminal, &names->items[i], &rows[i]);
                }
        }
        if (options->json)
                (void) fputs("\n]\n", stdout);
        else
                print_table(&terminal, rows, names->n_items);
        for (size_t i = 0; i < names->n_items; i++)
                for (size_t column = 0; column < N_COLUMNS; column++)
                        free(rows[i].cells[column]);
        return finish_output(EX_OK);
}

int command_list(const CtlOptions *options) {
        _cleanup_(sd_bus_flush_close_unrefp) sd_bus *bus = NULL;
        _cleanup_(pair_names_done) PairNames names = PAIR_NAMES_NULL;
        int r;

        r = client_connect(options, &bus);
        if (r != EX_OK)
                return r;
        if (gather(options, bus, &names) < 0)
                return EX_SOFTWARE;
        return list(options, bus, &names);
}

/* status */

static volatile sig_atomic_t interrupted;

static void on_signal(int signal) {
        interrupted = signal;
}

/* Prints the state of one pair. The number of lines, or -1 - exit status after saying what is
 * wrong. */
static int show(const CtlOptions *options, sd_bus *bus, const Terminal *terminal) {
        size_t n_lines_max = options->watch && terminal->height != SIZE_MAX ? terminal->height - 1
                                                                            : SIZE_MAX;
        _cleanup_(pair_state_done) PairState state = PAIR_STATE_NULL;
        _cleanup_(sd_bus_error_free) sd_bus_error error = SD_BUS_ERROR_NULL;
        _cleanup_free_ char *name = NULL;
        int r;

        r = client_name(options->pair, &name);
        if (r != EX_OK)
                return -1 - r;
        r = pair_state_acquire(bus, name, &state, &error);
        if (r < 0)
                return -1 - client_say_error(options, r, &error);
        if (!options->json)
                return (int) status_print(terminal, &state, now_usec(CLOCK_REALTIME), n_lines_max);
        print_object(options->pair, &state);
        (void) fputc('\n', stdout);
        return 1;
}

static int show_all(const CtlOptions *options, sd_bus *bus, const Terminal *terminal) {
        _cleanup_(pair_names_done) PairNames names = PAIR_NAMES_NULL;
        bool any = false;
        int code = EX_OK;

        if (gather(options, bus, &names) < 0)
                return EX_SOFTWARE;
        if (options->json)
                return list(options, bus, &names);
        for (size_t i = 0; i < names.n_items; i++) {
                CtlOptions one = *options;

                if (any)
                        (void) fputc('\n', stdout);
                one.pair = names.items[i].name;
                any = true;
                if (!names.items[i].running)
                        (void) printf("%s: not running\n", one.pair);
                else if (show(&one, bus, terminal) < 0)
                        code = EXIT_SOME_FAILED;
        }
        if (!any)
                (void) puts(
                        "There are no pairs. 'rebackupctl create NAME SOURCE REPLICA' makes one.");
        return finish_output(code);
}

static int on_change(sd_bus_message *message, void *userdata, sd_bus_error *ret_error) {
        (void) message, (void) ret_error;
        *(bool *) userdata = true;
        return 0;
}

/* Until something changed, or time has passed. */
static int await(sd_bus *bus, bool *changed) {
        usec_t begun = now_usec(CLOCK_MONOTONIC), due = begun + REDRAW_USEC, now;
        int r = 0;

        *changed = false;
        while (!interrupted && (now = now_usec(CLOCK_MONOTONIC)) < due && r >= 0) {
                while ((r = sd_bus_process(bus, NULL)) > 0)
                        ;
                if (*changed)
                        due = MIN(due, begun + REDRAW_MIN_USEC);
                if (r >= 0 && now < due)
                        r = sd_bus_wait(bus, due - now);
                if (r == -EINTR)
                        r = 0;
        }
        return r;
}

/* What was drawn last. */
typedef struct Drawn {
        int n_lines;
        size_t width;
} Drawn;

/* What has scrolled off the top, or was broken into other lines since, can only be wiped as a
 * whole.
 */
static void clear(const Terminal *terminal, const Drawn *drawn) {
        if (!terminal->is_terminal || drawn->n_lines == 0)
                return;
        if (drawn->width != terminal->width || (size_t) drawn->n_lines >= terminal->height)
                (void) fputs("\033[H\033[2J", stdout);
        else
                (void) printf("\033[%dA\033[J", drawn->n_lines);
}

/* 0, or -1 - exit status after saying what is wrong. */
static int redraw(const CtlOptions *options, sd_bus *bus, Terminal *terminal, Drawn *drawn) {
        terminal_measure(terminal);
        if (!options->json)
                clear(terminal, drawn);
        *drawn = (Drawn) { .n_lines = show(options, bus, terminal), .width = terminal->width };
        if (drawn->n_lines < 0)
                return drawn->n_lines;
        return finish_output(EX_OK) == EX_OK ? 0 : -1 - EX_IOERR;
}

/* On a terminal in place; else, or as JSON, one after the other. */
static int watch(const CtlOptions *options, sd_bus *bus, Terminal *terminal) {
        struct sigaction action = { .sa_handler = on_signal };
        Drawn drawn = {};
        bool changed = true;
        int r, code;

        (void) sigaction(SIGINT, &action, NULL);
        (void) sigaction(SIGTERM, &action, NULL);
        r = sd_bus_match_signal(bus, NULL, NULL, BUS_PATH, "org.freedesktop.DBus.Properties",
                                "PropertiesChanged", on_change, &changed);
        while (r >= 0 && !interrupted) {
                code = terminal->is_terminal || changed ? redraw(options, bus, terminal, &drawn)
                                                        : 0;
                if (code < 0)
                        return -1 - code;
                r = await(bus, &changed);
        }
        if (r >= 0)
                return EX_OK;
        say_error("the connection to the bus broke off: %s", strerror(-r));
        return EX_UNAVAILABLE;
}

int command_status(const CtlOptions *options) {
        _cleanup_(sd_bus_flush_close_unrefp) sd_bus *bus = NULL;
        Terminal terminal;
        int r;

        r = client_connect(options, &bus);
        if (r != EX_OK)
                return r;
        terminal_init(&terminal);
        if (!options->pair)
                return show_all(options, bus, &terminal);
        if (options->watch)
                return watch(options, bus, &terminal);
        r = show(options, bus, &terminal);
        return finish_output(r < 0 ? -1 - r : EX_OK);
}
