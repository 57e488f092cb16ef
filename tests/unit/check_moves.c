/* What is renamed in the source is renamed in the replica: its inode stays, nothing is copied. */

#include <stdio.h>
#include <stdlib.h>

#include "basic/alloc.h"
#include "test-engine.h"

/* The pair is in step with a file, directories with content, and a file of two names. */
static void make_pair(unsigned flags) {
        test_run("mkdir -p s/a/below s/b/under s/c && echo file >s/file && echo 1 >s/a/1 && "
                 "echo 2 >s/a/below/2 && echo 3 >s/b/3 && echo 4 >s/b/under/4 && ln -s x s/link && "
                 "echo other >s/other");
        test_open(NULL, flags);
        ck_assert_str_eq(test_full(), "copy 7, mkdir 5");
        test_expect_in_step();
}

/* After a move: nothing was copied, and once what does not rest was looked at again all is still.
 */
static void expect_moved(const char *done) {
        ck_assert_str_eq(test_full(), done);
        ck_assert_uint_eq(test.result.counters.n_bytes, 0);
        (void) test_expect_equal();
        ck_assert_str_eq(test_retry(), "");
        test_expect_in_step();
        test_expect_no_orphans();
}

START_TEST(single_file) {
        make_pair(0);
        uint64_t inode = test_inode("r/file");
        test_run("mv s/file s/c/moved");
        expect_moved("rename 1");
        ck_assert_uint_eq(test_inode("r/c/moved"), inode);
}
END_TEST

START_TEST(file_over_another) {
        make_pair(0);
        uint64_t inode = test_inode("r/file");
        test_run("mv s/file s/other");
        expect_moved("rename 1");
        ck_assert_uint_eq(test_inode("r/other"), inode);
}
END_TEST

/* Of content exchanged under the same size and mtime the ctime alone tells, and following the
 * rename moves that. */
START_TEST(tampered_file) {
        make_pair(0);
        test_run("cp -p r/file k && tr a-z b-za <k >r/file && touch -r k r/file && rm k");
        test_run("mv s/file s/moved");
        (void) test_full();
        test_expect_in_step();
        test_expect_no_orphans();
}
END_TEST

/* What a crash leaves between the renaming and its commit, but for the content: the rename alone
 * moves the ctime, so that it does not tell. The new name is looked at first. */
START_TEST(tampered_file_over_a_restart) {
        make_pair(0);
        test_close();
        test_run("mv s/file s/earlier && mv r/file r/earlier");
        test_run("cp -p r/earlier k && tr a-z b-za <k >r/earlier && touch -r k r/earlier && rm k");
        test_open(NULL, 0);
        (void) test_full();
        (void) test_retry();
        test_expect_in_step();
        test_expect_no_orphans();
}
END_TEST

/* The same, where the source's file got other content on its way. */
START_TEST(changed_file_over_a_restart) {
        make_pair(0);
        test_close();
        test_run("mv r/file r/earlier && cp -p s/file k && tr a-z b-za <k >s/file && "
                 "touch -r k s/file && rm k && mv s/file s/earlier");
        test_open(NULL, 0);
        (void) test_full();
        (void) test_retry();
        test_expect_in_step();
        test_expect_no_orphans();
}
END_TEST

START_TEST(files_that_swap) {
        make_pair(0);
        uint64_t file = test_inode("r/file"), other = test_inode("r/other");
        test_run("mv s/file s/t && mv s/other s/file && mv s/t s/other");
        ck_assert_str_eq(test_full(), "rename 2");
        ck_assert_uint_eq(test.result.counters.n_bytes, 0);
        ck_assert_uint_eq(test_inode("r/file"), other);
        ck_assert_uint_eq(test_inode("r/other"), file);
        (void) test_retry();
        test_expect_in_step();
        test_expect_no_orphans();
}
END_TEST

START_TEST(symbolic_link) {
        make_pair(0);
        test_run("mv s/link s/a/link2");
        expect_moved("rename 1");
}
END_TEST

START_TEST(file_with_new_attributes) {
        make_pair(0);
        uint64_t inode = test_inode("r/file");
        test_run("mv s/file s/b/f && chmod 4711 s/b/f");
        expect_moved("rename 1");
        ck_assert_uint_eq(test_inode("r/b/f"), inode);
}
END_TEST

/* Another content under another name is no move. */
START_TEST(file_changed_on_the_way) {
        make_pair(0);
        test_run("mv s/file s/moved && echo more >>s/moved");
        ck_assert_str_eq(test_full(), "copy 1, remove 1");
        test_expect_in_step();
        test_run("touch -r s/other s/ref && echo OTHER >s/other && touch -r s/ref s/other && "
                 "rm s/ref && mv s/other s/elsewhere");
        (void) test_full();
        (void) test_retry();
        test_expect_in_step();
}
END_TEST

