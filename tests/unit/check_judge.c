/* The judgement's whole table, held against rules that are stated without it. */

#include <check.h>
#include <stdlib.h>

#include "basic/macros.h"
#include "sync/judge.h"

enum { N_CASES = _READING_MAX * _READING_MAX * _LIKENESS_MAX * 4 };

static Findings findings_of(int i) {
        return (Findings) {
                .source = (Reading) (i % _READING_MAX),
                .replica = (Reading) (i / _READING_MAX % _READING_MAX),
                .likeness = (Likeness) (i / (_READING_MAX * _READING_MAX) % _LIKENESS_MAX),
                .has_hash = i / (_READING_MAX * _READING_MAX * _LIKENESS_MAX) & 1,
                .source_has_medium = i / (_READING_MAX * _READING_MAX * _LIKENESS_MAX) & 2,
        };
}

static bool either(const Findings *f, Reading reading) {
        return f->source == reading || f->replica == reading;
}

static bool is_read(Reading reading) {
        return reading == READING_GOOD || reading == READING_DIFFERENT ||
               reading == READING_UNREADABLE;
}

static bool is_bad(Reading reading) {
        return reading == READING_DIFFERENT || reading == READING_UNREADABLE;
}

/* What each verdict takes for granted. */
static bool holds(const Findings *f, Verdict verdict) {
        bool at_rest = is_read(f->source) && is_read(f->replica);
        bool alike = f->likeness == LIKENESS_EQUAL;

        switch (verdict) {
        case VERDICT_FINE:
                return f->has_hash && f->source == READING_GOOD && f->replica == READING_GOOD;
        case VERDICT_LEARNT:
                return at_rest && !f->has_hash && alike && !either(f, READING_UNREADABLE);
        case VERDICT_MOVED:
                return either(f, READING_MOVED);
        case VERDICT_UNTRACED:
                return at_rest && !f->source_has_medium && f->source != READING_UNREADABLE &&
                       (f->has_hash ? f->source == READING_DIFFERENT : !alike);
        case VERDICT_SOURCE_ROT:
                return at_rest && is_bad(f->source) &&
                       !is_bad(f->has_hash ? f->replica : READING_GOOD) ==
                               (f->has_hash || f->replica != READING_UNREADABLE);
        case VERDICT_REPLICA_ROT:
                return at_rest && is_bad(f->replica) && f->source != READING_UNREADABLE &&
                       (f->has_hash ? f->source == READING_GOOD : f->replica == READING_UNREADABLE);
        case VERDICT_BOTH_ROT:
                return at_rest && is_bad(f->source) && is_bad(f->replica);
        case VERDICT_CATALOG:
                return f->has_hash && alike && f->source == READING_DIFFERENT &&
                       f->replica == READING_DIFFERENT && f->source_has_medium;
        case VERDICT_UNDECIDED:
                return at_rest && !f->has_hash && !alike && f->source_has_medium;
        case VERDICT_FAILED:
                return !either(f, READING_MOVED) &&
                       (either(f, READING_FAILED) || either(f, READING_UNSURE));
        default:
                return false;
        }
}

START_TEST(every_case) {
        Findings f = findings_of(_i);
        Verdict verdict = judge(&f);

        ck_assert_msg(holds(&f, verdict),
                      "source %d, replica %d, likeness %d, hash %d, medium %d: %s", f.source,
                      f.replica, f.likeness, f.has_hash, f.source_has_medium,
                      verdict_to_string(verdict));
        /* Whatever moved is nobody's damage. */
        if (either(&f, READING_MOVED))
                ck_assert(!verdict_is_damage(verdict));
        /* A source that is good is never accused. */
        if (f.has_hash && f.source == READING_GOOD)
                ck_assert(verdict != VERDICT_SOURCE_ROT && verdict != VERDICT_BOTH_ROT &&
                          verdict != VERDICT_CATALOG && verdict != VERDICT_UNTRACED);
}
END_TEST

