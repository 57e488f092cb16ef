#pragma once

/* Counts of numbers by their size: bucket N has those from 2^N up to below 2^(N + 1), the first one
 * also 0, the last one also all that is more. Pure. */

#include <stdint.h>

enum { HISTOGRAM_BUCKETS = 37 }; /* microseconds up to 19 hours */

unsigned histogram_bucket(uint64_t number);
/* The least number of BUCKET. */
uint64_t histogram_lower(unsigned bucket);
uint64_t histogram_total(const uint64_t *counts);

/* The number that PERCENT of all are not above, as if those of a bucket were spread evenly over it;
 * none is above MAX. 0 when there are none at all. */
uint64_t histogram_percentile(const uint64_t *counts, uint64_t max, double percent);
