#pragma once

/* Names of units, as systemd.unit(5) and systemd-escape(1) make them of other names. Pure. Fresh
 * strings are the caller's, and NULL when memory is short. */

#include <stdbool.h>

/* NAME as it is, but for characters that no unit's name may have, which stand as \xHH; so does a
 * backslash. What a person types after "rebackup@". */
char *unit_name_plain(const char *name);

/* The same by the rules of "systemd-escape NAME", which has no "-" and "@" stand for themselves. */
char *unit_name_escape(const char *name);

/* The mount unit of PATH, which is absolute, normalised, and not "/". */
char *unit_name_of_mount(const char *path);

/* Whether NAME is not too long for a unit's name. */
bool unit_name_fits(const char *name);
