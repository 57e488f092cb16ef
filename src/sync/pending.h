#pragma once

/* Identities whose catalog rows are about to change: entries of hard-link groups and moved entries
 * from the moment a worker stages them until the committer has committed them. Whoever meets such
 * an identity meanwhile defers to the next round of the pass, when the catalog tells the truth
 * again. Bounded by the batch. Any thread; own mutex. */

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

#include "state/catalog.h"

/* Stand for a file system, where the replica's inodes are claimed: those of several names that are
 * being adopted, and those that a dry run found moved. */
enum { PENDING_DRY_MOVED = -1, PENDING_REPLICA = -2 };

/* Under which a group is claimed while its names wait to be looked at: the negative numbers below
 * those above. */
static inline CatalogIdentity pending_regroup(CatalogIdentity identity) {
        return (CatalogIdentity) { -3 - identity.file_system, identity.source_inode };
}

typedef struct PendingEntry PendingEntry;

typedef struct Pending {
        pthread_mutex_t mutex;
        PendingEntry *entries; /* k: identity -> v: number of items under way */
} Pending;

int pending_init(Pending *pending);
void pending_done(Pending *pending);

/* Claims IDENTITY: 1 claimed (nobody had it), 0 it is under way already, -ENOMEM. */
int pending_claim(Pending *pending, CatalogIdentity identity);
bool pending_is_claimed(Pending *pending, CatalogIdentity identity);
void pending_release(Pending *pending, CatalogIdentity identity);
