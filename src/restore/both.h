#pragma once

/* One entry as source and replica have it, and what differs between the two. */

#include "restore/differences.h"

typedef enum Side { SIDE_SOURCE, SIDE_REPLICA, N_SIDES } Side;

typedef struct Both {
        int directories[N_SIDES]; /* descriptors; negative: there is none */
        const char *name;         /* in them; "" for the directories themselves */
        const char *path;
        bool is_there[N_SIDES];
        Entry entries[N_SIDES];
} Both;

/* What differs between two of one type, links apart. Contents are compared by COPIER, where size
 * and mtime are the same only if REQUEST asks for it. 0 or -errno; *DIFFERENCES has what was found
 * before. */
int both_compare(const Both *both, Copier *copier, const DifferencesRequest *request,
                 unsigned *differences);
