#include "sync/engine.h"

#include <errno.h>
#include <sched.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <sys/stat.h>
#include <unistd.h>

#include "basic/fd.h"
#include "basic/macros.h"
#include "sync/bandwidth.h"
#include "sync/engine-internal.h"
#include "sync/failures.h"
#include "sync/held.h"
#include "sync/keep.h"
#include "sync/limit.h"
#include "sync/prune.h"
#include "sync/purge.h"
#include "sync/retire.h"
#include "sync/verify-copies.h"
#include "sync/verify.h"

enum { WORKERS_AUTO_MAX = 8 };

static unsigned choose_workers(const Config *config) {
        cpu_set_t set;
        unsigned n = 2;

        if (config->n_threads > 0)
                return config->n_threads;
        if (sched_getaffinity(0, sizeof set, &set) >= 0)
                n = (unsigned) CPU_COUNT(&set);
        return CLAMP(n, 1U, (unsigned) WORKERS_AUTO_MAX);
}

static int init_locks(Engine *engine) {
        int r;

        r = -pthread_mutex_init(&engine->mutex, NULL);
        if (r >= 0)
                r = -pthread_cond_init(&engine->work, NULL);
        if (r >= 0)
                r = -pthread_cond_init(&engine->pass_ended, NULL);
        if (r >= 0)
                r = -pthread_mutex_init(&engine->roots_mutex, NULL);
        if (r >= 0)
                r = -pthread_mutex_init(&engine->catalog_mutex, NULL);
        if (r >= 0)
                r = -pthread_rwlock_init(&engine->structure, NULL);
        if (r >= 0)
                r = batch_init(&engine->batch);
        if (r >= 0)
                r = pending_init(&engine->pending);
        return r;
}

static int init_tree(Engine *engine) {
        Node *root = tree_root(engine->tree);
        int64_t max_id = 0;
        int r;

        r = tree_set_id(engine->tree, root, CATALOG_ROOT);
        node_unref(root);
        if (r < 0)
                return r;
        r = catalog_max_directory_id(engine->pair->store.catalog, &max_id);
        if (r < 0)
                return r;
        engine->next_directory_id = MAX(max_id + 1, (int64_t) CATALOG_FIRST_ID);
        /* Names of an earlier run that are still parked must not meet new ones. */
        engine->next_stage = engine->first_stage = now_usec(CLOCK_REALTIME);
        return 0;
}

static int start_threads(Engine *engine) {
        int r;

        r = bandwidth_new(engine->pair->config->bandwidth_max_bytes, &engine->bandwidth);
        if (r >= 0)
                r = purge_new(engine);
        if (r >= 0)
                r = held_new(engine);
        if (r >= 0)
                r = failures_new(engine);
        if (r >= 0)
                r = keep_new(engine);
        if (r >= 0)
                r = engine->pair->dry_run ? 0 : prune_start(engine);
        if (r >= 0)
                r = retire_start(engine);
        if (r >= 0)
                r = committer_start(engine);
        if (r >= 0)
                r = pool_start(engine, choose_workers(engine->pair->config));
        return r;
}

int engine_new(Pair *pair, Tree *tree, Watch *watch, Watch *replica_watch, Engine **ret) {
        Engine *engine = calloc(1, sizeof *engine);
        int r;

        if (!engine)
                return -ENOMEM;
        engine->pair = pair;
        engine->tree = tree;
        engine->watch = watch;
        engine->replica_watch = replica_watch;
        engine->committer_worker.engine = engine;
        limit_begin(engine);
        r = init_locks(engine);
        if (r < 0) {
                free(engine);
                return r;
        }
        /* Modes are given exactly as the source has them. */
        (void) umask(0);
        engine->event_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
        r = engine->event_fd < 0 ? -errno : 0;
        if (r >= 0)
                r = init_tree(engine);
        if (r >= 0)
                r = start_threads(engine);
        if (r < 0) {
                engine_free(engine);
                return r;
        }
        *ret = engine;
        return 0;
}

