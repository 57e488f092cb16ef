#pragma once

/* The shipping engine in a process of its own, so that it can be killed at any moment; driven as
 * the daemon drives it. */

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "model-world.h"
#include "sync/counters.h"

typedef enum EngineCommand {
        ENGINE_FULL,
        ENGINE_FULL_LIVE,
        ENGINE_DIRTY,
        ENGINE_REST,
        ENGINE_LOSE_EVENTS,
        ENGINE_CLOSE,
} EngineCommand;

typedef enum EngineOutcome {
        ENGINE_DONE,
        ENGINE_INTERRUPTED, /* it waits for engine_go_on() or engine_kill() */
        ENGINE_FAILED,      /* TEXT of the report says why; the process has ended */
} EngineOutcome;

typedef enum EngineWatch {
        ENGINE_WATCH_OFF,
        ENGINE_WATCH_INOTIFY,
        ENGINE_WATCH_MARKS,
        _ENGINE_WATCH_MAX,
} EngineWatch;

enum { ENGINE_LOG_BYTES = 1 << 16, ENGINE_OVERRIDES_MAX = 16 };

typedef struct EngineOptions {
        EngineWatch watch;
        const char *overrides[ENGINE_OVERRIDES_MAX + 1]; /* as in config.h */
        bool trace;
} EngineOptions;

/* Shared with the process; what it tells of the last command. */
typedef struct EngineReport {
        uint64_t operations[_OPERATION_MAX];
        bool proven;         /* by the last full pass */
        bool at_rest;        /* after ENGINE_REST: nothing was left to do */
        bool heard_all;      /* no events were lost, and there are some, since the last full pass */
        bool was_full;       /* a full pass ended with success since it was opened */
        unsigned n_failures; /* entries that could not be done and wait to be tried again */
        unsigned n_calls;
        char text[1024];
        char log[ENGINE_LOG_BYTES]; /* the last messages since it was opened */
        uint32_t n_log;
} EngineReport;

typedef struct ModelEngine ModelEngine;

ModelEngine *engine_model_new(const World *world, const EngineOptions *options);
ModelEngine *engine_model_free(ModelEngine *engine);

const EngineReport *engine_report(const ModelEngine *engine);
bool engine_is_open(const ModelEngine *engine);

/* Opens the pair first if it is not open (CLOSE excepted). AT: interrupted before the call of this
 * number; 0: not. SIDE is for LOSE_EVENTS. */
EngineOutcome engine_command(ModelEngine *engine, EngineCommand command, ModelSide side,
                             unsigned at);
EngineOutcome engine_go_on(ModelEngine *engine);
void engine_kill(ModelEngine *engine);