START_TEST(single_directory) {
        make_pair(0);
        uint64_t inode = test_inode("r/a"), below = test_inode("r/a/below/2");
        test_run("mv s/a s/c/moved");
        expect_moved("rename 1");
        ck_assert_uint_eq(test_inode("r/c/moved"), inode);
        ck_assert_uint_eq(test_inode("r/c/moved/below/2"), below);
}
END_TEST

START_TEST(directory_in_a_dirty_pass) {
        make_pair(TEST_WATCH);
        test_run("mv s/a s/c/moved");
        ck_assert_str_eq(test_dirty("c", "moved"), "rename 1");
        ck_assert_str_eq(test_dirty("", "a"), "");
        (void) test_expect_equal();
        test_run("echo 5 >s/c/moved/below/5");
        ck_assert_str_eq(test_dirty("c/moved/below", "5"), "copy 1");
        test_expect_in_step();
        ck_assert_uint_eq(watch_n_watched(test.watch), 6);
}
END_TEST

/* The old name is looked at first. */
START_TEST(directory_in_two_dirty_passes) {
        make_pair(TEST_WATCH);
        test_run("mv s/a s/c/moved");
        ck_assert_str_eq(test_dirty("", "a"), "remove 1");
        ck_assert_str_eq(test_dirty("c", "moved"), "copy 2, mkdir 2");
        test_expect_in_step();
        test_expect_no_orphans();
}
END_TEST

START_TEST(directory_with_changes_inside) {
        make_pair(0);
        test_run("mv s/a s/c/moved && echo more >>s/c/moved/1 && rm s/c/moved/below/2 && "
                 "echo 5 >s/c/moved/below/5 && chmod 0700 s/c/moved/below");
        ck_assert_str_eq(test_full(), "copy 1, update 1, rename 1, metadata 1, remove 1");
        test_expect_in_step();
        test_expect_no_orphans();
}
END_TEST

START_TEST(directory_into_a_new_one) {
        make_pair(0);
        uint64_t inode = test_inode("r/a");
        test_run("mkdir -p s/new/er && mv s/a s/new/er/a && mv s/file s/new/file");
        expect_moved("rename 2, mkdir 2");
        ck_assert_uint_eq(test_inode("r/new/er/a"), inode);
}
END_TEST

START_TEST(directories_that_swap) {
        make_pair(0);
        uint64_t a = test_inode("r/a"), b = test_inode("r/b");
        test_run("mv s/a s/t && mv s/b s/a && mv s/t s/b");
        expect_moved("rename 2");
        ck_assert_uint_eq(test_inode("r/a"), b);
        ck_assert_uint_eq(test_inode("r/b"), a);
}
END_TEST

START_TEST(directories_that_rotate) {
        make_pair(0);
        test_run("mv s/a s/t && mv s/b s/a && mv s/c s/b && mv s/t s/c");
        expect_moved("rename 3");
}
END_TEST

START_TEST(parent_and_child_change_places) {
        make_pair(0);
        uint64_t a = test_inode("r/a"), below = test_inode("r/a/below");
        test_run("mv s/a/below s/t && mv s/a s/t/a && mv s/t s/x");
        ck_assert_str_eq(test_full(), "rename 2");
        ck_assert_uint_eq(test.result.counters.n_bytes, 0);
        test_expect_in_step();
        test_expect_no_orphans();
        ck_assert_uint_eq(test_inode("r/x"), below);
        ck_assert_uint_eq(test_inode("r/x/a"), a);
}
END_TEST

START_TEST(directory_over_a_removed_one) {
        make_pair(0);
        uint64_t inode = test_inode("r/a");
        test_run("rm -r s/b && mv s/a s/b");
        ck_assert_str_eq(test_full(), "rename 1");
        ck_assert_uint_eq(test_inode("r/b"), inode);
        test_expect_in_step();
        test_expect_no_orphans();
}
END_TEST

START_TEST(directory_in_the_place_of_a_file) {
        make_pair(0);
        uint64_t inode = test_inode("r/a");
        test_run("rm s/file && mv s/a s/file");
        (void) test_full();
        ck_assert_uint_eq(test_inode("r/file"), inode);
        test_expect_in_step();
        test_expect_no_orphans();
}
END_TEST

START_TEST(file_in_the_place_of_a_moved_directory) {
        make_pair(0);
        uint64_t a = test_inode("r/a"), file = test_inode("r/file");
        test_run("mv s/a s/z && mv s/file s/a");
        (void) test_full();
        ck_assert_uint_eq(test.result.counters.n_bytes, 0);
        (void) test_retry();
        test_expect_in_step();
        test_expect_no_orphans();
        ck_assert_uint_eq(test_inode("r/z"), a);
        ck_assert_uint_eq(test_inode("r/a"), file);
}
END_TEST

START_TEST(new_directory_in_the_place_of_a_moved_one) {
        make_pair(0);
        uint64_t a = test_inode("r/a");
        test_run("mv s/a s/z && mkdir s/a && echo new >s/a/1");
        (void) test_full();
        ck_assert_uint_eq(test_inode("r/z"), a);
        test_expect_in_step();
        test_expect_no_orphans();
}
END_TEST