static void wait_for_passes(Engine *engine) {
        PassResult result;
        bool running = true;

        while (running) {
                while (engine_collect(engine, &result) > 0)
                        pass_result_done(&result);
                (void) pthread_mutex_lock(&engine->mutex);
                running = engine->dirty_pass || engine->full_pass || engine->large_pass ||
                          engine->verify_pass;
                if (running)
                        (void) pthread_cond_wait(&engine->pass_ended, &engine->mutex);
                (void) pthread_mutex_unlock(&engine->mutex);
        }
        while (engine_collect(engine, &result) > 0)
                pass_result_done(&result);
}

Engine *engine_free(Engine *engine) {
        if (!engine)
                return NULL;
        engine_cancel(engine);
        wait_for_passes(engine);
        pool_stop(engine);
        committer_stop(engine);
        prune_stop(engine);
        retire_stop(engine);
        keep_free(engine);
        held_free(engine);
        bandwidth_free(engine->bandwidth);
        failures_free(engine);
        recent_paths_free(engine->foreign_told);
        purge_free(engine);
        worker_done(&engine->committer_worker);
        verify_copies_free(engine);
        pending_done(&engine->pending);
        batch_done(&engine->batch);
        safe_close(engine->event_fd);
        (void) pthread_rwlock_destroy(&engine->structure);
        (void) pthread_mutex_destroy(&engine->catalog_mutex);
        (void) pthread_mutex_destroy(&engine->roots_mutex);
        (void) pthread_cond_destroy(&engine->pass_ended);
        (void) pthread_cond_destroy(&engine->work);
        (void) pthread_mutex_destroy(&engine->mutex);
        free(engine);
        return NULL;
}

int engine_fd(const Engine *engine) {
        return engine->event_fd;
}

void engine_signal_ended(Engine *engine) {
        uint64_t one = 1;

        /* A full counter is as good: the descriptor is readable. */
        if (write(engine->event_fd, &one, sizeof one) < 0)
                return;
}

int engine_start_pass(Engine *engine, Pass *pass, Pass **slot, Pass *const *ended) {
        Job *job = job_new(JOB_BEGIN, pass, NULL);

        if (!job)
                return -ENOMEM;
        (void) pthread_mutex_lock(&engine->mutex);
        if (*slot || *ended) {
                (void) pthread_mutex_unlock(&engine->mutex);
                job_free(job);
                return -EBUSY;
        }
        *slot = pass;
        pass->jobs = job;
        (void) pthread_cond_signal(&engine->work);
        (void) pthread_mutex_unlock(&engine->mutex);
        return 0;
}

static int start_full(Engine *engine, PassKind kind, WatchSide side, bool drops_excluded) {
        Pass *pass = pass_new(engine, kind);
        int r;

        if (!pass)
                return -ENOMEM;
        pass->side = pass->result.side = side;
        pass->drops_excluded = pass->result.drops_excluded = drops_excluded;
        r = engine_start_pass(engine, pass, &engine->full_pass, &engine->ended_full);
        if (r < 0)
                pass_free(pass);
        return r;
}

int engine_start(Engine *engine, PassKind kind) {
        return start_full(engine, kind, WATCH_SOURCE, false);
}

int engine_start_dropping(Engine *engine) {
        return start_full(engine, PASS_FULL, WATCH_SOURCE, true);
}

int engine_start_survey(Engine *engine, WatchSide side) {
        return start_full(engine, PASS_SURVEY, side, false);
}

int engine_start_dirty(Engine *engine, DirtyBatch *batch) {
        Pass *pass = pass_new(engine, PASS_DIRTY);
        int r;

        if (!pass)
                return -ENOMEM;
        pass->dirty = *batch;
        r = engine_start_pass(engine, pass, &engine->dirty_pass, &engine->ended_dirty);
        if (r < 0) {
                pass->dirty = DIRTY_BATCH_NULL;
                pass_free(pass);
                return r;
        }
        *batch = DIRTY_BATCH_NULL;
        return 0;
}

