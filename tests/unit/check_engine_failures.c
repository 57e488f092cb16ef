/* What cannot be done is told, counted and handed back; the rest of the tree is mirrored all the
 * same, and nothing is lost. */

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <syslog.h>
#include <unistd.h>

#include "test-engine.h"

static void expect_one_retry(const char *name, unsigned n_attempts) {
        const DirtyBatch *retries = &test.result.retries;

        ck_assert_uint_eq(retries->n_directories, 1);
        ck_assert_uint_eq(retries->directories[0].n_names, 1);
        ck_assert_str_eq(retries->directories[0].names[0].name, name);
        ck_assert_uint_eq(retries->directories[0].names[0].n_attempts, n_attempts);
        ck_assert(!test.result.retries_dropped);
}

static void unreadable_directory(void) {
        test_open(NULL, 0);
        (void) test_full();
        test_expect_in_step();
        test_run("echo more >>s/d/1 && echo more >>s/2 && chmod 0 s/d");
        ck_assert_str_eq(test_full(), "update 1, metadata 1, fail 1");
        expect_one_retry("", 1);
        ck_assert_str_eq(test_output("cmp s/2 r/2 && stat -c %%a r/d"), "0");
        test_run("chmod 0755 r/d && test -e r/d/1 && test -e r/d/e/3 && chmod 0 r/d");
        /* It is told every time, until it can be read again. */
        (void) test_retry();
        ck_assert_uint_eq(test.result.counters.operations[OPERATION_FAIL], 1);
        expect_one_retry("", 2);
        ck_assert(test_logged(LOG_ERR, "d"));
        test_run("chmod 0755 s/d && rm s/d/e/3");
        (void) test_full();
        test_expect_in_step();
        test_close();
}

static void unreadable_file(void) {
        test_open(NULL, 0);
        (void) test_full();
        test_run("echo more >>s/d/1 && chmod 0 s/d/1 && echo more >>s/d/e/3");
        ck_assert_str_eq(test_full(), "update 1, fail 1");
        expect_one_retry("1", 1);
        /* The old content stays. */
        ck_assert_str_eq(test_output("cat r/d/1"), "1");
        test_run("chmod 0644 s/d/1");
        ck_assert_str_eq(test_retry(), "update 1");
        test_expect_in_step();
        test_close();
}

static void expect_failures(const char *expected) {
        FailureList list;
        char text[256] = "";

        ck_assert_int_eq(engine_list_failures(test.engine, &list), 0);
        for (size_t i = 0; i < list.n_items; i++) {
                size_t used = strlen(text);

                (void) snprintf(text + used, sizeof text - used, "%s%s: %s %u", i > 0 ? ", " : "",
                                list.items[i].path, strerror(-list.items[i].error),
                                list.items[i].n_attempts);
                ck_assert_uint_le(list.items[i].first, list.items[i].last);
        }
        ck_assert_str_eq(text, expected);
        ck_assert_uint_eq(engine_n_failures(test.engine), list.n_items);
        ck_assert_uint_eq(list.n_unlisted, 0);
        failure_list_done(&list);
}

/* What fails is listed until a pass has looked at it again, and it did not fail or is gone. */
static void failures_are_listed(void) {
        test_open(NULL, 0);
        (void) test_full();
        expect_failures("");
        test_run("echo more >>s/d/1 && chmod 0 s/d/1");
        (void) test_dirty("d", "1");
        expect_failures("d/1: Permission denied 1");
        (void) test_retry();
        expect_failures("d/1: Permission denied 2");
        /* Passes that look elsewhere change nothing about it. */
        test_run("echo more >>s/2");
        (void) test_dirty("", "2");
        expect_failures("d/1: Permission denied 2");
        /* A renamed directory takes it along. */
        test_run("mv s/d s/moved");
        (void) test_dirty("", NULL);
        expect_failures("moved/1: Permission denied 2");
        (void) test_full();
        expect_failures("moved/1: Permission denied 1");
        test_run("chmod 0644 s/moved/1");
        (void) test_dirty("moved", NULL);
        expect_failures("");

        test_run("echo more >>s/moved/1 && chmod 0 s/moved/1 && touch s/2 && chmod 0 s/2 && "
                 "echo more >>s/2 || true");
        (void) test_full();
        test_run("rm -f s/moved/1 && chmod 0644 s/2");
        (void) test_full();
        expect_failures("");

        /* With the directory it goes as well. */
        test_run("echo new >s/moved/new && chmod 0 s/moved/new");
        (void) test_dirty("moved", NULL);
        expect_failures("moved/new: Permission denied 1");
        test_run("chmod 0644 s/moved/new && rm -r s/moved");
        (void) test_dirty("", NULL);
        expect_failures("");
        test_expect_in_step();
        test_close();
}

