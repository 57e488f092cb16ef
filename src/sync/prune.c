#include "sync/prune.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/ioprio.h>
#include <stdlib.h>
#include <sys/statvfs.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "basic/fd.h"
#include "basic/log.h"
#include "basic/macros.h"
#include "basic/size.h"
#include "state/versions.h"
#include "sync/message-ids.h"

enum {
        STEP_ENTRIES = 256, /* dropped while the mutex is held */
        BASIS_POINTS = 10000,
};

/* What a full disk is relieved by at a time: small enough to be quick, large enough for the copy
 * that failed to come a good deal further. */
#define ROOM_BYTES (UINT64_C(16) * 1024 * 1024)
/* Time to gather: a busy pair keeps versions in every batch. */
#define POKE_DELAY_USEC (5 * USEC_PER_SEC)
#define AGE_STEP_MAX_USEC (1 * USEC_PER_HOUR)
/* How old what is said of the versions' size may be; to know it takes a walk over all of them. */
#define MEASURE_USEC (1 * USEC_PER_HOUR)

struct Prune {
        Engine *engine;
        pthread_t thread;
        pthread_mutex_t mutex; /* over every step of dropping */
        pthread_cond_t changed;
        atomic_bool stopping;
        pthread_mutex_t running_mutex;   /* over RUNNING */
        Versions *running;               /* what the thread works on, for prune_stop to end it */
        atomic_bool stale;               /* versions came or went since they were measured */
        usec_t measured;                 /* CLOCK_MONOTONIC; 0: never */
        atomic_uint_fast64_t used_bytes; /* by the versions, at the time that is next */
        atomic_uint_fast64_t used_at;    /* CLOCK_REALTIME; 0: not known */
        usec_t due; /* CLOCK_MONOTONIC; USEC_INFINITY: nothing to prune that is known */
};

/* A store that is made again gets other descriptors, which only the catalog's mutex keeps in place.
 */
static int open_versions(Engine *engine, Versions **ret) {
        int fd, r;

        (void) pthread_mutex_lock(&engine->catalog_mutex);
        fd = engine->pair->store.fd < 0 ? -1 : fcntl(engine->pair->store.fd, F_DUPFD_CLOEXEC, 3);
        r = fd < 0 ? -errno : 0;
        (void) pthread_mutex_unlock(&engine->catalog_mutex);
        if (r < 0)
                return r;
        r = versions_open(fd, false, ret);
        (void) close(fd);
        return r;
}

/* The limits */

static bool is_too_old(const Config *config, usec_t oldest) {
        usec_t now = now_usec(CLOCK_REALTIME);

        /* Kept because of an adoption, with no age at which they would go. */
        if (config->versions_keep == 0)
                return false;
        return oldest + config->versions_keep < now;
}

uint64_t prune_share(uint64_t n_blocks, unsigned basis_points) {
        /* The product may be too large, and the quotient alone loses up to that many blocks. */
        return n_blocks / BASIS_POINTS * basis_points +
               n_blocks % BASIS_POINTS * basis_points / BASIS_POINTS;
}

static bool is_short_of_space(const Engine *engine) {
        unsigned wanted = engine->pair->config->versions_keep_free_basis_points;
        struct statvfs s;

        if (wanted == 0 || fstatvfs(engine->pair->store.staging_fd, &s) < 0 || s.f_blocks == 0)
                return false;
        return (uint64_t) s.f_bavail < prune_share(s.f_blocks, wanted);
}

typedef struct Usage {
        uint64_t bytes;
        bool is_known;
} Usage;

static bool is_too_large(const Engine *engine, Versions *versions, Usage *usage) {
        uint64_t limit = engine->pair->config->versions_max_use_bytes;

        if (limit == 0)
                return false;
        if (!usage->is_known) {
                usage->is_known = versions_measure(versions, &usage->bytes) >= 0;
                if (!usage->is_known)
                        return false;
        }
        return usage->bytes > limit;
}

/* 1 dropped something that was beyond a limit, 0 nothing is, -errno. *RET_NEXT: when the oldest
 * will be too old, CLOCK_REALTIME. */
