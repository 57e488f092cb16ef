#pragma once

/* What is said when the kernel's limit of watches is too small for the source. */

#include <stddef.h>
#include <stdint.h>

#include "basic/time-span.h"

/* The limit that is in force, fs.inotify.max_user_watches; 0 when it cannot be read (a sandbox
 * hides it). Source: proc(5). */
uint64_t watch_limit_acquire(void);

/* A limit that suffices when LIMIT (0: unknown) let N_WATCHED directories be watched and refused
 * N_REFUSED: others may use up part of it, and the tree may grow. Pure. */
uint64_t watch_limit_suggest(uint64_t limit, size_t n_watched, size_t n_refused);

/* "2,105 of 10,297 directories are not watched: …". A fresh string; 0 or -ENOMEM. */
int watch_limit_format(size_t n_watched, size_t n_refused, usec_t rescan_interval, char **ret);
