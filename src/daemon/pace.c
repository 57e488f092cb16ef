#include "daemon/pace.h"

#include "basic/macros.h"

bool drain_pace_note(DrainPace *pace, usec_t now, unsigned n_events) {
        bool was_busy = pace->n_close >= DRAIN_CLOSE_MAX;
        bool close = pace->last > 0 && now < pace->last + 2 * DRAIN_STEP_USEC;

        pace->last = now;
        if (!close || (was_busy && n_events <= DRAIN_FEW_EVENTS))
                pace->n_close = 0;
        else if (!was_busy)
                pace->n_close++;
        return pace->n_close >= DRAIN_CLOSE_MAX;
}

usec_t retry_delay(unsigned n_attempts, usec_t since_first) {
        usec_t delay = RETRY_DELAY_MIN_USEC,
               max = CLAMP(since_first, RETRY_DELAY_MIN_USEC, RETRY_DELAY_MAX_USEC);

        for (unsigned i = 1; i < n_attempts && delay < max; i++)
                delay *= 2;
        return MIN(delay, max);
}

static bool is_much_more(uint64_t n, uint64_t than, uint64_t by) {
        return n > than && n - than >= by;
}

bool room_wait_note(RoomWait *wait, Room room) {
        bool had_room = wait->is_known;

        if (!wait->is_known)
                wait->lowest = room;
        wait->is_known = true;
        wait->lowest.n_bytes = MIN(wait->lowest.n_bytes, room.n_bytes);
        wait->lowest.n_files = MIN(wait->lowest.n_files, room.n_files);
        return had_room && (is_much_more(room.n_bytes, wait->lowest.n_bytes, ROOM_STEP_BYTES) ||
                            is_much_more(room.n_files, wait->lowest.n_files, ROOM_STEP_FILES));
}
