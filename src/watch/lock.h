#pragma once

/* A mutex held for the rest of a scope:
 *         _cleanup_unlock_ pthread_mutex_t *lock = mutex_acquire(&object->mutex); */

#include <pthread.h>

#include "basic/macros.h"

static inline pthread_mutex_t *mutex_acquire(pthread_mutex_t *mutex) {
        (void) pthread_mutex_lock(mutex); /* fails for error-checking and robust mutexes only */
        return mutex;
}

static inline void mutex_releasep(pthread_mutex_t **mutex) {
        (void) pthread_mutex_unlock(*mutex);
}

#define _cleanup_unlock_ _unused_ _cleanup_(mutex_releasep)
