/* Surveys: what one side has become is found without its events, and the other side is not looked
 * at but where something was found. */

#include <sched.h>
#include <stdlib.h>
#include <unistd.h>

#include "basic/macros.h"
#include "test-engine.h"

#define DEADLINE_USEC (60 * USEC_PER_SEC)

static void make_pair(void) {
        test_run("mkdir -p s/a/b/c s/d/e s/empty && echo 1 >s/a/f && echo 2 >s/a/b/f && "
                 "echo 3 >s/a/b/c/f && echo 4 >s/d/f && echo 5 >s/d/e/f && ln -s f s/d/link && "
                 "ln s/d/e/f s/a/b/other && mkfifo s/d/fifo && echo 6 >s/top");
        test_open(NULL, TEST_WATCH);
        (void) test_full();
        test_expect_in_step();
}

START_TEST(nothing_has_changed) {
        char *before, *after;

        make_pair();
        before = test_snapshot("r");
        ck_assert_str_eq(test_survey(WATCH_SOURCE), "");
        ck_assert_uint_eq(test.result.n_deviating, 0);
        ck_assert_uint_eq(test.result.counters.n_directories, 7);
        ck_assert_uint_eq(test.result.counters.n_entries, 15);
        ck_assert_str_eq(test_survey(WATCH_REPLICA), "");
        ck_assert_uint_eq(test.result.n_deviating, 0);
        ck_assert_uint_eq(test.result.counters.n_directories, 7);
        ck_assert_uint_eq(test.result.counters.n_entries, 15);
        after = test_snapshot("r");
        ck_assert_str_eq(before, after);
        free(before);
        free(after);
}
END_TEST

/* What happens in the source, and in how many directories a survey finds something. A directory's
 * own times show in its parent, the number of a file's names in all of them. */
static const struct {
        const char *command;
        unsigned n_deviating;
} changes[] = {
        { "true", 0 },
        { "echo more >>s/a/b/c/f", 1 },
        { "cp -p s/a/b/c/f k && echo X >s/a/b/c/f && touch -r k s/a/b/c/f && rm k", 1 },
        { "chmod 0600 s/d/e/f", 2 }, /* two names */
        { "echo 7 >s/a/b/c/new", 2 },
        { "rm s/a/b/c/f", 2 },
        { "mv s/a/b/c/f s/a/b/c/g", 2 },
        { "mv s/a/b/c/f s/empty/f", 4 },
        { "touch -d 2001-01-01 s/top && chmod 0700 s", 1 },
        { "chmod 0700 s/a && echo more >>s/a/b/c/f", 2 },
        { "mkdir -p s/new/x/y && echo 8 >s/new/x/y/f", 1 },
        { "mv s/a s/z && echo more >>s/z/b/c/f", 1 },
        { "mv s/a/b s/d/b && echo more >>s/d/b/c/f", 3 },
        { "mv s/a s/t && mv s/d s/a && mv s/t s/d", 1 },
        { "rm -r s/a && mkdir s/a && echo 9 >s/a/f", 2 },
        { "rm -r s/a && echo file >s/a", 2 },
        { "rm s/top && mkdir s/top && echo 1 >s/top/f", 1 },
        { "rm -r s/a s/d", 1 },
        { "ln s/top s/empty/top", 2 },
        { "rm s/a/b/other", 3 },
        { "ln s/top s/fleeting && echo more >>s/fleeting && rm s/fleeting", 1 },
};

/* Names that are removed after the pass move the ctime of those that stay. */
static void await_removals(void) {
        usec_t deadline = now_usec(CLOCK_MONOTONIC) + DEADLINE_USEC;

        while (test_n_staged() > 0) {
                ck_assert(now_usec(CLOCK_MONOTONIC) < deadline);
                (void) sched_yield();
        }
}

