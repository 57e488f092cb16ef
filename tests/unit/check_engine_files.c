/* Files that are no ordinary names of a directory's list: those known by identity alone, and those
 * too large to be waited for. */

#include <check.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "basic/macros.h"
#include "test-engine.h"

enum { LARGE_MIB = 65 };

/* By identity */

static WatchFile file_of(const char *name) {
        struct stat st;

        TEST_SYS(stat(test_name(name), &st));
        return (WatchFile) { .device = st.st_dev, .inode = st.st_ino };
}

/* A dirty pass for FILE alone, told N times, and the root's names NAMES (or NULL). */
static const char *pass_with(WatchFile file, unsigned n, const char *const *names) {
        usec_t now = now_usec(CLOCK_MONOTONIC);
        Node *root = tree_root(test.tree);
        DirtyBatch batch;
        DirtySet *set;

        TEST_OK(dirty_new(&set, (DirtyTimes) { .max_delay = USEC_PER_SEC }));
        for (unsigned i = 0; i < n; i++)
                TEST_OK(dirty_add_file(set, file, now));
        for (; names && *names; names++)
                TEST_OK(dirty_add(set, root, *names, DIRTY_SETTLED, now));
        TEST_OK(dirty_take(set, now, &batch));
        ck_assert_uint_eq(batch.n_files, 1);
        dirty_free(set);
        node_unref(root);
        return test_pass_for(&batch);
}

static const char *pass_for(WatchFile file, unsigned n) {
        return pass_with(file, n, NULL);
}

START_TEST(a_change_through_a_name_that_is_gone) {
        WatchFile file;

        test_run("mkdir s/d && echo 1 >s/d/f && echo 1 >s/other");
        test_open(NULL, 0);
        (void) test_full();
        file = file_of("s/d/f");

        test_run("ln s/d/f s/fleeting && echo 2 >>s/fleeting && rm s/fleeting");
        ck_assert_str_eq(pass_for(file, 3), "update 1");
        ck_assert_str_eq(pass_for(file, 1), "");
        (void) test_full(); /* of the root's times no event was told here */
        test_expect_in_step();
}
END_TEST

/* The rename and the change are found by the same pass, in whichever order it looks. */
START_TEST(a_change_through_a_name_that_is_gone_while_the_directory_moves) {
        WatchFile file;

        test_run("mkdir -p s/a/d/e && echo 1 >s/a/d/e/f && echo 1 >s/a/d/e/g");
        test_open(NULL, TEST_WATCH);
        (void) test_full();
        file = file_of("s/a/d/e/f");

        test_run("ln s/a/d/e/f s/fleeting && echo 2 >>s/fleeting && rm s/fleeting && mv s/a s/b");
        ck_assert_str_eq(pass_with(file, 1, (const char *[]) { "a", "b", NULL }),
                         "update 1, rename 1");
        test_expect_in_step();
}
END_TEST

/* Two directories changed places: where the tree has one there is one. */
START_TEST(a_change_through_a_name_that_is_gone_while_directories_are_swapped) {
        static const char *const names[] = { "a/f", "b/g" };
        const char *name = names[_i];
        WatchFile file;

        test_run("mkdir -p s/a s/b && echo 1 >s/a/f && echo 1 >s/b/g");
        test_open(NULL, TEST_WATCH);
        (void) test_full();
        file = file_of(_i == 0 ? "s/a/f" : "s/b/g");

        test_run("ln s/%s s/fleeting && echo 2 >>s/fleeting && rm s/fleeting && "
                 "mv s/a s/c && mv s/b s/a && mv s/c s/b",
                 name);
        (void) pass_with(file, 1, (const char *[]) { "a", "b", "c", NULL });
        (void) test_expect_equal();
        test_expect_in_step();
}
END_TEST

/* The event of the rename comes only after the pass that asks for the file. */
START_TEST(a_change_through_a_name_that_is_gone_before_the_directory_is_found) {
        WatchFile file, other;

        test_run("mkdir -p s/a/d && echo 1 >s/a/d/f && echo 1 >s/g");
        test_open(NULL, TEST_WATCH);
        (void) test_full();
        file = file_of("s/a/d/f");
        other = file_of("s/g");

        test_run("ln s/a/d/f s/fleeting && echo 2 >>s/fleeting && rm s/fleeting && mv s/a s/b");
        (void) pass_for(file, 1);
        (void) pass_with(other, 1, (const char *[]) { "a", "b", NULL });
        (void) test_expect_equal();
        test_expect_in_step();
}
END_TEST

/* What went with its directory is asked for in vain, and keeps nothing from its end. */
START_TEST(files_of_removed_directories) {
        WatchFile file;

        test_run("mkdir -p s/a/d && echo 1 >s/a/d/f");
        test_open(NULL, TEST_WATCH);
        (void) test_full();
        file = file_of("s/a/d/f");
        test_run("rm -r s/a");
        ck_assert_str_eq(pass_with(file, 1, (const char *[]) { "a", NULL }), "remove 1");
        test_expect_in_step();
        test_expect_no_orphans();
}
END_TEST

START_TEST(all_names_of_a_group) {
        WatchFile file;

        test_run("mkdir s/d s/e && echo 1 >s/d/f && for i in 1 2 3 4 5; do ln s/d/f s/e/$i; done");
        test_open(NULL, 0);
        (void) test_full();
        file = file_of("s/d/f");
        test_run("echo 2 >>s/e/3 && rm s/e/3 s/e/4");
        (void) pass_for(file, 1);
        test_run("cmp s/d/f r/d/f && cmp s/e/5 r/e/5");
        ck_assert_uint_eq(test_inode("r/d/f"), test_inode("r/e/5"));
        (void) test_full();
        test_expect_in_step();
}
END_TEST

