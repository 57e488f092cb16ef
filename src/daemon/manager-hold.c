#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "basic/log.h"
#include "basic/macros.h"
#include "basic/string-util.h"
#include "daemon/exit-code.h"
#include "daemon/log-message.h"
#include "daemon/manager.h"
#include "daemon/message-ids.h"
#include "sync/disk-error.h"

/* A mount that comes is noticed by manager-mounts.c; what cannot be (a network server that is back,
 * a mount elsewhere in the namespace tree) is looked for at this pace. */
#define HOLD_RECHECK_USEC (10 * USEC_PER_SEC)
/* So does a disk that recovers; a pass that finds it dead ends where it begins. */
#define GENERAL_DELAY_MAX_USEC (1 * USEC_PER_MINUTE)

/* Keeps the reason for the status line. True: it is news. */
static bool note_reason(Manager *manager, const char *reason) {
        char *copy;

        if (manager->reason && streq(manager->reason, reason))
                return false;
        copy = strdup(reason);
        if (!copy)
                return true;
        free(manager->reason);
        manager->reason = copy;
        return true;
}

void manager_begin_hold(Manager *manager, int outcome, const char *reason) {
        bool news = note_reason(manager, reason) || !manager->hold;

        manager->hold = outcome;
        if (news)
                log_message(LOG_ERR, REBACKUP_MSG_HOLD, "on hold: %s", reason);
        if (manager->options->once) {
                manager_finish(manager, exit_code_of_pair(outcome));
                return;
        }

        /* Whatever comes back may be another tree than the one that was watched: everything begins
         * anew. */
        manager->armed = manager->engine && !manager->watch;
        manager->live = false;
        manager->next_full = 0;
        manager->not_before = now_usec(CLOCK_MONOTONIC) + HOLD_RECHECK_USEC;
}

static bool approve_removals(Manager *manager) {
        if (!manager->engine || engine_n_held_removals(manager->engine) == 0)
                return false;
        engine_approve_removals(manager->engine);
        manager_want_full(manager, 0);
        manager_continue(manager);
        return true;
}

int manager_approve(Manager *manager) {
        if (approve_removals(manager))
                return 0;
        if (manager->hold != GUARD_SOURCE_FOREIGN && manager->hold != GUARD_REPLICA_FOREIGN)
                return -ENOENT;
        manager->approved = true;
        if (manager->pair)
                atomic_store(&manager->pair->approved, true);
        if (manager->engine)
                engine_note_mounts(manager->engine);
        manager->not_before = 0;
        manager_continue(manager);
        return 0;
}

void manager_end_hold(Manager *manager) {
        if (manager->hold)
                manager_forget_alerts(manager, ALERT_HOLD);
        if (manager->hold)
                log_message(LOG_NOTICE, REBACKUP_MSG_HOLD_ENDED,
                            "the hold ended: %s; comparing everything",
                            manager->approved ? "it was approved" : "the disk is back");
        else if (manager->n_pass_failures > 0)
                log_notice("passes succeed again");
        manager->hold = 0;
        manager->approved = false;
        manager->n_pass_failures = 0;
        manager->not_before = 0;
        free(TAKE_PTR(manager->reason));
}

void manager_begin_back_off(Manager *manager, int error, const char *reason) {
        char span[SPAN_TEXT_MAX];
        usec_t delay;
        bool news;

        if (manager->options->once) {
                log_message_errno(LOG_ERR, REBACKUP_MSG_PASS_FAILED, error, "the pass failed: %s",
                                  reason);
                manager_finish(manager, exit_code_of_pair(error));
                return;
        }
        news = note_reason(manager, reason);
        delay = MIN(retry_delay(++manager->n_pass_failures, USEC_INFINITY),
                    error == -EXDEV || disk_error_is_general(error) ? GENERAL_DELAY_MAX_USEC
                                                                    : USEC_INFINITY);
        log_message_errno(news ? LOG_ERR : LOG_DEBUG, REBACKUP_MSG_PASS_FAILED, error,
                          "a pass failed: %s; everything is compared again in %s", reason,
                          span_format(span, sizeof span, delay));
        manager->not_before = now_usec(CLOCK_MONOTONIC) + delay;
        manager->next_full = manager->not_before;
}
