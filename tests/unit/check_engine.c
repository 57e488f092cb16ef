/* Passes over plain changes: what is done, what is counted, and that the trees are equal after it.
 */

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "basic/alloc.h"
#include "test-engine.h"

/* One of everything. */
static void make_zoo(void) {
        test_run("cd s && mkdir -p a/b/c empty 'name with\nnewline' && echo one >a/one && "
                 "echo two >a/b/two && : >a/b/c/nothing && ln -s nowhere a/link && "
                 "mkfifo -m 0620 a/fifo && truncate -s 1M a/sparse && echo end >>a/sparse && "
                 "ln a/one a/b/uno && chmod 4751 a/b/two && chmod 1777 empty && "
                 "touch -d '1969-07-20 20:17:40.123456789' a/b/c/nothing && "
                 "touch -h -d '2001-09-09 01:46:40.5' a/link && "
                 "touch -d '2033-05-18 03:33:20.987654321' a/b");
        if (geteuid() == 0)
                test_run("cd s && mknod a/null c 1 3 && mknod a/loop b 7 200 && "
                         "chown 1234:5678 a/one && chown -h 12:34 a/link && chown 7:8 empty && "
                         "setfattr -n user.colour -v blue a/one 2>/dev/null; "
                         "setfacl -d -m u:1234:rwx s/empty 2>/dev/null; true");
}

START_TEST(first_copy) {
        make_zoo();
        test_open(NULL, 0);
        const char *done = test_full();

        ck_assert_str_eq(done,
                         geteuid() == 0 ? "copy 8, link 1, mkdir 5" : "copy 6, link 1, mkdir 5");
        ck_assert_uint_eq(test.result.counters.n_directories, 6);
        ck_assert_uint_eq(test.result.counters.n_bytes, 4 + 4 + (1 << 20) + 4);
        ck_assert_int_eq(test.result.kind, PASS_FULL);
        ck_assert_uint_eq(test.result.retries.n_directories, 0);
        ck_assert(!test.result.retries_dropped);
        test_expect_in_step();
        test_expect_no_orphans();
        /* A hole is a hole in the replica, too. */
        ck_assert_int_le(atoi(test_output("du -k r/a/sparse")), 64);
}
END_TEST

START_TEST(empty_source) {
        test_open(NULL, 0);
        ck_assert_str_eq(test_full(), "");
        test_expect_in_step();
}
END_TEST

START_TEST(restart_does_nothing) {
        make_zoo();
        test_open(NULL, 0);
        (void) test_full();
        for (int i = 0; i < 2; i++) {
                test_reopen();
                ck_assert_str_eq(test_full(), "");
                test_expect_in_step();
        }
}
END_TEST

/* Each command is applied to a pair in step with a file, a directory and links in it. */
static const struct {
        const char *command, *done;
} changes[] = {
        { "echo more >>s/d/f", "update 1" },
        { "echo FILE >s/d/f && touch -d '2020-01-01' s/d/f", "update 1" },
        { ": >s/d/f", "update 1" },
        { "cp s/d/f s/t && cat s/t >s/d/f && rm s/t", "metadata 1" },
        { "touch s/d/f", "metadata 1" },
        { "touch -d '1960-01-01' s/d/f", "metadata 1" },
        { "chmod 0600 s/d/f", "metadata 1" },
        { "chmod 6555 s/d/f", "metadata 1" },
        { "chmod 0700 s/d", "metadata 1" },
        { "chmod 0750 s", "metadata 1" },
        { "touch -d '1999-12-31' s/d", "" },
        { "touch -d '1999-12-31' s", "" },
        { "ln -sfn elsewhere s/d/link", "update 1" },
        { "touch -h -d '2001-01-01' s/d/link", "metadata 1" },
        { "echo new >s/d/new", "copy 1" },
        { "mkdir -p s/d/x/y/z", "mkdir 3" },
        { "mkdir s/n && echo 1 >s/n/1 && echo 2 >s/n/2", "copy 2, mkdir 1" },
        { "rm s/d/f", "remove 1" },
        { "rm -r s/d", "remove 1" },
        { "rm -r s/d s/e", "remove 2" },
        { "rm s/d/link s/d/f", "remove 2" },
        { "rm s/d/f && mkdir s/d/f && echo in >s/d/f/in", "copy 1, mkdir 1" },
        { "rm -r s/e && echo file >s/e", "update 1" },
        { "rm -r s/e && ln -s d s/e", "update 1" },
        { "rm s/d/f && ln -s /etc/passwd s/d/f", "update 1" },
        { "rm s/d/f && mkfifo s/d/f", "update 1" },
        { "rm s/d/link && echo file >s/d/link", "update 1" },
        { "rm s/d/link && mkdir s/d/link", "mkdir 1" },
        { "echo file2 >s/t && mv s/t s/d/f", "update 1" },
        { "touch -r s/d/f s/ref && echo FILE >s/d/f && touch -r s/ref s/d/f && rm s/ref",
          "update 1" },
};

