#pragma once

/* One run: a script is drawn, or given, and played against the real engine; what the policy
 * promises is checked on the way. */

#include "model-engine.h"

typedef enum ModelPolicy {
        POLICY_ONE_WAY,
        POLICY_NO_OVERWRITE,
        POLICY_NO_DELETE,
        POLICY_ARCHIVE, /* neither */
        POLICY_TWO_WAY,
        _POLICY_MAX,
} ModelPolicy;

const char *model_policy_to_string(ModelPolicy policy);
/* -EINVAL: no such policy. */
int model_policy_from_string(const char *name);
/* The settings that the policy consists of, NULL-terminated. */
const char *const *model_policy_settings(ModelPolicy policy);

typedef enum ModelFailure {
        MODEL_PASSED,
        MODEL_ENGINE_FAILED,  /* it died, or could not do a pass */
        MODEL_NO_REST,        /* there is always something more to do */
        MODEL_LIVE_NOT_EQUAL, /* after all events were acted on */
        MODEL_NOT_EQUAL,      /* after a full pass */
        MODEL_POLICY_BROKEN,  /* something went or was replaced that had to stay */
        MODEL_CONTENT_LOST,   /* the engine took away the last copy of a content */
        MODEL_CHANGE_LOST,    /* of two-way: what somebody wrote is on neither side */
        MODEL_NOT_IDLE,       /* with nothing changed there is something to do */
        MODEL_NOT_PROVEN,     /* the digests of both sides differ */
        MODEL_LITTER,         /* something is left in staging */
        _MODEL_FAILURE_MAX,
} ModelFailure;

const char *model_failure_to_string(ModelFailure failure);

typedef struct Script {
        Step steps[MODEL_STEPS_MAX];
        size_t n_steps;
} Script;

typedef struct RunOptions {
        const char *directory; /* for the world: made, and removed at the end */
        ModelPolicy policy;
        EngineWatch watch;
        unsigned n_threads;
        uint64_t seed;
        unsigned n_steps;  /* to draw */
        bool ignore_links; /* which names are links to one file is not compared */
        bool trace;
} RunOptions;

typedef struct RunOutcome {
        ModelFailure failure;
        size_t step; /* the index of the one after which it was found */
        char text[1400];
        uint64_t n_operations; /* the engine's */
} RunOutcome;

bool script_is_full(const Script *script);

/* Plays SCRIPT; when DRAW, it is drawn on the way and stored there. It ends with a check in any
 * case. */
void run_script(const RunOptions *options, Script *script, bool draw, RunOutcome *ret);

/* Leaves steps out of SCRIPT as long as it fails in the way of OUTCOME; each candidate is played N
 * times. OUTCOME becomes that of what is left. */
void run_shrink(const RunOptions *options, Script *script, RunOutcome *outcome, unsigned n_tries);
