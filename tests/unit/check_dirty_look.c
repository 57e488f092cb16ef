/* What a dirty set answers: how long things wait, when they are due. */

#include <check.h>
#include <stdlib.h>

#include "test-dirty.h"
#include "watch/dirty-look.h"

static void put_back(const char *name, usec_t first, unsigned n_attempts, usec_t due) {
        ck_assert_int_eq(dirty_add_retry(set, nodes[0],
                                         &(DirtyName) { (char *) name, first, n_attempts }, due),
                         0);
}

START_TEST(nothing_waits_in_an_empty_set) {
        ck_assert(!dirty_waits_since(set, USEC_INFINITY - 1));
        ck_assert_uint_eq(dirty_oldest(set), USEC_INFINITY);
        ck_assert_uint_eq(dirty_due_of(set, nodes[0], "a", NULL), USEC_INFINITY);
}
END_TEST

START_TEST(what_was_noted_waits) {
        ck_assert_int_eq(dirty_add(set, nodes[0], "a", 0, 100), 0);
        ck_assert_int_eq(dirty_add(set, nodes[1], NULL, DIRTY_LISTING, 200), 0);
        ck_assert_int_eq(dirty_add(set, nodes[0], "a", 0, 300), 0);

        ck_assert(!dirty_waits_since(set, 99));
        ck_assert(dirty_waits_since(set, 100));
        ck_assert_uint_eq(dirty_oldest(set), 100);
        ck_assert_uint_eq(dirty_due_of(set, nodes[0], "a", NULL), 300 + SETTLE);
        ck_assert_uint_eq(dirty_due_of(set, nodes[0], "b", NULL), USEC_INFINITY);
        ck_assert_uint_eq(dirty_due_of(set, nodes[1], "any", NULL), 200 + SETTLE);
}
END_TEST

START_TEST(failures_wait_for_their_time_alone) {
        unsigned n_attempts;

        put_back("failed", 100, 3, 9000);
        ck_assert(!dirty_waits_since(set, 8999));
        ck_assert(dirty_waits_since(set, 9000));
        ck_assert_uint_eq(dirty_oldest(set), USEC_INFINITY);
        ck_assert_uint_eq(dirty_due_of(set, nodes[0], "failed", &n_attempts), 9000);
        ck_assert_uint_eq(n_attempts, 3);

        /* It changed since: that is pending as any change. */
        ck_assert_int_eq(dirty_add(set, nodes[0], "failed", 0, 500), 0);
        ck_assert(dirty_waits_since(set, 500));
}
END_TEST

START_TEST(restless_files_keep_their_first_note) {
        put_back("restless", 100, 0, 9000);
        ck_assert(dirty_waits_since(set, 100));
        ck_assert_uint_eq(dirty_oldest(set), 100);
}
END_TEST

START_TEST(files_known_by_identity_wait_as_well) {
        ck_assert_int_eq(dirty_add_file(set, (WatchFile) { 1, 2 }, 100), 0);
        ck_assert_int_eq(dirty_add_file(set, (WatchFile) { 1, 3 }, 300), 0);
        ck_assert(!dirty_waits_since(set, 99));
        ck_assert(dirty_waits_since(set, 100));
        ck_assert_uint_eq(dirty_oldest(set), 100);
}
END_TEST

START_TEST(what_was_taken_is_as_old_as_its_oldest) {
        DirtyBatch batch;

        put_back("failed", 50, 1, 400);
        ck_assert_int_eq(dirty_add(set, nodes[0], "a", DIRTY_SETTLED, 200), 0);
        ck_assert_int_eq(dirty_add(set, nodes[1], NULL, DIRTY_LISTING | DIRTY_SETTLED, 300), 0);
        ck_assert_int_eq(dirty_take(set, 400, &batch), 0);
        ck_assert_uint_eq(dirty_batch_oldest(&batch), 200);
        dirty_batch_done(&batch);
        ck_assert_uint_eq(dirty_batch_oldest(&batch), USEC_INFINITY);
}
END_TEST

int main(void) {
        Suite *suite = suite_create("dirty-look");
        TCase *tcase = tcase_create("all");
        SRunner *runner;
        int n_failed;

        tcase_add_checked_fixture(tcase, setup, teardown);
        tcase_add_test(tcase, nothing_waits_in_an_empty_set);
        tcase_add_test(tcase, what_was_noted_waits);
        tcase_add_test(tcase, failures_wait_for_their_time_alone);
        tcase_add_test(tcase, restless_files_keep_their_first_note);
        tcase_add_test(tcase, files_known_by_identity_wait_as_well);
        tcase_add_test(tcase, what_was_taken_is_as_old_as_its_oldest);
        suite_add_tcase(suite, tcase);
        runner = srunner_create(suite);
        srunner_run_all(runner, CK_ENV);
        n_failed = srunner_ntests_failed(runner);
        srunner_free(runner);
        return n_failed > 0;
}
