/* rebackupctl versions */

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sysexits.h>

#include "basic/alloc.h"
#include "basic/size.h"
#include "ctl/commands.h"
#include "ctl/json.h"
#include "ctl/say.h"
#include "restore/restore.h"
#include "restore/when.h"

enum { SIZE_COLUMN = 10, TYPE_COLUMN = 16, WHY_COLUMN = 13 };

static void print_row(const char *until, const char *size, const char *type, const char *why,
                      const char *modified) {
        (void) printf("%-23s  %*s  %-*s  %-*s  %s\n", until, SIZE_COLUMN, size, TYPE_COLUMN, type,
                      WHY_COLUMN, why, modified);
}

static void print_stamp(const char *until, const Stamp *stamp, const char *why) {
        char size[SIZE_TEXT_MAX] = "-", modified[WHEN_TEXT_MAX] = "-";

        if (S_ISREG(stamp->mode))
                (void) size_format(size, sizeof size, stamp->size);
        if (stamp->mtime >= 0)
                (void) when_format(modified, sizeof modified,
                                   (usec_t) stamp->mtime / NSEC_PER_USEC);
        print_row(until, size, type_to_string(stamp->mode), why, modified);
}

static void print_text(const History *history) {
        char until[WHEN_TEXT_MAX];

        print_row("UNTIL", "SIZE", "TYPE", "WHY", "MODIFIED");
        for (size_t i = 0; i < history->n_items; i++) {
                const HistoryItem *item = history->items + i;

                print_stamp(when_format(until, sizeof until, item->at), &item->stamp,
                            version_reason_to_string(item->reason));
        }
        if (history->is_present)
                print_stamp("now", &history->now, "in replica");
}

static void print_json(const History *history, const char *path) {
        (void) fputs("{\"path\":", stdout);
        json_print_name(stdout, path);
        (void) fputs(",\"versions\":[", stdout);
        for (size_t i = 0; i < history->n_items; i++) {
                const HistoryItem *item = history->items + i;

                (void) fputs(i > 0 ? ",\n{\"time\":" : "\n{\"time\":", stdout);
                json_print_time(stdout, item->at);
                (void) printf(",\"reason\":\"%s\",", version_reason_to_string(item->reason));
                json_print_stamp(stdout, &item->stamp);
                (void) fputc('}', stdout);
        }
        (void) fputs("],\n\"present\":", stdout);
        if (history->is_present) {
                (void) fputc('{', stdout);
                json_print_stamp(stdout, &history->now);
                (void) fputs("}}\n", stdout);
        } else
                (void) fputs("null}\n", stdout);
}

int command_versions(const CtlOptions *options, const RestorePair *pair, const char *path) {
        _cleanup_(history_done) History history = HISTORY_NULL;
        int r;

        r = history_acquire(pair, path, &history);
        if (r < 0) {
                say_error("cannot look for %s in %s: %s", options->path, pair->store, strerror(-r));
                return say_exit_code(r);
        }
        if (history.n_items == 0 && !history.is_present) {
                say_error("%s is neither in the replica %s nor in the versions of %s; a path is "
                          "relative to the pair's root",
                          options->path, pair->replica ? pair->replica : "(none)", pair->store);
                return EX_NOINPUT;
        }
        if (options->json)
                print_json(&history, path);
        else
                print_text(&history);
        return finish_output(EX_OK);
}
