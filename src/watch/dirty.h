#pragma once

/* The dirty set: where to look, and from when on. Events to one path merge into one item whatever
 * their number; a directory with more than DIRTY_NAMES_MAX dirty names becomes dirty as a whole; so
 * the set is bounded by the number of directories. Belongs to the event loop; never touched by
 * another thread. Pure but for its clock argument (CLOCK_MONOTONIC, never going back).
 *
 * When an item is due:
 * - The first note of a path sets a deadline, max_delay later. A note with DIRTY_SETTLED makes it
 *   due at once; one without, when it has been quiet for settle, at the latest at the deadline.
 * - What was put back by dirty_add_retry is due at the time given. A newer note makes it an item
 *   like any other, whose deadline is that time or max_delay after the note, whichever is sooner:
 *   so a path that never rests is taken no more often than it is put back for.
 * - A listing takes in the names that were noted before it and those noted while it waits (retries
 *   stay). It is due at once if any of them was, and is then not put off by further names; else
 *   when all were quiet, at the latest at the earliest of their deadlines.
 * - More than DIRTY_NAMES_MAX retries in a directory become one listing that is put back, due when
 *   the first of them was; names noted later stay by themselves.
 *
 * - Files of which only the identity is known are due together, settle after the first of them.
 *
 * What is pending for a detached node is void and dropped when it is due. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "basic/time-span.h"
#include "watch/tree.h"
#include "watch/watch.h"

enum {
        DIRTY_NAMES_MAX = 256,
        DIRTY_FILES_MAX = 65536,
};

typedef enum DirtyFlags {
        /* Needs no quiet time: a writer closed it, or the change was complete in one step. */
        DIRTY_SETTLED = 1 << 0,
        /* The directory as a whole is to be listed and merged; NAME is NULL. */
        DIRTY_LISTING = 1 << 1,
        /* The directory's own metadata; NAME is NULL. */
        DIRTY_SELF = 1 << 2,
} DirtyFlags;

/* One dirty name of a directory as handed to a pass. */
typedef struct DirtyName {
        char *name;   /* owned; NULL, when given to dirty_add_retry: the directory's listing */
        usec_t first; /* of the first note since it was last in step: MaxDelay counts from here */
        unsigned n_attempts; /* failures in a row, for the back-off */
} DirtyName;

/* A directory with something to do, as handed to a pass. */
typedef struct DirtyDirectory {
        Node *node;       /* counted */
        DirtyName *names; /* owned; none when the whole listing is due */
        size_t n_names;
        bool listing;
        bool self;
        usec_t first;        /* of listing, self and all names they cover, the earliest */
        unsigned n_attempts; /* likewise the most */
} DirtyDirectory;

typedef struct DirtyBatch {
        DirtyDirectory *directories;
        size_t n_directories;
        WatchFile *files; /* owned; in ascending order */
        size_t n_files;
} DirtyBatch;

#define DIRTY_BATCH_NULL ((DirtyBatch) {})
void dirty_batch_done(DirtyBatch *batch);

typedef struct DirtySet DirtySet;

typedef struct DirtyTimes {
        usec_t settle;    /* quiet time that a path needs */
        usec_t max_delay; /* after which it is due all the same */
} DirtyTimes;

int dirty_new(DirtySet **ret, DirtyTimes times);
DirtySet *dirty_free(DirtySet *set);
/* For notes to come; what waits keeps its time. */
void dirty_set_times(DirtySet *set, DirtyTimes times);

/* Notes that NAME of NODE (or NODE as a whole, by FLAGS: one or both of DIRTY_LISTING and
 * DIRTY_SELF) may have changed at NOW. 0 or -ENOMEM: then the caller asks for a full pass. */
int dirty_add(DirtySet *set, Node *node, const char *name, unsigned flags, usec_t now);
/* Puts back a path that failed or would not rest: due at DUE, its FIRST and N_ATTEMPTS kept. NAME
 * is borrowed. If it was noted or put back already since it was taken, the sooner time holds, the
 * earlier FIRST and the greater N_ATTEMPTS. 0 or -ENOMEM. */
int dirty_add_retry(DirtySet *set, Node *node, const DirtyName *name, usec_t due);

/* Has everything that was put back after a failure fall due at NOW. */
void dirty_hasten(DirtySet *set, usec_t now);

/* Notes that FILE may have changed at NOW through a name that tells nothing any more. 0; -ENOBUFS
 * when more wait than the set holds, or -ENOMEM: then the caller asks for a full pass. */
int dirty_add_file(DirtySet *set, WatchFile file, usec_t now);

/* When the earliest item is due; USEC_INFINITY when the set is empty. O(1). */
usec_t dirty_next_due(const DirtySet *set);
/* Takes everything that is due at NOW out of the set, directories in the order in which their first
 * item fell due. 0, or -ENOMEM when not even part of it could be taken: nothing is lost then. */
int dirty_take(DirtySet *set, usec_t now, DirtyBatch *ret);
bool dirty_is_empty(const DirtySet *set);
size_t dirty_n_items(const DirtySet *set);
/* Forgets everything: a full pass that began after the last note covers it. Retries as well. */
void dirty_clear(DirtySet *set);
