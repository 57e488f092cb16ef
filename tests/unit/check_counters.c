/* What was done, in numbers and words. */

#include <check.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "basic/macros.h"
#include "sync/counters.h"

static const struct {
        Operation operation;
        const char *verb, *past;
} names[] = {
        { OPERATION_COPY, "copy", "copied" },
        { OPERATION_UPDATE, "update", "updated" },
        { OPERATION_RENAME, "rename", "renamed" },
        { OPERATION_LINK, "link", "linked" },
        { OPERATION_MKDIR, "mkdir", "made" },
        { OPERATION_METADATA, "metadata", "metadata of" },
        { OPERATION_REMOVE, "remove", "removed" },
        { OPERATION_ADOPT, "adopt", "adopted" },
        { OPERATION_HEAL, "heal", "healed" },
        { OPERATION_VERSION, "version", "kept a version of" },
        { OPERATION_KEEP, "keep", "kept" },
        { OPERATION_FAIL, "fail", "failed" },
        { _OPERATION_MAX, "invalid", "invalid" },
        { _OPERATION_INVALID, "invalid", "invalid" },
};

START_TEST(operations_have_names) {
        ck_assert_str_eq(operation_to_string(names[_i].operation), names[_i].verb);
        ck_assert_str_eq(operation_to_past(names[_i].operation), names[_i].past);
}
END_TEST

START_TEST(every_operation_is_named) {
        ck_assert_uint_eq(ELEMENTSOF(names) - 2, _OPERATION_MAX);
        for (int i = 0; i < _OPERATION_MAX; i++)
                for (int j = 0; j < i; j++)
                        ck_assert_str_ne(operation_to_string(i), operation_to_string(j));
}
END_TEST

/* Numbers each field of COUNTERS from FIRST on; so a field that is left out is seen. */
static void number(Counters *counters, uint64_t first) {
        for (size_t i = 0; i < ELEMENTSOF(counters->operations); i++)
                counters->operations[i] = first++;
        counters->n_entries = first++;
        counters->n_directories = first++;
        counters->n_bytes = first++;
        counters->n_unstable = first++;
        counters->n_held = first++;
        counters->n_foreign = first++;
        counters->n_conflicts = first++;
        counters->n_limited = first++;
        counters->n_verified = first++;
        counters->n_verified_bytes = first++;
        counters->n_rotten = first++;
        counters->n_rot_healed = first++;
        for (size_t i = 0; i < HISTOGRAM_BUCKETS; i++)
                counters->lags[i] = first++;
        counters->lag_sum = first++;
        counters->lag_max = first++;
}

START_TEST(counters_add_up) {
        Counters total = {}, more = {}, expected = {};

        number(&more, 1);
        counters_add(&total, &more);
        ck_assert_mem_eq(&total, &more, sizeof total);

        number(&total, 100);
        counters_add(&total, &more);
        for (size_t i = 0; i < sizeof total / sizeof total.n_bytes; i++)
                ((atomic_uint_fast64_t *) &expected)[i] = 101 + 2 * i;
        expected.lag_max = 100 + offsetof(Counters, lag_max) / sizeof total.lag_max;
        ck_assert_mem_eq(&total, &expected, sizeof total);
}
END_TEST

START_TEST(lags) {
        Counters counters = {};

        counters_add_lag(&counters, 3);
        counters_add_lag(&counters, 1000);
        counters_add_lag(&counters, 2);
        ck_assert_uint_eq(counters.lags[histogram_bucket(2)], 2);
        ck_assert_uint_eq(counters.lags[histogram_bucket(1000)], 1);
        ck_assert_uint_eq(counters.lag_sum, 1005);
        ck_assert_uint_eq(counters.lag_max, 1000);
}
END_TEST

int main(void) {
        Suite *suite = suite_create("counters");
        TCase *tcase = tcase_create("counters");
        SRunner *runner = srunner_create(suite);
        int n_failed;

        suite_add_tcase(suite, tcase);
        tcase_add_loop_test(tcase, operations_have_names, 0, ELEMENTSOF(names));
        tcase_add_test(tcase, every_operation_is_named);
        tcase_add_test(tcase, counters_add_up);
        tcase_add_test(tcase, lags);
        srunner_run_all(runner, CK_ENV);
        n_failed = srunner_ntests_failed(runner);
        srunner_free(runner);
        return n_failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