static void make_small(void) {
        test_run("mkdir -p s/d s/e/sub && echo file >s/d/f && ln -s target s/d/link && "
                 "echo other >s/e/other && echo deep >s/e/sub/deep");
        test_open(NULL, 0);
        ck_assert_str_eq(test_full(), "copy 4, mkdir 3");
        test_expect_in_step();
}

START_TEST(single_changes) {
        make_small();
        test_run("%s", changes[_i].command);
        const char *done = test_full();
        ck_assert_msg(strcmp(done, changes[_i].done) == 0, "%s: %s", changes[_i].command, done);
        test_expect_in_step();
        test_expect_no_orphans();
}
END_TEST

/* The same while nobody is looking. */
START_TEST(single_changes_over_restart) {
        make_small();
        test_close();
        test_run("%s", changes[_i].command);
        test_open(NULL, 0);
        const char *done = test_full();
        ck_assert_msg(strcmp(done, changes[_i].done) == 0, "%s: %s", changes[_i].command, done);
        test_expect_in_step();
        test_expect_no_orphans();
}
END_TEST

/* And there again. */
START_TEST(file_and_directory_and_back) {
        make_small();
        for (int i = 0; i < 3; i++) {
                test_run("rm s/d/f && mkdir -p s/d/f/g && echo in >s/d/f/g/in");
                ck_assert_str_eq(test_full(), "copy 1, mkdir 2");
                test_expect_in_step();
                test_run("rm -r s/d/f && echo file >s/d/f");
                ck_assert_str_eq(test_full(), "update 1");
                test_expect_in_step();
                test_expect_no_orphans();
        }
}
END_TEST

/* Updating replaces the file: who has the old one open keeps all of it. */
START_TEST(old_content_stays_whole) {
        char buffer[16] = {};

        make_small();
        int fd = TEST_SYS(open(test_name("r/d/f"), O_RDONLY | O_CLOEXEC));
        test_run("echo changed >s/d/f");
        ck_assert_str_eq(test_full(), "update 1");
        ck_assert_int_eq(TEST_SYS(read(fd, buffer, sizeof buffer)), 5);
        ck_assert_str_eq(buffer, "file\n");
        (void) close(fd);
        ck_assert_str_eq(test_output("cat r/d/f"), "changed");
}
END_TEST

/* What only its metadata has moved keeps its replica's inode. */
START_TEST(metadata_is_changed_in_place) {
        make_small();
        uint64_t file = test_inode("r/d/f"), directory = test_inode("r/d");
        test_run("chmod 0640 s/d/f && touch s/d/f && chmod 0711 s/d");
        ck_assert_str_eq(test_full(), "metadata 2");
        ck_assert_uint_eq(test.result.counters.n_bytes, 0);
        ck_assert_uint_eq(test_inode("r/d/f"), file);
        ck_assert_uint_eq(test_inode("r/d"), directory);
        test_expect_in_step();
}
END_TEST

