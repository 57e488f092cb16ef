/* Where a pass meets the world again: its roots are opened, the guards asked, and the walk begins;
 * and once more before anything is removed. */

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "basic/alloc.h"
#include "basic/macros.h"
#include "sync/disk.h"
#include "sync/engine-internal.h"
#include "sync/failures.h"
#include "sync/file-systems.h"
#include "sync/held.h"
#include "sync/verify.h"

/* Readers of a catalog that is about to be closed. No other pass runs, so the workers are idle. */
static void drop_readers(Engine *engine) {
        for (unsigned i = 0; i < engine->n_workers; i++)
                engine->workers[i].reader = catalog_reader_close(engine->workers[i].reader);
        engine->committer_worker.reader = catalog_reader_close(engine->committer_worker.reader);
}

static int open_roots(Engine *engine, char **ret_error) {
        Pair *pair = engine->pair;
        int r;

        (void) pthread_mutex_lock(&engine->catalog_mutex);
        if (!pair->dry_run && store_is_present(&pair->store) <= 0)
                drop_readers(engine);
        r = pair_begin_pass(pair, ret_error);
        (void) pthread_mutex_unlock(&engine->catalog_mutex);
        return r;
}

/* The first pass to need the roots opens them, the last one closes them; so an idle pair keeps no
 * disk busy. */
static int roots_acquire(Engine *engine, char **ret_error) {
        int r;

        if (engine->n_root_users > 0) {
                engine->n_root_users++;
                return 0;
        }
        r = open_roots(engine, ret_error);
        if (r != 0)
                return r;
        r = file_systems_reset(engine);
        if (r < 0) {
                pair_end_pass(engine->pair);
                return r;
        }
        engine->n_root_users = 1;
        return 0;
}

void pass_release_roots(Pass *pass) {
        Engine *engine = pass->engine;

        if (!pass->roots_open)
                return;
        (void) pthread_mutex_lock(&engine->roots_mutex);
        pass->roots_open = false;
        if (--engine->n_root_users == 0)
                pair_end_pass(engine->pair);
        (void) pthread_mutex_unlock(&engine->roots_mutex);
}

/* A directory's own metadata is looked at as the name "" of itself. */
static int add_self(DirtyDirectory *directory) {
        DirtyName *names = reallocarray(directory->names, directory->n_names + 1, sizeof *names);
        if (!names)
                return -ENOMEM;
        directory->names = names;
        names[directory->n_names] = (DirtyName) { .name = strdup(""),
                                                  .first = now_usec(CLOCK_MONOTONIC) };
        if (!names[directory->n_names].name)
                return -ENOMEM;
        directory->n_names++;
        return 0;
}

/* The first is for the worker that is here. */
static void push(Pass *pass, Job *job) {
        if (pass->n_begun++ == 0)
                pass_push_own_job(pass, job);
        else
                pass_push_job(pass, job);
}

static int push_dirty_directory(Pass *pass, DirtyDirectory *directory) {
        if (directory->self && add_self(directory) < 0)
                return -ENOMEM;
        if (directory->n_names > 0) {
                Job *job = job_new(JOB_NAMES, pass, directory->node);
                if (!job)
                        return -ENOMEM;
                job->names = TAKE_PTR(directory->names);
                job->n_names = directory->n_names;
                directory->n_names = 0;
                push(pass, job);
        }
        if (directory->listing) {
                Job *job = job_new(JOB_DIRECTORY, pass, directory->node);
                if (!job)
                        return -ENOMEM;
                job->noticed = directory->first;
                push(pass, job);
        }
        return 0;
}

static int push_dirty_files(Pass *pass, DirtyBatch *batch) {
        Job *job;

        if (batch->n_files == 0)
                return 0;
        job = job_new(JOB_FILES, pass, NULL);
        if (!job)
                return -ENOMEM;
        job->files = TAKE_PTR(batch->files);
        job->n_files = batch->n_files;
        batch->n_files = 0;
        push(pass, job);
        return 0;
}

static int push_dirty(Pass *pass) {
        int r;

        for (size_t i = 0; i < pass->dirty.n_directories; i++) {
                r = push_dirty_directory(pass, &pass->dirty.directories[i]);
                if (r < 0)
                        return r;
        }
        r = push_dirty_files(pass, &pass->dirty);
        dirty_batch_done(&pass->dirty);
        return r;
}

static JobKind walking_job(PassKind kind) {
        return kind == PASS_ARM ? JOB_ARM : kind == PASS_SURVEY ? JOB_SURVEY : JOB_DIRECTORY;
}

static int push_root(Pass *pass) {
        Node *root = tree_root(pass->engine->tree);
        Job *job = job_new(walking_job(pass->kind), pass, root);

        node_unref(root);
        if (!job)
                return -ENOMEM;
        job->recursive = pass->kind != PASS_SURVEY;
        job->side = pass->side;
        push(pass, job);
        return 0;
}

static void pass_expect(Worker *worker, Pass *pass) {
        CatalogReader *reader;

        if (worker_reader(worker, &reader) < 0)
                return;
        int64_t n = catalog_reader_count(reader);
        /* What an interrupted pass displaced is still there to be claimed or retired. */
        if (pass->kind == PASS_FULL)
                pass->parked = catalog_reader_list(reader, CATALOG_PARKED, "", worker->rows, 1) > 0;
        (void) pthread_mutex_lock(&worker->engine->mutex);
        pass->result.n_entries = MAX(n, (int64_t) 0);
        pass->n_expected = MAX(pass->result.n_entries,
                               (int64_t) atomic_exchange(&worker->engine->n_listed, 0));
        (void) pthread_mutex_unlock(&worker->engine->mutex);
}

void job_begin(Worker *worker, Job *job) {
        Pass *pass = job->pass;
        Engine *engine = worker->engine;
        _cleanup_free_ char *error = NULL;
        int r;

        (void) pthread_mutex_lock(&engine->roots_mutex);
        r = roots_acquire(engine, &error);
        pass->roots_open = r == 0;
        if (r == 0)
                r = disk_check(engine, &error);
        (void) pthread_mutex_unlock(&engine->roots_mutex);
        if (r != 0) {
                pass_abort(pass, r, TAKE_PTR(error));
                return;
        }

        pass->result.rebuilt = engine->pair->rebuilt;
        pass->result.room = disk_room(engine);
        pass->first_stage = engine->next_stage;
        failures_begin_pass(pass);
        if (pass->kind == PASS_DIRTY)
                pass->parked = atomic_exchange(&engine->parked_left, false);
        if (pass->kind == PASS_FULL) {
                pass->approved = atomic_exchange(&engine->limit.approved, false);
                held_begin_full(engine);
        }
        if (pass->kind == PASS_FULL || pass->kind == PASS_SURVEY)
                pass_expect(worker, pass);
        if (pass->kind == PASS_VERIFY)
                r = verify_begin(engine);
        else
                r = pass->kind == PASS_DIRTY ? push_dirty(pass) : push_root(pass);
        if (r < 0)
                pass_abort(pass, r, NULL);
}

void job_recheck(Worker *worker, Job *job) {
        _cleanup_free_ char *error = NULL;
        int r;

        file_systems_expire(worker->engine);
        r = pair_recheck(worker->engine->pair, &error);

        if (r != 0)
                pass_abort(job->pass, r, TAKE_PTR(error));
}
