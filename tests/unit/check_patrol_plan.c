#include <check.h>
#include <stdlib.h>

#include "basic/macros.h"
#include "sync/patrol-plan.h"

#define WEEKS4 (28 * USEC_PER_DAY)

static PatrolFacts facts_of(usec_t interval, uint64_t n_files, uint64_t n_bytes) {
        return (PatrolFacts) { .interval = interval, .n_files = n_files, .n_bytes = n_bytes };
}

START_TEST(periods) {
        PatrolFacts many = facts_of(WEEKS4, 84000, 1), few = facts_of(WEEKS4, 28, 1),
                    none = facts_of(WEEKS4, 0, 0), hasty = facts_of(2 * USEC_PER_SEC, 1000, 1);

        ck_assert_uint_eq(patrol_period(&many, false), USEC_PER_HOUR);
        ck_assert_uint_eq(patrol_period(&few, false), USEC_PER_DAY);
        ck_assert_uint_eq(patrol_period(&none, false), USEC_INFINITY);
        ck_assert_uint_eq(patrol_period(&none, true), USEC_INFINITY);
        ck_assert_uint_eq(patrol_period(&hasty, false), USEC_PER_SEC);
        /* What was cut off, and what has no hash, does not wait. */
        ck_assert_uint_eq(patrol_period(&many, true), USEC_PER_SEC);
        many.n_without_hash = 1;
        ck_assert_uint_eq(patrol_period(&many, false), USEC_PER_SEC);
}
END_TEST

/* Whatever the size of the pair and the interval, all is read once in it, and little more. */
START_TEST(all_is_read_in_time) {
        static const usec_t intervals[] = { USEC_PER_HOUR, USEC_PER_DAY, WEEKS4, 52 * WEEKS4 };
        static const uint64_t sizes[] = { 10, 12345, 84000, 10000000 };
        PatrolFacts facts = facts_of(intervals[_i / 4], sizes[_i % 4], sizes[_i % 4] * 16384);
        usec_t period = patrol_period(&facts, false), elapsed = 0;
        uint64_t n_bytes = 0;

        for (; elapsed < facts.interval; elapsed += period)
                n_bytes += patrol_share(&facts, period);
        ck_assert_uint_ge(n_bytes, facts.n_bytes);
        ck_assert_uint_le(n_bytes, facts.n_bytes + facts.n_bytes / 4);
}
END_TEST

START_TEST(shares) {
        PatrolFacts facts = facts_of(1000, 10, 1 << 20), none = facts_of(1000, 10, 0);

        ck_assert_uint_eq(patrol_share(&facts, 0), 1);
        ck_assert_uint_eq(patrol_share(&facts, 1000), 1 << 20);
        ck_assert_uint_eq(patrol_share(&facts, 1000000), 1 << 20);
        ck_assert_uint_gt(patrol_share(&facts, 500), 1 << 19);
        ck_assert_uint_eq(patrol_share(&none, 500), 1);
}
END_TEST

int main(void) {
        Suite *suite = suite_create("patrol-plan");
        TCase *tcase = tcase_create("patrol-plan");
        SRunner *runner = srunner_create(suite);
        int n_failed;

        suite_add_tcase(suite, tcase);
        tcase_add_test(tcase, periods);
        tcase_add_test(tcase, shares);
        tcase_add_loop_test(tcase, all_is_read_in_time, 0, 16);
        srunner_run_all(runner, CK_ENV);
        n_failed = srunner_ntests_failed(runner);
        srunner_free(runner);
        return n_failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
