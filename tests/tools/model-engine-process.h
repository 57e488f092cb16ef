#pragma once

/* The process that has the engine: its side of the pipes. */

#include "model-engine.h"

enum { ENGINE_SAYS_DONE = 'D', ENGINE_SAYS_INTERRUPTED = 'I', ENGINE_SAYS_FAILED = 'F' };

typedef struct EngineOrder {
        EngineCommand command;
        ModelSide side;
        unsigned at;
} EngineOrder;

typedef struct EngineProcess {
        const World *world;
        const EngineOptions *options;
        EngineReport *report;
        int command_fd, answer_fd, resume_fd;
} EngineProcess;

_Noreturn void engine_process(const EngineProcess *process);
