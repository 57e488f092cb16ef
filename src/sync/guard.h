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

/* Compares the roots' file systems with those of an earlier sample, and where these are the same,
 * whether something was mounted on another directory than now. WAS may lack identities: then there
 * is nothing to hold against. FILES names, for the person, what is to be removed when the
 * change is meant; NULL: nothing. 0, GUARD_SOURCE_FOREIGN or GUARD_REPLICA_FOREIGN with *RET_ERROR.
 */
int guard_file_systems(const Config *config, const Roots *roots, const StoreIdentity *was,
                       const char *files, char **ret_error);

/* Right before removals: whether NOW is what PAIR has open. 0; GUARD_SOURCE_FOREIGN,
 * GUARD_REPLICA_FOREIGN, GUARD_REPLICA_GONE; -ESTALE when another directory of the same file system
 * has taken the source's place; all but 0 with *RET_ERROR. */
int guard_unmoved(const Pair *pair, const Roots *now, char **ret_error);

/* What is known of an entry of the source at which something is or was mounted. */
typedef struct MountFacts {
        bool was_mounted; /* when it was last in step, it was a mount point */
        bool at_stake;    /* the replica has content of it, which would go */
        bool is_there;
        bool is_mounted;
        bool same_file_system; /* as when it was last in step */
        bool same_entry;       /* the very inode, however it shows there */
} MountFacts;

typedef enum MountVerdict {
        MOUNT_RIGHT,     /* go on as with any entry */
        MOUNT_MISSING,   /* what was mounted there is not: no order to remove what was on it */
        MOUNT_EXCHANGED, /* another file system is mounted in its stead */
        MOUNT_COVERED,   /* something is mounted over what was there, which still is, unseen */
} MountVerdict;

/* Whether an entry's replica may follow it. Pure. */
MountVerdict guard_mount(const MountFacts *facts);
