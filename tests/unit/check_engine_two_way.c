/* Two-way pairs: what both sides did since they were last in step, and what both are afterwards. */

#include <stdlib.h>
#include <string.h>

#include "basic/macros.h"
#include "test-engine.h"

enum { PASSES_MAX = 4 };

static const char *const two_way[] = { "Pair.Direction=two-way", "Versions.Keep=1d",
                                       "Versions.MinInterval=0", NULL };

/* COMMAND acts on both sides; CHECK must succeed in either of them afterwards. */
typedef struct Case {
        const char *command, *check;
} Case;

static const Case cases[] = {
        /* One side alone. */
        { "echo new >r/d/new", "[ $(cat d/new) = new ]" },
        { "echo more >>r/d/f", "[ \"$(cat d/f)\" = \"$(printf 'file\\nmore')\" ]" },
        { "echo other >r/t && mv r/t r/d/f", "[ $(cat d/f) = other ]" },
        { "rm r/d/f", "[ ! -e d/f ] && [ -d d ]" },
        { "rm -r r/e", "[ ! -e e ]" },
        { "rm -r s/e", "[ ! -e e ]" },
        { "rm -r r/d r/e r/fifo", "[ -z \"$(ls -A)\" ]" },
        { "mkdir -p r/n/m/o && echo deep >r/n/m/o/x && ln -s x r/n/m/o/l && mkfifo r/n/p && "
          "touch -d 2001-01-01 r/n/m",
          "[ $(cat n/m/o/x) = deep ] && [ -L n/m/o/l ] && [ -p n/p ] && "
          "[ $(stat -c %Y n/m) = $(date -d 2001-01-01 +%s) ]" },
        { "chmod 600 r/d/f && touch -d 2001-02-03 r/d/f",
          "[ $(stat -c %a d/f) = 600 ] && [ $(stat -c %Y d/f) = $(date -d 2001-02-03 +%s) ]" },
        { "chmod 700 r/d", "[ $(stat -c %a d) = 700 ]" },
        { "chown 12:34 r/d/f r/d", "[ $(stat -c %u:%g d/f) = 12:34 ] && [ $(stat -c %g d) = 34 ]" },
        { "setfattr -n user.x -v y r/d/f", "[ \"$(getfattr --only-values -n user.x d/f)\" = y ]" },
        { "setfattr -n user.x -v y r/d", "[ \"$(getfattr --only-values -n user.x d)\" = y ]" },
        { "ln -sfn elsewhere r/d/link", "[ $(readlink d/link) = elsewhere ]" },
        { "rm r/d/f && mkdir r/d/f && echo in >r/d/f/in", "[ $(cat d/f/in) = in ]" },
        { "rm -r r/e && echo file >r/e", "[ $(cat e) = file ]" },
        { "rm r/fifo && ln -s x r/fifo", "[ -L fifo ]" },
        { "mv r/d/f r/e/g", "[ ! -e d/f ] && [ $(cat e/g) = file ]" },
        { "mv r/e r/d/e", "[ ! -e e ] && [ $(cat d/e/sub/deep) = deep ]" },
        { "mv r/d/f r/t && mv r/e/other r/d/f && mv r/t r/e/other",
          "[ $(cat d/f) = other ] && [ $(cat e/other) = file ]" },
        { "ln r/d/f r/e/f", "[ $(cat e/f) = file ]" },
        /* Both, apart from each other. */
        { "echo a >s/a && echo b >r/b", "[ $(cat a b | tr -d '\\n') = ab ]" },
        { "echo more >>s/d/f && rm r/e/other", "[ ! -e e/other ] && grep -q more d/f" },
        { "echo x >s/d/x && rm -r r/d", "[ $(ls -A d) = x ]" },
        { "rm -r s/d && echo x >r/d/x", "[ $(ls -A d) = x ]" },
        { "echo more >>s/e/sub/deep && rm -r r/e",
          "[ \"$(find e -type f)\" = e/sub/deep ] && grep -q more e/sub/deep" },
        { "rm -r s/e && echo more >>r/e/sub/deep",
          "[ \"$(find e -type f)\" = e/sub/deep ] && grep -q more e/sub/deep" },
        { "mv s/e s/moved && echo more >>r/e/sub/deep && rm r/e/other",
          "[ ! -e e ] && grep -q more moved/sub/deep && [ ! -e moved/other ]" },
        { "mv r/e r/moved && echo more >>s/e/sub/deep && rm s/e/other",
          "grep -q more moved/sub/deep || grep -q more e/sub/deep" },
        /* Both at the same entry: the same, or parts of it that go together. */
        { "echo same >s/d/f && echo same >r/d/f && touch -d 2020-01-01 s/d/f r/d/f",
          "[ $(cat d/f) = same ] && [ $(ls d | wc -l) = 2 ]" },
        { "echo same >s/n && echo same >r/n", "[ $(cat n) = same ] && [ $(ls | wc -l) = 4 ]" },
        { "rm s/d/f r/d/f", "[ ! -e d/f ]" },
        { "rm -r s/e r/e", "[ ! -e e ]" },
        { "chmod 600 s/d/f && echo more >>r/d/f",
          "[ $(stat -c %a d/f) = 600 ] && grep -q more d/f && [ $(ls d | wc -l) = 2 ]" },
        { "echo more >>s/d/f && chmod 600 r/d/f",
          "[ $(stat -c %a d/f) = 600 ] && grep -q more d/f && [ $(ls d | wc -l) = 2 ]" },
        { "chmod 600 s/d/f && chown 12 r/d/f", "[ $(stat -c %a:%u d/f) = 600:12 ]" },
        { "mkdir s/n r/n && echo a >s/n/a && echo b >r/n/b",
          "[ $(cat n/a n/b | tr -d '\\n') = ab ]" },
        /* A removal against a change. */
        { "rm s/d/f && echo more >>r/d/f", "grep -q more d/f" },
        { "echo more >>s/d/f && rm r/d/f", "grep -q more d/f" },
        { "rm s/d/f && chmod 600 r/d/f", "[ $(stat -c %a d/f) = 600 ]" },
        { "chmod 600 s/d/f && rm r/d/f", "[ $(stat -c %a d/f) = 600 ]" },
        { "rm -r s/e && mkdir r/e/n", "[ -d e/n ] && [ ! -e e/sub ]" },
        /* Conflicts: the newer keeps the name. */
        { "echo from-s >s/d/f && echo from-r >r/d/f && touch -d '2020-01-01 1:2:3Z' s/d/f && "
          "touch -d 2020-01-02 r/d/f",
          "[ $(cat d/f) = from-r ] && "
          "[ $(cat d/f.conflict-20200101-010203-source) = from-s ]" },
        { "echo from-s >s/d/f && echo from-r >r/d/f && touch -d 2020-01-03 s/d/f && "
          "touch -d '2020-01-02 1:2:3Z' r/d/f",
          "[ $(cat d/f) = from-s ] && "
          "[ $(cat d/f.conflict-20200102-010203-replica) = from-r ]" },
        { "echo from-s >s/n.txt && echo from-r >r/n.txt && touch -d '2020-01-01Z' s/n.txt r/n.txt",
          "[ $(cat n.txt) = from-s ] && "
          "[ $(cat n.conflict-20200101-000000-replica.txt) = from-r ]" },
        { "mkdir s/n && echo from-s >s/n/x && echo from-r >r/n && touch -d '2020-01-01Z' r/n",
          "[ $(cat n/x) = from-s ] && [ $(cat n.conflict-20200101-000000-replica) = from-r ]" },
        { "echo from-s >s/n && mkdir r/n && echo from-r >r/n/x && touch -d '2020-01-01Z' s/n",
          "[ $(cat n/x) = from-r ] && [ $(cat n.conflict-20200101-000000-source) = from-s ]" },
        { "ln -s from-s s/n && echo from-r >r/n && touch -hd '2020-01-01Z' s/n",
          "[ $(cat n) = from-r ] && "
          "[ $(readlink n.conflict-20200101-000000-source) = from-s ]" },
        { "echo more >>s/e/other && rm -r r/e && echo file >r/e && touch -d '2020-01-01Z' r/e",
          "grep -q more e/other && [ $(cat e.conflict-20200101-000000-replica) = file ]" },
        { "rm -r s/e && echo file >s/e && echo more >>r/e/other && touch -d '2020-01-01Z' s/e",
          "grep -q more e/other && [ $(cat e.conflict-20200101-000000-source) = file ]" },
        { "rm s/d/f && ln -s x s/d/f && echo more >>r/d/f && touch -hd '2020-01-01Z' s/d/f",
          "grep -q more d/f && [ -L d/f.conflict-20200101-000000-source ]" },
        { "rm s/d/f && mkdir s/d/f && echo more >>r/d/f && touch -d '2020-01-01Z' r/d/f",
          "[ -d d/f ] && grep -q more d/f.conflict-20200101-000000-replica" },
};

