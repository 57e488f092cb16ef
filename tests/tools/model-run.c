#include "model-run.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "basic/macros.h"
#include "model-check.h"

typedef struct Run {
        const RunOptions *options;
        World world;
        ModelEngine *engine;
        Promises promises;
        Script *script;
        bool drawing;
        size_t next; /* of the script's steps */
        Random random;
        unsigned next_value;
        char threads[32]; /* the setting */
        bool linked;      /* there are or were hard links, of which inotify does not tell all */
        RunOutcome *outcome;
} Run;

static const struct {
        const char *name;
        const char *settings[3];
        /* Of somebody's steps, how many are done to the replica; by every third seed alone where
         * what is kept is looked at as long as nobody else was at it. */
        unsigned replica_percent;
        bool seldom;
} policies[_POLICY_MAX] = {
        [POLICY_ONE_WAY] = { "one-way", { NULL }, 20 },
        [POLICY_NO_OVERWRITE] = { "no-overwrite", { "Pair.Overwrite=no" }, 20, true },
        [POLICY_NO_DELETE] = { "no-delete", { "Pair.Delete=no" }, 20, true },
        [POLICY_ARCHIVE] = { "archive", { "Pair.Overwrite=no", "Pair.Delete=no" }, 20, true },
        [POLICY_TWO_WAY] = { "two-way", { "Pair.Direction=two-way" }, 50 },
};

static const char *const failure_names[_MODEL_FAILURE_MAX] = {
        [MODEL_PASSED] = "passed",
        [MODEL_ENGINE_FAILED] = "the engine failed",
        [MODEL_NO_REST] = "it does not come to rest",
        [MODEL_LIVE_NOT_EQUAL] = "the sides differ after all events were acted on",
        [MODEL_NOT_EQUAL] = "the sides differ after a full pass",
        [MODEL_POLICY_BROKEN] = "the policy was broken",
        [MODEL_CONTENT_LOST] = "a content was lost",
        [MODEL_CHANGE_LOST] = "a change was lost",
        [MODEL_NOT_IDLE] = "it is not idle although nothing has changed",
        [MODEL_NOT_PROVEN] = "equal sides are not recorded as equal",
        [MODEL_LITTER] = "something is left in staging",
};

const char *model_policy_to_string(ModelPolicy policy) {
        return policies[policy].name;
}

int model_policy_from_string(const char *name) {
        for (ModelPolicy policy = 0; policy < _POLICY_MAX; policy++)
                if (strcmp(policies[policy].name, name) == 0)
                        return policy;
        return -EINVAL;
}

const char *const *model_policy_settings(ModelPolicy policy) {
        return policies[policy].settings;
}

const char *model_failure_to_string(ModelFailure failure) {
        return failure_names[failure];
}

static bool has_failed(const Run *run) {
        return run->outcome->failure != MODEL_PASSED;
}

static void fail(Run *run, ModelFailure failure, const char *text) {
        if (failure == MODEL_PASSED || has_failed(run))
                return;
        run->outcome->failure = failure;
        run->outcome->step = run->next;
        (void) snprintf(run->outcome->text, sizeof run->outcome->text, "%s", text);
}

static void trace(const Run *run, const Step *step) {
        if (run->options->trace)
                step_print(stderr, step);
}

/* --- somebody's steps -------------------------------------------------------------------- */

static void act(Run *run, const Step *step) {
        Witness witness;

        trace(run, step);
        witness_before(&run->promises, step->side, &witness);
        (void) world_act(&run->world, step);
        witness_after(&run->promises, step, &witness);
        run->linked |= step->kind == STEP_LINK;
}

bool script_is_full(const Script *script) {
        return script->n_steps == MODEL_STEPS_MAX;
}

static void record(Run *run, const Step *step) {
        run->script->steps[run->script->n_steps++] = *step;
        run->next = run->script->n_steps;
}

static ModelSide draw_side(Run *run) {
        ModelPolicy policy = run->options->policy;
        unsigned ticket = random_below(&run->random, 100);

        if (policies[policy].seldom && run->options->seed / 9 % 3 > 0)
                return MODEL_SOURCE;
        return ticket < policies[policy].replica_percent ? MODEL_REPLICA : MODEL_SOURCE;
}

static void draw_and_act(Run *run, bool inside) {
        ModelSide side = draw_side(run);
        Witness witness;
        Step step;

        if (script_is_full(run->script))
                return;
        witness_before(&run->promises, side, &witness);
        step = world_draw(&run->world, &run->random, side, &run->next_value);
        step.inside = inside;
        trace(run, &step);
        witness_after(&run->promises, &step, &witness);
        record(run, &step);
        run->linked |= step.kind == STEP_LINK;
}

/* --- the engine's steps ------------------------------------------------------------------ */

