#pragma once

/* Walks what a path was at a point in time. Holds descriptors of one entry at a time and no stack
 * of its own, whatever the depth. */

#include "fs/entry.h"
#include "restore/pair.h"

typedef struct RestoreItem {
        const char *path; /* below the pair's root; "" for that itself */
        int fd;           /* O_PATH */
        Entry entry;
        usec_t version; /* the time at which it left the replica; LAYER_REPLICA: it is there still;
                           LAYER_NONE: nothing but a frame tells of this directory */
        bool is_ancestor; /* a directory above what is asked for */
} RestoreItem;

/* Each returns 0, or -errno to end the walk. */
typedef struct WalkHooks {
        /* A directory, before what is in it. 1: go in, 0: leave it out. */
        int (*enter)(const RestoreItem *item, void *userdata);
        /* The same directory after what is in it, if it was gone into. */
        int (*leave)(const RestoreItem *item, void *userdata);
        /* Anything else. */
        int (*visit)(const RestoreItem *item, void *userdata);
        /* PATH cannot be read: R is -errno. */
        int (*fail)(const char *path, int r, void *userdata);
        void *userdata;
} WalkHooks;

/* Walks PATH as of AT: directories above it are entered and left, too. What left the replica at AT
 * or later was there; of several versions the earliest counts. A directory that left as a whole is
 * what it was then, and nothing newer shows in it. 1, 0 when there was no such entry, -errno. */
int walk(const RestorePair *pair, const char *path, usec_t at, const WalkHooks *hooks);