static void make_pair(void) {
        test_run("mkdir -p s/d s/e/sub && echo file >s/d/f && ln -s target s/d/link && "
                 "echo other >s/e/other && echo deep >s/e/sub/deep && mkfifo s/fifo");
        test_open(two_way, 0);
        ck_assert_str_eq(test_full(), "copy 5, mkdir 3");
        test_expect_in_step();
}

/* The same on both sides, and left alone both stay as they are. */
static void expect_settled(const char *check) {
        char *before, *after;
        int n = 0;

        while (strcmp(test_full(), "") != 0)
                ck_assert_msg(n++ < PASSES_MAX, "it does not come to rest");
        test_run("{ cd s && { %s; } } && cd ../r && { %s; }", check, check);
        before = test_snapshot("s");
        test_expect_in_step();
        after = test_snapshot("s");
        ck_assert_str_eq(before, after);
        free(before);
        free(after);
        test_run("! find s r -name '.rebackup-*' | grep .");
}

START_TEST(both_sides_follow) {
        make_pair();
        test_run("%s", cases[_i].command);
        expect_settled(cases[_i].check);
        test_expect_no_orphans();
}
END_TEST

START_TEST(both_sides_follow_after_a_restart) {
        make_pair();
        test_close();
        test_run("%s", cases[_i].command);
        test_open(two_way, 0);
        expect_settled(cases[_i].check);
}
END_TEST

