#include <errno.h>

#include "basic/log.h"
#include "basic/macros.h"
#include "daemon/manager.h"

/* What failed on a full disk waits longer each time, and need not when somebody else makes room. A
 * pass over nothing tells how much there is: it asks the guards first, and keeps no disk busy. */
#define ROOM_CHECK_USEC (10 * USEC_PER_SEC)
#define ROOM_FIRST_CHECK_USEC (1 * USEC_PER_SEC)

static void try_everything_again(Manager *manager) {
        usec_t now = now_usec(CLOCK_MONOTONIC);

        log_info("the replica's disk has room again; what failed for want of it is tried at once");
        dirty_hasten(manager->dirty, now);
        if (manager->failures_dropped)
                manager_want_full(manager, now);
        if (manager->n_pass_failures > 0) {
                manager->not_before = now;
                manager->next_full = now;
        }
        manager->room.wait = (RoomWait) {};
}

static bool is_waited_for(const Manager *manager) {
        return !dirty_is_empty(manager->dirty) || manager->failures_dropped ||
               manager->n_pass_failures > 0;
}

bool manager_end_room_check(Manager *manager, const PassResult *result) {
        if (!manager->room.checking || result->kind != PASS_DIRTY)
                return false;
        manager->room.checking = false;
        if (result->result != 0)
                return false;
        if (result->rebuilt)
                manager_want_full(manager, 0);
        if (room_wait_note(&manager->room.wait, result->room))
                try_everything_again(manager);
        return true;
}

void manager_note_room(Manager *manager, const PassResult *result) {
        bool full = result->short_of_room || result->result == -ENOSPC || result->result == -EDQUOT;

        if (!full || manager->room.waiting || manager->options->once)
                return;
        manager->room = (ManagerRoom) {
                .waiting = true,
                .next_check = now_usec(CLOCK_MONOTONIC) + ROOM_FIRST_CHECK_USEC,
        };
}

usec_t manager_check_room(Manager *manager, usec_t now) {
        DirtyBatch nothing = DIRTY_BATCH_NULL;

        if (!manager->room.waiting || manager->hold || manager_may_not_start(manager) ||
            !manager->live || manager_is_mirroring(manager))
                return USEC_INFINITY;
        if (!is_waited_for(manager)) {
                manager->room = (ManagerRoom) {};
                return USEC_INFINITY;
        }
        if (now < manager->room.next_check)
                return manager->room.next_check;
        manager->room.next_check = now + ROOM_CHECK_USEC;
        manager->room.checking = engine_start_dirty(manager->engine, &nothing) >= 0;
        return manager->room.checking ? USEC_INFINITY : manager->room.next_check;
}
