#include <sysexits.h>

#include "basic/log.h"
#include "basic/macros.h"
#include "daemon/manager.h"

static int on_next(sd_event_source *source, uint64_t usec, void *userdata) {
        (void) source, (void) usec;
        manager_continue(ASSERT_PTR(userdata));
        return 0;
}

static int on_drain(sd_event_source *source, uint64_t usec, void *userdata) {
        (void) source, (void) usec;
        manager_drain_step(ASSERT_PTR(userdata));
        return 0;
}

static int on_tick(sd_event_source *source, uint64_t usec, void *userdata) {
        (void) source, (void) usec;
        manager_tick(ASSERT_PTR(userdata));
        return 0;
}

static int on_status(sd_event_source *source, uint64_t usec, void *userdata) {
        Manager *manager = ASSERT_PTR(userdata);

        (void) source, (void) usec;
        manager->status_changed = true; /* sent by what runs after every round of the loop */
        return 0;
}

static int on_watchdog(sd_event_source *source, uint64_t usec, void *userdata) {
        (void) source, (void) usec;
        manager_feed_watchdog(ASSERT_PTR(userdata));
        return 0;
}

static int on_mounts(sd_event_source *source, uint64_t usec, void *userdata) {
        (void) source, (void) usec;
        manager_check_mounts(ASSERT_PTR(userdata));
        return 0;
}

static int on_stop(sd_event_source *source, uint64_t usec, void *userdata) {
        (void) source, (void) usec;
        manager_stop(ASSERT_PTR(userdata)); /* once more: waits less, or no longer */
        return 0;
}

static int on_alert(sd_event_source *source, uint64_t usec, void *userdata) {
        (void) source, (void) usec;
        manager_tell_alerts(ASSERT_PTR(userdata));
        return 0;
}

static const struct {
        sd_event_time_handler_t handler;
        const char *description;
        usec_t accuracy;
} kinds[_TIMER_MAX] = {
        [TIMER_NEXT] = { on_next, "next-pass", 1 },
        [TIMER_DRAIN] = { on_drain, "drain", 1 },
        [TIMER_TICK] = { on_tick, "tick", 50 * USEC_PER_MSEC },
        [TIMER_STATUS] = { on_status, "status", 1 * USEC_PER_SEC },
        [TIMER_WATCHDOG] = { on_watchdog, "watchdog", 1 * USEC_PER_SEC },
        [TIMER_MOUNTS] = { on_mounts, "mounts", 1 * USEC_PER_MSEC },
        [TIMER_STOP] = { on_stop, "stop", 50 * USEC_PER_MSEC },
        [TIMER_ALERT] = { on_alert, "alert", 1 * USEC_PER_SEC },
};

static int create(Manager *manager, TimerKind kind, usec_t when) {
        sd_event_source **timer = &manager->timers[kind];
        int r;

        r = sd_event_add_time(manager->event, timer, CLOCK_MONOTONIC, when, kinds[kind].accuracy,
                              kinds[kind].handler, manager);
        if (r < 0)
                return r;
        (void) sd_event_source_set_description(*timer, kinds[kind].description);
        return sd_event_source_set_exit_on_failure(*timer, true);
}

static int set(sd_event_source *timer, usec_t when) {
        int r;

        if (when == USEC_INFINITY)
                return sd_event_source_set_enabled(timer, SD_EVENT_OFF);
        r = sd_event_source_set_time(timer, when);
        if (r < 0)
                return r;
        return sd_event_source_set_enabled(timer, SD_EVENT_ONESHOT);
}

void manager_set_timer(Manager *manager, TimerKind kind, usec_t when) {
        int r = 0;

        if (manager->timers[kind])
                r = set(manager->timers[kind], when);
        else if (when != USEC_INFINITY)
                r = create(manager, kind, when);
        if (r < 0) {
                /* Without its timers the service would sleep for ever. */
                (void) log_error_errno(r, "cannot set the timer %s: %m", kinds[kind].description);
                (void) sd_event_exit(manager->event, EX_SOFTWARE);
        }
}
