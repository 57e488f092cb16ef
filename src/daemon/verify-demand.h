#pragma once

/* A verification that somebody asked for, of which there is at most one. It waits until the pair is
 * live, takes precedence over the patrol, and goes on where it was when the configuration was
 * reloaded meanwhile; a pause, a hold and the end of the process end it. For the event loop's
 * thread. */

#include "daemon/manager-barrier.h"

typedef struct VerifyAnswer {
        const char *summary; /* a line for a person */
        Counters *counters;
        const VerifyResult *result; /* COVERAGE only where everything was read */
        usec_t duration;
} VerifyAnswer;

/* ANSWER is NULL unless OUTCOME is BARRIER_PASSED: then everything was read that there is; TEXT
 * says why it was not. */
typedef void (*VerifyDemandHandler)(BarrierOutcome outcome, const char *text,
                                    const VerifyAnswer *answer, void *userdata);

/* PATH is relative to the pair's root; "" for everything. HANDLER is called once, before this
 * returns or later, unless the demand is withdrawn first. 0; -EBUSY when one is there already;
 * -EOPNOTSUPP without hashes; -ENOMEM. */
int verify_demand_add(Manager *manager, const char *path, VerifyDemandHandler handler,
                      void *userdata);
/* HANDLER is not called any more, and what runs for it is ended. */
void verify_demand_withdraw(Manager *manager);

/* Frees it, nothing is said; the engine is gone. */
void verify_demand_drop(Manager *manager);

/* Begins it if that can be. */
void verify_demand_start(Manager *manager);
/* Whether the verification that runs was asked for. */
bool verify_demand_runs(const Manager *manager);
/* RESULT is that of a PASS_VERIFY; nothing happens if it was not asked for. */
void verify_demand_ended(Manager *manager, PassResult *result);
/* Gives up what waits in vain. */
void verify_demand_check(Manager *manager);

/* What was read for it so far, parts that were interrupted included; RUNNING is false when nobody
 * asked or it has not begun. */
void verify_demand_progress(const Manager *manager, VerifyProgress *ret);
