#include <errno.h>
#include <string.h>

#include "basic/alloc.h"
#include "basic/log.h"
#include "basic/macros.h"
#include "daemon/exit-code.h"
#include "daemon/log-message.h"
#include "daemon/manager-barrier.h"
#include "daemon/manager.h"
#include "daemon/message-ids.h"
#include "daemon/proof-text.h"
#include "daemon/recorder.h"
#include "daemon/summary.h"
#include "daemon/verify-demand.h"
#include "watch/dirty-look.h"

#define HELD_DELAY_MIN_USEC (2 * USEC_PER_SEC)
#define HELD_DELAY_FACTOR 20

void manager_start_pass(Manager *manager, PassKind kind) {
        bool clears;
        int r;

        /* Every directory is visited, and counted, anew. */
        if (manager->watch)
                watch_reset_refused(manager->watch);
        if (manager->replica_watch)
                watch_reset_refused(manager->replica_watch);
        /* A pass over everything covers what is dirty now. A little of that is done sooner by a
         * dirty pass beside the full one; after a flood both would do everything. */
        clears = kind == PASS_FULL && (!manager->live || manager->n_overflows > 0);
        if (clears) {
                dirty_clear(manager->dirty);
                manager->n_overflows = 0;
        }
        r = kind == PASS_FULL && manager->drops_excluded ? engine_start_dropping(manager->engine)
                                                         : engine_start(manager->engine, kind);
        if (r < 0) {
                manager_begin_back_off(manager, r, strerror(-r));
                return;
        }
        if (kind == PASS_FULL) {
                manager->next_full = USEC_INFINITY;
                manager->lost_sides = 0;
                manager_note_full_begun(manager, clears);
        }
        manager_begin_ticks(manager);
}

/* One at a time: if the other side loses events as well, it is surveyed afterwards. */
void manager_start_survey(Manager *manager) {
        WatchSide side = manager->lost_sides & 1U << WATCH_SOURCE ? WATCH_SOURCE : WATCH_REPLICA;
        Watch *watch = side == WATCH_SOURCE ? manager->watch : manager->replica_watch;
        int r;

        /* Every directory of that side is watched, and counted, anew. */
        if (watch)
                watch_reset_refused(watch);
        r = engine_start_survey(manager->engine, side);
        if (r < 0) {
                manager_begin_back_off(manager, r, strerror(-r));
                return;
        }
        manager->surveying = true;
        manager->lost_sides &= ~(1U << side);
        manager->n_overflows = 0;
        manager_begin_ticks(manager);
}

void manager_start_dirty(Manager *manager, usec_t now) {
        DirtyBatch batch = DIRTY_BATCH_NULL;
        int r;

        r = dirty_take(manager->dirty, now, &batch);
        manager->dirty_begun = MIN(dirty_batch_oldest(&batch), now);
        if (r >= 0 && (batch.n_directories > 0 || batch.n_files > 0)) {
                r = engine_start_dirty(manager->engine, &batch);
                manager_begin_ticks(manager);
        }
        dirty_batch_done(&batch);
        if (r < 0)
                manager_begin_back_off(manager, r, strerror(-r));
}

static void log_survey(PassResult *result) {
        _cleanup_free_ char *line = NULL;
        bool failed = result->counters.operations[OPERATION_FAIL] > 0;

        if (summary_format_survey(&result->counters, result->duration,
                                  result->side == WATCH_SOURCE ? "source" : "replica",
                                  result->n_deviating, &line) >= 0)
                log_message(failed ? LOG_WARNING : LOG_INFO, REBACKUP_MSG_PASS_DONE, "%s", line);
}

static void log_summary(Manager *manager, PassResult *result) {
        _cleanup_free_ char *line = NULL, *proof = NULL;
        bool failed = result->counters.operations[OPERATION_FAIL] > 0;

        if (summary_format_pass(&result->counters, result->duration, manager->options->dry_run,
                                &line) < 0)
                return;
        if (result->proven) {
                Proof sides;

                engine_get_proof(manager->engine, &sides);
                sides.at = 0; /* now */
                (void) proof_format(&sides, &proof);
        }
        if (result->kind == PASS_FULL)
                log_message(failed ? LOG_WARNING : LOG_INFO, REBACKUP_MSG_PASS_DONE, "%s%s%s", line,
                            proof ? "; " : "", proof ?: "");
        else
                log_debug("dirty %s", line);
}