/* A directory that was never readable is made, and filled when it can be read. */
static void unreadable_from_the_start(void) {
        test_run("chmod 0 s/d");
        test_open(NULL, 0);
        (void) test_full();
        ck_assert_uint_eq(test.result.counters.operations[OPERATION_FAIL], 1);
        ck_assert(test_exists("r/d") && test_exists("r/2"));
        test_run("chmod 0755 s/d");
        (void) test_full();
        test_expect_in_step();
        test_close();
}

/* Directories and files whose own modes forbid their owner what must be done in the replica. */
static void protected_directories(void) {
        test_run("chmod 0555 s/d/e s/d && chmod 0400 s/2");
        test_open(NULL, 0);
        ck_assert_str_eq(test_full(), "copy 3, mkdir 2");
        test_expect_in_step();
        test_run("chmod 0755 s/d s/d/e && echo more >>s/d/e/3 && echo new >s/d/new && "
                 "rm s/d/1 && chmod 0555 s/d s/d/e");
        ck_assert_str_eq(test_full(), "copy 1, update 1, remove 1");
        test_expect_in_step();
        test_run("chmod 0755 s/d s/d/e && mv s/d/e s/e && chmod 0555 s/d s/e");
        (void) test_full();
        ck_assert_uint_eq(test.result.counters.operations[OPERATION_RENAME], 1);
        test_expect_in_step();
        test_run("chmod 0755 s/d s/e && rm -r s/d s/e");
        ck_assert_str_eq(test_full(), "remove 2");
        test_expect_in_step();
        test_close();
}

static void (*const without_rights[])(void) = {
        unreadable_directory,      unreadable_file,       failures_are_listed,
        unreadable_from_the_start, protected_directories,
};

enum { NOBODY = 65534, BEATS = 8 };

static int which;

static void run_as_nobody(void) {
        test_run("mkdir -p s/d/e && echo 1 >s/d/1 && echo 2 >s/2 && echo 3 >s/d/e/3");
        without_rights[which]();
}

START_TEST(without_privileges) {
        test_run("chmod 0777 . && chown %d:%d s", geteuid() ? (int) geteuid() : NOBODY,
                 getegid() ? (int) getegid() : NOBODY);
        which = _i;
        test_as_nobody(run_as_nobody);
}
END_TEST

/* What a foreign owner has is mirrored without the owner, and counted. */
static void foreign_owners(void) {
        test_open(NULL, 0);
        ck_assert_str_eq(test_full(), "copy 2, mkdir 1");
        ck_assert_uint_ge(test.result.counters.n_limited, 2);
        ck_assert(test_logged(LOG_WARNING, "owner"));
        ck_assert_str_eq(test_full(), "");
        ck_assert_str_eq(test_output("diff -r s r && echo equal"), "equal");
        test_close();
}

START_TEST(owners_without_privileges) {
        if (geteuid() != 0)
                return;
        test_run("chmod 0777 . && mkdir s/d && echo 1 >s/d/1 && echo 2 >s/2 && chown -R 1:1 s");
        test_as_nobody(foreign_owners);
}
END_TEST

START_TEST(full_disk) {
        if (!test_small_disk("6m"))
                return;
        test_run("mkdir s/d && echo 1 >s/1 && echo 2 >s/d/2 && "
                 "head -c 8M /dev/urandom >s/d/big");
        test_open(NULL, 0);
        ck_assert_str_eq(test_full(), "copy 2, mkdir 1, fail 1");
        expect_one_retry("big", 1);
        ck_assert(test_logged(LOG_ERR, "d/big: No space left on device"));
        ck_assert_uint_eq(test_n_staged(), 0);
        ck_assert(!test_exists("disk/r/d/big"));
        ck_assert(test_exists("disk/r/d/2"));
        /* Still no room. */
        ck_assert_str_eq(test_retry(), "fail 1");
        expect_one_retry("big", 2);
        ck_assert_str_eq(test_full(), "fail 1");
        expect_one_retry("big", 1);
        test_run("mount -o remount,size=64m disk");
        ck_assert_str_eq(test_retry(), "copy 1");
        ck_assert_uint_eq(test.result.retries.n_directories, 0);
        test_expect_in_step();
        test_close();
}
END_TEST

