#pragma once

/* What is promised, and whether it is kept. */

#include "model-policy.h"

typedef struct Promises {
        const World *world;
        ModelPolicy policy;
        bool ignore_links; /* which names are links to one file */
        /* Contents of which the engine may not take away the last copy: those that were on a side
         * and that nobody but the engine can have removed. */
        ContentSet kept;
        /* Of two-way: those that were written somewhere and that nobody overwrote or removed
         * anywhere: they must be on both sides, under whatever name. */
        ContentSet live;
        KeepPromises keep; /* of policies that keep something, as long as ... */
        bool tampered;     /* ... nobody but the engine was at the replica */
} Promises;

/* A step of somebody's is about to be done to SIDE, and has been done. */
typedef struct Witness {
        ModelSide side;
        TreeList before;
} Witness;

void promises_begin(Promises *promises, const World *world, ModelPolicy policy);
void promises_done(Promises *promises);

void witness_before(const Promises *promises, ModelSide side, Witness *ret);
void witness_after(Promises *promises, const Step *step, Witness *witness);
/* The engine has done something. */
void promises_note_work(Promises *promises);
/* The catalog was deleted: nothing that is there may be taken for removed. */
void promises_note_lost_catalog(Promises *promises);

/* Each gives MODEL_PASSED or what is not as it must be, with TEXT. */

/* No content was lost; what is in staging may yet become a version when IN_TRANSIT. */
ModelFailure promises_check_contents(const Promises *promises, bool in_transit, char *text,
                                     size_t size);
/* Both sides are as the policy wants them. *RET_EQUAL: they are the same. */
ModelFailure promises_check_sides(Promises *promises, bool *ret_equal, char *text, size_t size);
/* The next check begins from here. */
void promises_go_on(Promises *promises);
