#pragma once

/* The command line of rebackupctl: read into one object, nothing printed and nothing done. */

#include <stdbool.h>
#include <stdio.h>

typedef enum CtlVerb {
        CTL_HELP,
        CTL_VERSION,
        CTL_VERSIONS,
        CTL_RESTORE,
} CtlVerb;

/* All strings are of argv. */
typedef struct CtlOptions {
        CtlVerb verb;
        const char *pair, *path;
        const char *config_root; /* NULL: none */
        const char *at;          /* NULL: the newest version */
        const char *to;          /* NULL: the source */
        bool force, tar, dry_run, json;
} CtlOptions;

/* 0; -EINVAL with *RET_ERROR, the caller's: one line for a person; -ENOMEM. Permutes ARGV as
 * getopt_long(3) does. */
int ctl_options_parse(int argc, char **argv, CtlOptions *ret, char **ret_error);

void ctl_options_print_help(FILE *file);
