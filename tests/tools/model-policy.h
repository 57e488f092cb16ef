#pragma once

/* What the policies that keep things in the replica promise: Overwrite=no, Delete=no. Somebody acts
 * on the source alone then. */

#include "model-run.h"

/* Paths, each once. */
typedef struct PathSet {
        char **items; /* owned, as are they */
        size_t n_items;
} PathSet;

typedef struct KeepPromises {
        bool overwrite, remove; /* what may be done */
        TreeList then;          /* the replica when it was last checked */
        PathSet ever;           /* what was ever in the replica */
        PathSet seen;           /* since the last check */
        PathSet moved,
                absent;      /* in the source since then: had to do with a rename; was not there */
        ContentSet contents; /* ever in the replica, with neither allowed */
} KeepPromises;

void keep_promises_begin(KeepPromises *keep, ModelPolicy policy);
void keep_promises_done(KeepPromises *keep);

/* STEP was done to the source, which is now SOURCE. */
void keep_promises_note_step(KeepPromises *keep, const Step *step, const TreeList *source);
/* The engine has done something; the replica is now REPLICA. */
void keep_promises_note_replica(KeepPromises *keep, const TreeList *replica);

/* At rest: MODEL_PASSED, or MODEL_POLICY_BROKEN or MODEL_NOT_EQUAL with TEXT. */
ModelFailure keep_promises_check(KeepPromises *keep, const TreeList *source,
                                 const TreeList *replica, char *text, size_t size);
/* The next check begins from here. */
void keep_promises_go_on(KeepPromises *keep, TreeList *replica);