static const struct {
        Reading source, replica;
        Likeness likeness;
        Verdict verdict;
} with_hash[] = {
        { READING_GOOD, READING_GOOD, LIKENESS_UNKNOWN, VERDICT_FINE },
        { READING_GOOD, READING_DIFFERENT, LIKENESS_UNKNOWN, VERDICT_REPLICA_ROT },
        { READING_GOOD, READING_UNREADABLE, LIKENESS_UNKNOWN, VERDICT_REPLICA_ROT },
        { READING_DIFFERENT, READING_GOOD, LIKENESS_UNKNOWN, VERDICT_SOURCE_ROT },
        { READING_UNREADABLE, READING_GOOD, LIKENESS_UNKNOWN, VERDICT_SOURCE_ROT },
        { READING_DIFFERENT, READING_DIFFERENT, LIKENESS_DIFFERENT, VERDICT_BOTH_ROT },
        { READING_DIFFERENT, READING_DIFFERENT, LIKENESS_EQUAL, VERDICT_CATALOG },
        { READING_DIFFERENT, READING_UNREADABLE, LIKENESS_UNKNOWN, VERDICT_BOTH_ROT },
        { READING_UNREADABLE, READING_DIFFERENT, LIKENESS_UNKNOWN, VERDICT_BOTH_ROT },
        { READING_UNREADABLE, READING_UNREADABLE, LIKENESS_UNKNOWN, VERDICT_BOTH_ROT },
        { READING_MOVED, READING_DIFFERENT, LIKENESS_UNKNOWN, VERDICT_MOVED },
        { READING_DIFFERENT, READING_MOVED, LIKENESS_UNKNOWN, VERDICT_MOVED },
        { READING_MOVED, READING_FAILED, LIKENESS_UNKNOWN, VERDICT_MOVED },
        { READING_DIFFERENT, READING_FAILED, LIKENESS_UNKNOWN, VERDICT_FAILED },
        { READING_GOOD, READING_UNSURE, LIKENESS_UNKNOWN, VERDICT_FAILED },
};

START_TEST(table) {
        Findings f = { .source = with_hash[_i].source,
                       .replica = with_hash[_i].replica,
                       .likeness = with_hash[_i].likeness,
                       .has_hash = true,
                       .source_has_medium = true };

        ck_assert_str_eq(verdict_to_string(judge(&f)), verdict_to_string(with_hash[_i].verdict));
}
END_TEST

/* Memory does not rot: there it was a store that left no trace. */
START_TEST(in_memory) {
        Findings f = { .source = READING_DIFFERENT, .replica = READING_GOOD, .has_hash = true };

        ck_assert_int_eq(judge(&f), VERDICT_UNTRACED);
        f.replica = READING_DIFFERENT;
        f.likeness = LIKENESS_EQUAL;
        ck_assert_int_eq(judge(&f), VERDICT_UNTRACED);
        f.source = READING_GOOD;
        ck_assert_int_eq(judge(&f), VERDICT_REPLICA_ROT);
}
END_TEST

START_TEST(names_differ) {
        for (int i = 0; i < _VERDICT_MAX; i++)
                for (int j = 0; j < i; j++)
                        ck_assert_str_ne(verdict_to_string(i), verdict_to_string(j));
        ck_assert_str_eq(verdict_to_string(_VERDICT_MAX), "invalid");
}
END_TEST

int main(void) {
        Suite *suite = suite_create("judge");
        TCase *tcase = tcase_create("judge");
        SRunner *runner = srunner_create(suite);
        int n_failed;

        suite_add_tcase(suite, tcase);
        tcase_add_loop_test(tcase, every_case, 0, N_CASES);
        tcase_add_loop_test(tcase, table, 0, ELEMENTSOF(with_hash));
        tcase_add_test(tcase, in_memory);
        tcase_add_test(tcase, names_differ);
        srunner_run_all(runner, CK_ENV);
        n_failed = srunner_ntests_failed(runner);
        srunner_free(runner);
        return n_failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
