#pragma once

/* How much of a pair the patrol reads at a time, so that all of it is read once in an interval,
 * evenly. Pure. */

#include <stdbool.h>
#include <stdint.h>

#include "basic/time-span.h"

typedef struct PatrolFacts {
        usec_t interval;         /* Integrity.VerifyInterval, not 0 */
        uint64_t n_files;        /* there are */
        uint64_t n_bytes;        /* in them */
        uint64_t n_without_hash; /* of these: they do not wait for their turn */
} PatrolFacts;

/* Between two shares; USEC_INFINITY when there is nothing to read. IS_BEHIND: the last was cut off.
 */
usec_t patrol_period(const PatrolFacts *facts, bool is_behind);

/* Bytes of the share after ELAPSED since the last one was begun: at least one. */
uint64_t patrol_share(const PatrolFacts *facts, usec_t elapsed);
