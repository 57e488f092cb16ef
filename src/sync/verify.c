#include "sync/verify.h"

#include <errno.h>
#include <linux/ioprio.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "basic/log.h"
#include "basic/macros.h"
#include "sync/verify-findings.h"

/* A share that is larger than this is cut off: what is left comes with the next. */
#define PATROL_TIME_MAX_USEC (5 * USEC_PER_MINUTE)
/* The longest sleep between two looks whether to end. */
#define NAP_USEC (100 * USEC_PER_MSEC)

/* Whether to go on */

bool verify_must_end(const Verify *verify) {
        return verify->stop || engine_is_cancelled(verify->engine);
}

static void nap(usec_t usec) {
        struct timespec time = { .tv_sec = (time_t) (usec / USEC_PER_SEC),
                                 .tv_nsec = (long) (usec % USEC_PER_SEC) * 1000 };

        (void) clock_nanosleep(CLOCK_MONOTONIC, 0, &time, NULL);
}

/* Whatever is mirrored goes first. What is cancelled ends, and wakes who waits here. */
static void give_way(Verify *verify) {
        Engine *engine = verify->engine;

        (void) pthread_mutex_lock(&engine->mutex);
        while ((engine->dirty_pass || engine->full_pass || engine->large_pass) &&
               !verify_must_end(verify))
                (void) pthread_cond_wait(&engine->pass_ended, &engine->mutex);
        (void) pthread_mutex_unlock(&engine->mutex);
}

/* Each byte is paid for with time, at most a second of which can be saved up. */
static void keep_to_bandwidth(Verify *verify, uint64_t n_bytes) {
        uint64_t limit = verify->engine->pair->config->verify_bandwidth_max_bytes;
        usec_t now = now_usec(CLOCK_MONOTONIC), paid;

        if (limit == 0)
                return;
        paid = MAX((usec_t) verify->paid, now > USEC_PER_SEC ? now - USEC_PER_SEC : 0);
        paid += (usec_t) ((double) n_bytes * USEC_PER_SEC / (double) limit);
        verify->paid = paid;
        while (paid > now && !verify_must_end(verify)) {
                nap(MIN(paid - now, (usec_t) NAP_USEC));
                now = now_usec(CLOCK_MONOTONIC);
        }
}

int verify_tick(uint64_t n_bytes, void *userdata) {
        VerifyThread *thread = ASSERT_PTR(userdata);
        Verify *verify = thread->verify;

        atomic_fetch_add(&verify->pass->result.counters.n_verified_bytes, n_bytes);
        if (verify->request.patrol) {
                give_way(verify);
                keep_to_bandwidth(verify, n_bytes);
        }
        return verify_must_end(verify) ? -ECANCELED : 0;
}

/* Threads */

/* This thread alone; where it is refused the patrol is merely less polite. */
static void become_idle(void) {
        (void) syscall(SYS_ioprio_set, IOPRIO_WHO_PROCESS, 0,
                       IOPRIO_PRIO_VALUE(IOPRIO_CLASS_IDLE, 0));
        (void) sched_setscheduler(0, SCHED_IDLE, &(const struct sched_param) {});
}

static void verify_rows(VerifyThread *thread) {
        Verify *verify = thread->verify;
        CatalogRow row = CATALOG_ROW_NULL;
        int r = 0;

        while (!verify_must_end(verify) && (r = verify_next_row(thread, &row)) > 0) {
                verify_row(thread, &row);
                catalog_row_done(&row);
                if (verify->request.patrol)
                        give_way(verify);
        }
        verify_leave_directory(thread);
        if (r < 0)
                pass_abort(verify->pass, r, NULL);
}

