#include "model-engine-process.h"

#include <errno.h>
#include <poll.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "basic/log.h"
#include "daemon/dirty-event.h"
#include "model-hook.h"
#include "sync/engine.h"
#include "sync/retire.h"

/* A pair at rest needs one round; what waits for events of its own doing needs a few. */
enum { ROUNDS_MAX = 60, DRAIN_ROUNDS_MAX = 64, ATTEMPTS_MAX = 12 };

/* The one pair of this process, open from its first command on. */
static EngineProcess self;
static Config *config;
static Pair *pair;
static Tree *tree;
static Watch *watches[_WATCH_SIDE_MAX];
static Node *root;
static DirtySet *dirty;
static Engine *engine;

static bool want_full, live;
static unsigned lost_sides; /* bits of WatchSide */

static void answer(char byte) {
        if (write(self.answer_fd, &byte, 1) != 1)
                _exit(2);
}

__attribute__((format(printf, 1, 2))) static _Noreturn void fail(const char *format, ...) {
        va_list arguments;

        va_start(arguments, format);
        (void) vsnprintf(self.report->text, sizeof self.report->text, format, arguments);
        va_end(arguments);
        answer(ENGINE_SAYS_FAILED);
        (void) pause();
        _exit(1);
}

static void must_be_ok(int r, const char *what) {
        if (r < 0)
                fail("%s: %s", what, strerror(-r));
}

/* The last messages stay. */
static void keep_message(const LogRecord *record, void *userdata) {
        EngineReport *report = self.report;
        size_t length = strlen(record->message) + 1;

        (void) userdata;
        if (self.options->trace)
                (void) fprintf(stderr, "        %s\n", record->message);
        if (report->n_log + length >= sizeof report->log)
                report->n_log = 0;
        (void) snprintf(report->log + report->n_log, sizeof report->log - report->n_log, "%s\n",
                        record->message);
        report->n_log += (uint32_t) length;
}

static void interrupted(void) {
        char byte;

        answer(ENGINE_SAYS_INTERRUPTED);
        if (read(self.resume_fd, &byte, 1) != 1)
                _exit(2);
}

/* --- events, as the daemon takes them ---------------------------------------------------- */

typedef struct Drain {
        WatchSide side;
        bool lose;
} Drain;

static void note_name(const WatchEvent *event, WatchSide side, unsigned flags, usec_t now) {
        must_be_ok(dirty_add(dirty, event->node, event->name, flags, now), "dirty set");
        if (side == WATCH_REPLICA)
                must_be_ok(dirty_add(dirty, event->node, NULL, DIRTY_SELF | flags, now),
                           "dirty set");
}

static void note_file(const WatchEvent *event, WatchSide side, usec_t now) {
        if (side == WATCH_REPLICA && event->flags & WATCH_EVENT_FILE &&
            watch_skips_own(watches[WATCH_REPLICA]))
                want_full = true;
        if (side == WATCH_SOURCE && event_tells_file(event) &&
            dirty_add_file(dirty, event->file, now) < 0)
                want_full = true;
}

static void on_event(const WatchEvent *event, void *userdata) {
        usec_t now = now_usec(CLOCK_MONOTONIC);
        const Drain *drain = userdata;
        unsigned flags;

        if (self.options->trace)
                (void) fprintf(stderr, "        %s event of the %s: \"%s\" in \"%s\", flags %x\n",
                               drain->lose ? "lost" : "an", drain->side ? "replica" : "source",
                               event->name ?: "", event->node ? event->node->name : "",
                               event->flags);
        if (drain->lose)
                return;
        note_file(event, drain->side, now);
        switch (event_meaning(event, event->node == root, &flags)) {
        case EVENT_NOTHING:
                break;
        case EVENT_NAME:
                note_name(event, drain->side, flags, now);
                break;
        case EVENT_SELF:
        case EVENT_LISTING:
                must_be_ok(dirty_add(dirty, event->node, NULL, flags, now), "dirty set");
                break;
        case EVENT_ROOT:
                want_full = true;
                break;
        case EVENT_OVERFLOW:
                lost_sides |= 1U << drain->side;
                break;
        }
}

static void drain_side(WatchSide side, bool lose) {
        Drain drain = { .side = side, .lose = lose };
        int r = watches[side] ? 1 : 0;

        for (unsigned round = 0; r > 0 && round < DRAIN_ROUNDS_MAX; round++)
                r = watch_drain(watches[side], on_event, &drain);
        must_be_ok(r, "events");
}

