#pragma once

/* After a crash: makes staging and catalog tell the same story again, before the first pass. What
 * lies in staging and is unknown to the catalog was never published, or was replaced and only
 * waited to be removed: it goes. Displaced entries that the catalog knows stay for the engine to
 * claim. Single-threaded, at start. */

#include "basic/time-span.h"
#include "state/store.h"

/* What somebody else put into the replica is unknown to the catalog, as is what is on its way in:
 * it lies in staging under a name that ends so. */
#define STAGED_FOREIGN "-foreign"

/* Before that: what the catalog still has in the replica below REPLICA_FD, but lies in staging, was
 * displaced by a batch that was not committed, and becomes a version of the time AT
 * (CLOCK_REALTIME). *RET_N_KEPT: how many did. 0 or -errno; what is left is for recover_staging. */
int recover_displaced(const Store *store, int replica_fd, usec_t at, uint64_t *ret_n_kept);

/* What somebody else had put into the replica becomes a version below "found-in-staging"; with ALL
 * whatever lies in staging. That is when the run that was cut off was adopting somebody else's
 * replica, of which the catalog has no rows, or when inode numbers may not be those that the
 * catalog has: then nothing can be told from what was only on its way in. Adds to *N_KEPT. */
int recover_foreign(const Store *store, bool all, usec_t at, uint64_t *n_kept);

typedef struct Recovery {
        uint64_t n_removed;   /* entries removed from staging, with what was in them */
        uint64_t n_forgotten; /* displaced entries of which the catalog alone was left */
} Recovery;

/* Takes memory for a handful of names whatever staging holds. Goes on after an entry that cannot be
 * removed and returns the first such error; an error of the catalog ends it. No transaction may be
 * open. */
int recover_staging(const Store *store, Recovery *ret);
