#pragma once

/* Which paths got a version within the last while, so that one that keeps changing gets one in each
 * interval. Bounded: what is forgotten too early costs a version too many, never one too few. Pure:
 * no clock, no system calls but memory and, once, random numbers. For one thread at a time.
 *
 * Paths are known by hashes of 64 bits under a key of our own (SipHash), so that nobody can choose
 * a path that passes for somebody else's. */

#include <stdbool.h>
#include <stddef.h>

#include "basic/macros.h"
#include "basic/time-span.h"

typedef struct RecentPaths RecentPaths;

/* Remembers at most N_MAX paths (at least 1), 24 bytes each. 0 or -ENOMEM. */
int recent_paths_new(usec_t interval, size_t n_max, RecentPaths **ret);
RecentPaths *recent_paths_free(RecentPaths *recent);
DEFINE_TRIVIAL_CLEANUP_FUNC(RecentPaths *, recent_paths_free)

/* Whether PATH had no version within the interval before AT; if so it has one at AT from now on.
 * With N_MAX of them in memory the oldest is forgotten. When memory is short the answer is true and
 * nothing is remembered. */
bool recent_paths_note(RecentPaths *recent, const char *path, usec_t at);

/* It got none after all: the next time PATH is noted the answer is true. */
void recent_paths_forget(RecentPaths *recent, const char *path);
