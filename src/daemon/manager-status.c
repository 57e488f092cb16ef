
#include "basic/alloc.h"
#include "basic/macros.h"
#include "daemon/bus.h"
#include "daemon/manager.h"
#include "daemon/metrics.h"
#include "daemon/proof-text.h"
#include "daemon/recorder.h"
#include "daemon/status.h"
#include "daemon/verify-demand.h"

#define TICK_USEC (1 * USEC_PER_SEC)
#define TICK_TERMINAL_USEC (200 * USEC_PER_MSEC)
/* What one tick that shows progress asks of the service manager's patience. */
#define EXTEND_USEC (30 * USEC_PER_SEC)
/* Shorter passes come and go without a progress line. */
#define PROGRESS_AFTER_USEC (300 * USEC_PER_MSEC)

static StatusPhase phase_of(const Manager *manager) {
        if (manager->stopping)
                return STATUS_STOPPING;
        if (manager->hold)
                return STATUS_HOLD;
        if (manager->paused)
                return STATUS_PAUSED;
        if (!manager->engine)
                return STATUS_STARTING;
        if (!manager->armed && engine_is_running(manager->engine, PASS_ARM))
                return STATUS_ARMING;
        if (engine_is_running(manager->engine, PASS_FULL))
                return manager->live ? STATUS_RESCAN : STATUS_INITIAL;
        if (manager->options->verify && engine_is_running(manager->engine, PASS_VERIFY))
                return STATUS_VERIFYING;
        return manager->live ? STATUS_LIVE : STATUS_STARTING;
}

/* What is left of the files takes that much of the interval. */
static usec_t verified_by(const CatalogCoverage *coverage, usec_t interval) {
        uint64_t n_left = coverage->n_files - MIN(coverage->n_since, coverage->n_files);

        if (n_left == 0)
                return 0;
        return now_usec(CLOCK_REALTIME) +
               (usec_t) ((double) interval * (double) n_left / (double) coverage->n_files);
}

static void add_verify_facts(Manager *manager, StatusFacts *facts, usec_t now) {
        const ManagerVerify *verify = &manager->verify;
        VerifyProgress progress;

        facts->n_damaged = verify->coverage.n_damaged;
        facts->patrols = verify->known && manager->config->verify_interval > 0;
        facts->n_files = verify->coverage.n_files;
        facts->n_verified = verify->coverage.n_since;
        facts->n_without_hash = verify->coverage.n_without_hash;
        facts->oldest_verified = (usec_t) verify->coverage.oldest;
        facts->verified_by = verified_by(&verify->coverage, manager->config->verify_interval);
        engine_get_verify_progress(manager->engine, &progress);
        facts->verifying = progress.running;
        facts->asked_to_verify = manager->verify.demand;
        if (manager->verify.demand)
                verify_demand_progress(manager, &progress);
        facts->n_files_read = progress.n_files;
        facts->n_files_expected = progress.n_files_expected;
        if (facts->phase != STATUS_VERIFYING)
                return;
        facts->n_entries = progress.n_files;
        facts->n_expected = (int64_t) progress.n_files_expected;
        facts->n_bytes = progress.n_bytes;
        facts->n_bytes_expected = progress.n_bytes_expected;
        facts->elapsed = now - MIN(progress.started, now);
}

static StatusFacts acquire_facts(Manager *manager, StatusPhase phase, usec_t now) {
        StatusFacts facts = {
                .phase = phase,
                .n_unwatched = manager->n_unwatched,
                .n_overflows = manager->n_overflows_ever,
                .n_failed = manager->n_failed,
                .in_step_since = manager->in_step_since,
                .config_refused = manager->config_refused,
                .reason = manager->reason,
        };
        EngineProgress progress;

        if (!manager->engine)
                return facts;
        facts.watching = manager->watch_source;
        if (manager->watch) {
                facts.n_watched = watch_n_watched(manager->watch);
                facts.n_fallen_back = watch_n_fallen_back(manager->watch);
        }
        facts.replica_watching = manager->replica_source;
        if (manager->replica_watch)
                facts.n_replica_unwatched = watch_n_refused(manager->replica_watch);
        facts.n_held = engine_n_held(manager->engine);
        facts.n_held_removals = engine_n_held_removals(manager->engine);
        facts.n_pending = dirty_n_items(manager->dirty);
        engine_get_progress(manager->engine, &progress);
        if (progress.running) {
                facts.n_entries = progress.n_entries;
                facts.n_directories = progress.n_directories;
                facts.n_bytes = progress.n_bytes;
                facts.n_expected = progress.n_expected;
                facts.elapsed = now - MIN(progress.started, now);
        }
        add_verify_facts(manager, &facts, now);
        return facts;
}

