/* MaxDelete: more removals than it allows wait for approval, however they come; everything else
 * goes on, and what is no removal is not held. */

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <syslog.h>

#include "basic/macros.h"
#include "sync/limit.h"
#include "test-engine.h"

static const char *const half[] = { "Sync.MaxDelete=50%", NULL };

/* 1,500 files in "d", 1,000 in "e", and "f". */
static void make_pair(const char *const *overrides) {
        test_run("cd s && mkdir d e && (cd d && seq 1500 | xargs touch) && "
                 "(cd e && seq 1000 | xargs touch) && echo f >f");
        test_open(overrides, 0);
        ck_assert_str_eq(test_full(), "copy 2501, mkdir 2");
}

static uint64_t n_held(void) {
        return engine_n_held_removals(test.engine);
}

static bool is_proven(void) {
        Proof proof;

        engine_get_proof(test.engine, &proof);
        return test.result.proven || proof.is_identical;
}

static void expect_approval(const char *done) {
        engine_approve_removals(test.engine);
        ck_assert_str_eq(test_full(), done);
        ck_assert_uint_eq(n_held(), 0);
        ck_assert(test_logged(LOG_NOTICE, "the hold of removals ended: it was approved"));
        test_expect_in_step();
}

static const struct {
        LimitFacts facts;
        bool exceeds;
} judgements[] = {
        { { .n_removals = 1000, .n_entries = 1, .share = 100 }, false },
        { { .n_removals = 1001, .n_entries = 2001, .share = 5000 }, true },
        { { .n_removals = 1001, .n_entries = 2002, .share = 5000 }, false },
        { { .n_removals = 1, .n_lately = 1000, .n_entries = 1001, .share = 5000 }, true },
        { { .n_removals = 1, .n_lately = 1000, .n_entries = 1002, .share = 5000 }, false },
        { { .n_removals = 1001, .n_entries = UINT64_MAX / 20000, .share = 1 }, false },
        { { .n_removals = 5000, .n_entries = 5000, .share = 10000 }, false },
        { { .n_removals = 5000, .n_entries = 5000, .share = 0 }, true },
};

START_TEST(the_limit) {
        ck_assert_int_eq(limit_exceeds(&judgements[_i].facts), judgements[_i].exceeds);
}
END_TEST

START_TEST(removals_wait_for_approval_and_nothing_else_does) {
        make_pair(half);
        test_run("cd s && rm -r d && rm f && echo new >new && echo more >>e/1");
        ck_assert_str_eq(test_full(), "copy 1, update 1");
        ck_assert_uint_eq(n_held(), 1502);
        ck_assert_uint_eq(test.result.counters.n_held, 1502);
        ck_assert(!is_proven());
        ck_assert(test_logged(LOG_ERR, "on hold: 1,502 removals"));
        test_run("test $(ls r/d | wc -l) = 1500 && test -e r/f");
        ck_assert_str_eq(test_full(), "");
        ck_assert_uint_eq(n_held(), 1502);
        expect_approval("remove 2");
}
END_TEST

START_TEST(the_hold_ends_when_files_come_back) {
        make_pair(half);
        test_run("mv s/d elsewhere");
        ck_assert_str_eq(test_full(), "");
        ck_assert_uint_eq(n_held(), 1501);
        test_run("mv elsewhere s/d");
        ck_assert_str_eq(test_full(), "");
        ck_assert_uint_eq(n_held(), 0);
        test_expect_in_step();
}
END_TEST

/* What is left to be removed then is. */
START_TEST(it_ends_when_enough_is_back) {
        make_pair(half);
        test_run("mv s/d elsewhere");
        ck_assert_str_eq(test_full(), "");
        test_run("mkdir s/d && cd elsewhere && seq 300 | xargs rm && mv * ../s/d/ && "
                 "touch -r . ../s/d");
        ck_assert_str_eq(test_full(), "remove 300");
        ck_assert_uint_eq(n_held(), 0);
        test_expect_in_step();
}
END_TEST

static const struct {
        const char *command, *done;
} no_removals[] = {
        { "mv d c", "rename 1" },
        { "mkdir c && mv d/* c/ && rmdir d", "rename 1500, mkdir 1, remove 1" },
        { "mkdir c && mv d c/d", "rename 1, mkdir 1" },
        { "rm -r e && mv d e", NULL },
        { "rm -r e", "remove 1" },
        { "for i in $(seq 1500); do echo $i >d/$i; done", "update 1500" },
};

START_TEST(what_is_no_removal_is_not_held) {
        const char *done;

        make_pair(half);
        test_run("cd s && %s", no_removals[_i].command);
        done = test_full();
        if (no_removals[_i].done)
                ck_assert_str_eq(done, no_removals[_i].done);
        ck_assert_uint_eq(n_held(), 0);
        test_expect_in_step();
}
END_TEST

