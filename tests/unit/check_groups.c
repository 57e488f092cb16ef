/* Hard-link groups: made, split, joined and changed through any of their names, by full and by
 * dirty passes. */

#include <stdio.h>
#include <stdlib.h>

#include "test-engine.h"

/* In step with a file of three names in three directories, and one of a single name. */
static void make_pair(void) {
        test_run("mkdir s/a s/b && echo shared >s/one && ln s/one s/a/two && ln s/one s/b/three && "
                 "echo single >s/single");
        test_open(NULL, 0);
        ck_assert_str_eq(test_full(), "copy 2, link 2, mkdir 2");
        ck_assert_uint_eq(test.result.counters.n_bytes, 7 + 7);
        test_expect_in_step();
}

static void expect_linked(const char *a, const char *b) {
        ck_assert_uint_eq(test_inode(a), test_inode(b));
}

/* Each command on the pair above; what is done is told by the names touched. */
static const struct {
        const char *command, *done;
} changes[] = {
        /* One more name, one less. */
        { "ln s/one s/a/four", "link 1" },
        { "ln s/single s/b/double", "link 1" },
        { "rm s/a/two", "remove 1" },
        { "rm s/a/two s/b/three", "remove 2" },
        { "rm s/one s/a/two", "remove 2" },
        { "rm s/one s/a/two s/b/three", "remove 3" },
        { "rm -r s/a", "remove 1" },
        { "ln s/one s/a/four && rm s/one", "link 1, remove 1" },
        /* Changed through one name: all show it. */
        { "echo more >>s/a/two", NULL },
        { "echo SHARED >s/b/three", NULL },
        { "chmod 0604 s/one", NULL },
        { "touch s/b/three", NULL },
        { "touch -r s/one s/ref && echo SHARED >s/one && touch -r s/ref s/one && rm s/ref", NULL },
        { "echo more >>s/a/two && ln s/one s/four && rm s/b/three", NULL },
        /* Split: a name becomes a file of its own. */
        { "cp -p s/a/two s/t && mv s/t s/a/two", NULL },
        { "echo apart >s/t && mv s/t s/one", NULL },
        { "cp -p s/one s/t && mv s/t s/one && cp -p s/a/two s/t && mv s/t s/a/two", NULL },
        /* Joined: a file of its own becomes a name of the group. */
        { "ln -f s/one s/single", NULL },
        { "ln -f s/single s/one", NULL },
        { "ln -f s/single s/one && ln -f s/single s/a/two && ln -f s/single s/b/three", NULL },
        /* Names that move. */
        { "mv s/one s/renamed", NULL },
        { "mv s/a/two s/b/moved", NULL },
        { "mv s/one s/a/x && mv s/a/two s/b/y && mv s/b/three s/z", NULL },
        { "mv s/a s/c", "rename 1" },
        { "mv s/a s/t && mv s/b s/a && mv s/t s/b", "rename 2" },
        { "mv s/a s/b/a && ln s/one s/b/a/four && echo more >>s/one", NULL },
        /* Other types have links, too. */
        { "ln -s x s/link && ln s/link s/a/link", "copy 1, link 1" },
        { "mkfifo s/fifo && ln s/fifo s/a/fifo", "copy 1, link 1" },
        /* One group takes another's names. */
        { "ln s/single s/a/double && ln s/one s/t && mv s/t s/q && ln -f s/single s/one", NULL },
};

START_TEST(by_full_pass) {
        make_pair();
        test_run("%s", changes[_i].command);
        const char *done = test_full();
        ck_assert_msg(!changes[_i].done || strcmp(done, changes[_i].done) == 0, "%s: %s",
                      changes[_i].command, done);
        (void) test_expect_equal();
        (void) test_retry();
        test_expect_in_step();
        test_expect_no_orphans();
}
END_TEST

