#pragma once

/* The command line of rebackup-alert(8). Strings are those of argv. */

#include <stdbool.h>

#include "basic/time-span.h"

typedef enum AlertAction {
        ALERT_ACTION_TELL,
        ALERT_ACTION_HELP,
        ALERT_ACTION_VERSION,
} AlertAction;

typedef struct AlertOptions {
        AlertAction action;
        const char *name;              /* of the instance; NULL with --stdin */
        const char *runtime_directory; /* of the instance; NULL: the usual one */
        const char *config_root;       /* or NULL */
        const char *log_level;         /* or NULL */
        usec_t hook_time;              /* how long a hook may take */
        bool from_stdin;
        bool user; /* for the service manager of a user */
} AlertOptions;

/* 0; -EINVAL with what is wrong in *RET_PROBLEM, which is the caller's; -ENOMEM. */
int alert_options_parse(int argc, char **argv, AlertOptions *ret, char **ret_problem);
void alert_options_print_help(void);
