
#include "basic/alloc.h"
#include "basic/log.h"
#include "basic/macros.h"
#include "daemon/dirty-event.h"
#include "daemon/log-message.h"
#include "daemon/manager.h"
#include "daemon/message-ids.h"
#include "daemon/watch-limit.h"
#include "sync/exclusion.h"

enum {
        DRAIN_ALL_ROUNDS_MAX = 64, /* more than the kernel's queues hold */
        DRAIN_ROUNDS_MAX =
                16, /* of a few thousand events each; then timers and passes get their turn */
};

#define OVERFLOW_SAID_EVERY_USEC (1 * USEC_PER_MINUTE)

typedef struct Drain {
        Manager *manager;
        WatchSide side;
        usec_t now;
        unsigned n_events;
} Drain;

static void note_overflow(Manager *manager, WatchSide side, usec_t now) {
        const Watch *watch = side == WATCH_SOURCE ? manager->watch : manager->replica_watch;
        const char *what = side == WATCH_SOURCE ? "source" : "replica";
        usec_t *said = &manager->overflow_said[side];

        manager->n_overflows++;
        manager->n_overflows_ever++;
        manager_want_survey(manager, side, now);
        if (*said > 0 && now < *said + OVERFLOW_SAID_EVERY_USEC)
                return;
        *said = now;
        log_message(LOG_WARNING, REBACKUP_MSG_OVERFLOW,
                    "event queue overflow of the %s; rescanning the %s (if it happens often, raise "
                    "the sysctl fs.%s.max_queued_events)",
                    what, what,
                    watch_backend(watch) == WATCH_BACKEND_INOTIFY ? "inotify" : "fanotify");
}

/* Of what is excluded counts alone that the directory's times move with its names. */
static int note_excluded(Drain *drain, const WatchEvent *event) {
        if (!(event->flags & (WATCH_EVENT_ENTERED | WATCH_EVENT_LEFT)))
                return 0;
        return dirty_add(drain->manager->dirty, event->node, NULL, DIRTY_SELF, drain->now);
}

/* What somebody does in a directory of the replica moves its times as well. */
static int note_name(Drain *drain, const WatchEvent *event, unsigned flags) {
        DirtySet *dirty = drain->manager->dirty;
        int r;

        if (exclusions_ignore(drain->manager->config->exclude, drain->manager->tree, event->node,
                              event->name))
                return note_excluded(drain, event);

        r = dirty_add(dirty, event->node, event->name, flags, drain->now);
        if (r >= 0 && drain->side == WATCH_REPLICA)
                r = dirty_add(dirty, event->node, NULL, DIRTY_SELF | flags, drain->now);
        return r;
}

/* Inodes of the replica are not those that files are known by. Whoever makes hard links there may
 * have changed any file. */
static int note_file(Drain *drain, const WatchEvent *event) {
        if (drain->side == WATCH_REPLICA && event->flags & WATCH_EVENT_FILE &&
            watch_skips_own(drain->manager->replica_watch))
                manager_want_full(drain->manager, drain->now);
        if (drain->side != WATCH_SOURCE || !event_tells_file(event))
                return 0;
        return dirty_add_file(drain->manager->dirty, event->file, drain->now);
}

static void on_event(const WatchEvent *event, void *userdata) {
        Drain *drain = ASSERT_PTR(userdata);
        Manager *manager = drain->manager;
        unsigned flags;
        int r = note_file(drain, event);

        drain->n_events++;
        if (r < 0)
                manager_want_full(manager, drain->now);
        switch (event_meaning(event, event->node == manager->root, &flags)) {
        case EVENT_NOTHING:
                break;
        case EVENT_NAME:
                r = note_name(drain, event, flags);
                break;
        case EVENT_SELF:
        case EVENT_LISTING:
                r = dirty_add(manager->dirty, event->node, NULL, flags, drain->now);
                break;
        case EVENT_ROOT:
                manager_want_full(manager, drain->now);
                break;
        case EVENT_OVERFLOW:
                note_overflow(manager, drain->side, drain->now);
                break;
        }
        if (r < 0)
                manager_want_full(manager, drain->now);
}

static void drain_side(Drain *drain, Watch *watch, sd_event_source **source) {
        int r = 1;

        if (!*source)
                return;
        for (unsigned round = 0; r > 0 && round < DRAIN_ROUNDS_MAX; round++)
                r = watch_drain(watch, on_event, drain);
        if (r >= 0)
                return;
        log_message_errno(LOG_ERR, REBACKUP_MSG_WATCH_OFF, r,
                          "cannot read events of the %s, changes are left to rescans until the "
                          "next start: %m",
                          drain->side == WATCH_SOURCE ? "source" : "replica");
        *source = sd_event_source_disable_unref(*source);
        manager_want_full(drain->manager, drain->now);
}

/* Reads what waits. True: events keep coming, and the next step is TIMER_DRAIN's. */
static bool drain(Manager *manager) {
        Drain drain = { .manager = manager,
                        .side = WATCH_SOURCE,
                        .now = now_usec(CLOCK_MONOTONIC) };

        drain_side(&drain, manager->watch, &manager->watch_source);
        drain.side = WATCH_REPLICA;
        drain_side(&drain, manager->replica_watch, &manager->replica_source);
        return drain_pace_note(&manager->pace, drain.now, drain.n_events);
}

bool manager_drain_all(Manager *manager) {
        bool drained = true;
        Drain drain = { .manager = manager, .now = now_usec(CLOCK_MONOTONIC) };

        for (WatchSide side = 0; side < _WATCH_SIDE_MAX; side++) {
                Watch *watch = side == WATCH_SOURCE ? manager->watch : manager->replica_watch;
                int r = watch ? 1 : 0;

                drain.side = side;
                for (unsigned round = 0; r > 0 && round < DRAIN_ALL_ROUNDS_MAX; round++)
                        r = watch_drain(watch, on_event, &drain);
                drained = drained && r == 0;
        }
        return drained;
}

static void set_listening(sd_event_source *source, bool on) {
        if (source)
                (void) sd_event_source_set_enabled(source, on ? SD_EVENT_ON : SD_EVENT_OFF);
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
        set_listening(manager->watch_source, !busy);
        set_listening(manager->replica_source, !busy);
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
        if (watch_limit_format(
                    &(WatchLimitFacts) {
                            .backend = watch_backend(manager->watch),
                            .n_watched = n_watched,
                            .n_refused = n_refused,
                            .rescan_interval = manager->config->rescan_interval,
                            .may_mark = watch_rights() > 0,
                    },
                    &line) >= 0)
                log_message(LOG_WARNING, REBACKUP_MSG_WATCH_LIMIT, "%s", line);
}
