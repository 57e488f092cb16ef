#pragma once

/* Pseudo-random numbers for property tests: a run can be repeated by giving the seed that it
 * printed in REBACKUP_TEST_SEED. */

#include <inttypes.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

static inline uint64_t random_seed(const char *name) {
        const char *given = getenv("REBACKUP_TEST_SEED");
        uint64_t seed = given ? strtoull(given, NULL, 0) : (uint64_t) time(NULL) * 2654435761U;

        printf("%s: REBACKUP_TEST_SEED=%" PRIu64 "\n", name, seed);
        (void) fflush(stdout);
        return seed;
}

/* A number below N (splitmix64). */
static inline unsigned random_below(uint64_t *state, unsigned n) {
        uint64_t z = (*state += UINT64_C(0x9e3779b97f4a7c15));

        z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
        z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
        return (unsigned) ((z ^ (z >> 31)) % n);
}
