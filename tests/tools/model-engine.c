#include "model-engine.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "model-engine-process.h"

/* Under valgrind or a sanitizer, beside other builds. */
#define DEADLINE_MSEC 120000

struct ModelEngine {
        EngineOptions options;
        World world;
        EngineReport *report;
        pid_t pid; /* 0: none */
        int command_fd, answer_fd, resume_fd;
};

ModelEngine *engine_model_new(const World *world, const EngineOptions *options) {
        ModelEngine *engine = must(calloc(1, sizeof *engine));

        engine->world = *world;
        engine->options = *options;
        engine->report = mmap(NULL, sizeof *engine->report, PROT_READ | PROT_WRITE,
                              MAP_SHARED | MAP_ANONYMOUS, -1, 0);
        if (engine->report == MAP_FAILED)
                model_die("shared memory");
        return engine;
}

ModelEngine *engine_model_free(ModelEngine *engine) {
        engine_kill(engine);
        (void) munmap(engine->report, sizeof *engine->report);
        free(engine);
        return NULL;
}

const EngineReport *engine_report(const ModelEngine *engine) {
        return engine->report;
}

bool engine_is_open(const ModelEngine *engine) {
        return engine->pid > 0;
}

static void make_pipe(int fds[2]) {
        must_call(pipe2(fds, O_CLOEXEC), "pipe");
}

static void start(ModelEngine *engine) {
        int command[2], answer[2], resume[2];

        make_pipe(command);
        make_pipe(answer);
        make_pipe(resume);
        memset(engine->report, 0, sizeof *engine->report);
        engine->pid = (pid_t) must_call(fork(), "fork");
        if (engine->pid == 0) {
                (void) prctl(PR_SET_PDEATHSIG, SIGKILL);
                (void) close(command[1]);
                (void) close(answer[0]);
                (void) close(resume[1]);
                engine_process(&(EngineProcess) {
                        .world = &engine->world,
                        .options = &engine->options,
                        .report = engine->report,
                        .command_fd = command[0],
                        .answer_fd = answer[1],
                        .resume_fd = resume[0],
                });
        }
        (void) close(command[0]);
        (void) close(answer[1]);
        (void) close(resume[0]);
        engine->command_fd = command[1];
        engine->answer_fd = answer[0];
        engine->resume_fd = resume[1];
}

static void forget(ModelEngine *engine) {
        if (engine->pid == 0)
                return;
        (void) close(engine->command_fd);
        (void) close(engine->answer_fd);
        (void) close(engine->resume_fd);
        must_call(waitpid(engine->pid, NULL, 0), "wait");
        engine->pid = 0;
}

void engine_kill(ModelEngine *engine) {
        if (engine->pid > 0)
                (void) kill(engine->pid, SIGKILL);
        forget(engine);
}

static EngineOutcome failed(ModelEngine *engine, const char *why) {
        EngineReport *report = engine->report;

        if (!report->text[0])
                (void) snprintf(report->text, sizeof report->text, "%s", why);
        engine_kill(engine);
        return ENGINE_FAILED;
}

static EngineOutcome await(ModelEngine *engine) {
        struct pollfd poll_fd = { .fd = engine->answer_fd, .events = POLLIN };
        char byte;

        if (poll(&poll_fd, 1, DEADLINE_MSEC) <= 0)
                return failed(engine, "the engine does not come to an end");
        if (read(engine->answer_fd, &byte, 1) != 1)
                return failed(engine, "the engine has crashed");
        switch (byte) {
        case ENGINE_SAYS_DONE:
                return ENGINE_DONE;
        case ENGINE_SAYS_INTERRUPTED:
                return ENGINE_INTERRUPTED;
        default:
                return failed(engine, "it failed");
        }
}

EngineOutcome engine_command(ModelEngine *engine, EngineCommand command, ModelSide side,
                             unsigned at) {
        EngineOrder order = { .command = command, .side = side, .at = at };
        EngineOutcome outcome;

        if (!engine->pid) {
                if (command == ENGINE_CLOSE)
                        return ENGINE_DONE;
                start(engine);
        }
        must_call(write(engine->command_fd, &order, sizeof order), "command");
        outcome = await(engine);
        if (command == ENGINE_CLOSE && outcome == ENGINE_DONE)
                forget(engine);
        return outcome;
}

EngineOutcome engine_go_on(ModelEngine *engine) {
        must_call(write(engine->resume_fd, "", 1), "resume");
        return await(engine);
}
