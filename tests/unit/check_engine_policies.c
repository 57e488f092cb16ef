/* What Overwrite=no and Delete=no keep in the replica: each once, for as long as nothing moves, and
 * no longer than the policy says. */

#include <check.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "basic/macros.h"
#include "basic/string-util.h"
#include "test-engine.h"

enum { OVERWRITE_NO = 1, DELETE_NO = 2, ARCHIVE = OVERWRITE_NO | DELETE_NO };

static const char *const *overrides(int policy) {
        static const char *texts[3];
        size_t n = 0;

        if (policy & OVERWRITE_NO)
                texts[n++] = "Pair.Overwrite=no";
        if (policy & DELETE_NO)
                texts[n++] = "Pair.Delete=no";
        texts[n] = NULL;
        return texts;
}

static void make_pair(int policy) {
        test_run(
                "cd s && mkdir -p d/sub e empty/of/all && echo first >f && echo other >o && echo deep >d/sub/z && "
                "echo x >d/x && echo y >e/y && ln -s f link && echo linked >a && ln a b");
        test_run("find s -exec touch -h -d '2020-01-01' {} +");
        test_open(overrides(policy), 0);
        (void) test_full();
        test_expect_in_step();
}

/* COMMAND changes the source; then DONE is done, EXPECTED (a shell condition, in the replica) holds
 * and N_KEPT entries are kept. */
static const struct {
        int policy;
        const char *command, *done, *expected;
        uint64_t n_kept;
} cases[] = {
        /* Overwrite=no: content */
        { OVERWRITE_NO, "echo second >f", "keep 1", "grep -qx first f", 1 },
        { OVERWRITE_NO, "echo longer >>f", "keep 1", "grep -qx first f", 1 },
        { OVERWRITE_NO, "echo FIRST >f && touch -d 2020-01-01 f", "keep 1", "grep -qx first f", 1 },
        { OVERWRITE_NO, "echo first >n && mv n f", "metadata 1", "grep -qx first f", 0 },
        { OVERWRITE_NO, "echo FIRST >n && mv n f", "keep 1", "grep -qx first f", 1 },
        { OVERWRITE_NO, "chmod 600 f && touch o", "metadata 2", "test $(stat -c %a f) = 600", 0 },
        { OVERWRITE_NO, "echo new >n && mkdir m && echo t >m/t", "copy 2, mkdir 1", "cat n m/t",
          0 },
        { OVERWRITE_NO, "rm f && rm -r d", "remove 2", "! test -e f && ! test -e d", 0 },
        { OVERWRITE_NO, "ln -sfn o link", "keep 1", "test $(readlink link) = f", 1 },
        /* ... types */
        { OVERWRITE_NO, "rm f && mkdir f && echo in >f/in", "keep 1", "grep -qx first f", 1 },
        { OVERWRITE_NO, "rm -r d && echo d >d", "keep 1", "grep -qx deep d/sub/z", 1 },
        { OVERWRITE_NO, "rm f && mkfifo f", "keep 1", "grep -qx first f", 1 },
        { OVERWRITE_NO, "rm -r d && mkfifo d", "keep 1", "grep -qx deep d/sub/z", 1 },
        { OVERWRITE_NO, "rm f && ln -s o f", "keep 1", "test ! -L f && grep -qx first f", 1 },
        /* ... renames */
        { OVERWRITE_NO, "mv f g && mv d c", "rename 2", "grep -qx first g && cat c/sub/z", 0 },
        { OVERWRITE_NO, "mv f o", "remove 1, keep 1", "grep -qx other o && ! test -e f", 1 },
        { OVERWRITE_NO, "mv f g && echo new >f", "copy 1, keep 1",
          "grep -qx first f && grep -qx first g", 1 },
        { OVERWRITE_NO, "mv d c && mkdir d && echo new >d/x", NULL,
          "grep -qx x d/x && grep -qx x c/x", 1 },
        { OVERWRITE_NO, "rm -r d && mkdir d && echo new >d/x", NULL, "grep -qx x d/x", 1 },
        { OVERWRITE_NO, "mv f t && mv o f && mv t o", "keep 2",
          "grep -qx first f && grep -qx other o", 2 },
        /* ... links */
        { OVERWRITE_NO, "echo more >>a", "keep 2", "grep -qx linked a && test a -ef b", 2 },
        { OVERWRITE_NO, "echo more >>a && ln a c", "copy 1, keep 2",
          "grep -qx more c && test a -ef b", 2 },
        { OVERWRITE_NO, "ln -f f o", "keep 1", "grep -qx other o", 1 },
        { OVERWRITE_NO, "cp -p f o2 && ln f n", NULL, "test f -ef n", 0 },
        { OVERWRITE_NO, "cp -p a c && mv c b", NULL, "! test a -ef b && grep -qx linked b", 0 },

        /* Delete=no */
        { DELETE_NO, "rm f", "keep 1", "grep -qx first f", 1 },
        { DELETE_NO, "rm -r d", "keep 1", "grep -qx deep d/sub/z && grep -qx x d/x", 4 },
        { DELETE_NO, "rm -r empty", "keep 1", "test -d empty/of/all", 3 },
        { DELETE_NO, "rm d/x", "keep 1", "grep -qx x d/x", 1 },
        { DELETE_NO, "rm b", "keep 1", "grep -qx linked b", 1 },
        { DELETE_NO, "rm f && echo second >o", "update 1, keep 1", "grep -qx second o && cat f",
          1 },
        /* ... types */
        { DELETE_NO, "rm -r d && echo d >d", "keep 1", "grep -qx deep d/sub/z", 1 },
        { DELETE_NO, "rm f && mkdir f && echo in >f/in", NULL, "grep -qx in f/in", 0 },
        /* ... renames */
        { DELETE_NO, "mv f g && mv d c", "rename 2", "! test -e f && ! test -e d && cat g c/sub/z",
          0 },
        { DELETE_NO, "mv d/sub/z z", "rename 1", "! test -e d/sub/z && cat z", 0 },
        { DELETE_NO, "mv f o", "rename 1", "grep -qx first o && ! test -e f", 0 },
        { DELETE_NO, "rm -r e && mv d e", "rename 2, keep 2", "cat e/x e/y e/sub/z && test -d d",
          2 },
        { DELETE_NO, "mv d c && mkdir d && echo new >d/n", NULL, "cat c/x d/n && ! test -e d/x",
          0 },
        { DELETE_NO, "rm -r d && mkdir d && echo new >d/n", NULL, "cat d/x d/n d/sub/z", 3 },
        { DELETE_NO, "mv d t && mv f d && mv t f", NULL, "grep -qx first d && cat f/sub/z", 0 },
        { DELETE_NO, "rm -r d && mv f d", NULL, "cat d/x", 2 },

        /* both */
        { ARCHIVE, "echo second >f && rm o", "keep 2", "grep -qx first f && cat o", 2 },
        { ARCHIVE, "mv f o", "keep 2", "grep -qx first f && grep -qx other o", 2 },
        { ARCHIVE, "mv f g && mv d c", "rename 2", "cat g c/sub/z && ! test -e f", 0 },
        { ARCHIVE, "rm f && mkdir f && echo in >f/in", "keep 1", "grep -qx first f", 1 },
        { ARCHIVE, "rm -r d && echo d >d", "keep 1", "grep -qx deep d/sub/z", 1 },
        { ARCHIVE, "find . -mindepth 1 -delete", NULL, "cat f o d/sub/z d/x e/y a b", 14 },
};

