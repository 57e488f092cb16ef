/* What somebody else does to the replica is undone by the next full pass. */

#include <stdlib.h>

#include "basic/macros.h"
#include "test-engine.h"

/* Done to the replica of the pair below, and what is done about it. */
static const struct {
        const char *command, *done;
} cases[] = {
        { "echo tampered >>r/d/f", "heal 1" },
        { "echo FILE >r/d/f", "heal 1" },
        { "touch -r r/d/f ref && echo FILE >r/d/f && touch -r ref r/d/f", "heal 1" },
        { ": >r/d/f", "heal 1" },
        { "touch r/d/f", "heal 1" },
        { "chmod 0777 r/d/f", "heal 1" },
        { "chmod 0777 r/d", "heal 1" },
        { "chmod 0777 r", "heal 1" },
        { "rm r/d/f", "heal 1" },
        { "rm r/d/link", "heal 1" },
        { "ln -sfn elsewhere r/d/link", "heal 1" },
        { "touch -h -d '2001-01-01' r/d/link", "heal 1" },
        { "rm -r r/e/sub", "heal 2" },
        { "rm -r r/d r/e", "heal 7" },
        { "rm r/d/f && mkdir r/d/f && echo x >r/d/f/x", "heal 1" },
        { "rm -r r/e && echo file >r/e", "heal 4" },
        { "rm -r r/e && ln -s d r/e", "heal 4" },
        { "rm -r r/e && ln -s /tmp r/e", "heal 4" },
        { "rm r/fifo && echo file >r/fifo", "heal 1" },
        { "echo extra >r/extra", "remove 1" },
        { "echo extra >r/d/extra && ln -s x r/d/more", "remove 2" },
        { "mkdir -p r/d/x/y && echo extra >r/d/x/y/z", "remove 1" },
        { "mkfifo r/e/sub/pipe", "remove 1" },
        { "touch -d '2001-01-01' r/d", NULL },
        { "touch -d '2001-01-01' r", NULL },
        { "mv r/d/f r/d/g", NULL },
        { "mv r/d r/x", NULL },
        { "mv r/d r/e/d", NULL },
        { "mv r/d r/t && mv r/e r/d && mv r/t r/e", NULL },
        { "mv r/d/f r/t && mv r/e/other r/d/f && mv r/t r/e/other", "heal 2" },
        { "cp -a r/d/f r/t && mv r/t r/d/f", NULL },
        { "ln r/d/f r/d/extra", NULL },
        { "rm -r r/* && mkdir r/d", "heal 7" },
};

static void make_pair(void) {
        test_run("mkdir -p s/d s/e/sub && echo file >s/d/f && ln -s target s/d/link && "
                 "echo other >s/e/other && echo deep >s/e/sub/deep && mkfifo s/fifo");
        test_open(NULL, 0);
        ck_assert_str_eq(test_full(), "copy 5, mkdir 3");
        test_expect_in_step();
}

static void expect_healed(const char *command, const char *expected) {
        const char *done = test_full();

        ck_assert_msg(!expected || strcmp(done, expected) == 0, "%s: %s", command, done);
        (void) test_expect_equal();
        test_expect_in_step();
        test_expect_no_orphans();
}

START_TEST(tampering_is_undone) {
        make_pair();
        test_run("%s", cases[_i].command);
        expect_healed(cases[_i].command, cases[_i].done);
}
END_TEST

START_TEST(tampering_is_undone_after_a_restart) {
        make_pair();
        test_close();
        test_run("%s", cases[_i].command);
        test_open(NULL, 0);
        expect_healed(cases[_i].command, cases[_i].done);
}
END_TEST

/* The source moves at the same time. */
START_TEST(tampering_and_changes) {
        make_pair();
        test_run("%s", cases[_i].command);
        test_run("echo more >>s/d/f && mv s/e/sub s/sub && rm s/e/other && echo new >s/d/new && "
                 "chmod 0700 s/d");
        (void) test_full();
        (void) test_expect_equal();
        (void) test_retry();
        test_expect_in_step();
        test_expect_no_orphans();
}
END_TEST

/* What is healed is put back from the source, without touching what is outside. */
START_TEST(links_in_the_replica_are_not_followed) {
        make_pair();
        test_run("mkdir outside && echo precious >outside/f && echo precious >outside/other && "
                 "rm -r r/d r/e && ln -s ../outside r/d && ln -s ../outside r/e && "
                 "echo more >>s/d/f && rm s/e/other");
        (void) test_full();
        test_expect_in_step();
        ck_assert_str_eq(test_output("cat outside/f outside/other | sort -u"), "precious");
}
END_TEST

/* What is published in a directory moves its ctime, which would hide what somebody did to it. */
START_TEST(directory_attributes_beside_a_change) {
        test_run("mkdir s/c && echo one >s/c/a");
        test_open(NULL, 0);
        (void) test_full();
        test_run("setfattr -n user.x -v y r/c && echo more >s/c/a");
        ck_assert_str_eq(test_dirty("c", "a"), "update 1");
        (void) test_full();
        test_expect_in_step();
}
END_TEST

int main(void) {
        TCase *tcase;
        Suite *suite = test_engine_suite("engine_heal", &tcase);

        tcase_add_loop_test(tcase, tampering_is_undone, 0, ELEMENTSOF(cases));
        tcase_add_loop_test(tcase, tampering_is_undone_after_a_restart, 0, ELEMENTSOF(cases));
        tcase_add_loop_test(tcase, tampering_and_changes, 0, ELEMENTSOF(cases));
        tcase_add_test(tcase, links_in_the_replica_are_not_followed);
        tcase_add_test(tcase, directory_attributes_beside_a_change);
        return test_fs_run(suite);
}
