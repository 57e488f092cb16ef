#pragma once

/* How large a tree is, roughly: names of a hard-link group count each by itself. */

#include <stdbool.h>
#include <stdint.h>

#include "basic/time-span.h"
#include "config/config.h"

typedef struct TreeSize {
        uint64_t n_entries, n_directories; /* the root included */
        uint64_t n_bytes;                  /* allocated */
        uint64_t n_unreadable;             /* directories */
        bool is_whole;                     /* there was time for all of it */
} TreeSize;

/* Walks the source's directory FD until DUE (CLOCK_MONOTONIC); follows no links, and leaves out
 * what CONFIG does. */
void tree_size_measure(int fd, const Config *config, usec_t due, TreeSize *ret);