static void *thread_main(void *userdata) {
        VerifyThread *thread = ASSERT_PTR(userdata);
        Verify *verify = thread->verify;
        Engine *engine = verify->engine;
        Pass *pass = verify->pass;

        if (verify->request.patrol)
                become_idle();
        verify_rows(thread);
        verify_flush_marks(verify);
        if (verify_must_end(verify))
                verify->is_cut_short = true;
        if (engine_is_cancelled(engine))
                pass_abort(pass, -ECANCELED, NULL);
        (void) pthread_mutex_lock(&engine->mutex);
        pass->n_in_flight--;
        pass_advance_locked(pass);
        (void) pthread_mutex_unlock(&engine->mutex);
        return NULL;
}

static void thread_done(VerifyThread *thread) {
        worker_done(&thread->worker);
        for (size_t i = 0; i < ELEMENTSOF(thread->read_backs); i++)
                (void) read_back_free(thread->read_backs[i]);
}

static int thread_init(Verify *verify, VerifyThread *thread) {
        int r = copier_new(&thread->worker.copier);

        thread->directory_fds[SOURCE] = thread->directory_fds[REPLICA] = -EBADF;
        thread->verify = verify;
        thread->worker.engine = verify->engine;
        for (size_t i = 0; r >= 0 && i < ELEMENTSOF(thread->read_backs); i++)
                r = read_back_new(&thread->read_backs[i]);
        return r;
}

static int thread_start(Verify *verify) {
        VerifyThread *thread = &verify->threads[verify->n_threads];
        Engine *engine = verify->engine;
        int r = thread_init(verify, thread);

        if (r >= 0) {
                (void) pthread_mutex_lock(&engine->mutex);
                verify->pass->n_in_flight++;
                (void) pthread_mutex_unlock(&engine->mutex);
                r = -pthread_create(&thread->thread, NULL, thread_main, thread);
                if (r >= 0) {
                        verify->n_threads++;
                        return 0;
                }
                /* The job that began the pass is in flight itself: it moves it on. */
                (void) pthread_mutex_lock(&engine->mutex);
                verify->pass->n_in_flight--;
                (void) pthread_mutex_unlock(&engine->mutex);
        }
        thread_done(thread);
        return r;
}

/* While one waits for the medium another one hashes. A thread that has no file would cost more than
 * a small one takes. */
static unsigned choose_threads(const Verify *verify) {
        unsigned n = CLAMP(2 * verify->engine->n_workers_wanted, 2U, (unsigned) VERIFY_THREADS_MAX);

        if (verify->request.patrol)
                return 1;
        return (unsigned) CLAMP((uint64_t) verify->n_files_expected, UINT64_C(1), (uint64_t) n);
}

int verify_begin(Engine *engine) {
        Verify *verify = engine->verify;
        Worker worker = { .engine = engine };
        int r;

        /* What is read must be what lies on the disk. */
        (void) syncfs(engine->pair->source_fd);
        (void) syncfs(engine->pair->replica_fd);
        verify->deadline = now_usec(CLOCK_MONOTONIC) + PATROL_TIME_MAX_USEC;
        r = verify_rows_begin(verify, &worker);
        worker_done(&worker);
        for (unsigned n = choose_threads(verify); r >= 0 && verify->n_threads < n;) {
                r = thread_start(verify);
                if (r < 0 && verify->n_threads > 0)
                        return 0; /* fewer, then */
        }
        return r;
}

/* Life */

static Verify *verify_free(Verify *verify) {
        for (unsigned i = 0; i < verify->n_threads; i++)
                thread_done(&verify->threads[i]);
        verify_rows_done(&verify->rows);
        (void) pthread_mutex_destroy(&verify->mutex);
        (void) pthread_mutex_destroy(&verify->heal_mutex);
        pending_done(&verify->linked);
        verify_findings_done(&verify->findings);
        free(verify->path);
        free(verify);
        return NULL;
}