/* Nothing is known of earlier: what either side has both have afterwards. */
START_TEST(a_lost_catalog_makes_a_union) {
        make_pair();
        test_close();
        test_run("rm -rf .r.rebackup && rm s/d/f && rm -r r/e && echo a >s/a && echo b >r/b && "
                 "echo from-s >s/n && echo from-r >r/n && touch -d '2020-01-01Z' s/n r/n");
        test_open(two_way, 0);
        expect_settled("[ $(cat d/f a b e/other e/sub/deep n n.conflict* | tr -d '\\n') = "
                       "fileabotherdeepfrom-sfrom-r ]");
}
END_TEST

static void expect_version(const char *content) {
        test_run("grep -rqx '%s' .r.rebackup/versions", content);
}

/* What goes from the source on behalf of the replica can be had back. */
START_TEST(what_the_source_loses_is_kept) {
        make_pair();
        test_run("echo new >r/d/f && rm -r r/e");
        expect_settled("[ $(cat d/f) = new ] && [ ! -e e ]");
        expect_version("file");
        expect_version("deep");
}
END_TEST

int main(void) {
        TCase *tcase;
        Suite *suite = test_engine_suite("engine_two_way", &tcase);

        tcase_add_loop_test(tcase, both_sides_follow, 0, ELEMENTSOF(cases));
        tcase_add_loop_test(tcase, both_sides_follow_after_a_restart, 0, ELEMENTSOF(cases));
        tcase_add_test(tcase, a_lost_catalog_makes_a_union);
        tcase_add_test(tcase, what_the_source_loses_is_kept);
        return test_fs_run(suite);
}
