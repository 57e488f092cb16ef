/* rebackupctl manifest */

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sysexits.h>

#include "basic/alloc.h"
#include "ctl/commands.h"
#include "ctl/interrupt.h"
#include "ctl/json.h"
#include "ctl/say.h"
#include "restore/manifest.h"

typedef struct Progress {
        bool json;
        size_t n_printed;
        bool is_recorded; /* there is a catalog */
        bool failed;      /* some files are missing in the list */
} Progress;

static const char *explain(int error) {
        return error == -ESTALE ? "it changes while it is read" : strerror(-error);
}

static int print_json(Progress *progress, const ManifestEvent *event) {
        char hash[2 * HASH_BYTES + 1];

        (void) fputs(progress->n_printed++ > 0 ? ",\n{\"Path\":" : "\n{\"Path\":", stdout);
        json_print_name(stdout, *event->path ? event->path : ".");
        if (event->how == MANIFEST_FAILED)
                (void) printf(",\"Error\":\"%s\"}", strerrorname_np(-event->error) ?: "?");
        else
                (void) printf(",\"SHA256\":\"%s\",\"Recorded\":%s}",
                              hash_format(&event->hash, hash),
                              event->how == MANIFEST_RECORDED ? "true" : "false");
        return ferror(stdout) ? -EIO : 0;
}

static int print_line(const ManifestEvent *event) {
        _cleanup_free_ char *line = manifest_line(&event->hash, event->path);

        if (!line)
                return -ENOMEM;
        return fputs(line, stdout) == EOF ? -errno : 0;
}

static int on_file(const ManifestEvent *event, void *userdata) {
        Progress *progress = userdata;

        if (event->how == MANIFEST_FAILED) {
                progress->failed = true;
                say_error("%s: left out: %s", *event->path ? event->path : ".",
                          explain(event->error));
                return progress->json ? print_json(progress, event) : 0;
        }
        if (event->how == MANIFEST_CHANGED)
                say_error("%s: not as it was recorded, hashed afresh", event->path);
        else if (event->how == MANIFEST_NEW && progress->is_recorded)
                say_error("%s: no hash of it is recorded, hashed afresh", event->path);
        return progress->json ? print_json(progress, event) : print_line(event);
}

/* Without a catalog everything is read. */
static int open_recorded(const RestorePair *pair, Recorded *ret) {
        int r = recorded_open(pair, ret);

        if (r >= 0 || r == -ENOMEM)
                return r;
        say_error("the catalog in %s cannot be used (%s): every file is hashed afresh", pair->store,
                  r == -EBUSY    ? "it is being written to all the time"
                  : r == -ENOENT ? "there is none"
                                 : strerror(-r));
        return 0;
}

int command_manifest(const CtlOptions *options, const RestorePair *pair, const char *path) {
        Recorded recorded = RECORDED_NULL;
        Progress progress = { .json = options->json };
        const ManifestRequest request = {
                .path = path,
                .tell = on_file,
                .tick = interrupt_tick,
                .userdata = &progress,
        };
        char *error = NULL;
        int r, code = EX_OK;

        interrupt_catch();
        r = open_recorded(pair, &recorded);
        progress.is_recorded = recorded.reader;
        if (options->json)
                (void) fputc('[', stdout);
        if (r >= 0)
                r = manifest_make(pair, &recorded, &request, &error);
        recorded_close(&recorded);
        if (options->json)
                (void) fputs("\n]\n", stdout);
        if (r != 0) {
                code = say_problem(r, error);
                (void) fflush(stdout);
                interrupt_end();
                return code;
        }
        return finish_output(progress.failed ? EXIT_SOME_FAILED : EX_OK);
}
