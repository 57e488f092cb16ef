/* The order of a pass's phases, over all situations. */

#include <check.h>
#include <stdlib.h>

#include "basic/macros.h"
#include "sync/phase.h"

enum { N_PHASES = PHASE_DONE + 1, N_FLAGS = 6, N_SITUATIONS = _PASS_KIND_MAX << N_FLAGS };

static PassSituation situation_of(int i) {
        return (PassSituation) {
                .kind = (PassKind) (i >> N_FLAGS),
                .ended_early = i & 1,
                .dry_run = i & 2,
                .has_late = i & 4,
                .has_removals = i & 8,
                .has_parked = i & 16,
                .must_judge = i & 32,
        };
}

#define EXPECT(condition)                                                                    \
        ck_assert_msg(condition,                                                             \
                      "%s: kind %d from %d to %d: early %d dry %d late %d removals "         \
                      "%d parked %d judge %d",                                               \
                      #condition, s.kind, phase, next, s.ended_early, s.dry_run, s.has_late, \
                      s.has_removals, s.has_parked, s.must_judge)

/* What must hold of every step from every phase. */
START_TEST(steps_keep_the_order) {
        PassSituation s = situation_of(_i);

        for (int phase = PHASE_BEGIN; phase < N_PHASES; phase++) {
                int next = (int) phase_next((PassPhase) phase, &s);

                EXPECT(next >= phase && next != PHASE_BEGIN);
                EXPECT(!s.ended_early || next == PHASE_DONE);
                EXPECT(next != phase || next == PHASE_DONE ||
                       ((next == PHASE_VISIT) && s.has_late) ||
                       ((next == PHASE_REMOVE) && (s.has_late || s.has_removals)));
                /* Nothing is removed before the roots were checked again. */
                EXPECT(next != PHASE_REMOVE || (phase >= PHASE_RECHECK && phase <= PHASE_REMOVE));
                EXPECT(next != PHASE_PARKED || (phase >= PHASE_RECHECK && phase <= PHASE_REMOVE));
                EXPECT(next != PHASE_RECHECK || s.has_removals || s.has_parked || s.must_judge);
                /* ... and, if need be, counted and judged. */
                EXPECT(phase != PHASE_RECHECK || s.ended_early ||
                       (next == PHASE_COUNT) == s.must_judge);
                EXPECT(phase != PHASE_COUNT || s.ended_early || next == PHASE_LIMIT);
                EXPECT(s.ended_early || s.kind == PASS_ARM || phase > PHASE_VISIT ||
                       !s.must_judge || next <= PHASE_RECHECK);
                /* Nothing is left undone. */
                EXPECT(s.ended_early || s.kind == PASS_ARM || phase > PHASE_VISIT || !s.has_late ||
                       next == PHASE_VISIT);
                EXPECT(s.ended_early || s.kind == PASS_ARM || phase > PHASE_REMOVE ||
                       !s.has_removals || next <= PHASE_REMOVE);
                EXPECT(s.ended_early || s.kind == PASS_ARM || phase >= PHASE_PARKED ||
                       !s.has_parked || next <= PHASE_PARKED);
                EXPECT(next != PHASE_BIND || (s.kind == PASS_FULL && !s.dry_run));
                EXPECT(s.kind != PASS_FULL || s.dry_run || s.ended_early || phase >= PHASE_BIND ||
                       next != PHASE_DONE);
                EXPECT(s.kind != PASS_ARM || phase > PHASE_VISIT || next == PHASE_DONE);
        }
}
END_TEST

/* Once nothing is left, every pass comes to its end. */
START_TEST(passes_end) {
        PassSituation s = situation_of(_i);

        s.has_late = s.has_removals = s.has_parked = s.must_judge = false;
        for (int phase = PHASE_BEGIN; phase < N_PHASES; phase++) {
                int next = phase;

                for (int n = 0; n < N_PHASES && next != PHASE_DONE; n++)
                        next = (int) phase_next((PassPhase) next, &s);
                EXPECT(next == PHASE_DONE);
        }
}
END_TEST

static const struct {
        PassSituation situation;
        PassPhase from, to;
} steps[] = {
        /* A full pass with everything in it. */
        { { .kind = PASS_FULL, .has_late = true }, PHASE_BEGIN, PHASE_VISIT },
        { { .kind = PASS_FULL, .has_late = true, .has_removals = true }, PHASE_VISIT, PHASE_VISIT },
        { { .kind = PASS_FULL, .has_removals = true }, PHASE_VISIT, PHASE_RECHECK },
        { { .kind = PASS_FULL, .has_removals = true, .has_parked = true },
          PHASE_RECHECK,
          PHASE_REMOVE },
        { { .kind = PASS_FULL, .has_late = true, .has_parked = true }, PHASE_REMOVE, PHASE_REMOVE },
        { { .kind = PASS_FULL, .has_parked = true }, PHASE_REMOVE, PHASE_PARKED },
        { { .kind = PASS_FULL, .has_parked = true }, PHASE_PARKED, PHASE_BIND },
        { { .kind = PASS_FULL }, PHASE_BIND, PHASE_DONE },
        /* Displaced directories alone ask for the check as well. */
        { { .kind = PASS_DIRTY, .has_parked = true }, PHASE_VISIT, PHASE_RECHECK },
        { { .kind = PASS_DIRTY, .has_parked = true }, PHASE_RECHECK, PHASE_PARKED },
        { { .kind = PASS_DIRTY, .has_parked = true }, PHASE_PARKED, PHASE_DONE },
        /* The quick ways. */
        { { .kind = PASS_FULL }, PHASE_BEGIN, PHASE_BIND },
        { { .kind = PASS_FULL, .dry_run = true }, PHASE_BEGIN, PHASE_DONE },
        { { .kind = PASS_DIRTY }, PHASE_BEGIN, PHASE_DONE },
        { { .kind = PASS_ARM }, PHASE_BEGIN, PHASE_DONE },
        /* A dry run tells of removals, too. */
        { { .kind = PASS_FULL, .dry_run = true, .has_removals = true },
          PHASE_BEGIN,
          PHASE_RECHECK },
        { { .kind = PASS_FULL, .dry_run = true, .has_removals = true },
          PHASE_RECHECK,
          PHASE_REMOVE },
        { { .kind = PASS_FULL, .dry_run = true }, PHASE_REMOVE, PHASE_DONE },
        /* The recheck found a guard's reason to stop. */
        { { .kind = PASS_FULL, .ended_early = true, .has_removals = true },
          PHASE_RECHECK,
          PHASE_DONE },
};

START_TEST(single_steps) {
        ck_assert_int_eq(phase_next(steps[_i].from, &steps[_i].situation), steps[_i].to);
}
END_TEST

int main(void) {
        Suite *suite = suite_create("phase");
        TCase *tcase = tcase_create("phase");
        SRunner *runner = srunner_create(suite);
        int n_failed;

        suite_add_tcase(suite, tcase);
        tcase_add_loop_test(tcase, steps_keep_the_order, 0, N_SITUATIONS);
        tcase_add_loop_test(tcase, passes_end, 0, N_SITUATIONS);
        tcase_add_loop_test(tcase, single_steps, 0, ELEMENTSOF(steps));
        srunner_run_all(runner, CK_ENV);
        n_failed = srunner_ntests_failed(runner);
        srunner_free(runner);
        return n_failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
