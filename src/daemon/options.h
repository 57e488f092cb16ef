#pragma once

/* The command line of rebackupd: read into one object, nothing printed and nothing done. Settings
 * of the configuration that have an option of their own (--interval, --log-file) become overrides
 * like those of --set, so that each is checked in one place; of several that set the same key the
 * last one wins. */

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

typedef enum OptionsAction {
        OPTIONS_RUN,
        OPTIONS_HELP,
        OPTIONS_VERSION,
} OptionsAction;

typedef struct Options {
        OptionsAction action;
        const char *instance;    /* of argv; NULL: source and replica are given */
        const char *source;      /* of argv */
        const char *replica;     /* of argv */
        const char *config_root; /* of argv; NULL: none */
        const char *log_level;   /* of argv; NULL: the default. Not looked at here */
        bool once;
        bool approve; /* of what the last run was on hold for */
        bool dry_run; /* sets once as well */
        bool verify;
        char **overrides; /* owned, as are its strings; "Section.Key=VALUE", NULL-terminated; NULL:
                             none */
        size_t n_overrides;
} Options;

#define OPTIONS_NULL ((Options) {})
void options_done(Options *options);

/* 0; -EINVAL with *RET_ERROR, the caller's: one line for a person; -ENOMEM. Permutes ARGV as
 * getopt_long(3) does. */
int options_parse(int argc, char **argv, Options *ret, char **ret_error);

void options_print_help(FILE *file);