static void drain(void) {
        drain_side(WATCH_SOURCE, false);
        drain_side(WATCH_REPLICA, false);
}

/* --- passes ------------------------------------------------------------------------------ */

static void put_back(Node *node, const DirtyName *name) {
        DirtyName again = *name;

        if (name->n_attempts > 0)
                self.report->n_failures++;
        if (name->n_attempts > ATTEMPTS_MAX)
                fail("\"%s\" of \"%s\" keeps failing", name->name ?: "", node->name);
        must_be_ok(dirty_add_retry(dirty, node, &again, now_usec(CLOCK_MONOTONIC)), "dirty set");
}

static void put_all_back(const DirtyBatch *batch) {
        for (size_t i = 0; i < batch->n_directories; i++) {
                const DirtyDirectory *directory = &batch->directories[i];

                if (directory->listing || directory->self)
                        put_back(directory->node,
                                 &(DirtyName) { .first = directory->first,
                                                .n_attempts = directory->n_attempts });
                for (size_t k = 0; k < directory->n_names; k++)
                        put_back(directory->node, &directory->names[k]);
        }
}

static void take_linked(void) {
        WatchFile *files = NULL;
        size_t n = 0;
        int r = engine_take_linked(engine, &files, &n);

        for (size_t i = 0; r >= 0 && i < n; i++)
                r = dirty_add_file(dirty, files[i], now_usec(CLOCK_MONOTONIC));
        if (r < 0)
                want_full = true;
        free(files);
}

static void pass_ended(PassResult *result) {
        EngineReport *report = self.report;

        if (result->result != 0)
                fail("a pass of kind %d ended with %d: %s", result->kind, result->result,
                     result->error ?: "");
        for (int i = 0; i < _OPERATION_MAX; i++)
                report->operations[i] += result->counters.operations[i];
        want_full |= (result->rebuilt || result->foreign_links) && result->kind != PASS_FULL;
        want_full |= result->retries_dropped;
        if (result->kind == PASS_FULL) {
                live = report->was_full = true;
                report->proven = result->proven;
        }
        put_all_back(&result->retries);
}

/* Returns whether a pass ended within TIMEOUT. */
static bool collect(int timeout) {
        struct pollfd poll_fd = { .fd = engine_fd(engine), .events = POLLIN };
        bool ended = false;

        (void) poll(&poll_fd, 1, timeout);
        for (;;) {
                PassResult result = {};

                if (engine_collect(engine, &result) <= 0)
                        break;
                ended = true;
                pass_ended(&result);
                pass_result_done(&result);
        }
        take_linked();
        return ended;
}

static bool is_busy(void) {
        for (PassKind kind = 0; kind < _PASS_KIND_MAX; kind++)
                if (engine_is_running(engine, kind))
                        return true;
        return false;
}

static void await_all(void) {
        while (is_busy())
                (void) collect(1000);
        (void) collect(0);
}

static void start_full(void) {
        if (!live)
                dirty_clear(dirty);
        want_full = false;
        lost_sides = 0;
        self.report->heard_all = watches[WATCH_SOURCE] != NULL;
        self.report->n_failures = 0;
        must_be_ok(engine_start(engine, PASS_FULL), "starting a full pass");
}

static bool start_dirty(void) {
        DirtyBatch batch = DIRTY_BATCH_NULL;
        bool any;

        must_be_ok(dirty_take(dirty, now_usec(CLOCK_MONOTONIC), &batch), "dirty set");
        any = batch.n_directories > 0 || batch.n_files > 0;
        if (any)
                must_be_ok(engine_start_dirty(engine, &batch), "starting a dirty pass");
        dirty_batch_done(&batch);
        return any;
}

static void start_survey(void) {
        WatchSide side = lost_sides & 1U << WATCH_SOURCE ? WATCH_SOURCE : WATCH_REPLICA;

        must_be_ok(engine_start_survey(engine, side), "starting a survey");
        lost_sides &= ~(1U << side);
}