/* Each dirty pass removes little. */
START_TEST(many_small_removals_are_one) {
        make_pair(half);
        test_run("cd s/d && seq 1 600 | xargs rm");
        ck_assert_str_eq(test_dirty("d", NULL), "remove 600");
        test_run("cd s/d && seq 601 1200 | xargs rm");
        ck_assert_str_eq(test_dirty("d", NULL), "remove 600");
        test_run("cd s/d && seq 1201 1300 | xargs rm");
        ck_assert_str_eq(test_dirty("d", NULL), "");
        ck_assert_uint_eq(n_held(), 100);
        /* From then on, not one more; also in a full pass and in the next process. */
        test_run("rm s/f s/d/1301");
        ck_assert_str_eq(test_dirty("", "f"), "");
        ck_assert_uint_eq(n_held(), 101);
        ck_assert_str_eq(test_full(), "");
        ck_assert_uint_eq(n_held(), 102);
        test_reopen();
        ck_assert_uint_eq(n_held(), 102);
        ck_assert_str_eq(test_full(), "");
        ck_assert_uint_eq(n_held(), 102);
        expect_approval("remove 102");
}
END_TEST

START_TEST(a_directory_that_is_made_anew_hides_no_removal) {
        make_pair(half);
        test_run("cd s && rm -r d && mkdir d && echo new >d/new");
        ck_assert_str_eq(test_full(), "copy 1");
        ck_assert_uint_eq(n_held(), 1500);
        test_run("test $(ls r/d | wc -l) = 1501");
        expect_approval("remove 1500");
}
END_TEST

START_TEST(nor_does_what_takes_its_place) {
        make_pair(half);
        test_run("cd s && rm -r d && echo file >d");
        ck_assert_str_eq(test_full(), "");
        ck_assert_uint_eq(n_held(), 1501);
        test_run("test $(ls r/d | wc -l) = 1500");
        ck_assert_str_eq(test_full(), "");
        expect_approval("update 1");
}
END_TEST

START_TEST(nor_does_a_rename) {
        make_pair(half);
        test_run("cd s && rm -r e && mkdir e && touch e/x");
        (void) test_full();
        test_close();
        test_open(half, 0);
        test_run("cd s && rm -r d && mv e d");
        (void) test_full();
        ck_assert_uint_gt(n_held(), 1000);
        test_run("test -e r/d/1500");
        engine_approve_removals(test.engine);
        (void) test_full();
        test_expect_in_step();
}
END_TEST

START_TEST(a_dry_run_says_so) {
        make_pair(half);
        test_close();
        test_run("rm -r s/d");
        test_open(half, TEST_DRY_RUN);
        ck_assert_str_eq(test_full(), "");
        ck_assert(test_logged(LOG_INFO, "would hold 1,501 removals"));
        ck_assert_uint_eq(n_held(), 1501);
        test_close();
        test_open(half, 0);
        ck_assert_uint_eq(n_held(), 0);
        ck_assert_str_eq(test_full(), "");
        expect_approval("remove 1");
}
END_TEST

START_TEST(another_limit_ends_the_hold) {
        make_pair(half);
        test_run("rm -r s/d");
        ck_assert_str_eq(test_full(), "");
        test_close();
        test_open(NULL, 0);
        ck_assert_str_eq(test_full(), "remove 1");
        ck_assert_uint_eq(n_held(), 0);
        test_expect_in_step();
}
END_TEST

/* What somebody removed from the replica waits likewise before it is removed from the source. */
START_TEST(both_ways) {
        static const char *const overrides[] = { "Sync.MaxDelete=50%", "Pair.Direction=two-way",
                                                 NULL };

        make_pair(overrides);
        test_run("rm -r r/d && echo new >r/new");
        (void) test_full();
        ck_assert_uint_eq(n_held(), 1501);
        test_run("test $(ls s/d | wc -l) = 1500 && test -e s/new");
        test_run("rm -r s/e");
        (void) test_full();
        ck_assert_uint_eq(n_held(), 2502);
        test_run("test $(ls r/e | wc -l) = 1000");
        engine_approve_removals(test.engine);
        (void) test_full();
        ck_assert_uint_eq(n_held(), 0);
        test_run("! test -e s/d && ! test -e r/e");
        test_expect_in_step();
}
END_TEST

START_TEST(what_is_never_removed_is_not_held) {
        static const char *const overrides[] = { "Sync.MaxDelete=50%", "Pair.Delete=no", NULL };

        make_pair(overrides);
        test_run("rm -r s/d");
        ck_assert_str_eq(test_full(), "keep 1");
        ck_assert_uint_eq(n_held(), 0);
        ck_assert_str_eq(test_full(), "");
}
END_TEST

int main(void) {
        TCase *tcase;
        Suite *suite = test_engine_suite("engine_limit", &tcase);

        tcase_add_loop_test(tcase, the_limit, 0, ELEMENTSOF(judgements));
        tcase_add_test(tcase, removals_wait_for_approval_and_nothing_else_does);
        tcase_add_test(tcase, the_hold_ends_when_files_come_back);
        tcase_add_test(tcase, it_ends_when_enough_is_back);
        tcase_add_loop_test(tcase, what_is_no_removal_is_not_held, 0, ELEMENTSOF(no_removals));
        tcase_add_test(tcase, many_small_removals_are_one);
        tcase_add_test(tcase, a_directory_that_is_made_anew_hides_no_removal);
        tcase_add_test(tcase, nor_does_what_takes_its_place);
        tcase_add_test(tcase, nor_does_a_rename);
        tcase_add_test(tcase, a_dry_run_says_so);
        tcase_add_test(tcase, another_limit_ends_the_hold);
        tcase_add_test(tcase, both_ways);
        tcase_add_test(tcase, what_is_never_removed_is_not_held);
        return test_fs_run(suite);
}