START_TEST(changes_of_the_source) {
        make_pair();
        test_run("%s", changes[_i].command);
        (void) test_survey(WATCH_SOURCE);
        ck_assert_msg(test.result.n_deviating == changes[_i].n_deviating, "%s: %llu",
                      changes[_i].command, (unsigned long long) test.result.n_deviating);
        if (test.result.retries.n_directories > 0)
                (void) test_retry();
        await_removals();
        (void) test_expect_equal();
        test_expect_in_step();
        test_expect_no_orphans();
        ck_assert_str_eq(test_survey(WATCH_SOURCE), "");
        ck_assert_uint_eq(test.result.n_deviating, 0);
}
END_TEST

static const struct {
        const char *command;
        unsigned n_deviating;
} tamperings[] = {
        { "echo more >>r/a/b/c/f", 1 },
        { "cp -p r/a/b/c/f k && echo X >r/a/b/c/f && touch -r k r/a/b/c/f && rm k", 1 },
        { "echo foreign >r/a/b/c/new", 2 },
        { "rm r/a/b/c/f", 2 },
        { "rm -r r/a", 2 },
        { "mv r/a/b/c r/d/c", 4 },
        { "mkdir -p r/new/x && echo foreign >r/new/x/f", 1 },
        { "chmod 0700 r/a && echo more >>r/a/b/c/f", 2 },
        { "chmod 0700 r", 1 },
        { "rm -r r/a && ln -s ../outside r/a", 2 },
};

START_TEST(changes_of_the_replica) {
        make_pair();
        test_run("mkdir outside && %s", tamperings[_i].command);
        (void) test_survey(WATCH_REPLICA);
        ck_assert_msg(test.result.n_deviating == tamperings[_i].n_deviating, "%s: %llu",
                      tamperings[_i].command, (unsigned long long) test.result.n_deviating);
        await_removals();
        (void) test_expect_equal();
        test_expect_in_step();
        ck_assert_str_eq(test_survey(WATCH_REPLICA), "");
        ck_assert_uint_eq(test.result.n_deviating, 0);
}
END_TEST

START_TEST(the_other_side_is_not_looked_at) {
        make_pair();
        test_run("echo more >>r/d/f && echo more >>s/a/b/f");
        ck_assert_str_eq(test_survey(WATCH_SOURCE), "update 1");
        test_run("grep -q more r/a/b/f && grep -q more r/d/f");
        test_run("echo more >>s/d/e/f");
        ck_assert_str_eq(test_survey(WATCH_REPLICA), "heal 1");
        test_run("! grep -q more r/d/f && ! grep -q more r/d/e/f");
        (void) test_full();
        test_expect_in_step();
}
END_TEST

/* What is missing in the source with its file system stays in the replica. */
START_TEST(a_disk_that_is_not_there) {
        int fd = test_mount("tmpfs", "disk");

        if (fd < 0)
                return;
        (void) close(fd);
        test_run("mkdir disk/x s/sub && touch disk/x/1 && mount --move disk s/sub");
        test_open(NULL, TEST_WATCH);
        (void) test_full();
        ck_assert_str_eq(test_survey(WATCH_SOURCE), "");
        ck_assert_uint_eq(test.result.n_deviating, 0);

        test_run("umount s/sub");
        ck_assert_str_eq(test_survey(WATCH_SOURCE), "");
        ck_assert_uint_eq(engine_n_held(test.engine), 1);
        ck_assert(test_exists("r/sub/x/1"));
        ck_assert_str_eq(test_survey(WATCH_REPLICA), "");
        ck_assert(test_exists("r/sub/x/1"));
        test_close();
}
END_TEST

int main(void) {
        TCase *tcase;
        Suite *suite = test_engine_suite("engine_survey", &tcase);

        tcase_add_test(tcase, nothing_has_changed);
        tcase_add_loop_test(tcase, changes_of_the_source, 0, ELEMENTSOF(changes));
        tcase_add_loop_test(tcase, changes_of_the_replica, 0, ELEMENTSOF(tamperings));
        tcase_add_test(tcase, the_other_side_is_not_looked_at);
        tcase_add_test(tcase, a_disk_that_is_not_there);
        return test_fs_run(suite);
}
