#include "sync/bandwidth.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <time.h>

#include "basic/macros.h"
#include "basic/token-bucket.h"
#include "sync/visit.h"

#define NSEC_PER_SEC UINT64_C(1000000000)
/* The watchdog sees by the heartbeat that somebody merely waits. */
#define BEAT_NSEC (NSEC_PER_SEC / 2)
#define LARGE_FILE_BYTES_MIN (UINT64_C(64) * 1024)

struct Bandwidth {
        pthread_mutex_t mutex; /* a leaf; guards what follows */
        pthread_cond_t changed;
        TokenBucket bucket;
        unsigned generation;       /* of the rate: what was taken of an earlier one is void */
        atomic_uint_fast64_t rate; /* the bucket's; read without the mutex as well */
};

static uint64_t now_nsec(void) {
        struct timespec now;

        (void) clock_gettime(CLOCK_MONOTONIC, &now);
        return (uint64_t) now.tv_sec * NSEC_PER_SEC + (uint64_t) now.tv_nsec;
}

static int init_condition(pthread_cond_t *condition) {
        pthread_condattr_t attributes;
        int r = pthread_condattr_init(&attributes);

        if (r != 0)
                return -r;
        (void) pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
        r = pthread_cond_init(condition, &attributes);
        (void) pthread_condattr_destroy(&attributes);
        return -r;
}

int bandwidth_new(uint64_t rate, Bandwidth **ret) {
        Bandwidth *bandwidth = calloc(1, sizeof *bandwidth);
        int r;

        if (!bandwidth)
                return -ENOMEM;
        r = init_condition(&bandwidth->changed);
        if (r < 0) {
                free(bandwidth);
                return r;
        }
        (void) pthread_mutex_init(&bandwidth->mutex, NULL);
        bandwidth->rate = bandwidth->bucket.rate = rate;
        *ret = bandwidth;
        return 0;
}

Bandwidth *bandwidth_free(Bandwidth *bandwidth) {
        if (!bandwidth)
                return NULL;
        (void) pthread_cond_destroy(&bandwidth->changed);
        (void) pthread_mutex_destroy(&bandwidth->mutex);
        free(bandwidth);
        return NULL;
}

void bandwidth_set(Bandwidth *bandwidth, uint64_t rate) {
        if (bandwidth->rate == rate)
                return;
        (void) pthread_mutex_lock(&bandwidth->mutex);
        bandwidth->bucket = (TokenBucket) { .rate = rate };
        bandwidth->rate = rate;
        bandwidth->generation++;
        (void) pthread_cond_broadcast(&bandwidth->changed);
        (void) pthread_mutex_unlock(&bandwidth->mutex);
}

void bandwidth_wake(Bandwidth *bandwidth) {
        (void) pthread_mutex_lock(&bandwidth->mutex);
        (void) pthread_cond_broadcast(&bandwidth->changed);
        (void) pthread_mutex_unlock(&bandwidth->mutex);
}

uint64_t bandwidth_large_file(const Bandwidth *bandwidth) {
        uint64_t rate = bandwidth->rate;

        return rate > 0 ? CLAMP(rate, LARGE_FILE_BYTES_MIN, LARGE_FILE_BYTES) : LARGE_FILE_BYTES;
}

/* Waits until TIME, or for a while if that is longer. */
static void wait_until(Bandwidth *bandwidth, uint64_t time, uint64_t now) {
        uint64_t until = MIN(time, now + BEAT_NSEC);
        struct timespec at = { .tv_sec = (time_t) (until / NSEC_PER_SEC),
                               .tv_nsec = (long) (until % NSEC_PER_SEC) };

        (void) pthread_cond_timedwait(&bandwidth->changed, &bandwidth->mutex, &at);
}

/* Waits for the turn of a portion of WANTED bytes. Their number; 0: the rate is another one now. */
static uint64_t take_turn_locked(Engine *engine, uint64_t wanted) {
        Bandwidth *bandwidth = engine->bandwidth;
        uint64_t n = token_bucket_portion(&bandwidth->bucket, wanted), now = now_nsec(),
                 turn = token_bucket_take(&bandwidth->bucket, n, now);
        unsigned generation = bandwidth->generation;

        while (now < turn && generation == bandwidth->generation && !engine_is_cancelled(engine)) {
                wait_until(bandwidth, turn, now);
                engine_beat(engine);
                now = now_nsec();
        }
        return generation == bandwidth->generation ? n : 0;
}

static int64_t await_turn(Engine *engine, uint64_t wanted) {
        Bandwidth *bandwidth = engine->bandwidth;
        uint64_t n = 0;

        (void) pthread_mutex_lock(&bandwidth->mutex);
        while (n == 0 && bandwidth->bucket.rate > 0)
                n = take_turn_locked(engine, wanted);
        (void) pthread_mutex_unlock(&bandwidth->mutex);
        if (engine_is_cancelled(engine))
                return -ECANCELED;
        return (int64_t) (n > 0 ? n : wanted);
}

int64_t bandwidth_pace(uint64_t wanted, void *userdata) {
        Visit *visit = ASSERT_PTR(userdata);

        return visit->engine->bandwidth->rate == 0 ? (int64_t) wanted
                                                   : await_turn(visit->engine, wanted);
}
