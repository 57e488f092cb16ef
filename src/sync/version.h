#pragma once

/* Versions: earlier content under versions/TIME/…path… of the store, made by rename. */

#include "basic/time-span.h"
#include "state/store.h"

/* Moves STAGE of the staging directory to versions/AT/PATH (AT: CLOCK_REALTIME microseconds; PATH
 * relative to the replica), making the directories above it with mode 0700. When that name is taken
 * already, ".1", ".2" … is appended. 0 or -errno; the content then stays where it was. */
int version_keep(const Store *store, const char *stage, const char *path, usec_t at);
