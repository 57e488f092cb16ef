#pragma once

/* What a running pair says of itself: the properties of org.rebackup.Pair1(5). */

#include <stdbool.h>
#include <stdint.h>

#include <systemd/sd-bus.h>

#include "basic/time-span.h"

enum { STATE_COUNTERS_MAX = 32 };

typedef struct StateCounter {
        char *name; /* owned */
        uint64_t value;
} StateCounter;

typedef struct StateCounters {
        StateCounter items[STATE_COUNTERS_MAX];
        size_t n_items;
} StateCounters;

/* Strings are owned, and NULL where the pair did not say. Points in time are CLOCK_REALTIME, 0 for
 * none. */
typedef struct PairState {
        char *version, *name, *source, *replica, *store;
        char *state, *status, *reason, *watch_backend, *last_pass_result, *pass;
        bool config_refused, replica_watched, verifying, verify_requested, identical;
        uint64_t started, in_step_since, proven, n_held, n_held_removals, n_kept, n_failures,
                n_pending, pending_since, lag, n_entries, n_directories, n_watched, n_fallen_back,
                n_unwatched, n_replica_unwatched, n_overflows, next_pass, last_pass_begun,
                last_pass_duration, pass_begun, pass_entries, pass_expected, pass_directories,
                pass_bytes, pass_operations, pass_failed, n_files, n_verified, n_never_verified,
                n_without_hash, n_damaged, oldest_verified, versions_bytes, versions_measured,
                verify_begun, verify_files, verify_files_expected, verify_bytes,
                verify_bytes_expected, verify_damaged;
        StateCounters counters, last_pass_counters;
} PairState;

#define PAIR_STATE_NULL ((PairState) {})
void pair_state_done(PairState *state);

/* Asks the pair that owns BUS_NAME. 0, or -errno with *RET_ERROR set. */
int pair_state_acquire(sd_bus *bus, const char *bus_name, PairState *ret, sd_bus_error *ret_error);

/* All of it, as the bus carries it, as members of a JSON object without the braces; after NAME, the
 * pair's. */
void pair_state_print_json(const PairState *state);

/* Reads an a{st} into COUNTERS, which are empty. 0 or -errno. */
int state_counters_read(sd_bus_message *reply, StateCounters *counters);
void state_counters_done(StateCounters *counters);
uint64_t state_counter(const StateCounters *counters, const char *name);

/* How far the pass that runs has come, of 1000; -1: none runs, or it cannot be told. */
int pair_state_progress(const PairState *state);
/* How long the rest of it takes if it goes on as it did; 0: cannot be told. Pure. */
usec_t pair_state_time_left(const PairState *state, usec_t now);

/* The same of a verification that somebody asked for. */
int pair_state_verify_progress(const PairState *state);
usec_t pair_state_verify_time_left(const PairState *state, usec_t now);
