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

usec_t retry_delay(unsigned n_attempts) {
        usec_t delay = RETRY_DELAY_MIN_USEC;

        for (unsigned i = 1; i < n_attempts && delay < RETRY_DELAY_MAX_USEC; i++)
                delay *= 2;
        return MIN(delay, RETRY_DELAY_MAX_USEC);
}