START_TEST(over_a_restart) {
        make_pair();
        test_close();
        test_run("%s", changes[_i].command);
        test_open(NULL, 0);
        const char *done = test_full();
        ck_assert_msg(!changes[_i].done || strcmp(done, changes[_i].done) == 0, "%s: %s",
                      changes[_i].command, done);
        (void) test_expect_equal();
        (void) test_retry();
        test_expect_in_step();
        test_expect_no_orphans();
}
END_TEST

/* An event tells of one name only; the group's others follow by themselves. */
START_TEST(one_name_brings_the_others) {
        make_pair();
        test_run("echo more >>s/a/two");
        (void) test_dirty("a", "two");
        (void) test_expect_equal();
        expect_linked("r/one", "r/a/two");
        expect_linked("r/one", "r/b/three");
        test_run("echo most >>s/one");
        (void) test_dirty("", "one");
        (void) test_expect_equal();
        test_run("chmod 0600 s/b/three");
        ck_assert_str_eq(test_dirty("b", "three"), "metadata 1");
        (void) test_expect_equal();
        test_expect_in_step();
}
END_TEST

START_TEST(dirty_passes_of_links) {
        make_pair();
        test_run("ln s/one s/b/four");
        ck_assert_str_eq(test_dirty("b", "four"), "link 1");
        (void) test_expect_equal();
        test_run("rm s/one");
        ck_assert_str_eq(test_dirty("", "one"), "remove 1");
        (void) test_expect_equal();
        test_run("ln s/single s/a/double");
        ck_assert_str_eq(test_dirty("a", "double"), "link 1");
        expect_linked("r/single", "r/a/double");
        test_expect_in_step();
}
END_TEST

/* Before the first pass has seen the group, an event of a second name. */
START_TEST(group_below_new_directory) {
        make_pair();
        test_run("mkdir -p s/new/er && ln s/one s/new/1 && ln s/one s/new/er/2 && "
                 "echo fresh >s/new/3 && ln s/new/3 s/new/er/4");
        ck_assert_str_eq(test_dirty("", "new"), "copy 1, link 3, mkdir 2");
        (void) test_expect_equal();
        expect_linked("r/new/er/2", "r/a/two");
        test_expect_in_step();
}
END_TEST

/* The replica's names were cut loose or joined by somebody. */
START_TEST(tampered_groups) {
        static const char *const commands[] = {
                "cp -p r/one r/t && mv r/t r/one",
                "rm r/a/two",
                "rm r/one r/a/two r/b/three",
                "ln -f r/one r/single",
                "ln -f r/single r/one",
                "echo tampered >>r/b/three",
                "chmod 0777 r/b/three",
                "ln r/one r/extra",
                "mv r/one r/elsewhere",
                "mv r/one r/t && mv r/single r/one && mv r/t r/single",
        };

        for (size_t i = 0; i < sizeof commands / sizeof *commands; i++) {
                if (i == 0)
                        make_pair();
                test_run("%s", commands[i]);
                const char *done = test_full();
                ck_assert_msg(done[0], "%s: nothing done", commands[i]);
                (void) test_expect_equal();
                (void) test_retry();
                test_expect_in_step();
                test_expect_no_orphans();
        }
}
END_TEST

/* More names than are looked at together, in one directory and in many. */
START_TEST(many_names) {
        test_run("mkdir s/d && echo x >s/f && for i in $(seq 300); do ln s/f s/d/$i; done && "
                 "for i in $(seq 100); do mkdir s/$i && ln s/f s/$i/name; done");
        test_open(NULL, 0);
        ck_assert_str_eq(test_full(), "copy 1, link 400, mkdir 101");
        (void) test_expect_equal();
        test_expect_in_step();
        test_run("echo y >>s/50/name");
        (void) test_full();
        (void) test_expect_equal();
        test_expect_in_step();
        test_run("rm -r s/d");
        ck_assert_str_eq(test_full(), "remove 1");
        test_expect_in_step();
        test_expect_no_orphans();
}
END_TEST

