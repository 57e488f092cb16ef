/* rebackupctl failures */

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sysexits.h>

#include "basic/alloc.h"
#include "basic/macros.h"
#include "basic/string-util.h"
#include "config/bus-name.h"
#include "ctl/bus-client.h"
#include "ctl/commands.h"
#include "ctl/json.h"
#include "ctl/say.h"
#include "ctl/terminal.h"

typedef struct Failure {
        char *path; /* owned; raw bytes */
        const char *what;
        int error; /* an errno */
        uint64_t first, last, next;
        uint32_t n_attempts;
} Failure;

/* 1, 0 when there are no more, -errno. */
static int read_failure(sd_bus_message *reply, Failure *ret) {
        const void *path;
        size_t size;
        int r;

        r = sd_bus_message_enter_container(reply, 'r', "aysittut");
        if (r <= 0)
                return r;
        r = sd_bus_message_read_array(reply, 'y', &path, &size);
        if (r >= 0)
                r = sd_bus_message_read(reply, "sittut", &ret->what, &ret->error, &ret->first,
                                        &ret->last, &ret->n_attempts, &ret->next);
        if (r >= 0)
                r = sd_bus_message_exit_container(reply);
        if (r < 0)
                return r;
        ret->path = strndup(path, size);
        return ret->path ? 1 : -ENOMEM;
}

static void print_json(const Failure *failure, bool first) {
        (void) fputs(first ? "\n{\"Path\":" : ",\n{\"Path\":", stdout);
        json_print_name(stdout, failure->path);
        (void) fputs(",\"What\":", stdout);
        json_print_name(stdout, failure->what);
        (void) fputs(",\"Error\":", stdout);
        json_print_name(stdout, strerrorname_np(failure->error) ?: "?");
        (void) printf(",\"FirstUSec\":%" PRIu64 ",\"LastUSec\":%" PRIu64 ",\"Attempts\":%" PRIu32
                      ",\"NextUSec\":%" PRIu64 "}",
                      failure->first, failure->last, failure->n_attempts, failure->next);
}

static const char *error_text(int error) {
        switch (error) {
        case ENOTUNIQ:
                return "the replica's file system does not tell its name from that of another "
                       "entry";
        case EINVAL:
                return "the replica's file system does not take it";
        case EXDEV:
                return "its replica lies on another mount than the store";
        default:
                return strerror(error);
        }
}

static void print_text(const Terminal *terminal, const Failure *failure) {
        usec_t now = now_usec(CLOCK_REALTIME);
        char since[SPAN_TEXT_MAX], next[SPAN_TEXT_MAX], *line;
        _cleanup_free_ char *escaped = escape_bytes(failure->path[0] ? failure->path : "."),
                            *path = escaped ? terminal_text(terminal, escaped) : NULL;
        _cleanup_free_ char *owned = NULL;

        terminal_print(terminal, COLOUR_HEADING, path ?: "?");
        (void) fputc('\n', stdout);
        if (asprintf(&line, "failed to %s: %s", failure->what, error_text(failure->error)) >= 0) {
                owned = line;
                (void) terminal_print_field(terminal, "Error", COLOUR_BAD, line);
        }
        (void) span_format(since, sizeof since,
                           ((now - MIN(now, failure->first)) / USEC_PER_SEC + 1) * USEC_PER_SEC);
        (void) span_format(next, sizeof next,
                           ((MAX(now, failure->next) - now) / USEC_PER_SEC + 1) * USEC_PER_SEC);
        free(TAKE_PTR(owned));
        if (asprintf(&line, "less than %s ago, %" PRIu32 " %s, %s%s", since, failure->n_attempts,
                     failure->n_attempts == 1 ? "attempt" : "attempts",
                     failure->next == 0 ? "the next with the next rescan" : "the next within ",
                     failure->next == 0 ? "" : next) >= 0) {
                owned = line;
                (void) terminal_print_field(terminal, "Since", COLOUR_NONE, line);
        }
}

static int print(const CtlOptions *options, sd_bus_message *reply) {
        uint64_t n_unlisted = 0;
        Terminal terminal;
        size_t n = 0;
        int r;

        terminal_init(&terminal);
        if (options->json)
                (void) fputs("{\"Failures\":[", stdout);
        r = sd_bus_message_enter_container(reply, 'a', "(aysittut)");
        while (r >= 0) {
                Failure failure = {};

                r = read_failure(reply, &failure);
                if (r <= 0)
                        break;
                if (options->json)
                        print_json(&failure, n == 0);
                else
                        print_text(&terminal, &failure);
                free(failure.path);
                n++;
        }
        if (r >= 0)
                r = sd_bus_message_exit_container(reply);
        if (r >= 0)
                r = sd_bus_message_read(reply, "t", &n_unlisted);
        if (r < 0) {
                say_error("%s gave an answer that makes no sense: %s", options->pair, strerror(-r));
                return EX_SOFTWARE;
        }
        if (options->json)
                (void) printf("%s],\"Unlisted\":%" PRIu64 "}\n", n > 0 ? "\n" : "", n_unlisted);
        else if (n_unlisted > 0)
                (void) printf("and %" PRIu64
                              " more that are only counted; the journal names them\n",
                              n_unlisted);
        else if (n == 0)
                (void) puts("Nothing fails.");
        return finish_output(EX_OK);
}

int command_failures(const CtlOptions *options) {
        _cleanup_(sd_bus_flush_close_unrefp) sd_bus *bus = NULL;
        _cleanup_(sd_bus_message_unrefp) sd_bus_message *reply = NULL;
        _cleanup_(sd_bus_error_free) sd_bus_error error = SD_BUS_ERROR_NULL;
        _cleanup_free_ char *name = NULL;
        int r;

        r = client_connect(options, &bus);
        if (r == EX_OK)
                r = client_name(options->pair, &name);
        if (r != EX_OK)
                return r;
        r = sd_bus_call_method(bus, name, BUS_PATH, BUS_INTERFACE, "ListFailures", &error, &reply,
                               "t", UINT64_C(0));
        return r < 0 ? client_say_error(options, r, &error) : print(options, reply);
}
