/* How far something has come, and how long the rest takes. */

#include <check.h>
#include <stdint.h>

#include "basic/estimate.h"
#include "basic/macros.h"

static const struct {
        uint64_t done, expected;
        int progress;
} parts[] = {
        { 0, 0, -1 },    { 5, 0, -1 },   { 0, 10, 0 },
        { 5, 10, 500 },  { 9, 10, 900 }, { 10, 10, 999 },
        { 99, 10, 999 }, { 1, 2000, 0 }, { UINT64_MAX / 2, UINT64_MAX, 500 },
};

START_TEST(part_of_it) {
        ck_assert_int_eq(estimate_progress(parts[_i].done, parts[_i].expected), parts[_i].progress);
}
END_TEST

static const struct {
        usec_t elapsed;
        uint64_t done, expected;
        usec_t left;
} lefts[] = {
        { 10 * USEC_PER_SEC, 1, 2, 11 * USEC_PER_SEC }, /* rounded up */
        { 10 * USEC_PER_SEC, 100, 101, 1 * USEC_PER_SEC },
        { 10 * USEC_PER_SEC, 2, 2, 0 },
        { 10 * USEC_PER_SEC, 3, 2, 0 },
        { 10 * USEC_PER_SEC, 0, 2, 0 },
        { 10 * USEC_PER_SEC, 5, 0, 0 },
        { 1 * USEC_PER_SEC, 1, 2, 0 },
};

START_TEST(the_rest_of_it) {
        ck_assert_uint_eq(estimate_left(lefts[_i].elapsed, lefts[_i].done, lefts[_i].expected),
                          lefts[_i].left);
}
END_TEST

/* Half of the time goes by with small files, the other half with a large one. */
START_TEST(small_files_count) {
        uint64_t all = estimate_reading(10001, UINT64_C(1300) * 1024 * 1024),
                 small = estimate_reading(10000, 10000);

        ck_assert_int_ge(estimate_progress(small, all), 400);
        ck_assert_int_le(estimate_progress(small, all), 600);
}
END_TEST

int main(void) {
        Suite *suite = suite_create("estimate");
        TCase *tcase = tcase_create("estimate");
        SRunner *runner = srunner_create(suite);
        int n_failed;

        tcase_add_loop_test(tcase, part_of_it, 0, ELEMENTSOF(parts));
        tcase_add_loop_test(tcase, the_rest_of_it, 0, ELEMENTSOF(lefts));
        tcase_add_test(tcase, small_files_count);
        suite_add_tcase(suite, tcase);
        srunner_run_all(runner, CK_ENV);
        n_failed = srunner_ntests_failed(runner);
        srunner_free(runner);
        return n_failed > 0;
}
