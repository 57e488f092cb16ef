#include "sync/limit.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "basic/alloc.h"
#include "basic/count-text.h"
#include "basic/log.h"
#include "basic/macros.h"
#include "sync/message-ids.h"

#define SHARE_ALL 10000
#define PART_USEC (USEC_PER_HOUR / LIMIT_PARTS)

bool limit_exceeds(const LimitFacts *facts) {
        uint64_t n = facts->n_removals + facts->n_lately;
        uint64_t n_entries = facts->n_entries + facts->n_lately;

        return n > LIMIT_FREE && n > n_entries * facts->share / SHARE_ALL;
}

static unsigned share(const Engine *engine) {
        return engine->pair->config->max_delete_basis_points;
}

bool limit_applies(const Engine *engine) {
        return share(engine) < SHARE_ALL;
}

/* What was removed */

/* While removals are held no time passes: waiting is no approval. */
static void age_locked(Limit *limit, usec_t now) {
        if (limit->n_held > 0)
                limit->part_began = now;
        while (now >= limit->part_began + PART_USEC) {
                limit->part = (limit->part + 1) % LIMIT_PARTS;
                limit->parts[limit->part] = 0;
                limit->part_began = MAX(limit->part_began + PART_USEC,
                                        now - MIN(now, USEC_PER_HOUR));
        }
}

static uint64_t lately_locked(Limit *limit) {
        uint64_t n = 0;

        age_locked(limit, now_usec(CLOCK_MONOTONIC));
        for (size_t i = 0; i < ELEMENTSOF(limit->parts); i++)
                n += limit->parts[i];
        return n;
}

static void forget_locked(Limit *limit) {
        for (size_t i = 0; i < ELEMENTSOF(limit->parts); i++)
                limit->parts[i] = 0;
}

/* Judging */

bool limit_must_judge_locked(const Pass *pass) {
        const Engine *engine = pass->engine;

        return (limit_applies(engine) && pass->removals) || pass->n_refused > 0 ||
               (pass->kind == PASS_FULL && engine->limit.n_held > 0);
}

static int count_entries(Worker *worker, uint64_t *ret) {
        CatalogReader *reader;
        int64_t n;
        int r = worker_reader(worker, &reader);

        if (r < 0)
                return r;
        n = catalog_reader_count(reader);
        *ret = (uint64_t) MAX(n, INT64_C(0));
        return (int) MIN(n, INT64_C(0));
}

/* A full pass sees all that is gone from the source; what others see comes in addition to what is
 * held already. */
static bool judge_locked(Pass *pass, uint64_t n_entries) {
        Limit *limit = &pass->engine->limit;
        LimitFacts facts = {
                .n_removals = pass->n_removable + pass->n_refused,
                .n_lately = lately_locked(limit),
                .n_entries = n_entries,
                .share = share(pass->engine),
        };

        if (pass->approved || !limit_applies(pass->engine) || facts.n_removals == 0)
                return false;
        return (pass->kind != PASS_FULL && limit->n_held > 0) || pass->n_refused > 0 ||
               limit_exceeds(&facts);
}

typedef struct Judgement {
        uint64_t n_before, n_held, n_lately;
} Judgement;

static Judgement carry_out_locked(Pass *pass, bool held, Job **ret_dropped) {
        Limit *limit = &pass->engine->limit;
        Judgement judgement = { .n_before = limit->n_held };
        uint64_t n = pass->n_removable + pass->n_refused;

        if (pass->approved)
                forget_locked(limit);
        if (!held && !pass->approved)
                limit->parts[limit->part] += pass->n_removable;
        judgement.n_lately = lately_locked(limit);
        if (pass->kind == PASS_FULL)
                limit->n_held = held ? n : 0;
        else if (held)
                limit->n_held += n;
        judgement.n_held = limit->n_held;
        pass->holds_removals = held;
        if (held)
                atomic_fetch_add(&pass->result.counters.n_held, n);
        /* In a two-way pair more waits there than removals: see two-way.c. */
        *ret_dropped = held && pass->engine->pair->config->direction == DIRECTION_ONE_WAY
                               ? TAKE_PTR(pass->removals)
                               : NULL;
        return judgement;
}

/* Telling */

static void say_held(const Engine *engine, const Judgement *judgement, uint64_t n_entries) {
        char held[COUNT_TEXT_MAX], all[COUNT_TEXT_MAX], lately[COUNT_TEXT_MAX];
        unsigned percent = share(engine);

        (void) count_format(held, sizeof held, judgement->n_held);
        (void) count_format(all, sizeof all, n_entries);
        (void) count_format(lately, sizeof lately, judgement->n_lately);
        if (engine->pair->dry_run)
                log_info("would hold %s removals", held);
        log_event(
                &(LogEvent) { .level = LOG_ERR, .message_id = REBACKUP_MSG_REMOVALS_HELD },
                "on hold: %s removals, after %s within the last hour, are more than %u.%02u%% of the "
                "%s entries (Sync.MaxDelete); the replica keeps what the source has lost, and "
                "everything else goes on. If they are meant, approve them: rebackupctl approve, "
                "or rebackupd --approve",
                held, lately, percent / 100, percent % 100, all);
}

static void say_ended(const Pass *pass) {
        log_event(&(LogEvent) { .level = LOG_NOTICE, .message_id = REBACKUP_MSG_REMOVALS_RELEASED },
                  "the hold of removals ended: %s",
                  pass->approved ? "it was approved"
                                 : "no more is to be removed than Sync.MaxDelete allows");
}

