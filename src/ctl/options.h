#pragma once

/* The command line of rebackupctl: read into one object, nothing printed and nothing done. */

#include <stdbool.h>
#include <stdio.h>

typedef enum CtlVerb {
        CTL_HELP,
        CTL_VERSION,
        CTL_DIFF,
        CTL_MANIFEST,
        CTL_VERSIONS,
        CTL_RESTORE,
        /* see verbs.h */
        CTL_LIST,
        CTL_STATUS,
        CTL_FAILURES,
        CTL_EXPLAIN,
        CTL_SYNC,
        CTL_PAUSE,
        CTL_RESUME,
        CTL_RESCAN,
        CTL_DROP_EXCLUDED,
        CTL_RELOAD,
        CTL_APPROVE,
        CTL_CREATE,
        CTL_CHECK,
        CTL_REPORT,
        CTL_VERIFY,
} CtlVerb;

/* All strings are of argv. */
typedef struct CtlOptions {
        CtlVerb verb;
        const char *pair, *path;  /* the path is "." where it may be left out and is */
        const char *config_root;  /* NULL: none */
        const char *at;           /* NULL: the newest version */
        const char *to;           /* NULL: the source */
        const char *since, *html; /* NULL: not given */
        bool content, force, tar, dry_run, json;
        bool system, user; /* whose pairs are meant; neither: root's are the system's */
        bool watch, full, start;
        char **arguments; /* of a verb of verbs.h, behind it */
        int n_arguments;
} CtlOptions;

/* 0; -EINVAL with *RET_ERROR, the caller's: one line for a person; -ENOMEM. Permutes ARGV as
 * getopt_long(3) does. */
int ctl_options_parse(int argc, char **argv, CtlOptions *ret, char **ret_error);

void ctl_options_print_help(FILE *file);
