#include "sync/phase.h"

static PassPhase after_removals(const PassSituation *situation) {
        if (situation->has_parked)
                return PHASE_PARKED;
        return situation->kind == PASS_FULL && !situation->dry_run ? PHASE_BIND : PHASE_DONE;
}

PassPhase phase_next(PassPhase phase, const PassSituation *situation) {
        if (situation->ended_early)
                return PHASE_DONE;

        switch (phase) {
        case PHASE_BEGIN:
        case PHASE_VISIT:
                if (situation->kind == PASS_ARM)
                        return PHASE_DONE;
                if (situation->has_late)
                        return PHASE_VISIT;
                if (situation->has_removals || situation->has_parked || situation->must_judge)
                        return PHASE_RECHECK;
                return after_removals(situation);
        case PHASE_RECHECK:
                if (situation->must_judge)
                        return PHASE_COUNT;
                return situation->has_removals ? PHASE_REMOVE : after_removals(situation);
        case PHASE_COUNT:
                return PHASE_LIMIT;
        case PHASE_LIMIT:
        case PHASE_REMOVE:
                if (situation->has_late || situation->has_removals)
                        return PHASE_REMOVE;
                return after_removals(situation);
        case PHASE_PARKED:
                return situation->kind == PASS_FULL && !situation->dry_run ? PHASE_BIND
                                                                           : PHASE_DONE;
        case PHASE_BIND:
        case PHASE_DONE:
                return PHASE_DONE;
        }
        return PHASE_DONE;
}
