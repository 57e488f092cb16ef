#pragma once

/* What is said when the kernel's limit of watches is too small for the source. */

#include <stddef.h>
#include <stdint.h>

#include "basic/time-span.h"
#include "watch/watch.h"

/* The limit that is in force for BACKEND, fs.inotify.max_user_watches or
 * fs.fanotify.max_user_marks; 0 when it cannot be read (a sandbox hides it). Source: proc(5). */
uint64_t watch_limit_acquire(WatchBackend backend);

/* A limit that suffices when LIMIT (0: unknown) let N_WATCHED directories be watched and refused
 * N_REFUSED: others may use up part of it, and the tree may grow. Pure. */
uint64_t watch_limit_suggest(uint64_t limit, size_t n_watched, size_t n_refused);

typedef struct WatchLimitFacts {
        WatchBackend backend;
        size_t n_watched, n_refused;
        usec_t rescan_interval;
        bool may_mark; /* fanotify could be had, which has no limit */
} WatchLimitFacts;

/* "2,105 of 10,297 directories are not watched: …". A fresh string; 0 or -ENOMEM. */
int watch_limit_format(const WatchLimitFacts *facts, char **ret);
