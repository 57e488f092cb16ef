#include "daemon/manager.h"

#include <errno.h>
#include <stdlib.h>
#include <sysexits.h>

#include <systemd/sd-daemon.h>

#include "basic/alloc.h"
#include "basic/log.h"
#include "basic/macros.h"
#include "daemon/bus.h"
#include "daemon/exit-code.h"
#include "daemon/log-message.h"
#include "daemon/manager-barrier.h"
#include "daemon/message-ids.h"
#include "daemon/metrics.h"
#include "daemon/recorder.h"
#include "daemon/summary.h"
#include "daemon/verify-demand.h"

/* A second or two are promised; a disk that hangs may keep a worker for longer than anybody wants
 * to wait. */
#define STOP_TIMEOUT_USEC (10 * USEC_PER_SEC)
/* How long a pass may go on before it is asked to end. */
#define STOP_PATIENCE_USEC (1 * USEC_PER_SEC)

bool manager_is_busy(const Manager *manager) {
        for (PassKind kind = 0; kind < _PASS_KIND_MAX; kind++)
                if (manager->engine && engine_is_running(manager->engine, kind))
                        return true;
        return false;
}

bool manager_is_mirroring(const Manager *manager) {
        for (PassKind kind = 0; kind < _PASS_KIND_MAX; kind++)
                if (kind != PASS_VERIFY && manager->engine &&
                    engine_is_running(manager->engine, kind))
                        return true;
        return false;
}

void manager_want_full(Manager *manager, usec_t when) {
        manager->next_full = MIN(manager->next_full, when);
}

void manager_rescan(Manager *manager) {
        manager->not_before = 0;
        manager_want_full(manager, 0);
        manager_continue(manager);
}

void manager_drop_excluded(Manager *manager) {
        log_info("what is excluded is to go from the replica");
        manager->drops_excluded = true;
        manager_rescan(manager);
}

/* Who lost events of both sides looks at both. Before the first full pass nothing is known that a
 * side could be held against. */
void manager_want_survey(Manager *manager, WatchSide side, usec_t now) {
        unsigned both = 1U << WATCH_SOURCE | 1U << WATCH_REPLICA;

        if (manager->lost_sides == 0)
                manager->survey_by = now + manager->config->max_delay;
        manager->lost_sides |= 1U << side;
        if (!manager->live || manager->lost_sides == both)
                manager_want_full(manager, now);
}

/* What is known to be dirty is done first, or the survey would come upon it. It waits for a full
 * pass as well: that may have been where something was lost before it was. */
static usec_t next_survey(const Manager *manager, usec_t now) {
        if (manager->lost_sides == 0 || !manager->live ||
            engine_is_running(manager->engine, PASS_FULL))
                return USEC_INFINITY;
        if (engine_is_running(manager->engine, PASS_DIRTY) || dirty_next_due(manager->dirty) <= now)
                return manager->survey_by;
        return now;
}

/* The service manager waits for this before it starts what depends on the pair. Being on hold is a
 * state to wait in, not a failed start. */
static void become_ready(Manager *manager) {
        if (manager->ready)
                return;
        manager->ready = true;
        notify_ready(&manager->notify);
        manager_feed_watchdog(manager);
}

static void log_totals(Manager *manager) {
        _cleanup_free_ char *line = NULL;

        if (manager->options->dry_run || (!manager->live && !manager->stopping))
                return;
        if (summary_format_totals(&manager->totals, now_usec(CLOCK_MONOTONIC) - manager->started,
                                  &line) >= 0)
                log_message(LOG_NOTICE, REBACKUP_MSG_STOPPED, "%s", line);
}

void manager_finish(Manager *manager, int code) {
        if (manager->finished)
                return;
        manager->finished = true;
        if (!manager->stopping)
                notify_stopping(&manager->notify);
        log_totals(manager);
        manager->metrics = metrics_free(manager->metrics);
        recorder_end(manager->recorder);
        (void) sd_event_exit(manager->event, code);
}

static void try_open(Manager *manager) {
        _cleanup_free_ char *error = NULL;
        int r;

        manager_watch_mounts(manager); /* before the roots are looked at */
        r = manager_open(manager, &error);
        if (r == 0)
                return;
        if (r == GUARD_SOURCE_FOREIGN || r == GUARD_REPLICA_FOREIGN) {
                manager_begin_hold(manager, r, error ?: "a disk is missing");
                return;
        }
        log_message_errno(LOG_ERR,
                          r == GUARD_SOURCE_GONE ? REBACKUP_MSG_SOURCE_GONE
                                                 : REBACKUP_MSG_START_FAILED,
                          MIN(r, 0), "%s", error ?: "cannot set up mirroring: out of resources");
        notify_failure(&manager->notify, r < 0 ? -r : 0, error ?: "Start failed");
        manager_finish(manager, exit_code_of_pair(r));
}