START_TEST(children_leave_a_removed_directory) {
        make_pair(0);
        uint64_t under = test_inode("r/b/under"), three = test_inode("r/b/3");
        test_run("mv s/b/under s/under && mv s/b/3 s/a/3 && rmdir s/b");
        expect_moved("rename 2, remove 1");
        ck_assert_uint_eq(test_inode("r/under"), under);
        ck_assert_uint_eq(test_inode("r/a/3"), three);
}
END_TEST

START_TEST(over_a_restart) {
        make_pair(0);
        uint64_t a = test_inode("r/a"), file = test_inode("r/file");
        test_close();
        test_run("mkdir s/new && mv s/a s/new/a && mv s/file s/b/under/file");
        test_open(NULL, 0);
        expect_moved("rename 2, mkdir 1");
        ck_assert_uint_eq(test_inode("r/new/a"), a);
        ck_assert_uint_eq(test_inode("r/b/under/file"), file);
}
END_TEST

/* There and back again, many times, with a pass in between or not. */
START_TEST(many_moves) {
        make_pair(0);
        for (int i = 0; i < 10; i++) {
                test_run("mv s/a/below s/b/below%d && mv s/b s/b2 && mv s/a s/b && mv s/b2 s/a", i);
                (void) test_full();
                test_run("mv s/a/below%d s/b/below && mv s/b s/b2 && mv s/a s/b && mv s/b2 s/a", i);
                if (i % 2 == 0)
                        (void) test_full();
                test_run("mv s/b/below s/a/below 2>/dev/null; mv s/c s/c2 && mv s/c2 s/c");
                (void) test_full();
                (void) test_expect_equal();
        }
        test_expect_in_step();
        test_expect_no_orphans();
}
END_TEST

/* A directory or file of the source, chosen by a generator of its own. */
static void random_name(unsigned *state, char *ret, size_t size) {
        *state = *state * 1103515245 + 12345;
        (void) snprintf(ret, size, "%s",
                        test_output("find s -mindepth 1 | LC_ALL=C sort | "
                                    "awk -v n=%u '{ a[NR] = $0 } END { print a[n %% NR + 1] }'",
                                    *state >> 8));
}

/* Entries are renamed at random, into each other too, between passes. */
START_TEST(random_moves) {
        unsigned seed = (unsigned) now_usec(CLOCK_REALTIME), state = seed;
        char from[512], to[512];

        (void) fprintf(stderr, "moves: seed %u\n", seed);
        test_run("for i in 0 1 2 3 4 5 6 7 8 9; do mkdir s/$i && echo $i >s/$i/f$i && "
                 "ln s/$i/f$i s/$i/l$i; done");
        test_open(NULL, 0);
        (void) test_full();
        for (int round = 0; round < 25; round++) {
                for (int i = 0; i < 6; i++) {
                        random_name(&state, from, sizeof from);
                        random_name(&state, to, sizeof to);
                        test_run(
                                "mv -T '%s' '%s' 2>/dev/null || mv '%s' '%s'/n%d_%d 2>/dev/null || "
                                "true",
                                from, to, from, to, round, i);
                }
                (void) test_full();
                (void) test_expect_equal();
        }
        test_expect_in_step();
        test_expect_no_orphans();
}
END_TEST

int main(void) {
        TCase *tcase;
        Suite *suite = test_engine_suite("moves", &tcase);

        tcase_add_test(tcase, single_file);
        tcase_add_test(tcase, file_over_another);
        tcase_add_test(tcase, tampered_file);
        tcase_add_test(tcase, tampered_file_over_a_restart);
        tcase_add_test(tcase, changed_file_over_a_restart);
        tcase_add_test(tcase, files_that_swap);
        tcase_add_test(tcase, symbolic_link);
        tcase_add_test(tcase, file_with_new_attributes);
        tcase_add_test(tcase, file_changed_on_the_way);
        tcase_add_test(tcase, single_directory);
        tcase_add_test(tcase, directory_in_a_dirty_pass);
        tcase_add_test(tcase, directory_in_two_dirty_passes);
        tcase_add_test(tcase, directory_with_changes_inside);
        tcase_add_test(tcase, directory_into_a_new_one);
        tcase_add_test(tcase, directories_that_swap);
        tcase_add_test(tcase, directories_that_rotate);
        tcase_add_test(tcase, parent_and_child_change_places);
        tcase_add_test(tcase, directory_over_a_removed_one);
        tcase_add_test(tcase, directory_in_the_place_of_a_file);
        tcase_add_test(tcase, file_in_the_place_of_a_moved_directory);
        tcase_add_test(tcase, new_directory_in_the_place_of_a_moved_one);
        tcase_add_test(tcase, children_leave_a_removed_directory);
        tcase_add_test(tcase, over_a_restart);
        tcase_add_test(tcase, many_moves);
        tcase_add_test(tcase, random_moves);
        return test_fs_run(suite);
}
