#pragma once

/* A limit on bytes per second. Pure: the clock is an argument (CLOCK_MONOTONIC, in nanoseconds),
 * and waiting is the caller's. Who takes first goes first; what is taken in even portions is shared
 * out evenly. */

#include <stdint.h>

typedef struct TokenBucket {
        uint64_t rate; /* bytes a second, not 0 */
        uint64_t next; /* when the next byte may go */
} TokenBucket;

/* Takes N_BYTES: when they may go. Whoever was late may catch up with at most a fifth of a second;
 * more is not saved up. */
uint64_t token_bucket_take(TokenBucket *bucket, uint64_t n_bytes, uint64_t now);

/* How many of WANTED bytes are taken at once, so that others get their turn. */
uint64_t token_bucket_portion(const TokenBucket *bucket, uint64_t wanted);
