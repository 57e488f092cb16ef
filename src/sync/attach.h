#pragma once

/* How a pair comes by its store: where it is, opening and locking it, order after a crash, and how
 * it is made again when it was deleted. Everything here comes after the guards. Logs. */

#include <errno.h>

#include "sync/pair.h"
#include "sync/roots.h"

/* A store that is not open. */
#define STORE_CLOSED ((Store) { .fd = -EBADF, .staging_fd = -EBADF, .lock_fd = -EBADF })

/* Where the store is or, while the replica is missing, will be. Changes nothing. 0 or -errno with
 * *RET_ERROR. */
int attach_plan(const Config *config, const Roots *roots, StorePlan *ret, char **ret_error);

/* Opens the store that PLAN names unless it is open and still there; in a dry run a private copy of
 * its catalog. Sets what the catalog says of the pair, and pair->rebuilt when the store had been
 * deleted. 0 or -errno with *RET_ERROR. */
int attach_store(Pair *pair, const Roots *roots, const StorePlan *plan, char **ret_error);
