#include "basic/histogram.h"

#include "basic/macros.h"

unsigned histogram_bucket(uint64_t number) {
        unsigned bucket = number > 0 ? 63U - (unsigned) __builtin_clzll(number) : 0;

        return MIN(bucket, HISTOGRAM_BUCKETS - 1U);
}

uint64_t histogram_lower(unsigned bucket) {
        return bucket > 0 ? UINT64_C(1) << bucket : 0;
}

uint64_t histogram_total(const uint64_t *counts) {
        uint64_t total = 0;

        for (unsigned i = 0; i < HISTOGRAM_BUCKETS; i++)
                total += counts[i];
        return total;
}

static uint64_t upper(unsigned bucket, uint64_t max) {
        if (bucket + 1 == HISTOGRAM_BUCKETS)
                return max;
        return MIN(histogram_lower(bucket + 1), max);
}

uint64_t histogram_percentile(const uint64_t *counts, uint64_t max, double percent) {
        double wanted = (double) histogram_total(counts) * percent / 100, before = 0;

        for (unsigned i = 0; i < HISTOGRAM_BUCKETS; i++) {
                uint64_t lower = MIN(histogram_lower(i), max);
                double n = (double) counts[i];

                if (n > 0 && before + n >= wanted)
                        return lower + (uint64_t) ((double) (upper(i, max) - lower) *
                                                   (wanted - before) / n);
                before += n;
        }
        return 0;
}