START_TEST(dirty_pass_looks_at_one_name) {
        make_small();
        test_run("echo 2 >>s/d/f && echo 2 >>s/e/other && echo 2 >>s/e/sub/deep");
        ck_assert_str_eq(test_dirty("d", "f"), "update 1");
        ck_assert_int_eq(test.result.kind, PASS_DIRTY);
        ck_assert_uint_eq(test.result.counters.n_entries, 1);
        ck_assert_str_eq(test_output("cmp s/d/f r/d/f && cat r/e/other r/e/sub/deep"), "other");
        ck_assert_str_eq(test_dirty("d", "f"), "");
        ck_assert_str_eq(test_dirty("e/sub", "deep"), "update 1");
        ck_assert_str_eq(test_full(), "update 1");
        test_expect_in_step();
}
END_TEST

START_TEST(dirty_pass_of_new_and_gone) {
        make_small();
        test_run("mkdir -p s/n/m && echo 1 >s/n/m/1 && rm s/d/f && rm -r s/e/sub");
        ck_assert_str_eq(test_dirty("", "n"), "copy 1, mkdir 2");
        ck_assert_str_eq(test_dirty("d", "f"), "remove 1");
        ck_assert_str_eq(test_dirty("e", NULL), "remove 1");
        ck_assert_str_eq(test_dirty("e", "never"), "");
        ck_assert_str_eq(test_dirty("n/m", "1"), "");
        test_expect_in_step();
        test_expect_no_orphans();
}
END_TEST

/* Looking into a directory takes its times along. */
START_TEST(dirty_pass_keeps_directory_times) {
        make_small();
        test_run("echo 1 >s/d/1 && touch -d '2000-01-01' s/d && rm s/d/link");
        (void) test_dirty("d", "1");
        (void) test_dirty("d", "link");
        (void) test_expect_equal();
        test_expect_in_step();
}
END_TEST

START_TEST(arm_pass_copies_nothing) {
        test_run("mkdir -p s/a/b s/c && echo 1 >s/a/1");
        test_open(NULL, TEST_WATCH);
        ck_assert_str_eq(test_pass(PASS_ARM), "");
        ck_assert_uint_eq(watch_n_watched(test.watch), 4);
        ck_assert_uint_eq(test.result.counters.n_directories, 4);
        ck_assert(!test_exists("r/a"));
        ck_assert_str_eq(test_full(), "copy 1, mkdir 3");
        ck_assert_uint_eq(watch_n_watched(test.watch), 4);
        test_expect_in_step();
        test_run("rm -r s/a && mkdir s/c/d");
        ck_assert_str_eq(test_full(), "mkdir 1, remove 1");
        ck_assert_uint_eq(watch_n_watched(test.watch), 3);
}
END_TEST

START_TEST(one_pass_of_a_kind) {
        DirtyBatch batch = DIRTY_BATCH_NULL;
        EngineProgress progress;
        PassResult result;

        make_small();
        ck_assert_int_eq(engine_collect(test.engine, &result), 0);
        ck_assert(!engine_is_running(test.engine, PASS_FULL));
        TEST_OK(engine_start(test.engine, PASS_FULL));
        ck_assert(engine_is_running(test.engine, PASS_FULL));
        ck_assert(!engine_is_running(test.engine, PASS_DIRTY));
        /* Until its result is collected. */
        ck_assert_int_eq(engine_start(test.engine, PASS_FULL), -EBUSY);
        ck_assert_int_eq(engine_start(test.engine, PASS_ARM), -EBUSY);
        /* The other kind may run beside it. */
        TEST_OK(engine_start_dirty(test.engine, &batch));
        ck_assert_int_eq(engine_start_dirty(test.engine, &batch), -EBUSY);
        ck_assert_int_eq(test_await(), 0);
        ck_assert_int_eq(test_await(), 0);
        ck_assert(!engine_is_running(test.engine, PASS_FULL));
        ck_assert(!engine_is_running(test.engine, PASS_DIRTY));
        engine_get_progress(test.engine, &progress);
        ck_assert(!progress.running);
        ck_assert_int_eq(engine_collect(test.engine, &result), 0);
        test_expect_in_step();
}
END_TEST