/* Many groups that are made at the same time. */
START_TEST(many_groups) {
        test_run("for d in a b c d; do mkdir s/$d; done && for i in $(seq 150); do "
                 "echo $i >s/a/$i && ln s/a/$i s/b/$i && ln s/a/$i s/c/$i && ln s/a/$i s/d/$i; "
                 "done");
        test_open(NULL, 0);
        ck_assert_str_eq(test_full(), "copy 150, link 450, mkdir 4");
        test_expect_in_step();
        test_run("for i in $(seq 150); do echo more >>s/c/$i; done");
        (void) test_full();
        (void) test_expect_equal();
        test_expect_in_step();
}
END_TEST

/* A replica with the right groups and one with none is adopted and put right. */
START_TEST(adopted_groups) {
        test_run("echo 1 >s/a && ln s/a s/b && ln s/a s/c && echo 2 >s/x && ln s/x s/y && "
                 "cp -a s r");
        uint64_t a = test_inode("r/a"), x = test_inode("r/x");
        test_open(NULL, 0);
        const char *done = test_full();
        ck_assert_uint_eq(test.result.counters.n_bytes, 0);
        ck_assert_ptr_null(strstr(done, "copy"));
        ck_assert_ptr_null(strstr(done, "update"));
        ck_assert_uint_eq(test_inode("r/a"), a);
        ck_assert_uint_eq(test_inode("r/y"), x);
        (void) test_expect_equal();
        test_expect_in_step();
        test_close();

        /* All of them one group in the replica, then none of them. */
        test_run("rm -r r .r.rebackup state && mkdir r && cp -p s/a r/a && "
                 "for i in b c x y; do ln r/a r/$i; done");
        test_open(NULL, 0);
        (void) test_full();
        (void) test_expect_equal();
        test_expect_in_step();
        test_close();
        test_run("rm -r r .r.rebackup state && mkdir r && for i in a b c x y; do cp -p s/$i r/$i; "
                 "done");
        test_open(NULL, 0);
        (void) test_full();
        (void) test_expect_equal();
        test_expect_in_step();
}
END_TEST

/* Names are linked, cut and changed at random. */
START_TEST(random_groups) {
        unsigned seed = (unsigned) now_usec(CLOCK_REALTIME), state = seed;
        static const char *const commands[] = {
                "ln -f $1 $2 2>/dev/null || true", "echo x >>$1",
                "mv -f $1 $2 2>/dev/null || true", "rm -f $1",
                "cp $1 $2.t 2>/dev/null || true",
        };
        char names[64];

        (void) fprintf(stderr, "groups: seed %u\n", seed);
        test_run("mkdir s/a s/b s/c");
        test_open(NULL, 0);
        for (int round = 0; round < 30; round++) {
                for (int i = 0; i < 12; i++) {
                        unsigned r[5];

                        for (int j = 0; j < 5; j++) {
                                state = state * 1103515245 + 12345;
                                r[j] = state >> 16;
                        }
                        (void) snprintf(names, sizeof names, "s/%c/%u s/%c/%u",
                                        'a' + (int) (r[1] % 3), r[2] % 6, 'a' + (int) (r[3] % 3),
                                        r[4] % 6);
                        test_run("set -- %s && %s", names, commands[r[0] % 5]);
                }
                (void) test_full();
                (void) test_expect_equal();
        }
        (void) test_retry();
        test_expect_in_step();
        test_expect_no_orphans();
}
END_TEST

int main(void) {
        TCase *tcase;
        Suite *suite = test_engine_suite("groups", &tcase);

        tcase_add_loop_test(tcase, by_full_pass, 0, sizeof changes / sizeof *changes);
        tcase_add_loop_test(tcase, over_a_restart, 0, sizeof changes / sizeof *changes);
        tcase_add_test(tcase, one_name_brings_the_others);
        tcase_add_test(tcase, dirty_passes_of_links);
        tcase_add_test(tcase, group_below_new_directory);
        tcase_add_test(tcase, tampered_groups);
        tcase_add_test(tcase, many_names);
        tcase_add_test(tcase, many_groups);
        tcase_add_test(tcase, adopted_groups);
        tcase_add_test(tcase, random_groups);
        return test_fs_run(suite);
}
