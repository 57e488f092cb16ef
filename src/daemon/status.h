#pragma once

/* What the service is doing, in one line: for the service manager (STATUS=) and for the progress
 * line of a terminal. Pure. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "basic/time-span.h"

typedef enum StatusPhase {
        STATUS_STARTING,
        STATUS_ARMING,    /* directories are being watched */
        STATUS_INITIAL,   /* the first full pass */
        STATUS_RESCAN,    /* a later full pass */
        STATUS_VERIFYING, /* everything is read back, as --verify asks for */
        STATUS_LIVE,
        STATUS_HOLD,
        STATUS_PAUSED,
        STATUS_STOPPING,
} StatusPhase;

typedef struct StatusFacts {
        StatusPhase phase;
        uint64_t n_entries;     /* looked at in the pass that runs */
        int64_t n_expected;     /* 0: unknown */
        uint64_t n_bytes;       /* copied in it */
        uint64_t n_directories; /* of it */
        usec_t elapsed;         /* since it began */
        bool watching;
        size_t n_watched;
        size_t n_fallen_back; /* of these, by inotify although another backend was chosen */
        uint64_t n_unwatched; /* directories that the limit of watches leaves to rescans */
        bool replica_watching;
        uint64_t n_replica_unwatched;
        uint64_t n_overflows;      /* queues of events that overflowed since the start */
        size_t n_pending;          /* changes not acted upon yet, retries among them */
        uint64_t n_failed;         /* entries that failed in the last full pass */
        uint64_t n_held_removals;  /* see engine_n_held_removals */
        uint64_t n_held;           /* places of the source whose file system is missing */
        uint64_t n_damaged;        /* files known to be damaged */
        uint64_t n_bytes_expected; /* of verifying; 0: unknown */
        bool patrols;              /* the coverage below is known */
        bool verifying;            /* a share is being read */
        bool asked_to_verify;      /* somebody asked for it to be read, or waits for that */
        uint64_t n_files_read, n_files_expected;      /* of that; 0: unknown */
        uint64_t n_files, n_verified, n_without_hash; /* verified: within the interval */
        usec_t verified_by; /* when all will have been, at the pace of the interval; 0: they were */
        usec_t oldest_verified; /* CLOCK_REALTIME; 0: none was verified yet */
        usec_t in_step_since;   /* CLOCK_REALTIME; 0: not in step */
        bool config_refused;    /* by the last reload */
        const char *proof;      /* of both sides being the same; NULL: none. Borrowed */
        const char *reason;     /* of a hold, or of the last failure; NULL: none. Borrowed */
} StatusFacts;

/* "Initial pass: 12,345 entries, 1.2 GiB, 41 %", "Watching 5,612 directories; 3 changes pending",
 * "On hold: …". A fresh string; 0 or -ENOMEM. */
int status_format(const StatusFacts *facts, char **ret);

/* "12,345 entries, 1.2 GiB, 85.1 MiB/s, 41 %, 2min left" of the pass that runs, with as much of it
 * as WIDTH columns take. */
int progress_format(const StatusFacts *facts, size_t width, char **ret);
