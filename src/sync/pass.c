#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "basic/alloc.h"
#include "basic/macros.h"
#include "sync/engine-internal.h"
#include "sync/limit.h"
#include "sync/verify-findings.h"

Job *job_new(JobKind kind, Pass *pass, Node *node) {
        Job *job = calloc(1, sizeof *job);
        if (!job)
                return NULL;
        job->kind = kind;
        job->pass = pass;
        job->node = node ? node_ref(node) : NULL;
        return job;
}

void job_release_claim(Job *job) {
        if (!job->claimed)
                return;
        job->claimed = false;
        pending_release(&job->pass->engine->pending,
                        job->kind == JOB_GROUP
                                ? pending_regroup(job->identity)
                                : (CatalogIdentity) { job->file_system, job->source.stamp.inode });
}

Job *job_free(Job *job) {
        if (!job)
                return NULL;
        job_release_claim(job);
        if (job->publication)
                publication_abandon(job->pass->engine, job->publication);
        free(job->publication);
        for (size_t i = 0; i < job->n_names; i++)
                free(job->names[i].name);
        free(job->names);
        free(job->files);
        node_unref(job->node);
        node_unref(job->parent);
        free(job->name);
        free(job);
        return NULL;
}

static void job_list_free(Job *job) {
        while (job) {
                Job *next = job->next;
                job_free(job);
                job = next;
        }
}

Pass *pass_new(Engine *engine, PassKind kind) {
        Pass *pass = calloc(1, sizeof *pass);
        if (!pass)
                return NULL;
        pass->engine = engine;
        pass->kind = kind;
        pass->phase = PHASE_BEGIN;
        pass->started = now_usec(CLOCK_MONOTONIC);
        pass->result.kind = kind;
        return pass;
}

Pass *pass_free(Pass *pass) {
        if (!pass)
                return NULL;
        dirty_batch_done(&pass->dirty);
        job_list_free(pass->jobs);
        job_list_free(pass->large);
        job_list_free(pass->late);
        job_list_free(pass->removals);
        pass_result_done(&pass->result);
        free(pass);
        return NULL;
}

void pass_result_done(PassResult *result) {
        free(result->error);
        dirty_batch_done(&result->retries);
        verify_findings_done(&result->verify.findings);
        slowest_done(&result->slowest);
        *result = (PassResult) {};
}

static void push_job(Pass *pass, Job *job, bool wake) {
        Engine *engine = pass->engine;

        (void) pthread_mutex_lock(&engine->mutex);
        job->next = pass->jobs;
        pass->jobs = job;
        if (wake)
                (void) pthread_cond_signal(&engine->work);
        (void) pthread_mutex_unlock(&engine->mutex);
}

void pass_push_job(Pass *pass, Job *job) {
        push_job(pass, job, true);
}

void pass_push_own_job(Pass *pass, Job *job) {
        push_job(pass, job, false);
}

static int retries_append(DirtyBatch *batch, const Retry *retry) {
        DirtyName *name = calloc(1, sizeof *name);
        if (!name)
                return -ENOMEM;
        name->name = retry->name ? strdup(retry->name) : NULL;
        name->first = retry->first;
        name->n_attempts = retry->n_attempts;
        DirtyDirectory *directories = reallocarray(batch->directories, batch->n_directories + 1,
                                                   sizeof *directories);
        if ((retry->name && !name->name) || !directories) {
                free(name->name);
                free(name);
                if (directories)
                        batch->directories = directories;
                return -ENOMEM;
        }
        batch->directories = directories;
        directories[batch->n_directories++] = (DirtyDirectory) { .node = node_ref(retry->node),
                                                                 .names = name,
                                                                 .n_names = 1 };
        return 0;
}

static void retry_locked(Pass *pass, const Retry *retry) {
        if (pass->result.retries.n_directories >= RETRIES_MAX ||
            retries_append(&pass->result.retries, retry) < 0)
                pass->result.retries_dropped = true;
}

void pass_retry(Pass *pass, const Retry *retry) {
        Engine *engine = pass->engine;

        (void) pthread_mutex_lock(&engine->mutex);
        retry_locked(pass, retry);
        (void) pthread_mutex_unlock(&engine->mutex);
}

