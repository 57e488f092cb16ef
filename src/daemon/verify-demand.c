#include "daemon/verify-demand.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "basic/alloc.h"
#include "basic/count-text.h"
#include "basic/log.h"
#include "basic/macros.h"
#include "basic/size.h"
#include "basic/string-util.h"
#include "daemon/log-message.h"
#include "daemon/message-ids.h"
#include "daemon/summary.h"
#include "sync/verify-findings.h"

struct VerifyDemand {
        char *path; /* owned; "" for everything */
        VerifyDemandHandler handler;
        void *userdata;
        usec_t since;        /* CLOCK_REALTIME: what was read back since then is done */
        usec_t begun;        /* CLOCK_MONOTONIC; 0: not yet */
        bool runs;           /* the PASS_VERIFY that runs is its own */
        Counters counters;   /* of its parts that have ended, as is the result */
        VerifyResult result; /* owned findings */
};

static VerifyDemand *demand_free(VerifyDemand *demand) {
        if (!demand)
                return NULL;
        verify_findings_done(&demand->result.findings);
        free(demand->path);
        free(demand);
        return NULL;
}
DEFINE_TRIVIAL_CLEANUP_FUNC(VerifyDemand *, demand_free)

bool verify_demand_runs(const Manager *manager) {
        return manager->verify.demand && manager->verify.demand->runs;
}

/* Ends */

static void log_end(VerifyDemand *demand, const char *summary, const char *reason) {
        bool is_sound = demand->counters.n_rotten == 0 &&
                        demand->counters.operations[OPERATION_FAIL] == 0;
        _cleanup_free_ char *shown = escape_bytes(demand->path);

        log_message(is_sound ? LOG_NOTICE : LOG_WARNING, REBACKUP_MSG_VERIFY_DONE, "%s%s%s%s%s",
                    summary, demand->path[0] ? "; of " : "", shown ?: "?", reason[0] ? "; " : "",
                    reason);
}

void verify_demand_drop(Manager *manager) {
        manager->verify.demand = demand_free(manager->verify.demand);
}

/* The demand is gone from the manager first: its handler may well bring the next one. */
static void finish(Manager *manager, BarrierOutcome outcome, const char *text) {
        _cleanup_(demand_freep) VerifyDemand *demand = TAKE_PTR(manager->verify.demand);
        _cleanup_free_ char *summary = NULL;
        VerifyAnswer answer = { .counters = &demand->counters, .result = &demand->result };

        if (demand->begun > 0 && outcome != BARRIER_NOT_FOUND) {
                answer.duration = now_usec(CLOCK_MONOTONIC) - demand->begun;
                demand->result.is_cut_short = outcome != BARRIER_PASSED;
                if (summary_format_verify(&demand->counters, &demand->result, answer.duration,
                                          &summary) >= 0)
                        log_end(demand, summary, text);
        }
        answer.summary = summary ?: "";
        demand->handler(outcome, text, outcome == BARRIER_PASSED ? &answer : NULL,
                        demand->userdata);
}

static void stop_reading(Manager *manager) {
        if (manager->engine && verify_demand_runs(manager))
                engine_verify_stop(manager->engine);
}

/* What still runs is no demand any more: it ends as a share of the patrol that is put off. */
void verify_demand_withdraw(Manager *manager) {
        char count[COUNT_TEXT_MAX], size[SIZE_TEXT_MAX];
        VerifyProgress progress;

        if (!manager->verify.demand)
                return;
        verify_demand_progress(manager, &progress);
        if (progress.running)
                log_message(LOG_NOTICE, REBACKUP_MSG_VERIFY_DONE,
                            "verifying ended early, since nobody waits for it any more: %s files, "
                            "%s read back",
                            count_format(count, sizeof count, progress.n_files),
                            size_format(size, sizeof size, progress.n_bytes));
        stop_reading(manager);
        verify_demand_drop(manager);
}

void verify_demand_check(Manager *manager) {
        BarrierOutcome outcome;
        const char *text;

        if (!manager->verify.demand || !barrier_is_hopeless(manager, &outcome, &text))
                return;
        stop_reading(manager);
        if (!manager->verify.demand->runs)
                finish(manager, outcome, text);
}

/* Beginnings */

/* The share of the patrol that runs is put off. */
static bool must_wait(Manager *manager) {
        if (!manager->live || manager->next_config)
                return true;
        if (!engine_is_running(manager->engine, PASS_VERIFY))
                return false;
        engine_verify_stop(manager->engine);
        return true;
}

void verify_demand_start(Manager *manager) {
        VerifyDemand *demand = manager->verify.demand;
        VerifyRequest request;
        int r;

        if (demand->runs || must_wait(manager))
                return;
        request = (VerifyRequest) { .path = demand->path, .since = demand->since };
        r = engine_verify_start(manager->engine, &request);
        if (r < 0) {
                finish(manager, BARRIER_FAILED, strerror(-r));
                return;
        }
        demand->runs = true;
        if (demand->begun == 0)
                demand->begun = now_usec(CLOCK_MONOTONIC);
        manager_begin_ticks(manager);
}

int verify_demand_add(Manager *manager, const char *path, VerifyDemandHandler handler,
                      void *userdata) {
        _cleanup_(demand_freep) VerifyDemand *demand = NULL;

        if (manager->verify.demand)
                return -EBUSY;
        if (!manager->config->checksum)
                return -EOPNOTSUPP;
        demand = new0(VerifyDemand, 1);
        if (!demand)
                return -ENOMEM;
        demand->path = strdup(path);
        if (!demand->path)
                return -ENOMEM;
        demand->handler = handler;
        demand->userdata = userdata;
        demand->since = now_usec(CLOCK_REALTIME);
        manager->verify.demand = TAKE_PTR(demand);
        manager_continue(manager);
        verify_demand_check(manager);
        return 0;
}

/* Parts */

static void add_part(VerifyDemand *demand, PassResult *result) {
        VerifyResult *sum = &demand->result;

        counters_add(&demand->counters, &result->counters);
        verify_findings_take(&sum->findings, &result->verify.findings);
        sum->n_moved = result->verify.n_moved;
        sum->n_news += result->verify.n_news;
        sum->coverage = demand->path[0] ? (CatalogCoverage) {} : result->verify.coverage;
}

void verify_demand_ended(Manager *manager, PassResult *result) {
        VerifyDemand *demand = manager->verify.demand;

        if (!verify_demand_runs(manager))
                return;
        demand->runs = false;
        add_part(demand, result);
        if (result->result == -ENOENT)
                finish(manager, BARRIER_NOT_FOUND,
                       "the pair knows of no such path; 'rebackupctl explain' says why");
        else if (result->result != 0 && result->result != -ECANCELED)
                finish(manager, BARRIER_FAILED, result->error ?: strerror(-result->result));
        else if (result->result == 0 && !result->verify.is_cut_short)
                finish(manager, BARRIER_PASSED, "");
        else
                verify_demand_check(manager); /* it goes on as soon as that can be */
}

void verify_demand_progress(const Manager *manager, VerifyProgress *ret) {
        const VerifyDemand *demand = manager->verify.demand;

        *ret = (VerifyProgress) {};
        if (!demand || demand->begun == 0)
                return;
        if (demand->runs)
                engine_get_verify_progress(manager->engine, ret);
        ret->running = true;
        ret->started = demand->begun;
        ret->n_files += demand->counters.n_verified;
        ret->n_bytes += demand->counters.n_verified_bytes;
        ret->n_damaged += demand->counters.n_rotten;
}
