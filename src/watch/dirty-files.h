#pragma once

/* The part of the dirty set that knows files by identity alone. Bounded; told of one file a
 * thousand times it holds it about once. For dirty.c alone. */

#include "watch/dirty.h"

typedef struct DirtyFiles {
        WatchFile *files; /* owned */
        size_t n_files, n_allocated;
        usec_t due; /* USEC_INFINITY when there are none */
} DirtyFiles;

#define DIRTY_FILES_NULL ((DirtyFiles) { .due = USEC_INFINITY })

/* DUE counts for the first of them. 0, -ENOBUFS, -ENOMEM. */
int dirty_files_add(DirtyFiles *files, WatchFile file, usec_t due);
/* Hands over all of them, each once, in order; *RET is owned by the caller. */
void dirty_files_take(DirtyFiles *files, WatchFile **ret, size_t *ret_n);
void dirty_files_clear(DirtyFiles *files);