/* Puts one path back. A file that would not rest is tried again soon, but no more often than the
 * pass took (or a big one would be copied without a pause) unless MaxDelay is less; what failed
 * waits longer each time. With --once there is no later for failures. */
static int add_retry(Manager *manager, Node *node, const DirtyName *name, usec_t duration) {
        const Config *config = manager->config;
        usec_t now = now_usec(CLOCK_MONOTONIC);

        if (name->n_attempts == 0)
                return dirty_add_retry(manager->dirty, node, name,
                                       now + CLAMP(duration, config->settle, config->max_delay));
        if (manager->options->once)
                return 0;
        DirtyName again = *name;
        if (again.first == 0)
                again.first = now;
        return dirty_add_retry(manager->dirty, node, &again,
                               now + retry_delay(again.n_attempts, now - again.first));
}

static int add_retries_of(Manager *manager, const DirtyDirectory *directory, usec_t duration) {
        int r;

        if (directory->listing || directory->self) {
                DirtyName whole = { .first = directory->first,
                                    .n_attempts = directory->n_attempts };

                r = add_retry(manager, directory->node, &whole, duration);
                if (r < 0)
                        return r;
        }
        for (size_t i = 0; i < directory->n_names; i++) {
                r = add_retry(manager, directory->node, &directory->names[i], duration);
                if (r < 0)
                        return r;
        }
        return 0;
}

static void add_retries(Manager *manager, const PassResult *result) {
        bool dropped = result->retries_dropped;

        for (size_t i = 0; i < result->retries.n_directories; i++)
                if (add_retries_of(manager, &result->retries.directories[i], result->duration) < 0)
                        dropped = true;
        if (dropped && !manager->options->once)
                manager_want_full(manager, now_usec(CLOCK_MONOTONIC) + RETRY_DELAY_MAX_USEC);
        manager->failures_dropped |= dropped;
}

static void full_pass_done(Manager *manager, PassResult *result) {
        const Config *config = manager->config;
        bool was_live = manager->live;

        manager->live = true;
        if (!was_live)
                manager_plan_verify(manager);
        manager_note_full_done(manager);
        manager->n_entries = result->counters.n_entries;
        manager->failures_dropped = result->retries_dropped;
        manager->n_failed = result->counters.operations[OPERATION_FAIL];
        if (config->rescan_interval > 0 && !manager->options->once)
                manager_want_full(manager, now_usec(CLOCK_MONOTONIC) + config->rescan_interval);
        manager_check_watch_limit(manager);
}

static void survey_done(Manager *manager, PassResult *result) {
        log_survey(result);
        if (result->side == WATCH_SOURCE)
                manager_check_watch_limit(manager);
}

/* Only a full pass can tell whether enough is back of what removals are held for. Changes ask for
 * one, but not for one after the other. */
static usec_t held_delay(const Manager *manager) {
        return MAX(HELD_DELAY_MIN_USEC, HELD_DELAY_FACTOR * manager->last_pass.duration);
}

static void pass_succeeded(Manager *manager, PassResult *result) {
        manager_end_hold(manager);
        if (result->rebuilt && result->kind != PASS_FULL)
                manager_want_full(manager, 0); /* there is more to refill than what is dirty */
        if (result->foreign_links && result->kind != PASS_FULL)
                manager_want_full(manager, 0);
        if (result->kind == PASS_ARM) {
                manager->armed = true;
                manager_check_watch_limit(manager);
                return;
        }
        if (result->drops_excluded)
                manager->drops_excluded = false;
        if (result->kind == PASS_FULL)
                full_pass_done(manager, result);
        add_retries(manager, result);
        manager_note_copies(manager, result);
        if (result->kind == PASS_DIRTY && dirty_is_empty(manager->dirty) &&
            !manager->failures_dropped)
                manager->n_failed = 0; /* all that failed has been tried again since */
        if (result->kind == PASS_DIRTY && engine_n_held_removals(manager->engine) > 0)
                manager_want_full(manager, now_usec(CLOCK_MONOTONIC) + held_delay(manager));
        if (result->kind == PASS_SURVEY)
                survey_done(manager, result);
        else
                log_summary(manager, result);
}