int engine_collect(Engine *engine, PassResult *ret) {
        Pass *pass;
        uint64_t n;

        (void) pthread_mutex_lock(&engine->mutex);
        pass = TAKE_PTR(engine->ended_dirty)
                       ?: TAKE_PTR(engine->ended_full)
                       ?: TAKE_PTR(engine->ended_large)
                       ?: TAKE_PTR(engine->ended_verify);
        if (!pass && read(engine->event_fd, &n, sizeof n) < 0)
                errno = 0; /* nothing was signalled */
        (void) pthread_mutex_unlock(&engine->mutex);
        if (!pass)
                return 0;
        if (pass->kind == PASS_VERIFY)
                verify_end(engine, &pass->result.verify);
        pass_release_roots(pass);
        if (pass->kind == PASS_FULL && pass->result.result == 0)
                held_end_full(engine);
        limit_end_pass(pass);
        failures_end_pass(pass);
        *ret = pass->result;
        pass->result = (PassResult) {};
        pass_free(pass);
        return 1;
}

bool engine_is_running(const Engine *engine, PassKind kind) {
        Engine *shared = (Engine *) engine;
        bool running;

        (void) pthread_mutex_lock(&shared->mutex);
        switch (kind) {
        case PASS_DIRTY:
                running = engine->dirty_pass || engine->ended_dirty;
                break;
        case PASS_LARGE:
                running = engine->large_pass || engine->ended_large;
                break;
        case PASS_VERIFY:
                running = engine->verify_pass || engine->ended_verify;
                break;
        default:
                running = engine->full_pass || engine->ended_full;
                break;
        }
        (void) pthread_mutex_unlock(&shared->mutex);
        return running;
}

bool engine_is_fresh(const Engine *engine) {
        return engine->next_directory_id == CATALOG_FIRST_ID + 1;
}

void engine_cancel(Engine *engine) {
        atomic_store(&engine->cancelled, true);
        if (engine->bandwidth)
                bandwidth_wake(engine->bandwidth);
}

void engine_end_cancel(Engine *engine) {
        atomic_store(&engine->cancelled, false);
}

static void add_progress(EngineProgress *progress, Pass *pass) {
        Counters *counters = &pass->result.counters;

        progress->n_entries += counters->n_entries;
        progress->n_directories += counters->n_directories;
        /* What was cloned is not read; what is read is committed later, or not at all. */
        progress->n_bytes += MAX((uint64_t) counters->n_bytes, (uint64_t) pass->n_bytes_read);
        for (size_t i = 0; i < ELEMENTSOF(counters->operations); i++)
                if (i != OPERATION_FAIL)
                        progress->n_operations += counters->operations[i];
        progress->n_failed += counters->operations[OPERATION_FAIL];
}

void engine_get_progress(Engine *engine, EngineProgress *ret) {
        EngineProgress progress = { .heartbeat = engine->heartbeat };
        Pass *pass;

        (void) pthread_mutex_lock(&engine->mutex);
        pass = engine->full_pass ?: engine->dirty_pass ?: engine->large_pass;
        if (pass) {
                progress.running = true;
                progress.kind = pass->kind;
                progress.started = pass->started;
                progress.n_expected = pass->n_expected;
                add_progress(&progress, pass);
        }
        (void) pthread_mutex_unlock(&engine->mutex);
        *ret = progress;
}

void engine_add_counters(Engine *engine, Counters *total) {
        Pass *const *const slots[] = {
                &engine->dirty_pass,  &engine->full_pass,    &engine->large_pass,
                &engine->verify_pass, &engine->ended_dirty,  &engine->ended_full,
                &engine->ended_large, &engine->ended_verify,
        };

        (void) pthread_mutex_lock(&engine->mutex);
        for (size_t i = 0; i < ELEMENTSOF(slots); i++)
                if (*slots[i])
                        counters_add(total, &(*slots[i])->result.counters);
        (void) pthread_mutex_unlock(&engine->mutex);
}

void engine_set_bandwidth(Engine *engine, uint64_t rate) {
        bandwidth_set(engine->bandwidth, rate);
}

void engine_set_config(Engine *engine, const Config *config) {
        engine->pair->config = config;
}