/* A reloaded configuration is taken over between passes. A full pass or a large file may go on for
 * hours and dirty passes beside it; once that has ended, no new one is begun until the last dirty
 * pass has ended as well. */
static bool reload_waits(const Manager *manager) {
        return manager->next_config && !engine_is_running(manager->engine, PASS_FULL) &&
               !engine_is_running(manager->engine, PASS_LARGE);
}

static void start_what_is_due(Manager *manager, usec_t now) {
        if (!manager->engine)
                try_open(manager);
        if (!manager->engine)
                return;
        if (!manager->armed) {
                if (!manager_is_busy(manager))
                        manager_start_pass(manager, PASS_ARM);
                return;
        }
        become_ready(manager);
        if (reload_waits(manager) || manager_may_not_start(manager))
                return;
        if (manager->next_full <= now && !engine_is_running(manager->engine, PASS_FULL))
                manager_start_pass(manager, PASS_FULL);
        if (manager->live && dirty_next_due(manager->dirty) <= now &&
            !engine_is_running(manager->engine, PASS_DIRTY))
                manager_start_dirty(manager, now);
        if (next_survey(manager, now) <= now)
                manager_start_survey(manager);
        manager_start_verify(manager, now);
}

/* When the next pass is due, as far as it does not wait for one that runs. */
static usec_t next_start(Manager *manager) {
        usec_t next = USEC_INFINITY;

        if (!manager->engine || !manager->armed)
                return manager_is_busy(manager) ? USEC_INFINITY : manager->not_before;
        if (reload_waits(manager) || manager_may_not_start(manager))
                return USEC_INFINITY;
        if (!engine_is_running(manager->engine, PASS_FULL))
                next = manager->next_full;
        if (manager->live && !engine_is_running(manager->engine, PASS_DIRTY))
                next = MIN(next, dirty_next_due(manager->dirty));
        if (!manager_is_mirroring(manager))
                next = MIN(next, manager_next_verify(manager));
        next = MIN(next, next_survey(manager, now_usec(CLOCK_MONOTONIC)));
        return next == USEC_INFINITY ? next : MAX(next, manager->not_before);
}

/* A reloaded configuration does not wait for a long reading. */
static void stop_verifying(Manager *manager) {
        if (manager->engine && !manager->options->once)
                engine_verify_stop(manager->engine);
}

static bool once_is_done(Manager *manager) {
        return manager->options->once && manager->live && !manager_is_busy(manager) &&
               dirty_is_empty(manager->dirty) && manager_verify_once(manager) == 0;
}

void manager_continue(Manager *manager) {
        usec_t now = now_usec(CLOCK_MONOTONIC);

        if (manager->finished)
                return;
        manager->status_changed = true;
        if (manager->stopping) {
                if (!manager_is_busy(manager))
                        manager_finish(manager, EX_OK);
                return;
        }

        if (manager->next_config && !manager_is_mirroring(manager))
                stop_verifying(manager);
        if (manager->next_config && !manager_is_busy(manager))
                manager_take_config(manager);
        if (now >= manager->not_before)
                start_what_is_due(manager, now);
        if (manager->hold)
                become_ready(manager);
        if (once_is_done(manager))
                manager_finish(manager,
                               exit_code_of_once(engine_n_held(manager->engine) +
                                                         engine_n_held_removals(manager->engine),
                                                 manager->totals.operations[OPERATION_FAIL] +
                                                         manager->totals.n_rotten +
                                                         manager->verify.coverage.n_damaged));
        else
                manager_set_timer(manager, TIMER_NEXT,
                                  MIN(manager_check_room(manager, now), next_start(manager)));
}

static bool only_dirty_pass_runs(const Manager *manager) {
        return engine_is_running(manager->engine, PASS_DIRTY) &&
               !engine_is_running(manager->engine, PASS_FULL) &&
               !engine_is_running(manager->engine, PASS_LARGE);
}

static void cancel(Manager *manager) {
        manager->cancelled = true;
        manager->cut_off = manager_is_mirroring(manager);
        if (manager->engine)
                engine_cancel(manager->engine);
        manager_set_timer(manager, TIMER_STOP, now_usec(CLOCK_MONOTONIC) + STOP_TIMEOUT_USEC);
}