static void pass_was_stopped_by_guard(Manager *manager, const PassResult *result) {
        const char *reason = result->error ?: "a guard stopped the pass";

        switch (result->result) {
        case GUARD_SOURCE_FOREIGN:
        case GUARD_REPLICA_FOREIGN:
        case GUARD_OVERLAP: /* something was mounted: it can be undone */
                manager_begin_hold(manager, result->result, reason);
                break;
        case GUARD_REPLICA_GONE:
                /* Deleted in the middle of the pass: the next one makes it again. */
                manager_begin_back_off(manager, -ESTALE, reason);
                break;
        case GUARD_SOURCE_GONE:
                log_message(LOG_ERR, REBACKUP_MSG_SOURCE_GONE, "%s", reason);
                notify_failure(&manager->notify, ENOENT, reason);
                manager_finish(manager, exit_code_of_pair(result->result));
                break;
        default:
                log_message(LOG_ERR, REBACKUP_MSG_PASS_FAILED, "%s", reason);
                notify_failure(&manager->notify, 0, reason);
                manager_finish(manager, exit_code_of_pair(result->result));
        }
}

static void note_last_pass(Manager *manager, PassResult *result) {
        LastPass *last = &manager->last_pass;

        if (result->kind != PASS_FULL)
                return;
        *last = (LastPass) { .begun = now_usec(CLOCK_REALTIME) - result->duration,
                             .duration = result->duration,
                             .result = result->result };
        counters_add(&last->counters, &result->counters);
}

static void pass_ended(Manager *manager, PassResult *result) {
        if (result->kind == PASS_SURVEY)
                manager->surveying = false;
        counters_add(&manager->totals, &result->counters);
        recorder_note_pass(manager->recorder, result);
        if (result->kind == PASS_VERIFY && result->result <= 0 && result->result != -EBADMSG) {
                add_retries(manager, result);
                manager_verify_ended(manager, result);
                return;
        }
        if (result->kind == PASS_VERIFY)
                verify_demand_ended(manager, result);
        note_last_pass(manager, result);
        if (manager->stopping && (manager->cancelled || result->result != 0)) {
                manager->cut_off = true;
                return;
        }
        /* By a pause: everything is looked at again afterwards. */
        if (manager->cutting_short && result->result == -ECANCELED)
                return;
        if (manager_end_room_check(manager, result))
                return;
        manager_note_room(manager, result);
        if (result->result == 0)
                pass_succeeded(manager, result);
        else if (result->result > 0)
                pass_was_stopped_by_guard(manager, result);
        else if (result->result == -EBADMSG) {
                log_message(
                        LOG_ERR, REBACKUP_MSG_PASS_FAILED,
                        "the catalog is damaged; the next start sets it aside and compares everything by "
                        "content");
                notify_failure(&manager->notify, EBADMSG, "the catalog is damaged");
                manager_finish(manager, exit_code_of_pair(-EBADMSG));
        } else
                manager_begin_back_off(manager, result->result,
                                       result->error ?: strerror(-result->result));
}

/* What a full pass removes it has compared with everything else. */
void manager_take_linked(Manager *manager) {
        usec_t now = now_usec(CLOCK_MONOTONIC);
        _cleanup_free_ WatchFile *files = NULL;
        size_t n;
        int r;

        r = engine_take_linked(manager->engine, &files, &n);
        for (size_t i = 0; r >= 0 && i < n; i++)
                r = dirty_add_file(manager->dirty, files[i], now);
        if (r < 0)
                manager_want_full(manager, now);
}

int manager_on_engine(sd_event_source *source, int fd, uint32_t revents, void *userdata) {
        Manager *manager = ASSERT_PTR(userdata);

        (void) source, (void) fd, (void) revents;
        for (;;) {
                PassResult result = {};

                if (engine_collect(manager->engine, &result) <= 0)
                        break;
                log_sinks_show(manager->sinks, NULL);
                pass_ended(manager, &result);
                pass_result_done(&result);
        }
        manager_take_linked(manager);
        manager_alert_failures(manager);
        manager_check_barriers(manager); /* before the next dirty pass begins */
        manager_continue(manager);
        return 0;
}
