#pragma once

/* When to do things: how fast events are drained, how long a retry waits. Pure: time is an
 * argument. */

#include <stdbool.h>

#include "basic/time-span.h"
#include "sync/engine.h"

enum {
        DRAIN_CLOSE_MAX = 16, /* wake-ups in close succession that are served at once */
        DRAIN_FEW_EVENTS = 8, /* a step that brings no more than these ends the busy time */
};

#define DRAIN_STEP_USEC (3 * USEC_PER_MSEC)
#define RETRY_DELAY_MIN_USEC (1 * USEC_PER_SEC)
#define RETRY_DELAY_MAX_USEC (5 * USEC_PER_MINUTE)
#define ROOM_STEP_BYTES (UINT64_C(1) * 1024 * 1024)
#define ROOM_STEP_FILES 64

/* After idleness an event is acted upon at once. A writer that goes on for longer than a few
 * wake-ups is followed in steps of DRAIN_STEP_USEC: a reader that wakes for every event slows every
 * writer of the file system down by half, one that sleeps between two drains hardly at all, and
 * more events merge. */
typedef struct DrainPace {
        usec_t last;      /* CLOCK_MONOTONIC of the last drain; 0: none yet */
        unsigned n_close; /* drains in a row that came less than a step after the one before */
} DrainPace;

/* Notes that N_EVENTS were drained at NOW. True: wait for DRAIN_STEP_USEC before draining again,
 * whatever waits. */
bool drain_pace_note(DrainPace *pace, usec_t now, unsigned n_events);

/* How long a path that failed N_ATTEMPTS times in a row waits: a second, doubled with each attempt,
 * at most five minutes. Attempts that new events brought on come faster than that: so it is no
 * longer than the time since the first failure, either. */
usec_t retry_delay(unsigned n_attempts, usec_t since_first);

/* While something waits because the replica's disk is full: what was free there at its fullest. */
typedef struct RoomWait {
        bool is_known;
        Room lowest;
} RoomWait;

/* Notes that ROOM is free. True: that is so much more than before that trying again is worth it. */
bool room_wait_note(RoomWait *wait, Room room);
