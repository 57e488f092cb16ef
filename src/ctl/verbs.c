#include "ctl/verbs.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "basic/macros.h"
#include "basic/refuse.h"
#include "basic/string-util.h"

/* Options that only some verbs take. */
enum {
        TAKES_JSON = 1 << 0,
        TAKES_WATCH = 1 << 1,
        TAKES_FULL = 1 << 2,
        TAKES_START = 1 << 3,
        TAKES_REPORT = 1 << 4,
};

static const struct {
        const char *name;
        CtlVerb verb;
        int n_min, n_max; /* arguments behind it; -1: any number */
        unsigned takes;
        const char *arguments; /* for a person */
} verbs[] = {
        { "list", CTL_LIST, 0, 0, TAKES_JSON, "no arguments" },
        { "status", CTL_STATUS, 0, 1, TAKES_JSON | TAKES_WATCH, "at most the name of a pair" },
        { "failures", CTL_FAILURES, 1, 1, TAKES_JSON, "the name of a pair" },
        { "explain", CTL_EXPLAIN, 2, 2, TAKES_JSON, "the name of a pair and a path in it" },
        { "report", CTL_REPORT, 1, 1, TAKES_JSON | TAKES_REPORT, "the name of a pair" },
        { "sync", CTL_SYNC, 1, 1, TAKES_FULL, "the name of a pair" },
        { "pause", CTL_PAUSE, 1, 1, 0, "the name of a pair" },
        { "resume", CTL_RESUME, 1, 1, 0, "the name of a pair" },
        { "rescan", CTL_RESCAN, 1, 1, 0, "the name of a pair" },
        { "drop-excluded", CTL_DROP_EXCLUDED, 1, 1, 0, "the name of a pair" },
        { "create", CTL_CREATE, 3, -1, TAKES_JSON | TAKES_START,
          "a name, a source, a replica, and settings as Section.Key=VALUE" },
        { "check", CTL_CHECK, 1, 1, TAKES_JSON, "the name of a pair" },
        { "verify", CTL_VERIFY, 1, 2, TAKES_JSON,
          "the name of a pair, and a path in it if you like" },
        { "approve", CTL_APPROVE, 1, 1, 0, "the name of a pair" },
        { "reload", CTL_RELOAD, 1, 1, 0, "the name of a pair" },
};

/* The first option that is given although not for this verb; NULL: none. */
static const char *misplaced(const CtlOptions *options, unsigned takes) {
        const struct {
                bool given;
                unsigned takes;
                const char *name;
        } all[] = {
                { options->json, TAKES_JSON, "--json" },
                { options->watch, TAKES_WATCH, "--watch" },
                { options->full, TAKES_FULL, "--full" },
                { options->start, TAKES_START, "--start" },
                { options->since, TAKES_REPORT, "--since" },
                { options->html, TAKES_REPORT, "--html" },
                { options->at, 0, "--at" },
                { options->to, 0, "--to" },
                { options->force, 0, "--force" },
                { options->tar, 0, "--tar" },
                { options->dry_run, 0, "--dry-run" },
        };

        for (size_t i = 0; i < ELEMENTSOF(all); i++)
                if (all[i].given && !(takes & all[i].takes))
                        return all[i].name;
        return NULL;
}

int ctl_verb_take(CtlOptions *options, int n, char **arguments, char **ret_error) {
        const char *option;

        for (size_t i = 0; i < ELEMENTSOF(verbs); i++) {
                if (!streq(verbs[i].name, arguments[0]))
                        continue;
                if (n - 1 < verbs[i].n_min || (verbs[i].n_max >= 0 && n - 1 > verbs[i].n_max))
                        return refuse(ret_error, "'%s' takes %s", arguments[0], verbs[i].arguments);
                option = misplaced(options, verbs[i].takes);
                if (option)
                        return refuse(ret_error, "'%s' does not take %s", arguments[0], option);
                for (int k = 1; k < n; k++)
                        if (!arguments[k][0])
                                return refuse(ret_error, "an argument of '%s' is an empty string",
                                              arguments[0]);
                options->verb = verbs[i].verb;
                options->pair = n > 1 ? arguments[1] : NULL;
                options->arguments = arguments + 1;
                options->n_arguments = n - 1;
                if (options->watch && !options->pair)
                        return refuse(ret_error, "--watch needs the name of a pair");
                if (options->html && options->json)
                        return refuse(ret_error, "--html and --json exclude each other");
                if (options->html && !options->html[0])
                        return refuse(ret_error, "the path of --html is an empty string");
                return 1;
        }
        return 0;
}

/* What is abbreviated is completed, and a missing or a wrong letter at the end forgiven. */
const char *ctl_verb_nearest(const char *text) {
        size_t best = 1;
        const char *nearest = NULL;

        for (size_t i = 0; i < ELEMENTSOF(verbs); i++) {
                size_t n = 0;

                while (text[n] && text[n] == verbs[i].name[n])
                        n++;
                if (n > best) {
                        best = n;
                        nearest = verbs[i].name;
                }
        }
        return nearest;
}
