#include "daemon/pair-facts.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "basic/alloc.h"
#include "basic/macros.h"
#include "basic/string-util.h"
#include "daemon/manager.h"
#include "daemon/verify-demand.h"
#include "watch/dirty-look.h"

const char *fact_counter_to_string(unsigned counter) {
        static const char *const names[_FACT_COUNTER_MAX] = {
                [FACT_COUNTER_BYTES] = "bytes",
                [FACT_COUNTER_UNSTABLE] = "unstable",
                [FACT_COUNTER_FOREIGN] = "foreign",
                [FACT_COUNTER_CONFLICTS] = "conflicts",
                [FACT_COUNTER_LIMITED] = "limited",
                [FACT_COUNTER_VERIFIED] = "verified",
                [FACT_COUNTER_VERIFIED_BYTES] = "verified-bytes",
                [FACT_COUNTER_ROTTEN] = "rotten",
                [FACT_COUNTER_ROT_HEALED] = "rot-healed",
        };

        return counter < _OPERATION_MAX ? operation_to_string((Operation) counter) : names[counter];
}

void pair_facts_done(PairFacts *facts) {
        char *const strings[] = {
                facts->version,          facts->name,          facts->source,
                facts->replica,          facts->store,         facts->state,
                facts->status,           facts->reason,        facts->pass,
                facts->last_pass_result, facts->watch_backend,
        };

        for (size_t i = 0; i < ELEMENTSOF(strings); i++)
                free(strings[i]);
        *facts = PAIR_FACTS_NULL;
}

static FactCounters counters_of(Counters *counters) {
        FactCounters facts = {
                .values = { [FACT_COUNTER_BYTES] = counters->n_bytes,
                            [FACT_COUNTER_UNSTABLE] = counters->n_unstable,
                            [FACT_COUNTER_FOREIGN] = counters->n_foreign,
                            [FACT_COUNTER_CONFLICTS] = counters->n_conflicts,
                            [FACT_COUNTER_LIMITED] = counters->n_limited,
                            [FACT_COUNTER_VERIFIED] = counters->n_verified,
                            [FACT_COUNTER_VERIFIED_BYTES] = counters->n_verified_bytes,
                            [FACT_COUNTER_ROTTEN] = counters->n_rotten,
                            [FACT_COUNTER_ROT_HEALED] = counters->n_rot_healed },
        };

        for (unsigned i = 0; i < _OPERATION_MAX; i++)
                facts.values[i] = counters->operations[i];
        return facts;
}

/* With what the passes that run have done so far. */
static void acquire_counters(Manager *manager, PairFacts *facts) {
        Counters counters = {};

        counters_add(&counters, &manager->totals);
        if (manager->engine)
                engine_add_counters(manager->engine, &counters);
        facts->counters = counters_of(&counters);
        for (size_t i = 0; i < HISTOGRAM_BUCKETS; i++)
                facts->lags[i] = counters.lags[i];
        facts->lag_sum = counters.lag_sum;
}

static const char *state_of(const Manager *manager, StatusPhase phase) {
        static const char *const states[] = {
                [STATUS_STARTING] = "starting",  [STATUS_ARMING] = "arming",
                [STATUS_INITIAL] = "first-pass", [STATUS_RESCAN] = "rescan",
                [STATUS_LIVE] = "live",          [STATUS_HOLD] = "hold",
                [STATUS_PAUSED] = "paused",      [STATUS_STOPPING] = "stopping",
                [STATUS_VERIFYING] = "live",
        };

        /* Between attempts of a pass that fails as a whole. */
        if (manager->n_pass_failures > 0 && (phase == STATUS_LIVE || phase == STATUS_STARTING))
                return "failing";
        return states[phase];
}

static const char *result_of(const LastPass *pass) {
        if (pass->begun == 0)
                return "";
        if (pass->result == 0)
                return pass->counters.operations[OPERATION_FAIL] > 0 ? "incomplete" : "done";
        return pass->result == -ECANCELED ? "cancelled" : pass->result > 0 ? "hold" : "failed";
}

