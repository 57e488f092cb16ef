#pragma once

/* The operations that took longest, at most so many of them. Pure. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "basic/time-span.h"

enum {
        SLOWEST_MAX = 10,
        SLOWEST_WHAT_BYTES = 16,
        SLOWEST_PATH_MAX = 512, /* of a longer one the end is kept */
};

typedef struct SlowOperation {
        usec_t at; /* CLOCK_REALTIME: its end */
        usec_t duration;
        uint64_t n_bytes;
        char what[SLOWEST_WHAT_BYTES]; /* "copy", … */
        char *path;                    /* owned; relative to the source, raw bytes */
} SlowOperation;

typedef struct Slowest {
        SlowOperation items[SLOWEST_MAX]; /* the slowest first */
        size_t n_items;
} Slowest;

#define SLOWEST_NULL ((Slowest) {})
void slowest_done(Slowest *slowest);

/* Whether an operation of DURATION would be among them. */
bool slowest_takes(const Slowest *slowest, usec_t duration);
/* Copies OPERATION among them if it belongs there: 1, 0, -ENOMEM. */
int slowest_add(Slowest *slowest, const SlowOperation *operation);
