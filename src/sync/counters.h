#pragma once

/* What was done, in numbers. One Counters per pass, added up by the daemon for its totals. */

#include <stdatomic.h>
#include <stdint.h>

#include "basic/histogram.h"
#include "basic/time-span.h"

typedef enum Operation {
        OPERATION_COPY,   /* a new file, link or special file */
        OPERATION_UPDATE, /* new content under an old name */
        OPERATION_RENAME, /* a moved file or directory */
        OPERATION_LINK,   /* one more name of a hard-link group */
        OPERATION_MKDIR,
        OPERATION_METADATA, /* owner, mode, times, attributes only */
        OPERATION_REMOVE,
        OPERATION_ADOPT,   /* found equal by content, nothing written */
        OPERATION_HEAL,    /* a foreign change of the replica undone */
        OPERATION_VERSION, /* replaced or removed content kept as a version */
        OPERATION_KEEP,    /* left in the replica as it is, because a policy says so */
        OPERATION_FAIL,    /* could not be done this time */
        _OPERATION_MAX,
        _OPERATION_INVALID = -22,
} Operation;

/* "copy", "update", …: REBACKUP_OPERATION of the journal. */
const char *operation_to_string(Operation operation);
/* "copied", "updated", …: the past tense for messages. */
const char *operation_to_past(Operation operation);

typedef struct Counters {
        atomic_uint_fast64_t operations[_OPERATION_MAX];
        atomic_uint_fast64_t n_entries; /* looked at */
        atomic_uint_fast64_t n_directories;
        atomic_uint_fast64_t n_bytes;     /* of content copied */
        atomic_uint_fast64_t n_unstable;  /* published although they never rested */
        atomic_uint_fast64_t n_held;      /* whose replica is left as it is: see held.h */
        atomic_uint_fast64_t n_foreign;   /* changed by others in the replica, and left so */
        atomic_uint_fast64_t n_conflicts; /* changed on both sides of a two-way pair: both kept */
        atomic_uint_fast64_t n_limited;   /* entries of which the replica cannot hold something */
        atomic_uint_fast64_t n_verified;  /* files read back from the medium, both sides */
        atomic_uint_fast64_t n_verified_bytes; /* of both sides */
        atomic_uint_fast64_t n_rotten;         /* files found damaged, known before or not */
        atomic_uint_fast64_t n_rot_healed;     /* of these, made good again */
        /* From the moment a change was noticed until it was in the replica and recorded, in
         * microseconds. */
        atomic_uint_fast64_t lags[HISTOGRAM_BUCKETS];
        atomic_uint_fast64_t lag_sum, lag_max;
} Counters;

/* By one thread at a time. */
void counters_add_lag(Counters *counters, usec_t lag);

void counters_add(Counters *total, Counters *more);
