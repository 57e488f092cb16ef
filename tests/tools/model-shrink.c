#include <stdlib.h>
#include <string.h>

#include "model-run.h"

static bool still_fails(const RunOptions *options, Script *script, RunOutcome *outcome,
                        unsigned n_tries) {
        RunOutcome again;

        for (unsigned i = 0; i < n_tries; i++) {
                run_script(options, script, false, &again);
                if (again.failure == outcome->failure) {
                        *outcome = again;
                        return true;
                }
        }
        return false;
}

static void leave_out(const Script *script, size_t first, size_t n, Script *ret) {
        *ret = *script;
        memmove(ret->steps + first, ret->steps + first + n,
                (script->n_steps - first - n) * sizeof *ret->steps);
        ret->n_steps -= n;
}

/* From the end, where what matters is more often than at the beginning. */
static bool leave_out_pieces(const RunOptions *options, Script *script, RunOutcome *outcome,
                             unsigned n_tries, size_t size) {
        Script *candidate = must(malloc(sizeof *candidate));
        bool shorter = false;

        for (size_t end = script->n_steps; end >= size; end--) {
                if (end > script->n_steps)
                        continue;
                leave_out(script, end - size, size, candidate);
                if (!still_fails(options, candidate, outcome, n_tries))
                        continue;
                *script = *candidate;
                shorter = true;
        }
        free(candidate);
        return shorter;
}

/* Without the interruption, or at least without the kill; by one thread. */
static void simplify(const RunOptions *options, Script *script, RunOutcome *outcome,
                     unsigned n_tries) {
        for (size_t i = 0; i < script->n_steps; i++) {
                Step step = script->steps[i];

                if (step.at == 0)
                        continue;
                script->steps[i].kill = false;
                script->steps[i].at = 0;
                if (still_fails(options, script, outcome, n_tries))
                        continue;
                script->steps[i] = step;
                if (!step.kill)
                        continue;
                script->steps[i].kill = false;
                if (!still_fails(options, script, outcome, n_tries))
                        script->steps[i] = step;
        }
}

void run_shrink(const RunOptions *options, Script *script, RunOutcome *outcome, unsigned n_tries) {
        RunOptions quiet = *options;
        bool shorter = true;

        quiet.trace = false;
        if (outcome->step < script->n_steps)
                script->n_steps = outcome->step;
        while (shorter) {
                shorter = false;
                for (size_t size = script->n_steps / 2; size > 0; size /= 2)
                        shorter |= leave_out_pieces(&quiet, script, outcome, n_tries, size);
                simplify(&quiet, script, outcome, n_tries);
        }
}
