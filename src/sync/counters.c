#include "sync/counters.h"

#include "basic/macros.h"

static const struct {
        const char *verb, *past;
} names[_OPERATION_MAX] = {
        [OPERATION_COPY] = { "copy", "copied" },
        [OPERATION_UPDATE] = { "update", "updated" },
        [OPERATION_RENAME] = { "rename", "renamed" },
        [OPERATION_LINK] = { "link", "linked" },
        [OPERATION_MKDIR] = { "mkdir", "made" },
        [OPERATION_METADATA] = { "metadata", "metadata of" },
        [OPERATION_REMOVE] = { "remove", "removed" },
        [OPERATION_ADOPT] = { "adopt", "adopted" },
        [OPERATION_HEAL] = { "heal", "healed" },
        [OPERATION_VERSION] = { "version", "kept a version of" },
        [OPERATION_KEEP] = { "keep", "kept" },
        [OPERATION_FAIL] = { "fail", "failed" },
};

const char *operation_to_string(Operation operation) {
        return operation >= 0 && operation < _OPERATION_MAX ? names[operation].verb : "invalid";
}

const char *operation_to_past(Operation operation) {
        return operation >= 0 && operation < _OPERATION_MAX ? names[operation].past : "invalid";
}

void counters_add(Counters *total, Counters *more) {
        for (size_t i = 0; i < ELEMENTSOF(total->operations); i++)
                total->operations[i] += more->operations[i];
        total->n_entries += more->n_entries;
        total->n_directories += more->n_directories;
        total->n_bytes += more->n_bytes;
        total->n_unstable += more->n_unstable;
        total->n_held += more->n_held;
        total->n_foreign += more->n_foreign;
        total->n_conflicts += more->n_conflicts;
        total->n_limited += more->n_limited;
        total->n_verified += more->n_verified;
        total->n_verified_bytes += more->n_verified_bytes;
        total->n_rotten += more->n_rotten;
        total->n_rot_healed += more->n_rot_healed;
        for (size_t i = 0; i < HISTOGRAM_BUCKETS; i++)
                total->lags[i] += more->lags[i];
        total->lag_sum += more->lag_sum;
        total->lag_max = MAX(total->lag_max, more->lag_max);
}

void counters_add_lag(Counters *counters, usec_t lag) {
        counters->lags[histogram_bucket(lag)]++;
        counters->lag_sum += lag;
        if (lag > counters->lag_max)
                counters->lag_max = lag;
}