static void note_fact(Engine *engine, const Judgement *judgement) {
        char text[64];
        int r;

        if (engine->pair->dry_run)
                return;
        (void) snprintf(text, sizeof text, "%" PRIu64 " %" PRIu64, judgement->n_held,
                        judgement->n_lately);
        (void) pthread_mutex_lock(&engine->catalog_mutex);
        r = catalog_commit_fact(engine->pair->store.catalog, CATALOG_FACT_HELD_REMOVALS,
                                judgement->n_held > 0 ? text : NULL);
        (void) pthread_mutex_unlock(&engine->catalog_mutex);
        if (r < 0)
                (void) log_warning_errno(r, "failed to note that removals are on hold: %m");
}

void limit_begin(Engine *engine) {
        Limit *limit = &engine->limit;
        _cleanup_free_ char *text = NULL;
        uint64_t n_held, n_lately;

        limit->part_began = now_usec(CLOCK_MONOTONIC);
        if (!engine->pair->store.catalog ||
            catalog_get_fact(engine->pair->store.catalog, CATALOG_FACT_HELD_REMOVALS, &text) < 0 ||
            sscanf(text, "%" SCNu64 " %" SCNu64, &n_held, &n_lately) != 2)
                return;
        limit->n_held = n_held;
        limit->parts[0] = n_lately;
}

void job_limit(Worker *worker, Job *job) {
        Pass *pass = job->pass;
        Engine *engine = pass->engine;
        uint64_t n_entries = 0;
        Judgement judgement;
        Job *dropped;
        bool held;
        int r = count_entries(worker, &n_entries);

        if (r < 0) {
                pass_abort(pass, r, NULL);
                return;
        }
        (void) pthread_mutex_lock(&engine->mutex);
        held = judge_locked(pass, n_entries);
        judgement = carry_out_locked(pass, held, &dropped);
        (void) pthread_mutex_unlock(&engine->mutex);
        while (dropped) {
                Job *next = dropped->next;
                job_free(dropped);
                dropped = next;
        }
        if (judgement.n_held != judgement.n_before)
                note_fact(engine, &judgement);
        if (judgement.n_held > 0 && judgement.n_before == 0)
                say_held(engine, &judgement, n_entries);
        else if (judgement.n_held == 0 && judgement.n_before > 0)
                say_ended(pass);
}

/* Counting */

static int count_below(Visit *visit, const Look *look, uint64_t *ret) {
        *ret = 1;
        if (!look->has_row || look->row->directory_id == 0)
                return 0;
        return catalog_reader_count_below(visit->reader, look->row->directory_id, ret);
}

static bool was_moved_dry(Visit *visit, const Look *look) {
        return visit->engine->pair->dry_run &&
               pending_is_claimed(
                       &visit->engine->pending,
                       (CatalogIdentity) { PENDING_DRY_MOVED, look->replica.stamp.inode });
}

int limit_count(Visit *visit, const Look *look) {
        uint64_t n;
        int r;

        if (visit_was_moved(visit, look) || was_moved_dry(visit, look))
                return 0;
        r = count_below(visit, look, &n);
        if (r >= 0)
                atomic_fetch_add(&visit->pass->n_removable, n);
        return r;
}

int limit_admits(Visit *visit, const Look *look) {
        Pass *pass = visit->pass;
        uint64_t n;
        int r;

        if (!limit_applies(visit->engine) || pass->approved || visit->engine->pair->dry_run ||
            visit_was_moved(visit, look))
                return 1;
        r = count_below(visit, look, &n);
        if (r < 0)
                return r;
        if (atomic_fetch_add(&pass->n_removed, n) + n <= pass->n_removable)
                return 1;
        atomic_fetch_sub(&pass->n_removed, n);
        pass_retry(pass, &(const Retry) { visit->node, look->name, look->first, 0 });
        return 0;
}

/* Takes N removals at once from what is left. */
static bool take(Visit *visit, uint64_t n, uint64_t n_entries) {
        Engine *engine = visit->engine;
        Limit *limit = &engine->limit;
        bool taken;

        (void) pthread_mutex_lock(&engine->mutex);
        taken = limit->n_held == 0 &&
                !limit_exceeds(&(LimitFacts) { n, lately_locked(limit), n_entries, share(engine) });
        if (taken)
                limit->parts[limit->part] += n;
        (void) pthread_mutex_unlock(&engine->mutex);
        return taken;
}

int limit_refuses(Visit *visit, const Look *look) {
        uint64_t n, n_entries = 0;
        int r;

        if (!limit_applies(visit->engine) || visit->pass->approved)
                return 0;
        r = count_below(visit, look, &n);
        if (r >= 0)
                r = count_entries(visit->worker, &n_entries);
        if (r < 0 || take(visit, n, n_entries))
                return r;
        atomic_fetch_add(&visit->pass->n_refused, n);
        return 1;
}

void limit_end_pass(Pass *pass) {
        if (pass->approved && pass->result.result != 0)
                atomic_store(&pass->engine->limit.approved, true);
}

uint64_t engine_n_held_removals(Engine *engine) {
        uint64_t n;

        (void) pthread_mutex_lock(&engine->mutex);
        n = engine->limit.n_held;
        (void) pthread_mutex_unlock(&engine->mutex);
        return n;
}

void engine_approve_removals(Engine *engine) {
        atomic_store(&engine->limit.approved, true);
}
