/* The workers: each takes a job, the dirty pass's before the full pass's, does it without any lock,
 * and moves the pass on when it was the last one. */

#include <errno.h>
#include <stdlib.h>

#include "basic/macros.h"
#include "sync/engine-internal.h"
#include "sync/limit.h"

enum { JOBS_TRIED_MAX = 64 };

static void job_run(Worker *worker, Job *job) {
        worker->pass = job->pass;
        switch (job->kind) {
        case JOB_BEGIN:
                job_begin(worker, job);
                break;
        case JOB_ARM:
                job_arm(worker, job);
                break;
        case JOB_SURVEY:
                job_survey(worker, job);
                break;
        case JOB_DIRECTORY:
        case JOB_REMOVE:
                job_directory(worker, job);
                break;
        case JOB_NAMES:
                job_names(worker, job);
                break;
        case JOB_GROUP:
                job_group(worker, job);
                break;
        case JOB_LARGE:
                job_large(worker, job);
                break;
        case JOB_FILES:
                job_files(worker, job);
                break;
        case JOB_PUBLISH:
                job_publish(worker, job);
                break;
        case JOB_RECHECK:
                job_recheck(worker, job);
                break;
        case JOB_LIMIT:
                job_limit(worker, job);
                break;
        case JOB_PARKED:
                job_parked(worker, job);
                break;
        }
        worker->pass = NULL;
}

/* The first job whose directory no other worker is in. Only the next few are looked at: behind them
 * are mostly more of the same directory, and whoever leaves it wakes those who wait. */
static Job *take_job_locked(Pass *pass) {
        Job **slot = pass ? &pass->jobs : NULL;
        Job *job;

        for (unsigned i = 0; slot && *slot && i < JOBS_TRIED_MAX; i++) {
                job = *slot;
                if (!job->node || !job->node->visiting) {
                        *slot = job->next;
                        job->next = NULL;
                        pass->n_in_flight++;
                        return job;
                }
                job->node->wanted = true;
                slot = &job->next;
        }
        return NULL;
}

static Job *next_job_locked(Engine *engine) {
        for (;;) {
                Job *job = take_job_locked(engine->dirty_pass)
                                   ?: take_job_locked(engine->large_pass)
                                   ?: pass_take_large_locked(engine->large_pass)
                                   ?: pass_take_large_locked(engine->full_pass)
                                   ?: take_job_locked(engine->full_pass)
                                   ?: take_job_locked(engine->verify_pass);
                if (job || engine->stopping)
                        return job;
                (void) pthread_cond_wait(&engine->work, &engine->mutex);
        }
}

/* A node is visited by one worker at a time, but for what large files take. */
static Node *enter_node_locked(const Job *job) {
        if (!job->node || job->kind == JOB_LARGE)
                return NULL;
        job->node->visiting = true;
        return node_ref(job->node);
}

static void leave_node_locked(Engine *engine, Node *node) {
        if (!node)
                return;
        node->visiting = false;
        if (node->wanted)
                (void) pthread_cond_broadcast(&engine->work);
        node->wanted = false;
        node_unref(node);
}

void pool_enter_node(Engine *engine, Node *node) {
        (void) pthread_mutex_lock(&engine->mutex);
        while (node->visiting) {
                node->wanted = true;
                (void) pthread_cond_wait(&engine->work, &engine->mutex);
        }
        node->visiting = true;
        (void) pthread_mutex_unlock(&engine->mutex);
}

void pool_leave_node(Engine *engine, Node *node) {
        (void) pthread_mutex_lock(&engine->mutex);
        leave_node_locked(engine, node_ref(node));
        (void) pthread_mutex_unlock(&engine->mutex);
}

static void grow_locked(Engine *engine);

static void *worker_main(void *userdata) {
        Worker *worker = ASSERT_PTR(userdata);
        Engine *engine = worker->engine;

        (void) pthread_mutex_lock(&engine->mutex);
        for (;;) {
                Job *job = next_job_locked(engine);
                if (!job)
                        break;
                Pass *pass = job->pass;
                Node *node = enter_node_locked(job);
                bool abandoned = pass->result.result != 0, large = job->kind == JOB_LARGE;

                if (large)
                        grow_locked(engine);
                (void) pthread_mutex_unlock(&engine->mutex);
                if (!abandoned && !engine_is_cancelled(engine))
                        job_run(worker, job);
                /* Whatever it was doing it gave up. */
                if (engine_is_cancelled(engine))
                        pass_abort(pass, -ECANCELED, NULL);
                job_free(job);
                engine_beat(engine);
                (void) pthread_mutex_lock(&engine->mutex);

                leave_node_locked(engine, node);
                engine->n_large_copies -= large;
                pass->n_in_flight--;
                pass_advance_locked(pass);
        }
        (void) pthread_mutex_unlock(&engine->mutex);
        return NULL;
}

int worker_reader(Worker *worker, CatalogReader **ret) {
        if (!worker->reader) {
                int r = catalog_reader_open(worker->engine->pair->store.catalog, &worker->reader);
                if (r < 0)
                        return r;
        }
        *ret = worker->reader;
        return 0;
}

void worker_done(Worker *worker) {
        for (size_t i = 0; i < ELEMENTSOF(worker->rows); i++)
                catalog_row_done(&worker->rows[i]);
        catalog_row_done(&worker->moved_row);
        listing_done(&worker->source_listing);
        listing_done(&worker->replica_listing);
        worker->reader = catalog_reader_close(worker->reader);
        worker->copier = copier_free(worker->copier);
}

static int start_worker_locked(Engine *engine) {
        Worker *worker = &engine->workers[engine->n_workers];
        int r;

        *worker = (Worker) { .engine = engine };
        r = copier_new(&worker->copier);
        if (r < 0)
                return r;
        r = pthread_create(&worker->thread, NULL, worker_main, worker);
        if (r != 0) {
                worker_done(worker);
                return -r;
        }
        engine->n_workers++;
        return 0;
}

/* For each large file under way there is a worker more. Where none can be had, the others wait. */
static void grow_locked(Engine *engine) {
        if (!engine->stopping &&
            engine->n_workers < engine->n_workers_wanted + engine->n_large_copies)
                (void) start_worker_locked(engine);
}

int pool_start(Engine *engine, unsigned n_workers) {
        int r = 0;

        engine->workers = calloc(n_workers + LARGE_COPIES_MAX, sizeof *engine->workers);
        if (!engine->workers)
                return -ENOMEM;
        engine->n_workers_wanted = n_workers;
        (void) pthread_mutex_lock(&engine->mutex);
        while (r >= 0 && engine->n_workers < n_workers)
                r = start_worker_locked(engine);
        (void) pthread_mutex_unlock(&engine->mutex);
        return r;
}

void pool_stop(Engine *engine) {
        (void) pthread_mutex_lock(&engine->mutex);
        engine->stopping = true;
        (void) pthread_cond_broadcast(&engine->work);
        (void) pthread_mutex_unlock(&engine->mutex);

        for (unsigned i = 0; i < engine->n_workers; i++) {
                (void) pthread_join(engine->workers[i].thread, NULL);
                worker_done(&engine->workers[i]);
        }
        engine->n_workers = 0;
        free(engine->workers);
        engine->workers = NULL;
}