static bool is_out_of_rounds(const Pass *pass) {
        return pass->n_late_rounds >= LATE_ROUNDS_MAX;
}

bool pass_is_out_of_rounds(Pass *pass) {
        bool result;

        (void) pthread_mutex_lock(&pass->engine->mutex);
        result = is_out_of_rounds(pass);
        (void) pthread_mutex_unlock(&pass->engine->mutex);
        return result;
}

bool pass_push_late(Pass *pass, Job *job) {
        Engine *engine = pass->engine;
        bool taken;

        (void) pthread_mutex_lock(&engine->mutex);
        taken = pass->n_late < LATE_MAX && !is_out_of_rounds(pass);
        if (taken) {
                job->next = pass->late;
                pass->late = job;
                pass->n_late++;
        }
        (void) pthread_mutex_unlock(&engine->mutex);
        if (!taken)
                job_free(job);
        return taken;
}

void pass_push_late_directory(Pass *pass, Node *node) {
        Engine *engine = pass->engine;
        Job *job = job_new(JOB_DIRECTORY, pass, node);

        if (job)
                job->recursive = pass->kind == PASS_FULL;
        (void) pthread_mutex_lock(&engine->mutex);
        if (!job)
                pass->result.retries_dropped = true;
        else if (is_out_of_rounds(pass))
                retry_locked(pass, &(const Retry) { .node = node });
        else if (!node->late) {
                node->late = true;
                job->next = pass->late;
                pass->late = TAKE_PTR(job);
        }
        (void) pthread_mutex_unlock(&engine->mutex);
        job_free(job);
}

bool pass_may_hold_back(Pass *pass, size_t n_items) {
        bool result;

        (void) pthread_mutex_lock(&pass->engine->mutex);
        result = pass->n_held_back + n_items <= HELD_BACK_MAX && !is_out_of_rounds(pass);
        (void) pthread_mutex_unlock(&pass->engine->mutex);
        return result;
}

void pass_hold_back(Pass *pass, Job *job) {
        Engine *engine = pass->engine;

        (void) pthread_mutex_lock(&engine->mutex);
        pass->n_held_back += job->publication ? job->publication->n_items : 0;
        job->next = pass->late;
        pass->late = job;
        (void) pthread_mutex_unlock(&engine->mutex);
}

void pass_push_removal(Pass *pass, Job *job) {
        Engine *engine = pass->engine;

        (void) pthread_mutex_lock(&engine->mutex);
        if (!pass->holds_removals) {
                job->next = pass->removals;
                pass->removals = TAKE_PTR(job);
        }
        (void) pthread_mutex_unlock(&engine->mutex);
        job_free(job);
}

void pass_abort(Pass *pass, int result, char *error) {
        Engine *engine = pass->engine;

        (void) pthread_mutex_lock(&engine->mutex);
        if (pass->result.result == 0) {
                pass->result.result = result;
                pass->result.error = TAKE_PTR(error);
        }
        (void) pthread_mutex_unlock(&engine->mutex);
        free(error);
}

void pass_items_done(Pass *pass, size_t n_items) {
        Engine *engine = pass->engine;

        (void) pthread_mutex_lock(&engine->mutex);
        assert(pass->n_items >= n_items);
        pass->n_items -= n_items;
        pass_advance_locked(pass);
        (void) pthread_mutex_unlock(&engine->mutex);
}

/* Everything that was started is finished: no job waits or runs, no item is on its way. An item on
 * its way is hurried along. */
static bool pass_is_at_barrier_locked(Pass *pass) {
        if (pass->jobs || pass->large || pass->n_in_flight > 0)
                return false;
        if (pass->n_items == 0)
                return true;
        batch_flush(&pass->engine->batch);
        return false;
}

static void start_job_locked(Pass *pass, Job *job) {
        if (!job) {
                pass->result.result = pass->result.result ?: -ENOMEM;
                return;
        }
        job->next = pass->jobs;
        pass->jobs = job;
        (void) pthread_cond_signal(&pass->engine->work);
}

