/* What leaves the replica is gone from it, from staging and from the catalog, tree and watches. */

#include <stdlib.h>
#include <syslog.h>
#include <unistd.h>

#include "test-engine.h"

START_TEST(trees_go) {
        test_run("for i in $(seq 40); do mkdir -p s/d/$i/x/y && echo $i >s/d/$i/x/y/f && "
                 "ln -s x s/d/$i/l; done && echo stays >s/f");
        test_open(NULL, TEST_WATCH);
        ck_assert_str_eq(test_full(), "copy 81, mkdir 121");
        ck_assert_uint_eq(watch_n_watched(test.watch), 122);
        ck_assert_uint_eq(tree_n_nodes(test.tree), 122);
        test_run("rm -r s/d");
        ck_assert_str_eq(test_full(), "remove 1");
        ck_assert(!test_exists("r/d"));
        test_expect_in_step();
        test_expect_no_orphans();
        ck_assert_uint_eq(watch_n_watched(test.watch), 1);
        ck_assert_uint_eq(tree_n_nodes(test.tree), 1);
}
END_TEST

/* The engine ends right after the pass: nothing is left for nobody. */
START_TEST(trees_go_before_the_end) {
        test_run("for i in $(seq 30); do mkdir s/$i && for j in $(seq 40); do : >s/$i/$j; done; "
                 "done");
        test_open(NULL, 0);
        (void) test_full();
        test_run("rm -r s/*");
        ck_assert_str_eq(test_full(), "remove 30");
        test_reopen();
        ck_assert_str_eq(test_full(), "");
        test_expect_no_orphans();
}
END_TEST

START_TEST(many_directories) {
        test_run("cd s && seq 6000 | xargs mkdir");
        test_open(NULL, 0);
        ck_assert_str_eq(test_full(), "mkdir 6000");
        test_run("rm -r s && mkdir s");
        ck_assert_str_eq(test_full(), "remove 6000");
        test_expect_in_step();
        test_expect_no_orphans();
}
END_TEST

/* What is removed and made again at once is a new entry. */
START_TEST(removed_and_made_again) {
        test_run("mkdir -p s/d/e && echo 1 >s/d/e/1");
        test_open(NULL, TEST_WATCH);
        (void) test_full();
        for (int i = 0; i < 5; i++) {
                test_run("rm -r s/d && mkdir -p s/d/e && echo %d >s/d/e/1", i);
                (void) test_full();
                (void) test_expect_equal();
                test_run("rm -r s/d");
                ck_assert_str_eq(test_dirty("", "d"), "remove 1");
                test_run("mkdir -p s/d/e && echo %d >s/d/e/1", i);
                ck_assert_str_eq(test_dirty("", "d"), "copy 1, mkdir 2");
        }
        test_expect_in_step();
        test_expect_no_orphans();
        ck_assert_uint_eq(watch_n_watched(test.watch), 3);
}
END_TEST

START_TEST(directories_that_forbid_it) {
        test_run("mkdir -p s/d/e && echo 1 >s/d/e/1 && chmod 0555 s/d/e && chmod 0 s/d");
        test_open(NULL, 0);
        (void) test_full();
        test_expect_in_step();
        test_run("chmod 0755 s/d s/d/e && rm -r s/d");
        ck_assert_str_eq(test_full(), "remove 1");
        test_expect_in_step();
}
END_TEST

/* The root is another directory than at the start: nothing is removed. */
START_TEST(exchanged_root_removes_nothing) {
        test_run("echo 1 >s/1 && mkdir s/d && echo 2 >s/d/2");
        test_open(NULL, 0);
        (void) test_full();
        test_run("mv s away");
        TEST_OK(engine_start(test.engine, PASS_FULL));
        ck_assert_int_eq(test_await(), GUARD_SOURCE_GONE);
        ck_assert_ptr_nonnull(test.result.error);
        ck_assert(test_exists("r/d/2") && test_exists("r/1"));
        test_run("mv away s");
        ck_assert_str_eq(test_full(), "");
        test_expect_in_step();
}
END_TEST

/* The disk below is not mounted: what was on it stays. */
START_TEST(unmounted_directory_stays) {
        int fd;

        test_run("mkdir s/sub");
        fd = test_mount("tmpfs", "disk");
        if (fd < 0)
                return;
        (void) close(fd);
        test_run("echo 1 >disk/1 && mkdir disk/d && echo 2 >disk/d/2 && mount --move disk s/sub");
        test_open(NULL, 0);
        ck_assert_str_eq(test_full(), "copy 2, mkdir 2");
        test_expect_in_step();
        test_run("umount s/sub");
        ck_assert_str_eq(test_full(), "");
        ck_assert_uint_eq(engine_n_held(test.engine), 1);
        ck_assert(test_logged(LOG_ERR, "tmpfs:source=disk"));
        ck_assert_str_eq(test_output("cat r/sub/d/2"), "2");
        ck_assert_str_eq(test_dirty("", "sub"), "");
        ck_assert_str_eq(test_output("cat r/sub/1"), "1");
        test_run("rmdir s/sub");
        ck_assert_str_eq(test_full(), "");
        ck_assert_uint_eq(engine_n_held(test.engine), 1);
        ck_assert_str_eq(test_output("cat r/sub/1"), "1");
}
END_TEST

int main(void) {
        TCase *tcase;
        Suite *suite = test_engine_suite("retire", &tcase);

        tcase_add_test(tcase, trees_go);
        tcase_add_test(tcase, trees_go_before_the_end);
        tcase_add_test(tcase, many_directories);
        tcase_add_test(tcase, removed_and_made_again);
        tcase_add_test(tcase, directories_that_forbid_it);
        tcase_add_test(tcase, exchanged_root_removes_nothing);
        tcase_add_test(tcase, unmounted_directory_stays);
        return test_fs_run(suite);
}
