#include "daemon/manager-barrier.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "basic/alloc.h"
#include "basic/macros.h"
#include "watch/dirty-look.h"

typedef enum FullPass {
        FULL_PASS_NEEDLESS,
        FULL_PASS_WANTED,
        FULL_PASS_BEGUN,
} FullPass;

struct Barrier {
        Barrier *next;
        usec_t since; /* CLOCK_MONOTONIC: what was noted by then has to be done */
        FullPass full_pass;
        BarrierHandler handler;
        void *userdata;
};

/* Whether the kernel tells of all changes: each directory is watched, and nothing was lost that a
 * pass has yet to make up for. */
static bool events_tell_all(const Manager *manager, usec_t now) {
        return manager->armed && manager->watch_source && watch_n_refused(manager->watch) == 0 &&
               manager->lost_sides == 0 && !manager->surveying && manager->next_full > now &&
               !manager->failures_dropped;
}

bool barrier_is_hopeless(const Manager *manager, BarrierOutcome *ret, const char **ret_text) {
        *ret_text = manager->reason ?: "a disk is missing";
        if (manager->stopping) {
                *ret = BARRIER_STOPPING;
                *ret_text = "the daemon is stopping";
        } else if (manager->hold)
                *ret = BARRIER_HELD;
        else if (manager->paused) {
                *ret = BARRIER_PAUSED;
                *ret_text = "the pair is paused; resume it first";
        } else if (manager->n_pass_failures > 0)
                *ret = BARRIER_FAILED;
        else
                return false;
        return true;
}

static bool is_passed(const Manager *manager, const Barrier *barrier) {
        return manager->live && barrier->full_pass == FULL_PASS_NEEDLESS &&
               !engine_is_running(manager->engine, PASS_DIRTY) &&
               !engine_is_running(manager->engine, PASS_LARGE) &&
               !dirty_waits_since(manager->dirty, barrier->since);
}

/* What became of a barrier that was waited for to its end. */
static BarrierOutcome judge(const Manager *manager, char *text, size_t size) {
        uint64_t n_failures = engine_n_failures(manager->engine) + manager->failures_dropped;
        uint64_t n_removals = engine_n_held_removals(manager->engine);
        size_t n_held = engine_n_held(manager->engine);

        text[0] = '\0';
        if (n_failures > 0)
                (void) snprintf(text, size, "%" PRIu64 " %s could not be mirrored", n_failures,
                                n_failures == 1 ? "entry" : "entries");
        else if (n_held > 0)
                (void) snprintf(text, size, "%zu %s of the source on hold", n_held,
                                n_held == 1 ? "place is" : "places are");
        else if (n_removals > 0)
                (void) snprintf(text, size, "%" PRIu64 " removals are on hold", n_removals);
        return n_failures > 0 || n_held > 0 || n_removals > 0 ? BARRIER_INCOMPLETE : BARRIER_PASSED;
}

/* True: BARRIER was handled and is gone. */
static bool try_barrier(Manager *manager, Barrier *barrier) {
        BarrierOutcome outcome;
        const char *text;
        char judgement[64];

        if (!barrier_is_hopeless(manager, &outcome, &text)) {
                if (!manager->engine || !is_passed(manager, barrier))
                        return false;
                outcome = judge(manager, judgement, sizeof judgement);
                text = judgement;
        }
        manager->n_barriers--;
        barrier->handler(outcome, text, barrier->userdata);
        free(barrier);
        return true;
}

void manager_check_barriers(Manager *manager) {
        Barrier *barrier = TAKE_PTR(manager->barriers), *next, **end = &manager->barriers;

        for (; barrier; barrier = next) {
                next = barrier->next;
                barrier->next = NULL;
                if (!try_barrier(manager, barrier)) {
                        *end = barrier;
                        end = &barrier->next;
                }
        }
}

int manager_add_barrier(Manager *manager, unsigned flags, BarrierHandler handler, void *userdata) {
        Barrier *barrier, **end = &manager->barriers;
        bool drained;
        usec_t now;

        if (manager->n_barriers >= BARRIERS_MAX)
                return -ENOBUFS;
        barrier = new0(Barrier, 1);
        if (!barrier)
                return -ENOMEM;
        /* What happened up to now is in the kernel's queues. */
        drained = manager_drain_all(manager);
        now = now_usec(CLOCK_MONOTONIC);
        barrier->since = now;
        barrier->handler = handler;
        barrier->userdata = userdata;
        if (flags & BARRIER_FULL || !drained || !events_tell_all(manager, now)) {
                barrier->full_pass = FULL_PASS_WANTED;
                manager_want_full(manager, now);
        }
        while (*end)
                end = &(*end)->next;
        *end = barrier;
        manager->n_barriers++;
        if (manager->dirty)
                dirty_hasten(manager->dirty, now); /* what failed gets its chance */
        manager_continue(manager);
        manager_check_barriers(manager);
        return 0;
}

void manager_forget_barriers(Manager *manager, BarrierHandler handler,
                             void (*drop)(void *userdata)) {
        for (Barrier **at = &manager->barriers; *at;) {
                Barrier *barrier = *at;

                if (barrier->handler != handler) {
                        at = &barrier->next;
                        continue;
                }
                *at = barrier->next;
                manager->n_barriers--;
                if (drop)
                        drop(barrier->userdata);
                free(barrier);
        }
}

void manager_note_full_begun(Manager *manager, bool clears) {
        for (Barrier *barrier = manager->barriers; barrier; barrier = barrier->next)
                if (clears || barrier->full_pass == FULL_PASS_WANTED)
                        barrier->full_pass = FULL_PASS_BEGUN;
}

/* Files that would not rest while it ran were noted by then. */
void manager_note_full_done(Manager *manager) {
        for (Barrier *barrier = manager->barriers; barrier; barrier = barrier->next) {
                if (barrier->full_pass != FULL_PASS_BEGUN)
                        continue;
                barrier->full_pass = FULL_PASS_NEEDLESS;
                barrier->since = now_usec(CLOCK_MONOTONIC);
        }
}
