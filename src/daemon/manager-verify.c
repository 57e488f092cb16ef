/* Verifying: when the patrol reads its next share, and what is said when a reading is done. */

#include <errno.h>
#include <string.h>
#include <sysexits.h>

#include "basic/alloc.h"
#include "basic/log.h"
#include "basic/macros.h"
#include "daemon/exit-code.h"
#include "daemon/log-message.h"
#include "daemon/manager.h"
#include "daemon/message-ids.h"
#include "daemon/summary.h"
#include "daemon/verify-demand.h"
#include "sync/patrol-plan.h"

/* After the start others have the disks first. */
#define FIRST_DELAY_USEC (1 * USEC_PER_MINUTE)
#define FAILED_DELAY_USEC (1 * USEC_PER_HOUR)

static bool patrols(const Manager *manager) {
        return manager->config->verify_interval > 0 && manager->config->checksum &&
               !manager->options->once;
}

static PatrolFacts facts_of(const Manager *manager) {
        const CatalogCoverage *coverage = &manager->verify.coverage;

        return (PatrolFacts) {
                .interval = manager->config->verify_interval,
                .n_files = manager->verify.known ? coverage->n_files : UINT64_MAX,
                .n_bytes = coverage->n_bytes,
        };
}

void manager_plan_verify(Manager *manager) {
        usec_t now = now_usec(CLOCK_MONOTONIC);
        PatrolFacts facts;

        if (!patrols(manager) || !manager->live) {
                manager->verify.next = USEC_INFINITY;
                return;
        }
        facts = facts_of(manager);
        manager->verify.last = now;
        manager->verify.next = now + MIN(patrol_period(&facts, false), (usec_t) FIRST_DELAY_USEC);
}

void manager_note_copies(Manager *manager, const PassResult *result) {
        const Counters *counters = &result->counters;

        if (manager->verify.next == USEC_INFINITY && (counters->operations[OPERATION_COPY] > 0 ||
                                                      counters->operations[OPERATION_ADOPT] > 0)) {
                manager->verify.known = false;
                manager_plan_verify(manager);
        }
}

usec_t manager_next_verify(const Manager *manager) {
        return engine_is_running(manager->engine, PASS_VERIFY) ? USEC_INFINITY
                                                               : manager->verify.next;
}

static void start_patrol(Manager *manager, usec_t now) {
        VerifyRequest request = { .patrol = true, .elapsed = now - manager->verify.last };
        int r;

        manager->verify.last = now;
        manager->verify.next = USEC_INFINITY;
        r = engine_verify_start(manager->engine, &request);
        if (r >= 0)
                return;
        (void) log_warning_errno(r, "verifying could not be begun, it will be tried again: %m");
        manager->verify.next = now + FAILED_DELAY_USEC;
}

void manager_start_verify(Manager *manager, usec_t now) {
        if (manager->verify.demand)
                verify_demand_start(manager);
        else if (manager->verify.next <= now && manager->live && !manager_is_busy(manager))
                start_patrol(manager, now);
}

int manager_verify_once(Manager *manager) {
        int r;

        if (!manager->options->verify || manager->verify.done)
                return 0;
        if (engine_is_running(manager->engine, PASS_VERIFY))
                return 1;
        r = engine_verify_start(manager->engine, &(const VerifyRequest) {});
        if (r < 0) {
                log_message_errno(LOG_ERR, REBACKUP_MSG_PASS_FAILED, r,
                                  "verifying could not be begun: %m");
                manager_finish(manager, exit_code_of_pair(r));
                return r;
        }
        manager_begin_ticks(manager);
        return 1;
}

static void log_result(Manager *manager, PassResult *result) {
        _cleanup_free_ char *line = NULL;
        bool is_sound = result->counters.n_rotten == 0 &&
                        result->counters.operations[OPERATION_FAIL] == 0;

        if (summary_format_verify(&result->counters, &result->verify, result->duration, &line) < 0)
                return;
        if (manager->options->once || result->verify.n_news > 0)
                log_message(is_sound ? LOG_NOTICE : LOG_WARNING, REBACKUP_MSG_VERIFY_DONE, "%s",
                            line);
        else
                log_debug("%s", line);
}

/* What has no hash does not wait, as long as there are fewer of them each time. */
static void plan_next(Manager *manager, const VerifyResult *result) {
        uint64_t before = manager->verify.coverage.n_without_hash;
        PatrolFacts facts;
        usec_t period;

        manager->verify.coverage = result->coverage;
        if (!patrols(manager))
                return;
        facts = facts_of(manager);
        if (!manager->verify.known || result->coverage.n_without_hash < before)
                facts.n_without_hash = result->coverage.n_without_hash;
        manager->verify.known = true;
        facts.n_files = result->coverage.n_files;
        period = patrol_period(&facts, result->is_cut_short);
        manager->verify.next = period == USEC_INFINITY ? period : manager->verify.last + period;
}

void manager_verify_ended(Manager *manager, PassResult *result) {
        if (manager->options->once)
                manager->verify.done = true;
        if (verify_demand_runs(manager)) {
                if (result->result == 0)
                        manager->verify.coverage = result->verify.coverage;
                manager->verify.known |= result->result == 0;
                manager_plan_verify(manager);
                verify_demand_ended(manager, result);
                return;
        }
        if (result->result == 0) {
                log_result(manager, result);
                plan_next(manager, &result->verify);
                return;
        }
        if (result->result == -ECANCELED)
                return;
        log_message_errno(LOG_ERR, REBACKUP_MSG_PASS_FAILED, result->result, "verifying failed: %s",
                          result->error ?: strerror(-result->result));
        if (manager->options->once)
                manager_finish(manager, exit_code_of_pair(result->result));
        manager->verify.next = now_usec(CLOCK_MONOTONIC) + FAILED_DELAY_USEC;
}