static int prune_step(Engine *engine, Versions *versions, Usage *usage, usec_t *ret_next) {
        const Config *config = engine->pair->config;
        uint64_t n_bytes = 0;
        usec_t oldest;
        int r;

        r = versions_oldest(versions, &oldest);
        if (r < 0)
                return r == -ENOENT ? 0 : r;
        *ret_next = config->versions_keep > 0 ? oldest + config->versions_keep : USEC_INFINITY;
        if (!is_too_old(config, oldest) && !is_too_large(engine, versions, usage) &&
            !is_short_of_space(engine))
                return 0;
        r = versions_drop_oldest(versions, STEP_ENTRIES, &n_bytes);
        usage->bytes -= MIN(usage->bytes, n_bytes);
        if (r > 0)
                engine->prune->stale = true;
        return r;
}

static void set_running(Prune *prune, Versions *versions) {
        (void) pthread_mutex_lock(&prune->running_mutex);
        prune->running = versions;
        (void) pthread_mutex_unlock(&prune->running_mutex);
}

/* Measures what is left, if that is not known from before. */
static void note_usage(Prune *prune, Versions *versions, Usage *usage) {
        usec_t now = now_usec(CLOCK_MONOTONIC);

        if (!usage->is_known) {
                if (!prune->stale || (prune->measured > 0 && now < prune->measured + MEASURE_USEC))
                        return;
                prune->stale = false;
                usage->is_known = !versions || versions_measure(versions, &usage->bytes) >= 0;
                prune->stale |= !usage->is_known;
        }
        if (!usage->is_known)
                return;
        prune->measured = now;
        prune->used_bytes = usage->bytes;
        prune->used_at = now_usec(CLOCK_REALTIME);
}

/* Until nothing is beyond the limits any more. Returns when to look again, CLOCK_MONOTONIC. */
static usec_t prune_run(Prune *prune) {
        usec_t next = USEC_INFINITY, now = now_usec(CLOCK_REALTIME);
        Versions *versions = NULL;
        Usage usage = {};
        int r;

        r = open_versions(prune->engine, &versions);
        set_running(prune, versions);
        while (r >= 0 && !prune->stopping) {
                (void) pthread_mutex_lock(&prune->mutex);
                r = prune_step(prune->engine, versions, &usage, &next);
                (void) pthread_mutex_unlock(&prune->mutex);
                if (r == 0)
                        break;
        }
        if (r >= 0 || r == -ENOENT)
                note_usage(prune, versions, &usage);
        set_running(prune, NULL);
        versions_close(versions);
        if (r < 0 && r != -ENOENT) {
                (void) log_warning_errno(
                        r, "failed to drop old versions of %s, it will be tried again: %m",
                        prune->engine->pair->store.path);
                next = now + AGE_STEP_MAX_USEC;
        }
        if (next == USEC_INFINITY)
                return next;
        return now_usec(CLOCK_MONOTONIC) + CLAMP(next > now ? next - now : 0,
                                                 (usec_t) POKE_DELAY_USEC,
                                                 (usec_t) AGE_STEP_MAX_USEC);
}

/* The thread */

static void wait_until_due(Prune *prune) {
        (void) pthread_mutex_lock(&prune->mutex);
        while (!prune->stopping && prune->due > now_usec(CLOCK_MONOTONIC)) {
                struct timespec until = { .tv_sec = (time_t) (prune->due / USEC_PER_SEC),
                                          .tv_nsec = (long) (prune->due % USEC_PER_SEC) * 1000 };

                if (prune->due == USEC_INFINITY)
                        (void) pthread_cond_wait(&prune->changed, &prune->mutex);
                else
                        (void) pthread_cond_timedwait(&prune->changed, &prune->mutex, &until);
        }
        prune->due = USEC_INFINITY;
        (void) pthread_mutex_unlock(&prune->mutex);
}

static void set_due(Prune *prune, usec_t due) {
        (void) pthread_mutex_lock(&prune->mutex);
        prune->due = MIN(prune->due, due);
        (void) pthread_cond_signal(&prune->changed);
        (void) pthread_mutex_unlock(&prune->mutex);
}

