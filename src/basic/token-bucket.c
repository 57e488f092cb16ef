#include "basic/token-bucket.h"

#include <assert.h>

#include "basic/macros.h"

#define NSEC_PER_SEC UINT64_C(1000000000)
#define CATCH_UP_NSEC (NSEC_PER_SEC / 5)

enum {
        PORTIONS_PER_SEC = 50,
        PORTION_MIN = 512,
        PORTION_MAX = 256 * 1024,
};

/* In parts: the product with a second's nanoseconds might not fit. */
static uint64_t duration(uint64_t n_bytes, uint64_t rate) {
        double rest = (double) (n_bytes % rate) * (double) NSEC_PER_SEC / (double) rate;

        return n_bytes / rate * NSEC_PER_SEC + (uint64_t) rest;
}

uint64_t token_bucket_take(TokenBucket *bucket, uint64_t n_bytes, uint64_t now) {
        uint64_t start;

        assert(bucket->rate > 0);
        start = MAX(bucket->next, now > CATCH_UP_NSEC ? now - CATCH_UP_NSEC : 0);
        bucket->next = start + duration(n_bytes, bucket->rate);
        return start;
}

uint64_t token_bucket_portion(const TokenBucket *bucket, uint64_t wanted) {
        uint64_t portion = CLAMP(bucket->rate / PORTIONS_PER_SEC, (uint64_t) PORTION_MIN,
                                 (uint64_t) PORTION_MAX);

        return MIN(wanted, portion);
}
