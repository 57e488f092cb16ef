#pragma once

/* After a crash: makes staging and catalog tell the same story again, before the first pass. What
 * lies in staging and is unknown to the catalog was never published, or was replaced and only
 * waited to be removed: it goes. Displaced entries that the catalog knows stay for the engine to
 * claim. Single-threaded, at start. */

#include "state/store.h"

typedef struct Recovery {
        uint64_t n_removed;   /* entries removed from staging, with what was in them */
        uint64_t n_forgotten; /* displaced entries of which the catalog alone was left */
} Recovery;

/* Takes memory for a handful of names whatever staging holds. Goes on after an entry that cannot be
 * removed and returns the first such error; an error of the catalog ends it. No transaction may be
 * open. */
int recover_staging(const Store *store, Recovery *ret);