static void *prune_main(void *userdata) {
        Prune *prune = ASSERT_PTR(userdata);

        /* This thread alone; where it is refused the pruning is merely less polite. */
        (void) syscall(SYS_ioprio_set, IOPRIO_WHO_PROCESS, 0,
                       IOPRIO_PRIO_VALUE(IOPRIO_CLASS_IDLE, 0));
        while (!prune->stopping) {
                set_due(prune, prune_run(prune));
                wait_until_due(prune);
        }
        return NULL;
}

VersionsUsage engine_versions_usage(const Engine *engine) {
        const Prune *prune = engine->prune;

        return prune ? (VersionsUsage) { prune->used_bytes, prune->used_at } : (VersionsUsage) {};
}

void prune_poke(Engine *engine) {
        engine->prune->stale = true;
        set_due(engine->prune, now_usec(CLOCK_MONOTONIC) + POKE_DELAY_USEC);
}

/* Room */

static void log_room(const Engine *engine, uint64_t n_bytes) {
        char size[SIZE_TEXT_MAX];

        log_event(&(LogEvent) { .level = LOG_NOTICE, .message_id = REBACKUP_MSG_VERSIONS_DROPPED },
                  "the replica's file system is full: dropped old versions of %s (%s)",
                  engine->pair->config->replica, size_format(size, sizeof size, n_bytes));
}

int prune_make_room(Engine *engine) {
        Prune *prune = engine->prune;
        Versions *versions = NULL;
        uint64_t n_bytes = 0;
        bool any = false;
        int r;

        r = open_versions(engine, &versions);
        while (r >= 0 && n_bytes < ROOM_BYTES && !engine_is_cancelled(engine)) {
                (void) pthread_mutex_lock(&prune->mutex);
                r = versions_drop_oldest(versions, STEP_ENTRIES, &n_bytes);
                (void) pthread_mutex_unlock(&prune->mutex);
                if (r == 0)
                        break;
                any = any || r > 0;
        }
        versions_close(versions);
        if (!any)
                return r == -ENOENT ? 0 : MIN(r, 0);
        log_room(engine, n_bytes);
        /* Some file systems give freed space out only after a commit. */
        (void) syncfs(engine->pair->store.staging_fd);
        return 1;
}

/* Life */

int prune_start(Engine *engine) {
        Prune *prune = calloc(1, sizeof *prune);
        pthread_condattr_t attributes;
        int r;

        if (!prune)
                return -ENOMEM;
        prune->engine = engine;
        prune->due = USEC_INFINITY;
        prune->stale = true;
        r = -pthread_mutex_init(&prune->mutex, NULL);
        if (r >= 0)
                r = -pthread_mutex_init(&prune->running_mutex, NULL);
        if (r >= 0)
                r = -pthread_condattr_init(&attributes);
        if (r >= 0) {
                (void) pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
                r = -pthread_cond_init(&prune->changed, &attributes);
                (void) pthread_condattr_destroy(&attributes);
        }
        engine->prune = prune; /* the thread may look for it at once */
        if (r >= 0)
                r = -pthread_create(&prune->thread, NULL, prune_main, prune);
        if (r < 0) {
                free(prune);
                engine->prune = NULL;
        }
        return r;
}

void prune_stop(Engine *engine) {
        Prune *prune = engine->prune;

        if (!prune)
                return;
        prune->stopping = true;
        /* A walk over many versions on a cold disk would keep everybody waiting. */
        (void) pthread_mutex_lock(&prune->running_mutex);
        if (prune->running)
                versions_cancel(prune->running);
        (void) pthread_mutex_unlock(&prune->running_mutex);
        (void) pthread_mutex_lock(&prune->mutex);
        (void) pthread_cond_broadcast(&prune->changed);
        (void) pthread_mutex_unlock(&prune->mutex);
        (void) pthread_join(prune->thread, NULL);
        (void) pthread_cond_destroy(&prune->changed);
        (void) pthread_mutex_destroy(&prune->running_mutex);
        (void) pthread_mutex_destroy(&prune->mutex);
        free(prune);
        engine->prune = NULL;
}
