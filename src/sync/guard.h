#pragma once

/* The guards: judgements over a sample of the roots, made before anything is created, copied or
 * removed. They open and change nothing but look at paths; what they find comes back as a
 * GuardOutcome with its text, and the caller decides. */

#include "sync/pair.h"
#include "sync/roots.h"

/* Refuses a source, a replica and a store of which one is, or is inside, another; the store inside
 * the replica under its fixed name alone is right. STORE_PATH is where the store is or will be. 0,
 * GUARD_OVERLAP or -errno, all but 0 with *RET_ERROR. */
int guard_overlap(const Config *config, const Roots *roots, const StorePlan *store,
                  char **ret_error);

/* Compares the roots' file systems with those of an earlier sample. WAS may lack identities: then
 * there is nothing to hold against. FILES names, for the person, what is to be removed when the
 * change is meant; NULL: nothing. 0, GUARD_SOURCE_FOREIGN or GUARD_REPLICA_FOREIGN with *RET_ERROR.
 */
int guard_file_systems(const Config *config, const Roots *roots, const StoreIdentity *was,
                       const char *files, char **ret_error);

/* Right before removals: whether NOW is what PAIR has open. 0; GUARD_SOURCE_FOREIGN,
 * GUARD_REPLICA_FOREIGN, GUARD_REPLICA_GONE; -ESTALE when another directory of the same file system
 * has taken the source's place; all but 0 with *RET_ERROR. */
int guard_unmoved(const Pair *pair, const Roots *now, char **ret_error);