/* Starts what is due and may be started now; false when there is nothing. */
static bool start_what_is_due(void) {
        bool started = false;

        drain();
        if (lost_sides == (1U << WATCH_SOURCE | 1U << WATCH_REPLICA) || (lost_sides && !live))
                want_full = true;
        if (want_full && !engine_is_running(engine, PASS_FULL) &&
            !engine_is_running(engine, PASS_SURVEY)) {
                start_full();
                started = true;
        }
        if (live && !engine_is_running(engine, PASS_DIRTY))
                started |= start_dirty();
        if (lost_sides && live && !engine_is_running(engine, PASS_FULL) &&
            !engine_is_running(engine, PASS_SURVEY) && !engine_is_running(engine, PASS_DIRTY)) {
                start_survey();
                started = true;
        }
        return started;
}

static void come_to_rest(void) {
        unsigned n_rounds = 0;

        self.report->at_rest = false;
        while (start_what_is_due() || is_busy()) {
                if (collect(1000) && ++n_rounds > ROUNDS_MAX)
                        return;
        }
        /* A link of the replica's that is unlinked changes the file. */
        retire_drain(engine);
        drain();
        self.report->at_rest = true;
}

/* --- commands ---------------------------------------------------------------------------- */

static void open_watch(WatchSide side, EngineWatch kind) {
        WatchOptions options = {
                .side = side,
                .backend = kind == ENGINE_WATCH_MARKS ? WATCH_BACKEND_DIRECTORY_MARKS
                                                      : WATCH_BACKEND_INOTIFY,
                .skip_own = side == WATCH_REPLICA && kind == ENGINE_WATCH_MARKS,
        };

        if (kind != ENGINE_WATCH_OFF)
                must_be_ok(watch_new(&watches[side], &options, -EBADF), "watching");
}

static void open_pair(void) {
        char *error = NULL;
        int r;

        must_be_ok(config_from_arguments(self.world->sides[MODEL_SOURCE],
                                         self.world->sides[MODEL_REPLICA], self.options->overrides,
                                         &config, &error),
                   error ?: "configuration");
        r = pair_open(config, NULL, false, &pair, &error);
        if (r != 0)
                fail("the pair cannot be opened (%d): %s", r, error ?: "");
        must_be_ok(tree_new(&tree), "tree");
        root = tree_root(tree);
        must_be_ok(dirty_new(&dirty, (DirtyTimes) { .settle = 0, .max_delay = USEC_PER_SEC }),
                   "dirty set");
        open_watch(WATCH_SOURCE, self.options->watch);
        open_watch(WATCH_REPLICA, self.options->watch);
        must_be_ok(engine_new(pair, tree, watches[WATCH_SOURCE], watches[WATCH_REPLICA], &engine),
                   "engine");
        want_full = true;
}

static void close_pair(void) {
        engine = engine_free(engine);
        dirty = dirty_free(dirty);
        for (WatchSide side = 0; side < _WATCH_SIDE_MAX; side++)
                watches[side] = watch_free(watches[side]);
        root = node_unref(root);
        tree = tree_free(tree);
        pair = pair_close(pair);
        config = config_free(config);
}

static void obey(const EngineOrder *order) {
        switch (order->command) {
        case ENGINE_FULL:
                start_full();
                await_all();
                break;
        case ENGINE_FULL_LIVE:
                want_full = true;
                come_to_rest();
                break;
        case ENGINE_DIRTY:
                drain();
                if (live && start_dirty())
                        await_all();
                break;
        case ENGINE_REST:
                come_to_rest();
                break;
        case ENGINE_LOSE_EVENTS:
                drain_side(order->side == MODEL_SOURCE ? WATCH_SOURCE : WATCH_REPLICA, true);
                lost_sides |= 1U << (order->side == MODEL_SOURCE ? WATCH_SOURCE : WATCH_REPLICA);
                break;
        case ENGINE_CLOSE:
                close_pair();
                break;
        }
}

_Noreturn void engine_process(const EngineProcess *process) {
        EngineReport *report;
        EngineOrder order;

        self = *process;
        report = self.report;
        must_be_ok(log_add_sink(keep_message, NULL), "log");
        must_call(setenv("STATE_DIRECTORY", self.world->state, 1), "environment");
        (void) umask(0);
        while (read(self.command_fd, &order, sizeof order) == sizeof order) {
                memset(report->operations, 0, sizeof report->operations);
                hook_arm(order.at, interrupted);
                if (!engine && order.command != ENGINE_CLOSE)
                        open_pair();
                obey(&order);
                report->n_calls = hook_disarm();
                answer(ENGINE_SAYS_DONE);
        }
        _exit(0);
}
