/* A replica that was there before, or whose catalog is lost: what is equal is adopted, what differs
 * is replaced and kept as a version. */

#include <stdlib.h>

#include "test-engine.h"

static void make_source(void) {
        test_run("mkdir -p s/d/e && echo 1 >s/1 && echo 2 >s/d/2 && echo 3 >s/d/e/3 && "
                 "ln -s x s/link && mkfifo s/fifo && ln s/1 s/d/one");
}

START_TEST(equal_replica) {
        make_source();
        test_run("cp -a s r");
        char *before = test_snapshot("r -mindepth 1");
        test_open(NULL, 0);
        const char *done = test_full();
        ck_assert_msg(strncmp(done, "adopt ", 6) == 0 && !strchr(done, ','), "%s", done);
        ck_assert_uint_eq(test.result.counters.n_bytes, 0);
        char *after = test_snapshot("r -mindepth 1");
        ck_assert_str_eq(before, after);
        free(before);
        free(after);
        test_expect_in_step();
        ck_assert(!test_exists(".r.rebackup/versions"));
}
END_TEST

/* Content is what counts; metadata is put right in place. */
START_TEST(equal_content) {
        make_source();
        test_run("cp -a s r && chmod 0600 r/d/2 && touch r/d/e/3 r/1 && chmod 0700 r/d && "
                 "touch -h r/link");
        uint64_t inode = test_inode("r/d/2");
        test_open(NULL, 0);
        const char *done = test_full();
        ck_assert_msg(strncmp(done, "adopt ", 6) == 0 && !strchr(done, ','), "%s", done);
        ck_assert_uint_eq(test_inode("r/d/2"), inode);
        test_expect_in_step();
}
END_TEST

START_TEST(different_replica) {
        make_source();
        test_run("cp -a s r && echo X >r/d/2 && echo longer >r/d/e/3 && echo extra >r/extra && "
                 "mkdir r/more && echo deep >r/more/deep && rm r/fifo && mkdir r/fifo && "
                 "echo in >r/fifo/in");
        test_open(NULL, 0);
        (void) test_full();
        (void) test_expect_equal();
        test_expect_in_step();
        ck_assert_str_eq(test_output("cat .r.rebackup/versions/*/d/2"), "X");
        ck_assert_str_eq(test_output("cat .r.rebackup/versions/*/d/e/3"), "longer");
        ck_assert_str_eq(test_output("cat .r.rebackup/versions/*/extra"), "extra");
        ck_assert_str_eq(test_output("cat .r.rebackup/versions/*/more/deep"), "deep");
        ck_assert_str_eq(test_output("cat .r.rebackup/versions/*/fifo/in"), "in");
        ck_assert_str_eq(test_output("stat -c %%a .r.rebackup/versions"), "700");

        /* From then on what is replaced is not kept. */
        test_run("echo new >s/d/2");
        ck_assert_str_eq(test_full(), "update 1");
        test_expect_in_step();
        ck_assert_str_eq(test_output("cat .r.rebackup/versions/*/d/2"), "X");
}
END_TEST

/* The first pass was cut short: the next one still adopts. */
START_TEST(adoption_goes_on_after_a_restart) {
        make_source();
        test_run("mkdir r && echo X >r/1 && echo extra >r/extra");
        test_open(NULL, 0);
        engine_cancel(test.engine);
        TEST_OK(engine_start(test.engine, PASS_FULL));
        ck_assert_int_eq(test_await(), -ECANCELED);
        ck_assert(test_exists("r/extra"));
        test_reopen();
        (void) test_full();
        ck_assert_str_eq(test_output("cat .r.rebackup/versions/*/1"), "X");
        ck_assert_str_eq(test_output("cat .r.rebackup/versions/*/extra"), "extra");
        test_expect_in_step();
}
END_TEST

START_TEST(lost_catalog) {
        make_source();
        test_open(NULL, 0);
        (void) test_full();
        test_close();
        test_run("rm .r.rebackup/catalog.db*");
        char *before = test_snapshot("r -mindepth 1");
        test_open(NULL, 0);
        const char *done = test_full();
        ck_assert_msg(strncmp(done, "adopt ", 6) == 0 && !strchr(done, ','), "%s", done);
        char *after = test_snapshot("r -mindepth 1");
        ck_assert_str_eq(before, after);
        free(before);
        free(after);
        test_expect_in_step();
}
END_TEST

START_TEST(damaged_catalog) {
        make_source();
        test_open(NULL, 0);
        (void) test_full();
        test_close();
        test_run("head -c 20000 /dev/urandom >.r.rebackup/catalog.db");
        test_open(NULL, 0);
        ck_assert(test.pair->store.catalog_was_set_aside);
        const char *done = test_full();
        ck_assert_msg(strncmp(done, "adopt ", 6) == 0 && !strchr(done, ','), "%s", done);
        test_expect_in_step();
}
END_TEST

/* Replica and store were deleted while nobody, or the engine, was there. */
START_TEST(deleted_replica) {
        make_source();
        test_open(NULL, 0);
        ck_assert_str_eq(test_full(), "copy 5, link 1, mkdir 2");
        test_run("rm -r r");
        (void) test_full();
        ck_assert(test.result.rebuilt);
        (void) test_expect_equal();
        test_expect_in_step();
        ck_assert(!test.result.rebuilt);
        test_run("rm -r r .r.rebackup");
        (void) test_full();
        ck_assert(test.result.rebuilt);
        (void) test_expect_equal();
        test_expect_in_step();
        test_run("rm -r .r.rebackup");
        const char *done = test_full();
        ck_assert_msg(strncmp(done, "adopt ", 6) == 0 && !strchr(done, ','), "%s", done);
        test_expect_in_step();
        test_close();
        test_run("rm -r r .r.rebackup");
        test_open(NULL, 0);
        ck_assert_str_eq(test_full(), "copy 5, link 1, mkdir 2");
        test_expect_in_step();
}
END_TEST

START_TEST(deleted_replica_in_a_dirty_pass) {
        make_source();
        test_open(NULL, 0);
        (void) test_full();
        test_run("rm -r r .r.rebackup && echo more >>s/d/2");
        (void) test_dirty("d", "2");
        ck_assert(test.result.rebuilt);
        (void) test_full();
        (void) test_expect_equal();
        test_expect_in_step();
}
END_TEST

int main(void) {
        TCase *tcase;
        Suite *suite = test_engine_suite("engine_adoption", &tcase);

        tcase_add_test(tcase, equal_replica);
        tcase_add_test(tcase, equal_content);
        tcase_add_test(tcase, different_replica);
        tcase_add_test(tcase, adoption_goes_on_after_a_restart);
        tcase_add_test(tcase, lost_catalog);
        tcase_add_test(tcase, damaged_catalog);
        tcase_add_test(tcase, deleted_replica);
        tcase_add_test(tcase, deleted_replica_in_a_dirty_pass);
        return test_fs_run(suite);
}