static void expect(const char *text, bool condition, const char *what) {
        ck_assert_msg(condition, "after %s: %s", text, what);
}

static Proof proof(void) {
        Proof result;

        engine_get_proof(test.engine, &result);
        return result;
}

/* Nothing is done, told or read again, by whatever pass and in whatever process. */
static void expect_idle(const char *text, uint64_t n_kept) {
        char *before = test_snapshot("r"), *after;

        expect(text, *test_full() == '\0', "a full pass does something");
        expect(text, *test_survey(WATCH_SOURCE) == '\0', "a survey of the source does something");
        ck_assert_msg(test.result.n_deviating == 0, "after %s: the source deviates", text);
        expect(text, *test_survey(WATCH_REPLICA) == '\0', "a survey of the replica does something");
        ck_assert_msg(test.result.n_deviating == 0, "after %s: the replica deviates", text);
        test_reopen();
        expect(text, *test_full() == '\0', "a full pass after a restart does something");
        ck_assert_uint_eq(proof().n_kept, n_kept);
        ck_assert_int_eq(proof().is_identical, n_kept == 0);
        after = test_snapshot("r");
        ck_assert_msg(strcmp(before, after) == 0, "after %s the replica changed:\n%s\n%s", text,
                      before, after);
        free(before);
        free(after);
}

static void settle(void) {
        for (int i = 0; i < 8 && *test_full(); i++)
                ;
}

START_TEST(what_the_policy_keeps) {
        const char *command = cases[_i].command, *done;

        make_pair(cases[_i].policy);
        test_run("cd s && %s", command);
        done = test_full();
        if (getenv("TEST_SHOW"))
                (void) fprintf(stderr, "%d %s: %s\n", cases[_i].policy, command, done);
        if (cases[_i].done)
                ck_assert_msg(streq(done, cases[_i].done), "after %s: %s", command, done);
        settle();
        test_run("cd r && { %s; } >/dev/null", cases[_i].expected);
        ck_assert_msg(proof().n_kept == cases[_i].n_kept, "after %s: %llu kept", command,
                      (unsigned long long) proof().n_kept);
        expect_idle(command, cases[_i].n_kept);
        test_close();

        /* The policy is taken back: all is as in the source again. */
        test_open(NULL, 0);
        settle();
        test_expect_in_step();
        test_expect_no_orphans();
        ck_assert_uint_eq(proof().n_kept, 0);
}
END_TEST

int main(void) {
        TCase *tcase;
        Suite *suite = test_engine_suite("engine_policies", &tcase);

        tcase_add_loop_test(tcase, what_the_policy_keeps, 0, ELEMENTSOF(cases));
        return test_fs_run(suite);
}
