#pragma once

/* What others may know of a pair, in the form in which the bus carries it: a snapshot of the
 * manager. Types and order are those of org.rebackup.Pair1(5). */

#include <stdint.h>

#include "sync/counters.h"

typedef struct Manager Manager;

/* Counters as they cross the bus, a{st}. */
typedef enum FactCounter {
        /* first the operations */
        FACT_COUNTER_BYTES = _OPERATION_MAX,
        FACT_COUNTER_UNSTABLE,
        FACT_COUNTER_FOREIGN,
        FACT_COUNTER_CONFLICTS,
        FACT_COUNTER_LIMITED,
        FACT_COUNTER_VERIFIED,
        FACT_COUNTER_VERIFIED_BYTES,
        FACT_COUNTER_ROTTEN,
        FACT_COUNTER_ROT_HEALED,
        _FACT_COUNTER_MAX,
} FactCounter;
typedef struct FactCounters {
        uint64_t values[_FACT_COUNTER_MAX];
} FactCounters;
/* "copy", …, "bytes", "unstable", and so on. */
const char *fact_counter_to_string(unsigned counter);

/* Strings are owned and never NULL; flags are ints, as sd-bus reads them; times are microseconds,
 * points in time of CLOCK_REALTIME, 0 for none. */
typedef struct PairFacts {
        char *version, *name, *source, *replica, *store;
        char *state, *status, *reason;
        uint64_t n_held;
        uint64_t n_held_removals;
        uint64_t n_kept; /* see Proof */
        int config_refused;
        uint64_t started, in_step_since;
        int identical;
        uint64_t proven;

        char *watch_backend;
        uint64_t n_directories, n_watched, n_fallen_back, n_unwatched;
        int replica_watched;
        uint64_t n_replica_unwatched, n_overflows;

        uint64_t n_entries, n_pending, pending_since, lag, n_failures;
        uint64_t next_pass;
        uint64_t last_pass_begun, last_pass_duration;
        char *last_pass_result;
        FactCounters last_pass_counters, counters;
        uint64_t lags[HISTOGRAM_BUCKETS], lag_sum; /* since the start: see Counters */

        uint64_t versions_bytes, versions_measured;
        int verifying;
        uint64_t n_files, n_verified, n_never_verified, n_without_hash, n_damaged, oldest_verified;
        int asked_to_verify;
        uint64_t verify_begun, verify_files, verify_files_expected, verify_bytes,
                verify_bytes_expected, verify_damaged;

        char *pass;
        uint64_t pass_begun, pass_entries, pass_expected, pass_directories, pass_bytes,
                pass_operations, pass_failed;
} PairFacts;

#define PAIR_FACTS_NULL ((PairFacts) {})
void pair_facts_done(PairFacts *facts);

/* NAME is that of the pair. 0 or -ENOMEM. */
int pair_facts_acquire(Manager *manager, const char *name, PairFacts *ret);