/* The replica is in step from the moment on when nothing is left to do until something is again. */
static void note_in_step(Manager *manager) {
        bool in_step = manager->live && !manager->reason && manager->n_failed == 0 &&
                       manager->engine && engine_n_held(manager->engine) == 0 &&
                       engine_n_held_removals(manager->engine) == 0 &&
                       dirty_is_empty(manager->dirty) &&
                       !engine_is_running(manager->engine, PASS_DIRTY) &&
                       !engine_is_running(manager->engine, PASS_LARGE);

        if (!in_step)
                manager->in_step_since = 0;
        else if (manager->in_step_since == 0)
                manager->in_step_since = now_usec(CLOCK_REALTIME);
}

void manager_update_status(Manager *manager) {
        usec_t now = now_usec(CLOCK_MONOTONIC), again;
        _cleanup_free_ char *line = NULL, *proof = NULL;
        StatusFacts facts;
        Proof sides;

        manager->status_changed = false;
        note_in_step(manager);
        bus_note_change(manager->bus);
        metrics_note_change(manager->metrics);
        recorder_note_change(manager->recorder);
        if (!manager->notify.enabled)
                return;
        facts = acquire_facts(manager, phase_of(manager), now);
        if (facts.in_step_since > 0) {
                engine_get_proof(manager->engine, &sides);
                if (proof_format(&sides, &proof) >= 0)
                        facts.proof = proof;
        }
        if (status_format(&facts, &line) < 0)
                return;
        again = notify_status(&manager->notify, line, now);
        manager_set_timer(manager, TIMER_STATUS, again > 0 ? again : USEC_INFINITY);
}

void manager_get_status(Manager *manager, StatusFacts *ret) {
        *ret = acquire_facts(manager, phase_of(manager), now_usec(CLOCK_MONOTONIC));
}

/* What a person is shown while it runs; a pass goes before a reading that somebody asked for. */
static StatusPhase shown_phase(const Manager *manager) {
        return verify_demand_runs(manager) && !manager_is_mirroring(manager) ? STATUS_VERIFYING
                                                                             : phase_of(manager);
}

static void show_progress(Manager *manager) {
        _cleanup_free_ char *line = NULL;
        usec_t now = now_usec(CLOCK_MONOTONIC);
        size_t width = log_sinks_width(manager->sinks);
        StatusFacts facts;

        if (width == 0)
                return;
        facts = acquire_facts(manager, shown_phase(manager), now);
        if (facts.elapsed >= PROGRESS_AFTER_USEC && progress_format(&facts, width, &line) >= 0)
                log_sinks_show(manager->sinks, line);
}

/* Whether what runs got something done since the last call; asked for the start's patience, and
 * then for the watchdog. */
static bool gets_on(Manager *manager) {
        EngineProgress progress = {};

        if (manager->engine)
                engine_get_progress(manager->engine, &progress);
        return heartbeat_note(&manager->heartbeat, progress.running, progress.heartbeat);
}

static usec_t tick_interval(const Manager *manager) {
        return log_sinks_width(manager->sinks) > 0 ? TICK_TERMINAL_USEC : TICK_USEC;
}

/* Short passes that follow each other share their ticks. */
void manager_begin_ticks(Manager *manager) {
        sd_event_source *timer = manager->timers[TIMER_TICK];
        int enabled = SD_EVENT_OFF;

        if (timer && sd_event_source_get_enabled(timer, &enabled) > 0)
                return;
        manager_set_timer(manager, TIMER_TICK, now_usec(CLOCK_MONOTONIC) + tick_interval(manager));
}

void manager_tick(Manager *manager) {
        if (!manager_is_mirroring(manager) && shown_phase(manager) != STATUS_VERIFYING)
                return;
        manager->status_changed = true;
        if (!manager->ready && gets_on(manager))
                notify_extend_timeout(&manager->notify, EXTEND_USEC);
        log_sinks_flush(manager->sinks);
        show_progress(manager);
        manager_begin_ticks(manager);
}

void manager_feed_watchdog(Manager *manager) {
        if (manager->watchdog_usec == 0)
                return;
        if (gets_on(manager))
                notify_watchdog(&manager->notify);
        manager_set_timer(manager, TIMER_WATCHDOG,
                          now_usec(CLOCK_MONOTONIC) + manager->watchdog_usec / 2);
}
