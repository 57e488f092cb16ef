#pragma once

/* What a hook is told: the environment of this process without any REBACKUP_… that it had, and the
 * facts of the report as REBACKUP_PAIR, …; see rebackup-alert(8). */

#include "alert/alert.h"

/* 0 with a NULL-terminated array in *RET, which is the caller's; -ENOMEM. */
int hook_environment(const AlertReport *report, char **environment, char ***ret);
char **hook_environment_free(char **environment);
DEFINE_TRIVIAL_CLEANUP_FUNC(char **, hook_environment_free)