static const char *pass_to_string(const EngineProgress *progress) {
        static const char *const names[_PASS_KIND_MAX] = {
                [PASS_ARM] = "arm",     [PASS_FULL] = "full",     [PASS_DIRTY] = "dirty",
                [PASS_LARGE] = "large", [PASS_VERIFY] = "verify", [PASS_SURVEY] = "survey",
        };

        return progress->running ? names[progress->kind] : "";
}

/* The real clock is set now and then; what it is read late by is no reason to tell others of other
 * times. */
#define CLOCK_CHANGE_USEC (10 * USEC_PER_MSEC)

/* Points in time of the monotonic clock as the other clock shows them. */
typedef struct Clocks {
        usec_t monotonic, realtime;
} Clocks;

static Clocks read_clocks(Manager *manager) {
        usec_t monotonic = now_usec(CLOCK_MONOTONIC), ahead = now_usec(CLOCK_REALTIME) - monotonic;

        if (MAX(ahead, manager->clocks_apart) - MIN(ahead, manager->clocks_apart) >
            CLOCK_CHANGE_USEC)
                manager->clocks_apart = ahead;
        return (Clocks) { monotonic, monotonic + manager->clocks_apart };
}

static uint64_t to_realtime(const Clocks *clocks, usec_t monotonic) {
        if (monotonic == 0 || monotonic == USEC_INFINITY)
                return 0;
        return monotonic > clocks->monotonic ? clocks->realtime + (monotonic - clocks->monotonic)
                                             : clocks->realtime - (clocks->monotonic - monotonic);
}

static void acquire_progress(Manager *manager, const Clocks *clocks, PairFacts *facts,
                             EngineProgress *progress) {
        engine_get_progress(manager->engine, progress);
        if (!progress->running)
                return;
        facts->pass_begun = to_realtime(clocks, progress->started);
        facts->pass_entries = progress->n_entries;
        facts->pass_expected = (uint64_t) MAX(progress->n_expected, (int64_t) 0);
        facts->pass_directories = progress->n_directories;
        facts->pass_bytes = progress->n_bytes;
        facts->pass_operations = progress->n_operations;
        facts->pass_failed = progress->n_failed;
}

/* What is recorded of both sides. */
static void acquire_proof(const Manager *manager, PairFacts *facts) {
        Proof proof;

        engine_get_proof(manager->engine, &proof);
        facts->identical = proof.is_known && proof.is_identical;
        facts->proven = proof.at;
}

/* The oldest change that nobody has acted upon, or that a pass which has not ended does. */
static void acquire_pending(const Manager *manager, const Clocks *clocks, PairFacts *facts) {
        usec_t oldest = dirty_oldest(manager->dirty);

        if (engine_is_running(manager->engine, PASS_DIRTY))
                oldest = MIN(oldest, manager->dirty_begun);
        facts->pending_since = to_realtime(clocks, oldest);
        facts->lag = oldest < clocks->monotonic ? clocks->monotonic - oldest : 0;
}

static void acquire_versions(const Manager *manager, PairFacts *facts) {
        VersionsUsage usage = engine_versions_usage(manager->engine);

        facts->versions_bytes = usage.n_bytes;
        facts->versions_measured = usage.measured;
}

static void acquire_reading(Manager *manager, const Clocks *clocks, PairFacts *facts) {
        VerifyProgress progress;

        facts->asked_to_verify = manager->verify.demand != NULL;
        if (manager->verify.demand)
                verify_demand_progress(manager, &progress);
        else
                engine_get_verify_progress(manager->engine, &progress);
        facts->verify_begun = to_realtime(clocks, progress.started);
        facts->verify_files = progress.n_files;
        facts->verify_files_expected = progress.n_files_expected;
        facts->verify_bytes = progress.n_bytes;
        facts->verify_bytes_expected = progress.n_bytes_expected;
        facts->verify_damaged = progress.n_damaged;
}

