#pragma once

/* The order of a pass's phases, as a pure function: visits first, then what had to wait for a
 * commit, as often as needed, removals last and only after the roots were checked again, then
 * displaced directories that nobody claimed. */

#include <stdbool.h>

#include "sync/engine.h"

typedef enum PassPhase {
        PHASE_BEGIN,   /* the roots are opened and checked */
        PHASE_VISIT,   /* everything but removals; what must wait goes to the late list */
        PHASE_RECHECK, /* are the roots still the same? */
        PHASE_COUNT,   /* how much would be removed? */
        PHASE_LIMIT,   /* may that much be? */
        PHASE_REMOVE,
        PHASE_PARKED,
        PHASE_BIND, /* a full pass is recorded as complete */
        PHASE_DONE,
} PassPhase;

typedef struct PassSituation {
        PassKind kind;
        bool ended_early; /* a guard, a failure or a cancellation */
        bool dry_run;
        bool has_late;
        bool has_removals;
        bool has_parked;
        bool must_judge; /* removals are counted first */
} PassSituation;

/* The phase to go to from PHASE once nothing of it is left to do. The same phase again means
 * another round of late jobs. */
PassPhase phase_next(PassPhase phase, const PassSituation *situation);