static void act_inside(Run *run, const Step *step) {
        if (run->drawing) {
                for (unsigned n = random_below(&run->random, 3) + !step->kill; n > 0; n--)
                        draw_and_act(run, true);
                return;
        }
        while (run->next < run->script->n_steps && run->script->steps[run->next].inside)
                act(run, &run->script->steps[run->next++]);
}

static const EngineCommand commands[_STEP_KIND_MAX] = {
        [STEP_FULL] = ENGINE_FULL,          [STEP_FULL_LIVE] = ENGINE_FULL_LIVE,
        [STEP_DIRTY] = ENGINE_DIRTY,        [STEP_REST] = ENGINE_REST,
        [STEP_RESTART] = ENGINE_CLOSE,      [STEP_LOSE_EVENTS] = ENGINE_LOSE_EVENTS,
        [STEP_LOSE_CATALOG] = ENGINE_CLOSE,
};

static void note_operations(Run *run) {
        const EngineReport *report = engine_report(run->engine);

        for (int i = 0; i < _OPERATION_MAX; i++)
                run->outcome->n_operations += report->operations[i];
}

static void command(Run *run, const Step *step) {
        EngineOutcome outcome;
        char text[512];

        outcome = engine_command(run->engine, commands[step->kind], step->side, step->at);
        if (outcome == ENGINE_INTERRUPTED) {
                act_inside(run, step);
                if (step->kill) {
                        engine_kill(run->engine);
                        return;
                }
                outcome = engine_go_on(run->engine);
        }
        if (outcome == ENGINE_FAILED) {
                fail(run, MODEL_ENGINE_FAILED, engine_report(run->engine)->text);
                return;
        }
        note_operations(run);
        promises_note_work(&run->promises);
        fail(run, promises_check_contents(&run->promises, true, text, sizeof text), text);
}

static void come_to_rest(Run *run, EngineCommand kind) {
        EngineOutcome outcome = engine_command(run->engine, kind, MODEL_SOURCE, 0);

        if (outcome == ENGINE_FAILED)
                fail(run, MODEL_ENGINE_FAILED, engine_report(run->engine)->text);
        else if (!engine_report(run->engine)->at_rest)
                fail(run, MODEL_NO_REST, "pass follows upon pass");
        if (has_failed(run))
                return;
        note_operations(run);
        promises_note_work(&run->promises);
}

/* Events alone must have told all, where there are any. */
static void check_live(Run *run) {
        const EngineReport *report = engine_report(run->engine);
        char text[512];
        bool equal;

        if (!engine_is_open(run->engine) || !report->was_full || !report->heard_all)
                return;
        come_to_rest(run, ENGINE_REST);
        if (has_failed(run) || (run->linked && run->options->watch == ENGINE_WATCH_INOTIFY))
                return;
        if (promises_check_sides(&run->promises, &equal, text, sizeof text) != MODEL_PASSED)
                fail(run, MODEL_LIVE_NOT_EQUAL, text);
}

static void say_operations(const EngineReport *report, char *text, size_t size) {
        size_t n = 0;

        for (int i = 0; i < _OPERATION_MAX && n < size; i++)
                if (report->operations[i] > 0)
                        n += (size_t) snprintf(text + n, size - n, "%s %llu ",
                                               operation_to_string(i),
                                               (unsigned long long) report->operations[i]);
}

static void check_idle(Run *run, bool equal) {
        TreeList before[_MODEL_SIDE_MAX], after[_MODEL_SIDE_MAX];
        char text[512] = "";

        for (ModelSide side = 0; side < _MODEL_SIDE_MAX; side++)
                tree_list(run->world.sides[side], &before[side]);
        come_to_rest(run, ENGINE_FULL_LIVE);
        if (!has_failed(run)) {
                say_operations(engine_report(run->engine), text, sizeof text);
                if (text[0])
                        fail(run, MODEL_NOT_IDLE, text);
                if (equal && !engine_report(run->engine)->proven)
                        fail(run, MODEL_NOT_PROVEN, "a full pass that did nothing does not say so");
        }
        for (ModelSide side = 0; side < _MODEL_SIDE_MAX; side++) {
                tree_list(run->world.sides[side], &after[side]);
                if (!tree_lists_untouched(&before[side], &after[side], text, sizeof text))
                        fail(run, MODEL_NOT_IDLE, text);
                tree_list_done(&before[side]);
                tree_list_done(&after[side]);
        }
}

static bool has_links(const Run *run) {
        bool found = false;

        for (ModelSide side = 0; side < _MODEL_SIDE_MAX; side++) {
                TreeList list;

                tree_list(run->world.sides[side], &list);
                for (size_t i = 0; i < list.n_entries; i++)
                        found |= !S_ISDIR(list.entries[i].mode) && list.entries[i].n_links > 1;
                tree_list_done(&list);
        }
        return found;
}