/* An update that finds no room leaves the old content. */
START_TEST(full_disk_keeps_the_old_content) {
        if (!test_small_disk("8m"))
                return;
        test_run("head -c 3M /dev/urandom >s/big && cp s/big old");
        test_open(NULL, 0);
        ck_assert_str_eq(test_full(), "copy 1");
        test_run("head -c 6M /dev/urandom >s/big");
        ck_assert_str_eq(test_full(), "fail 1");
        test_run("cmp old disk/r/big");
        test_run("mount -o remount,size=64m disk");
        ck_assert_str_eq(test_retry(), "update 1");
        test_expect_in_step();
        test_close();
}
END_TEST

START_TEST(out_of_inodes) {
        if (!test_small_disk("8m"))
                return;
        test_run(
                "mount -o remount,nr_inodes=60 disk && mkdir s/d && cd s/d && seq 100 | xargs touch");
        test_open(NULL, TEST_LITTER);
        (void) test_full();
        ck_assert_uint_gt(test.result.counters.operations[OPERATION_FAIL], 0);
        ck_assert_uint_gt(test.result.counters.operations[OPERATION_COPY], 0);
        test_run("mount -o remount,nr_inodes=1000 disk");
        (void) test_retry();
        test_expect_in_step();
        test_close();
}
END_TEST

/* A source with a file that takes a while to be copied, and a pass that is in the middle of it. */
static void start_long_pass(void) {
        EngineProgress progress;

        test_run("head -c 512M /dev/zero | openssl enc -aes-128-ctr -nosalt -pass pass:x "
                 ">s/big 2>/dev/null");
        test_open(NULL, TEST_LITTER);
        TEST_OK(engine_start(test.engine, PASS_FULL));
        do {
                (void) sched_yield();
                engine_get_progress(test.engine, &progress);
        } while (progress.heartbeat < BEATS);
}

START_TEST(cancel_ends_soon) {
        usec_t asked;

        test_run("mkdir s/d && echo 1 >s/d/1");
        start_long_pass();
        asked = now_usec(CLOCK_MONOTONIC);
        engine_cancel(test.engine);
        ck_assert_int_eq(test_await(), -ECANCELED);
        ck_assert_uint_lt(now_usec(CLOCK_MONOTONIC) - asked, 2 * USEC_PER_SEC);
        ck_assert(!test_exists("r/big"));
        ck_assert_ptr_null(test.result.error);
        ck_assert_uint_eq(test.result.counters.operations[OPERATION_FAIL], 0);
        test_reopen();
        ck_assert_uint_eq(test_n_staged(), 0);
        (void) test_full();
        test_expect_in_step();
}
END_TEST

/* The catalog cannot be written any more when the pass is under way: it fails as a whole, what it
 * had published by then stays, nothing piles up in staging, and the next one makes good. */
START_TEST(locked_catalog) {
        sqlite3 *database;
        char *path = strdup(test_name(".r.rebackup/catalog.db"));

        test_run("echo 1 >s/1 && mkdir s/d && echo 2 >s/d/2");
        test_open(NULL, 0);
        (void) test_full();
        test_close();
        test_run("echo more >>s/1 && rm -r s/d && echo 3 >s/3");
        start_long_pass();
        ck_assert_int_eq(sqlite3_open(path, &database), SQLITE_OK);
        ck_assert_int_eq(sqlite3_exec(database, "BEGIN IMMEDIATE", NULL, NULL, NULL), SQLITE_OK);
        ck_assert_int_eq(test_await(), -EBUSY);
        ck_assert_ptr_nonnull(test.result.error);
        test_run("cmp s/1 r/1");
        ck_assert_uint_eq(test_n_staged(), 0);
        ck_assert(test_exists("r/d/2"));
        ck_assert_int_eq(sqlite3_close(database), SQLITE_OK);
        (void) test_full();
        (void) test_expect_equal();
        /* What the catalog missed may take one more pass, that writes no content. */
        ck_assert_str_eq(test_full(), "");
        test_expect_in_step();
        test_reopen();
        ck_assert_uint_eq(test_n_staged(), 0);
        test_expect_in_step();
        test_expect_no_orphans();
        free(path);
}
END_TEST

int main(void) {
        TCase *tcase;
        Suite *suite = test_engine_suite("engine_failures", &tcase);

        tcase_add_loop_test(tcase, without_privileges, 0,
                            sizeof without_rights / sizeof *without_rights);
        tcase_add_test(tcase, owners_without_privileges);
        tcase_add_test(tcase, full_disk);
        tcase_add_test(tcase, full_disk_keeps_the_old_content);
        tcase_add_test(tcase, out_of_inodes);
        tcase_add_test(tcase, cancel_ends_soon);
        tcase_add_test(tcase, locked_catalog);
        return test_fs_run(suite);
}