static int verify_new(Engine *engine, const VerifyRequest *request, Verify **ret) {
        Verify *verify = calloc(1, sizeof *verify);
        bool whole = !request->path || !request->path[0];

        if (!verify)
                return -ENOMEM;
        verify->engine = engine;
        verify->request = *request;
        verify->path = whole ? NULL : strdup(request->path);
        verify->request.path = verify->path;
        (void) pthread_mutex_init(&verify->mutex, NULL);
        (void) pthread_mutex_init(&verify->heal_mutex, NULL);
        (void) pending_init(&verify->linked);
        if (!whole && !verify->path) {
                verify_free(verify);
                return -ENOMEM;
        }
        *ret = verify;
        return 0;
}

/* The pass may end before this returns; nobody but the caller collects it. */
static int start(Engine *engine, Verify *verify) {
        Pass *pass = pass_new(engine, PASS_VERIFY);
        int r;

        if (!pass)
                return -ENOMEM;
        verify->pass = pass;
        engine->verify = verify;
        r = engine_start_pass(engine, pass, &engine->verify_pass, &engine->ended_verify);
        if (r < 0) {
                engine->verify = NULL;
                pass_free(pass);
        }
        return r;
}

int engine_verify_start(Engine *engine, const VerifyRequest *request) {
        Verify *verify;
        int r;

        if (!engine->pair->config->checksum || engine->pair->dry_run)
                return -EOPNOTSUPP;
        if (engine_is_running(engine, PASS_VERIFY))
                return -EBUSY;
        r = verify_new(engine, request, &verify);
        if (r < 0)
                return r;
        r = start(engine, verify);
        if (r < 0)
                verify_free(verify);
        return r;
}

void engine_verify_stop(Engine *engine) {
        if (!engine->verify)
                return;
        engine->verify->stop = true;
        /* It may be waiting for its turn. */
        (void) pthread_mutex_lock(&engine->mutex);
        (void) pthread_cond_broadcast(&engine->pass_ended);
        (void) pthread_mutex_unlock(&engine->mutex);
}

static void acquire_coverage(Verify *verify, CatalogCoverage *ret) {
        Worker worker = { .engine = verify->engine };
        usec_t now = now_usec(CLOCK_REALTIME),
               interval = verify->engine->pair->config->verify_interval;
        CatalogReader *reader;

        if (worker_reader(&worker, &reader) >= 0)
                (void) catalog_reader_coverage(
                        reader, interval > 0 ? (int64_t) (now - MIN(now, interval)) : 1, ret);
        worker_done(&worker);
}

void verify_end(Engine *engine, VerifyResult *ret) {
        Verify *verify = TAKE_PTR(engine->verify);

        if (!verify)
                return;
        for (unsigned i = 0; i < verify->n_threads; i++)
                (void) pthread_join(verify->threads[i].thread, NULL);
        ret->is_cut_short = verify->is_cut_short;
        ret->n_moved = verify->n_moved;
        ret->n_news = verify->n_news;
        verify_findings_take(&ret->findings, &verify->findings);
        if (verify->n_threads > 0) {
                if (!verify->request.patrol && !verify->path)
                        verify_report_known(&verify->threads[0].worker);
                acquire_coverage(verify, &ret->coverage);
        }
        verify_free(verify);
}

void engine_get_verify_progress(Engine *engine, VerifyProgress *ret) {
        VerifyProgress progress = {};
        Pass *pass;

        (void) pthread_mutex_lock(&engine->mutex);
        pass = engine->verify_pass;
        if (pass && engine->verify) {
                progress = (VerifyProgress) {
                        .running = true,
                        .patrol = engine->verify->request.patrol,
                        .n_files = pass->result.counters.n_verified,
                        .n_bytes = pass->result.counters.n_verified_bytes,
                        .n_files_expected = engine->verify->n_files_expected,
                        .n_bytes_expected = engine->verify->n_bytes_expected,
                        .n_damaged = pass->result.counters.n_rotten,
                        .started = pass->started,
                };
        }
        (void) pthread_mutex_unlock(&engine->mutex);
        *ret = progress;
}