START_TEST(files_that_nobody_knows) {
        WatchFile file;

        test_run("echo 1 >s/f");
        test_open(NULL, 0);
        (void) test_full();
        test_run("echo 1 >s/new");
        file = file_of("s/new");
        ck_assert_str_eq(pass_for(file, 1), ""); /* its name has an event of its own */
        test_run("rm s/new");
        ck_assert_str_eq(pass_for(file, 1), "");
        file = file_of("s/f");
        test_run("rm s/f");
        ck_assert_str_eq(pass_for(file, 1), ""); /* likewise */
        file.device++;
        ck_assert_str_eq(pass_for(file, 1), "");
        (void) test_full();
        test_expect_in_step();
}
END_TEST

/* Large ones */

static void make_large(const char *name) {
        test_run("head -c %dM /dev/zero | tr '\\0' %c >s/%s", LARGE_MIB, name[strlen(name) - 1],
                 name);
}

/* What was done by all passes until nothing runs any more. */
static uint64_t finish_all(Operation operation) {
        uint64_t n = test.result.counters.operations[operation];

        while (engine_is_running(test.engine, PASS_LARGE)) {
                ck_assert_int_eq(test_await(), 0);
                n += test.result.counters.operations[operation];
        }
        return n;
}

START_TEST(a_full_pass_has_them) {
        test_run("mkdir s/d");
        make_large("d/a");
        make_large("d/b");
        make_large("c");
        test_run("ln s/c s/d/link && echo small >s/d/small");
        test_open(NULL, 0);
        ck_assert_str_eq(test_full(), "copy 4, link 1, mkdir 1");
        ck_assert(!engine_is_running(test.engine, PASS_LARGE));
        test_expect_in_step();

        test_run("touch s/d/a && echo more >>s/c");
        (void) test_full();
        test_expect_in_step();
}
END_TEST

START_TEST(a_dirty_pass_leaves_them_behind) {
        test_run("mkdir s/d && echo 1 >s/d/a && echo 1 >s/d/small");
        test_open(NULL, 0);
        (void) test_full();

        make_large("d/a");
        ck_assert_str_eq(test_dirty("d", "a"), "");
        ck_assert_uint_eq(finish_all(OPERATION_UPDATE), 1);
        make_large("d/b");
        make_large("d/c");
        make_large("d/e");
        (void) test_dirty("d", NULL);
        ck_assert_uint_eq(finish_all(OPERATION_COPY), 3);
        test_expect_in_step();
}
END_TEST

/* The look comes while it is copied, or after. */
START_TEST(a_second_look_is_no_second_copy) {
        uint64_t n;

        test_open(NULL, 0);
        (void) test_full();
        make_large("a");
        (void) test_dirty("", "a");
        n = test.result.counters.operations[OPERATION_COPY];
        for (int i = 0; i < 3; i++) {
                (void) test_dirty("", "a");
                n += test.result.counters.operations[OPERATION_COPY];
        }
        test.result.counters.operations[OPERATION_COPY] = 0;
        ck_assert_uint_eq(n + finish_all(OPERATION_COPY), 1);
        test_expect_in_step();
}
END_TEST

START_TEST(one_that_goes_away_in_the_meantime) {
        test_run("mkdir s/d");
        test_open(NULL, 0);
        (void) test_full();
        make_large("d/a");
        (void) test_dirty("d", "a");
        test_run("mv s/d/a s/moved; rmdir s/d; mkdir s/d");
        (void) test_dirty("", NULL);
        (void) finish_all(OPERATION_COPY);
        (void) test_full();
        (void) test_full();
        test_expect_in_step();
        ck_assert_uint_eq(test_n_staged(), 0);
}
END_TEST

START_TEST(cancelled_in_the_middle) {
        test_open(NULL, 0);
        (void) test_full();
        make_large("a");
        make_large("b");
        make_large("c");
        (void) test_dirty("", NULL);
        engine_cancel(test.engine);
        while (engine_is_running(test.engine, PASS_LARGE))
                (void) test_await();
        test_reopen();
        (void) test_full();
        test_expect_in_step();
}
END_TEST

static Suite *files_suite(void) {
        TCase *tcase;
        Suite *suite = test_engine_suite("engine-files", &tcase);

        tcase_set_timeout(tcase, 120);
        tcase_add_test(tcase, a_change_through_a_name_that_is_gone);
        tcase_add_test(tcase, a_change_through_a_name_that_is_gone_while_the_directory_moves);
        tcase_add_loop_test(
                tcase, a_change_through_a_name_that_is_gone_while_directories_are_swapped, 0, 2);
        tcase_add_test(tcase, a_change_through_a_name_that_is_gone_before_the_directory_is_found);
        tcase_add_test(tcase, files_of_removed_directories);
        tcase_add_test(tcase, all_names_of_a_group);
        tcase_add_test(tcase, files_that_nobody_knows);
        tcase_add_test(tcase, a_full_pass_has_them);
        tcase_add_test(tcase, a_dirty_pass_leaves_them_behind);
        tcase_add_test(tcase, a_second_look_is_no_second_copy);
        tcase_add_test(tcase, one_that_goes_away_in_the_meantime);
        tcase_add_test(tcase, cancelled_in_the_middle);
        return suite;
}

int main(void) {
        return test_fs_run(files_suite());
}
