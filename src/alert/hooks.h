#pragma once

/* The administrator's programs, /etc/rebackup/alert.d/NAME: one after the other in the order of
 * their names, each in a process group of its own, with a time limit. What they say is logged, made
 * safe. A hook that fails, hangs or cannot be started is reported and keeps no other from running.
 */

#include "alert/alert.h"

#define HOOK_TIME_USEC (30 * USEC_PER_SEC)

/* Whether NAME is one that run-parts(8) takes: letters, digits, underscores and hyphens. */
bool hook_name_is_valid(const char *name);

/* Runs those of DIRECTORY, if it exists, each for LIMIT at the most. Only programs that belong to
 * root or to the user of this process and that nobody else may write to are run, from a directory
 * of which that is true as well. Logs. */
void hooks_run(const char *directory, const AlertReport *report, usec_t limit);
