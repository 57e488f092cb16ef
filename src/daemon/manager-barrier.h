#pragma once

/* A barrier is passed when everything that was in the source when it was set up is durable in the
 * replica. Where events tell of everything, that takes no more than what is pending; where they do
 * not, a full pass. For the event loop's thread. */

#include "daemon/manager.h"

enum { BARRIERS_MAX = 1024 };

typedef enum BarrierOutcome {
        BARRIER_PASSED,
        BARRIER_INCOMPLETE, /* entries fail, or places of the source are on hold */
        BARRIER_HELD,       /* the pair is on hold */
        BARRIER_PAUSED,
        BARRIER_FAILED, /* passes fail as a whole */
        BARRIER_STOPPING,
        BARRIER_NOT_FOUND, /* never of a barrier: see verify-demand.h */
} BarrierOutcome;

typedef enum BarrierFlags {
        BARRIER_FULL = 1 << 0, /* a full pass, even where events are thought to tell everything */
} BarrierFlags;

/* TEXT says for a person what stood in the way; "" when nothing did. The barrier is gone. */
typedef void (*BarrierHandler)(BarrierOutcome outcome, const char *text, void *userdata);

/* HANDLER is called once: before this returns, or later, unless manager_forget_barriers() comes
 * first. 0, -ENOBUFS when too many wait, -ENOMEM. */
int manager_add_barrier(Manager *manager, unsigned flags, BarrierHandler handler, void *userdata);
/* Drops all whose handler is HANDLER without calling it; DROP (may be NULL) is called for the
 * USERDATA of each. */
void manager_forget_barriers(Manager *manager, BarrierHandler handler,
                             void (*drop)(void *userdata));

/* Whether whatever waits for the pair's work waits in vain, and why: *RET_TEXT is borrowed. */
bool barrier_is_hopeless(const Manager *manager, BarrierOutcome *ret, const char **ret_text);

/* A full pass begins, which CLEARS what is pending or not; and it has ended well. */
void manager_note_full_begun(Manager *manager, bool clears);
void manager_note_full_done(Manager *manager);
/* Calls the handlers of those that are passed, or that cannot be. */
void manager_check_barriers(Manager *manager);