/* Zeroes until it is known. */
static void acquire_verify(Manager *manager, PairFacts *facts) {
        const CatalogCoverage *coverage = &manager->verify.coverage;

        facts->verifying = engine_is_running(manager->engine, PASS_VERIFY);
        if (!manager->verify.known)
                return;
        facts->n_files = coverage->n_files;
        facts->n_verified = coverage->n_since;
        facts->n_never_verified = coverage->n_never;
        facts->n_without_hash = coverage->n_without_hash;
        facts->n_damaged = coverage->n_damaged;
        facts->oldest_verified = (uint64_t) coverage->oldest;
}

static void acquire_numbers(Manager *manager, const StatusFacts *status, const Clocks *clocks,
                            PairFacts *facts) {
        Proof proof;

        facts->config_refused = status->config_refused;
        facts->started = to_realtime(clocks, manager->started);
        facts->in_step_since = status->in_step_since;
        facts->n_overflows = status->n_overflows;
        facts->last_pass_begun = manager->last_pass.begun;
        facts->last_pass_duration = manager->last_pass.duration;
        facts->last_pass_counters = counters_of(&manager->last_pass.counters);
        acquire_counters(manager, facts);
        if (!manager->engine)
                return;
        facts->n_held = status->n_held;
        facts->n_held_removals = status->n_held_removals;
        engine_get_proof(manager->engine, &proof);
        facts->n_kept = proof.n_kept;
        facts->n_directories = tree_n_nodes(manager->tree);
        facts->n_watched = status->n_watched;
        facts->n_fallen_back = status->n_fallen_back;
        facts->n_unwatched = manager->watch ? watch_n_refused(manager->watch) : 0;
        facts->replica_watched = status->replica_watching;
        facts->n_replica_unwatched = status->n_replica_unwatched;
        facts->n_entries = manager->n_entries;
        facts->n_pending = status->n_pending;
        facts->n_failures = engine_n_failures(manager->engine) + manager->failures_dropped;
        facts->next_pass = to_realtime(clocks, MAX(manager->next_full, manager->not_before));
        acquire_proof(manager, facts);
        acquire_pending(manager, clocks, facts);
        acquire_verify(manager, facts);
        acquire_reading(manager, clocks, facts);
        acquire_versions(manager, facts);
}

static const char *backend_of(const Manager *manager) {
        if (!manager->watch_source)
                return "off";
        switch (watch_backend(manager->watch)) {
        case WATCH_BACKEND_DIRECTORY_MARKS:
                return "fanotify-directories";
        case WATCH_BACKEND_FILE_SYSTEM_MARKS:
                return "fanotify-file-systems";
        default:
                return "inotify";
        }
}

/* Paths of a configuration may hold bytes that the bus does not carry. */
static int acquire_strings(Manager *manager, const char *name, const StatusFacts *status,
                           const EngineProgress *progress, PairFacts *facts) {
        facts->version = strdup(PACKAGE_VERSION);
        facts->name = escape_bytes(name);
        facts->source = escape_bytes(manager->config->source);
        facts->replica = escape_bytes(manager->config->replica);
        facts->store = escape_bytes(manager->store_path ?: "");
        facts->state = strdup(state_of(manager, status->phase));
        facts->reason = strdup(manager->reason ?: "");
        facts->last_pass_result = strdup(result_of(&manager->last_pass));
        facts->watch_backend = strdup(backend_of(manager));
        facts->pass = strdup(pass_to_string(progress));
        if (!facts->version || !facts->name || !facts->source || !facts->replica || !facts->store ||
            !facts->state || !facts->reason || !facts->last_pass_result || !facts->watch_backend ||
            !facts->pass)
                return -ENOMEM;
        return status_format(status, &facts->status);
}

int pair_facts_acquire(Manager *manager, const char *name, PairFacts *ret) {
        Clocks clocks = read_clocks(manager);
        _cleanup_(pair_facts_done) PairFacts facts = PAIR_FACTS_NULL;
        EngineProgress progress = {};
        StatusFacts status;
        int r;

        manager_get_status(manager, &status);
        if (manager->engine)
                acquire_progress(manager, &clocks, &facts, &progress);
        acquire_numbers(manager, &status, &clocks, &facts);
        r = acquire_strings(manager, name, &status, &progress, &facts);
        if (r < 0)
                return r;
        *ret = facts;
        facts = PAIR_FACTS_NULL;
        return 0;
}
