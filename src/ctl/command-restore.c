/* rebackupctl restore */

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sysexits.h>
#include <unistd.h>

#include "basic/alloc.h"
#include "basic/fd.h"
#include "basic/size.h"
#include "basic/string-util.h"
#include "ctl/commands.h"
#include "ctl/interrupt.h"
#include "ctl/json.h"
#include "ctl/say.h"
#include "fs/attributes.h"
#include "restore/restore.h"
#include "restore/when.h"

typedef struct Progress {
        const CtlOptions *options;
        uint64_t counts[_RESTORE_OUTCOME_MAX];
        uint64_t n_short; /* what the target could not hold all of */
        bool any;         /* an element of the JSON array was written */
} Progress;

static void append_shortfalls(StringBuffer *buffer, unsigned shortfalls) {
        const char *separator = "";

        for (unsigned i = 0; i < N_SHORTFALLS; i++)
                if (shortfalls & 1U << i) {
                        string_buffer_append(buffer, separator);
                        string_buffer_append(buffer, shortfall_to_string(1U << i));
                        separator = ", ";
                }
}

static const char *explain(const Progress *progress, int error) {
        switch (error) {
        case -ELOOP:
                return "a symbolic link is in the way";
        case -ENOTDIR:
                return "something that is no directory is in the way";
        case -ESTALE:
                return "it changed while it was read; try again";
        case -EOPNOTSUPP:
                return progress->options->tar ? "an archive cannot hold it"
                                              : "the file system or missing rights do not allow it";
        default:
                return strerror(-error);
        }
}

static const char *name_of(const RestoreEvent *event) {
        return *event->path ? event->path : ".";
}

static void tell_problem(const Progress *progress, const RestoreEvent *event) {
        _cleanup_(string_buffer_done) StringBuffer lacking = STRING_BUFFER_NULL;

        if (event->outcome == RESTORE_EXISTS)
                say_error("%s: something else is there, left alone; --force replaces it, --to "
                          "restores elsewhere",
                          name_of(event));
        else if (event->outcome == RESTORE_FAILED)
                say_error("%s: cannot be restored: %s", name_of(event),
                          explain(progress, event->error));
        else if (event->shortfalls != 0) {
                append_shortfalls(&lacking, event->shortfalls);
                say_error("%s: restored, but not its %s: the file system or missing rights do not "
                          "allow it",
                          name_of(event), lacking.text ? lacking.text : "metadata");
        }
}

static void print_text(const Progress *progress, const RestoreEvent *event) {
        char size[SIZE_TEXT_MAX], until[WHEN_TEXT_MAX];
        _cleanup_free_ char *name = NULL;

        if (event->outcome != RESTORE_DONE && event->outcome != RESTORE_REPLACED)
                return;
        name = escape_bytes(name_of(event));
        (void) printf("%s %s (%s",
                      progress->options->dry_run           ? "would restore"
                      : event->outcome == RESTORE_REPLACED ? "replaced"
                                                           : "restored",
                      name ? name : "?", type_to_string(event->stamp->mode));
        if (S_ISREG(event->stamp->mode))
                (void) printf(", %s", size_format(size, sizeof size, event->stamp->size));
        if (event->version != 0)
                (void) printf(", until %s", when_format(until, sizeof until, event->version));
        (void) fputs(")\n", stdout);
}

static void print_json(Progress *progress, const RestoreEvent *event) {
        (void) fputs(progress->any ? ",\n{\"path\":" : "\n{\"path\":", stdout);
        progress->any = true;
        json_print_name(stdout, event->path);
        (void) printf(",\"outcome\":\"%s\",\"version\":",
                      restore_outcome_to_string(event->outcome));
        json_print_time(stdout, event->version);
        if (event->stamp) {
                (void) fputc(',', stdout);
                json_print_stamp(stdout, event->stamp);
        }
        if (event->error != 0) {
                (void) fputs(",\"error\":", stdout);
                json_print_name(stdout, explain(progress, event->error));
        }
        (void) fputs(",\"missing\":[", stdout);
        for (unsigned i = 0, n = 0; i < N_SHORTFALLS; i++)
                if (event->shortfalls & 1U << i)
                        (void) printf("%s\"%s\"", n++ > 0 ? "," : "", shortfall_to_string(1U << i));
        (void) fputs("]}", stdout);
}

static void on_event(const RestoreEvent *event, void *userdata) {
        Progress *progress = userdata;

        progress->counts[event->outcome]++;
        progress->n_short += event->shortfalls != 0;
        tell_problem(progress, event);
        if (progress->options->json)
                print_json(progress, event);
        else if (!progress->options->tar)
                print_text(progress, event);
}

static int write_archive(const void *data, size_t size, void *userdata) {
        (void) userdata;
        return loop_write(STDOUT_FILENO, data, size);
}

static int find_time(const CtlOptions *options, const RestorePair *pair, const char *path,
                     usec_t *ret, char **ret_error) {
        int r;

        if (!options->at)
                return restore_newest(pair, path, ret, ret_error);
        r = when_parse(options->at, now_usec(CLOCK_REALTIME), ret);
        if (r == -ENOMEM || r >= 0)
                return r;
        return problem_set(ret_error, RESTORE_BAD_REQUEST,
                           "'%s' is no time: write it as 2026-11-21T06:25:38.123Z, "
                           "'2026-11-21 07:25:38' or as an age such as 2h or 3d",
                           options->at);
}

static void print_summary(const Progress *progress) {
        const uint64_t *counts = progress->counts;

        (void) printf("%s%" PRIu64 " restored, %" PRIu64 " replaced, %" PRIu64
                      " unchanged, %" PRIu64 " left alone, %" PRIu64 " failed\n",
                      progress->options->dry_run ? "nothing was changed; it would be: " : "",
                      counts[RESTORE_DONE], counts[RESTORE_REPLACED], counts[RESTORE_UNCHANGED],
                      counts[RESTORE_EXISTS], counts[RESTORE_FAILED]);
}

static int perform(const CtlOptions *options, const RestorePair *pair,
                   const RestoreRequest *request, char **ret_error) {
        if (options->tar)
                return restore_to_archive(pair, request, write_archive, ret_error);
        if (options->to)
                return restore_to_directory(pair, request, options->to, ret_error);
        return restore_to_source(pair, request, ret_error);
}

int command_restore(const CtlOptions *options, const RestorePair *pair, const char *path) {
        Progress progress = { .options = options };
        RestoreRequest request = {
                .path = path,
                .force = options->force,
                .dry_run = options->dry_run,
                .tell = on_event,
                .go_on = interrupt_check,
                .userdata = &progress,
        };
        char *error = NULL;
        int r;

        if (options->tar && isatty(STDOUT_FILENO)) {
                say_error("--tar writes to the standard output, which is a terminal: send it to a "
                          "file or to tar");
                return EX_USAGE;
        }
        r = find_time(options, pair, path, &request.at, &error);
        if (r != 0)
                return say_problem(r, error);

        interrupt_catch();
        if (options->json)
                (void) fputc('[', stdout);
        r = perform(options, pair, &request, &error);
        if (options->json)
                (void) fputs(progress.any ? "\n]\n" : "]\n", stdout);
        if (r != 0) {
                int code = say_problem(r, error);

                (void) finish_output(code);
                interrupt_end();
                return code;
        }
        if (!options->json && !options->tar)
                print_summary(&progress);
        return finish_output(progress.counts[RESTORE_EXISTS] + progress.counts[RESTORE_FAILED] > 0
                                     ? EXIT_SOME_FAILED
                                     : EX_OK);
}
