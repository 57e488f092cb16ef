
#include "basic/alloc.h"
#include "basic/log.h"
#include "basic/macros.h"
#include "daemon/dirty-event.h"
#include "daemon/log-message.h"
#include "daemon/manager.h"
#include "daemon/message-ids.h"
#include "daemon/watch-limit.h"

enum {
        DRAIN_ROUNDS_MAX =
                16, /* of a few thousand events each; then timers and passes get their turn */
};

#define OVERFLOW_SAID_EVERY_USEC (1 * USEC_PER_MINUTE)

typedef struct Drain {
        Manager *manager;
        usec_t now;
        unsigned n_events;
} Drain;

static void note_overflow(Manager *manager, usec_t now) {
        manager->n_overflows++;
        manager_want_full(manager, now);
        if (manager->overflow_said > 0 && now < manager->overflow_said + OVERFLOW_SAID_EVERY_USEC)
                return;
        manager->overflow_said = now;
        log_message(LOG_WARNING, REBACKUP_MSG_OVERFLOW,
                    "event queue overflow; rescanning (if it happens often, raise the "
                    "sysctl fs.inotify.max_queued_events)");
}

static void on_event(const WatchEvent *event, void *userdata) {
        Drain *drain = ASSERT_PTR(userdata);
        Manager *manager = drain->manager;
        unsigned flags;
        int r = 0;

        drain->n_events++;
        switch (event_meaning(event, event->node == manager->root, &flags)) {
        case EVENT_NOTHING:
                break;
        case EVENT_NAME:
                r = dirty_add(manager->dirty, event->node, event->name, flags, drain->now);
                break;
        case EVENT_SELF:
        case EVENT_LISTING:
                r = dirty_add(manager->dirty, event->node, NULL, flags, drain->now);
                break;
        case EVENT_ROOT:
                manager_want_full(manager, drain->now);
                break;
        case EVENT_OVERFLOW:
                note_overflow(manager, drain->now);
                break;
        }
        if (r < 0)
                manager_want_full(manager, drain->now);
}

/* Reads what waits. True: events keep coming, and the next step is TIMER_DRAIN's. */
static bool drain(Manager *manager) {
        Drain drain = { .manager = manager, .now = now_usec(CLOCK_MONOTONIC) };
        int r = 1;

        for (unsigned round = 0; r > 0 && round < DRAIN_ROUNDS_MAX; round++)
                r = watch_drain(manager->watch, on_event, &drain);
        if (r < 0) {
                log_message_errno(
                        LOG_ERR, REBACKUP_MSG_WATCH_OFF, r,
                        "cannot read events, changes are left to rescans until the next start: %m");
                manager->watch_source = sd_event_source_disable_unref(manager->watch_source);
                manager_want_full(manager, drain.now);
                return false;
        }
        return drain_pace_note(&manager->pace, drain.now, drain.n_events);
}

int manager_on_watch(sd_event_source *source, int fd, uint32_t revents, void *userdata) {
        Manager *manager = ASSERT_PTR(userdata);

        (void) source, (void) fd, (void) revents;
        manager_drain_step(manager);
        return 0;
}

void manager_drain_step(Manager *manager) {
        bool busy = drain(manager);

        manager_set_timer(manager, TIMER_DRAIN,
                          busy ? manager->pace.last + DRAIN_STEP_USEC : USEC_INFINITY);
        if (manager->watch_source)
                (void) sd_event_source_set_enabled(manager->watch_source,
                                                   busy ? SD_EVENT_OFF : SD_EVENT_ON);
        manager_continue(manager);
}

void manager_check_watch_limit(Manager *manager) {
        _cleanup_free_ char *line = NULL;
        size_t n_watched, n_refused;
        bool news;

        if (!manager->watch)
                return;
        n_watched = watch_n_watched(manager->watch);
        n_refused = watch_n_refused(manager->watch);
        news = n_refused > 0 && manager->n_unwatched == 0;
        manager->n_unwatched = n_refused;
        if (!news)
                return;
        if (watch_limit_format(n_watched, n_refused, manager->config->rescan_interval, &line) >= 0)
                log_message(LOG_WARNING, REBACKUP_MSG_WATCH_LIMIT, "%s", line);
}
