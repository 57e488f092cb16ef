#pragma once

/* What earlier runs wrote down of a pair's identities, read and held against the roots of today,
 * and written down anew. Logs what cannot be read or written: neither is fatal. */

#include "sync/pair.h"
#include "sync/roots.h"

/* At start: holds ROOTS against the identities in the state directory and in the store that PLAN
 * names, and takes over as pair->bound what was found. 0, or a GuardOutcome with *RET_ERROR. */
int records_judge(Pair *pair, const Roots *roots, const StorePlan *plan, char **ret_error);

/* Holds ROOTS against pair->bound. 0, or a GuardOutcome with *RET_ERROR. */
int records_hold(const Pair *pair, const Roots *roots, char **ret_error);

/* Writes pair->bound to both places where it is not there yet. */
void records_save(const Pair *pair);

/* The same as facts of the catalog, in the transaction that is open. */
int records_set_facts(Catalog *catalog, const StoreIdentity *bound);