static void append_jobs(Job **jobs, Job *more) {
        while (*jobs)
                jobs = &(*jobs)->next;
        *jobs = more;
}

static void unmark_late_locked(Pass *pass) {
        for (Job *job = pass->late; job; job = job->next)
                if (job->node)
                        job->node->late = false;
}

static void start_late_round_locked(Pass *pass) {
        unmark_late_locked(pass);
        pass->jobs = TAKE_PTR(pass->late);
        pass->n_late = 0;
        pass->n_held_back = 0;
        pass->n_late_rounds++;
        (void) pthread_cond_broadcast(&pass->engine->work);
}

static void start_binding_locked(Pass *pass) {
        Item *item = item_new(ITEM_BIND, pass, NULL, "");
        if (!item) {
                pass->result.result = -ENOMEM;
                return;
        }
        ItemList list;
        item_list_init(&list);
        item->quiet = true;
        item_list_append(&list, item);
        pass->n_items++;
        batch_push_unbounded(&pass->engine->batch, &list);
}

static void start_phase_locked(Pass *pass) {
        bool is_due;

        switch (pass->phase) {
        case PHASE_VISIT:
                start_late_round_locked(pass);
                break;
        case PHASE_RECHECK:
                start_job_locked(pass, job_new(JOB_RECHECK, pass, NULL));
                break;
        case PHASE_COUNT:
                append_jobs(&pass->jobs, TAKE_PTR(pass->removals));
                (void) pthread_cond_broadcast(&pass->engine->work);
                break;
        case PHASE_LIMIT:
                start_job_locked(pass, job_new(JOB_LIMIT, pass, NULL));
                break;
        case PHASE_REMOVE:
                is_due = pass->engine->pair->dry_run ||
                         pass->n_removal_rounds > REMOVAL_ROUNDS_MAX ||
                         (pass->n_removal_rounds > 0 && !pass->late);
                atomic_store(&pass->removals_due, is_due);
                pass->n_removal_rounds++;
                start_late_round_locked(pass);
                append_jobs(&pass->jobs, TAKE_PTR(pass->removals));
                break;
        case PHASE_PARKED:
                start_job_locked(pass, job_new(JOB_PARKED, pass, NULL));
                break;
        case PHASE_BIND:
                start_binding_locked(pass);
                break;
        default:
                break;
        }
}

static void pass_finish_locked(Pass *pass) {
        Engine *engine = pass->engine;

        pass->phase = PHASE_DONE;
        unmark_late_locked(pass);
        pass->result.foreign_links = pass->foreign_links;
        pass->result.short_of_room = pass->short_of_room;
        pass->result.n_deviating = pass->n_deviating;
        pass->result.duration = now_usec(CLOCK_MONOTONIC) - pass->started;
        if (pass->kind == PASS_DIRTY) {
                engine->dirty_pass = NULL;
                engine->ended_dirty = pass;
        } else if (pass->kind == PASS_LARGE) {
                engine->large_pass = NULL;
                engine->ended_large = pass;
        } else if (pass->kind == PASS_VERIFY) {
                engine->verify_pass = NULL;
                engine->ended_verify = pass;
        } else {
                engine->full_pass = NULL;
                engine->ended_full = pass;
        }
        (void) pthread_cond_broadcast(&engine->pass_ended);
        engine_signal_ended(engine);
}

void pass_advance_locked(Pass *pass) {
        while (pass->phase != PHASE_DONE && pass_is_at_barrier_locked(pass)) {
                PassSituation situation = {
                        .kind = pass->kind,
                        .ended_early = pass->result.result != 0,
                        .dry_run = pass->engine->pair->dry_run,
                        .has_late = pass->late,
                        .has_removals = pass->removals,
                        .has_parked = pass->parked,
                        .must_judge = limit_must_judge_locked(pass),
                };
                pass->phase = phase_next(pass->phase, &situation);
                if (pass->phase == PHASE_DONE)
                        pass_finish_locked(pass);
                else
                        start_phase_locked(pass);
        }
}
