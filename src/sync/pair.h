#pragma once

/* One source and its replica with their store: opening them safely, and the guards that keep a
 * vanished or exchanged disk from being taken for an order (nothing here walks or copies). A Pair
 * belongs to the daemon's main thread; while a pass runs, workers read its descriptors. */

#include <stdatomic.h>
#include <stdbool.h>

#include "config/config.h"
#include "fs/copy.h"
#include "state/store.h"
#include "sync/flush.h"

/* What a guard found, beyond 0 and -errno. */
typedef enum GuardOutcome {
        GUARD_OK = 0,
        GUARD_SOURCE_GONE = 1,     /* the source's root is not there: exit 66 */
        GUARD_SOURCE_FOREIGN = 2,  /* another file system lies where the source was: hold */
        GUARD_REPLICA_FOREIGN = 3, /* another file system lies where the replica was: hold */
        GUARD_OVERLAP = 4, /* source and replica are the same or one is inside the other: exit 78 */
        GUARD_REPLICA_GONE = 5, /* the replica or the store was deleted: it is made again and
                                   refilled (never returned by pair_begin_pass, which repairs it) */
} GuardOutcome;

typedef struct Pair {
        const Config *config; /* borrowed */
        Store store;
        bool dry_run;
        bool adopting; /* no pass was ever completed with this catalog: what is found in the replica
                          is compared by content, and what is removed or replaced is kept as a
                          version */
        atomic_bool approved; /* a person has said that other file systems are meant: the next look
                                 at the roots takes them, and binds the pair to them */
        bool rebuilt; /* the replica or the store was gone and made again since the last pass */
        atomic_bool mounts_changed; /* since the overlap of source and replica was judged */
        CopyAbilities abilities;
        Flush flush; /* of the replica's file system */
        /* Only while a pass runs, so that an idle pair keeps no file system busy: */
        int source_fd;
        int replica_fd;             /* -EBADF in a dry run when there is no replica yet */
        int64_t source_file_system; /* the catalog's number of the root's file system; set by the
                                       engine, whose committer has the catalog */
        Entry source_root, replica_root;
        char *state_directory; /* owned: where the identities are kept that must outlive the
                                  replica's disk; NULL when there is no such place */
        StoreIdentity bound; /* whom this run deals with: what the guards hold the roots against */
        bool bind_pending;   /* the catalog does not have BOUND yet */
} Pair;

/* Checks both paths (existence, type, overlap through links, bind mounts and ".."), creates the
 * replica with its parents (unless dry_run), opens and locks the store, checks the identities that
 * were bound at the last run, and brings staging into order after a crash. INSTANCE names the pair
 * or is NULL in the foreground. 0, a GuardOutcome > 0, or -errno (-EBUSY: already running;
 * -EACCES/-EPERM, -EROFS, -ENOTDIR …); every result but 0 comes with *RET_ERROR, one line for a
 * person: thing, cause, remedy. */
int pair_open(const Config *config, const char *instance, bool dry_run, Pair **ret,
              char **ret_error);
/* The same after a person has approved of what the guards hold back: see Pair.approved. */
int pair_open_approved(const Config *config, const char *instance, bool dry_run, Pair **ret,
                       char **ret_error);
Pair *pair_close(Pair *pair);

/* Opens the roots for a pass and compares identities. A replica or store that was deleted meanwhile
 * on the same file system is made again (pair->rebuilt). Same results as pair_open. */
int pair_begin_pass(Pair *pair, char **ret_error);
/* Right before removals: do both paths still lead to the very roots that are open? Same results. */
int pair_recheck(Pair *pair, char **ret_error);
/* After a pass that completed: the catalog learns the identities, and that there was such a pass.
 * Called by the committer thread with a transaction open on the catalog. */
int pair_bind(Pair *pair);
/* That transaction is committed: the pair is bound, adoption ends. */
void pair_note_bound(Pair *pair);
/* Closes the roots' descriptors. */
void pair_end_pass(Pair *pair);