START_TEST(expects_what_it_knows) {
        EngineProgress progress;

        make_small();
        TEST_OK(engine_start(test.engine, PASS_FULL));
        ck_assert_int_eq(test_await(), 0);
        /* Seven entries and the root. */
        ck_assert_int_eq(test.result.n_entries, 8);
        engine_get_progress(test.engine, &progress);
        ck_assert_uint_gt(progress.heartbeat, 0);
}
END_TEST

/* Nobody collects: the engine must end all the same. */
START_TEST(ends_in_the_middle) {
        test_run("mkdir s/a && for i in $(seq 500); do echo $i >s/a/$i; done");
        test_open(NULL, 0);
        TEST_OK(engine_start(test.engine, PASS_FULL));
        test_close();
        test_open(NULL, 0);
        (void) test_full();
        test_expect_in_step();
}
END_TEST

START_TEST(without_hashes) {
        static const char *const overrides[] = { "Integrity.Checksum=off", NULL };

        make_zoo();
        test_open(overrides, 0);
        (void) test_full();
        (void) test_expect_equal();
        ck_assert_str_eq(test_full(), "");
        test_run("touch -r s/a/b/two s/ref && echo TWO >s/a/b/two && touch -r s/ref s/a/b/two && "
                 "rm s/ref");
        ck_assert_str_eq(test_full(), "update 1");
        (void) test_expect_equal();
}
END_TEST

static void expect_dry(const char *done) {
        char *before = test_snapshot(". -not -path './state*' -not -path './s'"), *after;

        test_open(NULL, TEST_DRY_RUN);
        ck_assert_str_eq(test_full(), done);
        test_close();
        after = test_snapshot(". -not -path './state*' -not -path './s'");
        ck_assert_str_eq(before, after);
        free(before);
        free(after);
}

START_TEST(dry_run) {
        make_zoo();
        expect_dry(geteuid() == 0 ? "copy 8, link 1, mkdir 5" : "copy 6, link 1, mkdir 5");
        ck_assert(!test_exists("r"));

        test_open(NULL, 0);
        (void) test_full();
        test_close();
        expect_dry("");
        test_run("echo 2 >>s/a/b/two && mv s/a/b/c s/moved && rm s/a/link && mkdir s/new && "
                 "echo 1 >s/new/1 && chmod 0755 s/empty");
        expect_dry("copy 1, update 1, rename 1, mkdir 1, metadata 1, remove 1");
        test_run("rm -r r");
        test_open(NULL, TEST_DRY_RUN);
        (void) test_full();
        test_close();
        ck_assert(!test_exists("r"));
}
END_TEST

int main(void) {
        TCase *tcase;
        Suite *suite = test_engine_suite("engine", &tcase);

        tcase_add_test(tcase, first_copy);
        tcase_add_test(tcase, empty_source);
        tcase_add_test(tcase, restart_does_nothing);
        tcase_add_loop_test(tcase, single_changes, 0, ELEMENTSOF(changes));
        tcase_add_loop_test(tcase, single_changes_over_restart, 0, ELEMENTSOF(changes));
        tcase_add_test(tcase, file_and_directory_and_back);
        tcase_add_test(tcase, old_content_stays_whole);
        tcase_add_test(tcase, metadata_is_changed_in_place);
        tcase_add_test(tcase, dirty_pass_looks_at_one_name);
        tcase_add_test(tcase, dirty_pass_of_new_and_gone);
        tcase_add_test(tcase, dirty_pass_keeps_directory_times);
        tcase_add_test(tcase, arm_pass_copies_nothing);
        tcase_add_test(tcase, one_pass_of_a_kind);
        tcase_add_test(tcase, expects_what_it_knows);
        tcase_add_test(tcase, ends_in_the_middle);
        tcase_add_test(tcase, without_hashes);
        tcase_add_test(tcase, dry_run);
        return test_fs_run(suite);
}