static void check(Run *run) {
        char text[512];
        bool equal;

        check_live(run);
        if (has_failed(run))
                return;
        come_to_rest(run, ENGINE_FULL_LIVE);
        if (has_failed(run))
                return;
        fail(run, promises_check_sides(&run->promises, &equal, text, sizeof text), text);
        fail(run, promises_check_contents(&run->promises, false, text, sizeof text), text);
        if (has_failed(run))
                return;
        check_idle(run, equal);
        if (world_has_litter(&run->world, text, sizeof text))
                fail(run, MODEL_LITTER, text);
        run->linked = has_links(run);
        promises_go_on(&run->promises);
}

static void lose_catalog(Run *run) {
        static const char *const names[] = { "catalog.db", "catalog.db-wal", "catalog.db-shm" };
        char path[512];

        for (size_t i = 0; i < ELEMENTSOF(names); i++) {
                (void) snprintf(path, sizeof path, "%s/.r.rebackup/%s", run->world.root, names[i]);
                (void) remove(path);
        }
        promises_note_lost_catalog(&run->promises);
}

static void work(Run *run, const Step *step) {
        trace(run, step);
        if (step->kind == STEP_CHECK)
                check(run);
        else if (step->kind != STEP_LOSE_EVENTS || engine_is_open(run->engine))
                command(run, step);
        if (step->kind == STEP_LOSE_CATALOG && !engine_is_open(run->engine))
                lose_catalog(run);
}

/* --- drawing ----------------------------------------------------------------------------- */

static Step draw_engine_step(Run *run) {
        static const struct {
                StepKind kind;
                unsigned weight;
        } weights[] = {
                { STEP_FULL, 20 }, { STEP_FULL_LIVE, 14 },   { STEP_DIRTY, 30 },
                { STEP_REST, 14 }, { STEP_LOSE_EVENTS, 7 },  { STEP_RESTART, 6 },
                { STEP_CHECK, 7 }, { STEP_LOSE_CATALOG, 2 },
        };
        unsigned ticket = random_below(&run->random, 100), i = 0;
        Step step = {};

        while (ticket >= weights[i].weight)
                ticket -= weights[i++].weight;
        step.kind = weights[i].kind;
        step.side = random_below(&run->random, 2) ? MODEL_REPLICA : MODEL_SOURCE;
        if (step.kind <= STEP_REST && random_below(&run->random, 100) < 40) {
                step.at = 1 + random_below(&run->random, 2U << random_below(&run->random, 9));
                step.kill = random_below(&run->random, 100) < 45;
        }
        return step;
}

static void draw_script(Run *run) {
        while (run->script->n_steps < run->options->n_steps && !script_is_full(run->script) &&
               !has_failed(run)) {
                if (random_below(&run->random, 100) < 72) {
                        draw_and_act(run, false);
                        continue;
                }
                Step step = draw_engine_step(run);

                record(run, &step);
                work(run, &step);
        }
}

static void play_script(Run *run) {
        while (run->next < run->script->n_steps && !has_failed(run)) {
                const Step *step = &run->script->steps[run->next++];

                if (step_is_by_engine(step))
                        work(run, step);
                else
                        act(run, step);
        }
}

static void set_up_engine(Run *run) {
        const char *const *settings = model_policy_settings(run->options->policy);
        EngineOptions engine_options = { .watch = run->options->watch,
                                         .trace = run->options->trace };
        size_t n = 0;

        (void) snprintf(run->threads, sizeof run->threads, "Sync.Threads=%u",
                        run->options->n_threads);
        engine_options.overrides[n++] = run->threads;
        engine_options.overrides[n++] = "Versions.Keep=1000w";
        engine_options.overrides[n++] = "Versions.MinInterval=0";
        engine_options.overrides[n++] = "Versions.KeepFree=0%";
        for (size_t i = 0; settings[i]; i++)
                engine_options.overrides[n++] = settings[i];
        run->engine = engine_model_new(&run->world, &engine_options);
}

void run_script(const RunOptions *options, Script *script, bool draw, RunOutcome *ret) {
        Run run = {
                .options = options,
                .script = script,
                .drawing = draw,
                .random = { options->seed },
                .next_value = 4,
                .outcome = ret,
        };

        *ret = (RunOutcome) {};
        if (draw)
                script->n_steps = 0;
        world_make(&run.world, options->directory);
        promises_begin(&run.promises, &run.world, options->policy);
        run.promises.ignore_links = options->ignore_links;
        set_up_engine(&run);
        if (draw)
                draw_script(&run);
        else
                play_script(&run);
        if (!has_failed(&run))
                check(&run);
        run.engine = engine_model_free(run.engine);
        promises_done(&run.promises);
        if (!has_failed(&run) || !options->trace)
                world_remove(&run.world);
}