static void abandon(Manager *manager) {
        manager->abandoned = manager_is_busy(manager);
        if (manager->abandoned)
                log_warning("not waiting for what is under way; the next start puts it right");
        manager_finish(manager, EX_OK);
}

/* A pass over a few places is let end when the next process can then go on from there: were it cut
 * off, that would have to look at everything. */
static void begin_stop(Manager *manager) {
        manager->stopping = true;
        notify_stopping(&manager->notify);
        if (manager->engine)
                engine_verify_stop(manager->engine);
        notify_extend_timeout(&manager->notify, 2 * STOP_TIMEOUT_USEC);
        if (manager_leaves(manager) && only_dirty_pass_runs(manager))
                manager_set_timer(manager, TIMER_STOP,
                                  now_usec(CLOCK_MONOTONIC) + STOP_PATIENCE_USEC);
        else
                cancel(manager);
}

void manager_stop(Manager *manager) {
        if (!manager->stopping)
                begin_stop(manager);
        else if (!manager->cancelled)
                cancel(manager);
        else {
                abandon(manager);
                return;
        }
        manager_continue(manager);
}

/* Runs after every round of the loop that did something. */
static int on_post(sd_event_source *source, void *userdata) {
        Manager *manager = ASSERT_PTR(userdata);

        (void) source;
        if (manager->barriers)
                manager_check_barriers(manager);
        verify_demand_check(manager);
        if (manager->status_changed && !manager->finished)
                manager_update_status(manager);
        if (!manager_is_mirroring(manager))
                log_sinks_flush(manager->sinks);
        return 0;
}

static int on_begin(sd_event_source *source, void *userdata) {
        (void) source;
        manager_continue(ASSERT_PTR(userdata));
        return 0;
}

static int set_up_loop(Manager *manager) {
        uint64_t watchdog = 0;
        int r;

        r = sd_event_new(&manager->event);
        if (r < 0)
                return r;
        r = manager_add_signals(manager);
        if (r < 0)
                return r;
        r = sd_event_add_post(manager->event, NULL, on_post, manager);
        if (r < 0)
                return r;
        r = sd_event_add_defer(manager->event, NULL, on_begin, manager);
        if (r < 0)
                return r;
        if (sd_watchdog_enabled(0, &watchdog) > 0)
                manager->watchdog_usec = watchdog;
        return 0;
}

int manager_new(const Options *options, LogSinks *sinks, Config *config, Manager **ret) {
        _cleanup_(manager_freep) Manager *manager = NULL;
        int r;

        manager = calloc(1, sizeof *manager);
        if (!manager) {
                config_free(config);
                return -ENOMEM;
        }
        manager->options = options;
        manager->config = config;
        manager->sinks = sinks;
        manager->approved = options->approve;
        manager->started = now_usec(CLOCK_MONOTONIC);
        manager->verify.next = USEC_INFINITY;
        notify_init(&manager->notify);
        r = set_up_loop(manager);
        if (r >= 0 && !options->once)
                r = bus_new(manager, options->instance ?: config->replica, &manager->bus);
        if (r >= 0 && !options->once && !options->dry_run)
                r = metrics_new(manager, options->instance ?: config->replica, &manager->metrics);
        if (r < 0)
                return r;
        *ret = TAKE_PTR(manager);
        return 0;
}

int manager_run(Manager *manager) {
        int r = sd_event_loop(manager->event);

        if (r >= 0)
                return r;
        (void) log_error_errno(r, "event loop failed: %m");
        return EX_SOFTWARE;
}

Manager *manager_free(Manager *manager) {
        if (!manager)
                return NULL;
        bus_free(manager->bus);
        metrics_free(manager->metrics);
        manager_end_alerts(manager);
        recorder_free(manager->recorder);
        for (TimerKind kind = 0; kind < _TIMER_MAX; kind++)
                sd_event_source_unref(manager->timers[kind]);
        sd_event_source_unref(manager->watch_source);
        sd_event_source_unref(manager->replica_source);
        sd_event_source_unref(manager->engine_source);
        manager_mounts_done(manager);
        engine_free(manager->engine);
        verify_demand_drop(manager);
        manager_drop_tree(manager);
        free(manager->watch_text);
        free(manager->store_path);
        pair_close(manager->pair);
        sd_event_unref(manager->event);
        config_free(manager->next_config);
        config_free(manager->config);
        notify_done(&manager->notify);
        free(manager->reason);
        free(manager);
        return NULL;
}
