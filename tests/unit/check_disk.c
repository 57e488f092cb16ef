/* The replica's disk as a whole: full, and then relieved by what a batch itself displaced; reached
 * by two mounts; what its errors are called. */

#include <errno.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <sys/statvfs.h>

#include "sync/disk-error.h"
#include "sync/prune.h"
#include "test-engine.h"

START_TEST(errors_of_a_whole_disk) {
        static const int general[] = { EIO, EROFS, ENODEV, ENXIO, ENOTCONN, ESTALE, ESHUTDOWN },
                         single[] = { EACCES, ENOENT, ENOSPC, EDQUOT, EXDEV, ENAMETOOLONG };

        for (size_t i = 0; i < sizeof general / sizeof *general; i++) {
                char *text = NULL;

                ck_assert(disk_error_is_general(-general[i]));
                ck_assert_int_eq(disk_tell("/a/b\n", -general[i], &text), -general[i]);
                ck_assert_ptr_nonnull(strstr(text, strerror(general[i])));
                ck_assert_ptr_nonnull(strstr(text, "replica /a/b\\n"));
                free(text);
        }
        for (size_t i = 0; i < sizeof single / sizeof *single; i++)
                ck_assert(!disk_error_is_general(-single[i]));
        ck_assert(!disk_error_is_general(0));
        ck_assert(!disk_error_is_general(EIO)); /* a guard's outcome */
}
END_TEST

START_TEST(shares) {
        ck_assert_uint_eq(prune_share(26605, 5000), 13302);
        ck_assert_uint_eq(prune_share(9999, 5000), 4999);
        ck_assert_uint_eq(prune_share(1, 9500), 0);
        ck_assert_uint_eq(prune_share(10000, 1), 1);
        ck_assert_uint_eq(prune_share(UINT64_MAX, 10000), UINT64_MAX);
        ck_assert_uint_eq(prune_share(UINT64_MAX, 5000), UINT64_MAX / 2);
        ck_assert_uint_eq(prune_share(0, 5000), 0);
}
END_TEST

static void fill_disk(void) {
        /* Ends with no space left. */
        test_run("cat /dev/zero >disk/foreign 2>/dev/null || :");
}

static uint64_t free_bytes(void) {
        struct statvfs s;

        TEST_SYS(statvfs(test_name("disk"), &s));
        return (uint64_t) s.f_bavail * s.f_frsize;
}

enum { N_FILES = 3000 };

/* Directories go in a thread of their own. */
static void await_retired(void) {
        usec_t deadline = now_usec(CLOCK_MONOTONIC) + 20 * USEC_PER_SEC;

        while (test_n_staged() > 0 && now_usec(CLOCK_MONOTONIC) < deadline)
                (void) sched_yield();
        ck_assert_uint_eq(test_n_staged(), 0);
}

/* The catalog has to grow for it, and cannot: the removed files make the room, in that very pass
 * and not at the next start. */
static void remove_on_full_disk(const char *const *overrides, const char *command) {
        if (!test_small_disk("32m"))
                return;
        test_run("mkdir s/d && cd s/d && seq %d | split -l 1 -a 4 && head -c 4M /dev/zero >big",
                 N_FILES);
        test_open(overrides, 0);
        (void) test_full();
        test_reopen(); /* so that its log is empty */
        fill_disk();
        ck_assert_uint_eq(free_bytes(), 0);
        test_run("%s", command);
        (void) test_full();
        ck_assert_uint_eq(test.result.counters.operations[OPERATION_FAIL], 0);
        (void) test_expect_equal();
        await_retired();
        ck_assert_uint_gt(free_bytes(), 4 << 20);
        ck_assert_str_eq(test_full(), "");
        test_expect_in_step();
        test_expect_no_orphans();
        test_close();
}

static const char *const keep_versions[] = { "Versions.Keep=1d", "Versions.KeepFree=0", NULL };

START_TEST(removed_files_make_room) {
        remove_on_full_disk(NULL, "find s/d -type f -delete");
}
END_TEST

START_TEST(removed_directory_makes_room) {
        remove_on_full_disk(NULL, "rm -r s/d");
}
END_TEST

START_TEST(versions_make_room) {
        remove_on_full_disk(keep_versions, "find s/d -type f -delete");
}
END_TEST

/* Nothing goes that could make room: what the catalog reserved must do, bit by bit. */
START_TEST(catalog_has_a_reserve) {
        if (!test_small_disk("32m"))
                return;
        test_run("mkdir s/d && cd s/d && seq %d | split -l 1 -a 4", N_FILES);
        test_open(NULL, 0);
        (void) test_full();
        test_reopen();
        fill_disk();
        test_run("chmod 600 s/d/*");
        ck_assert_str_eq(test_full(), "metadata 3000");
        test_expect_in_step();
        test_reopen();
        ck_assert_str_eq(test_full(), "");
        test_expect_in_step();
        test_close();
}
END_TEST

/* The replica is seen through another mount than the store is. */
START_TEST(mounted_over) {
        if (!test_small_disk("32m"))
                return;
        test_run("echo 1 >s/1");
        test_open(NULL, 0);
        (void) test_full();
        test_run("mount --bind disk/r disk/r && echo 2 >s/2");
        TEST_OK(engine_start(test.engine, PASS_FULL));
        ck_assert_int_eq(test_await(), -EXDEV);
        ck_assert_ptr_nonnull(strstr(test.result.error, "different mounts"));
        ck_assert_uint_eq(test.result.counters.operations[OPERATION_FAIL], 0);
        test_run("umount disk/r");
        ck_assert_str_eq(test_full(), "copy 1");
        test_expect_in_step();
        test_close();
}
END_TEST

int main(void) {
        TCase *tcase;
        Suite *suite = test_engine_suite("disk", &tcase);

        tcase_add_test(tcase, errors_of_a_whole_disk);
        tcase_add_test(tcase, shares);
        tcase_add_test(tcase, removed_files_make_room);
        tcase_add_test(tcase, removed_directory_makes_room);
        tcase_add_test(tcase, versions_make_room);
        tcase_add_test(tcase, catalog_has_a_reserve);
        tcase_add_test(tcase, mounted_over);
        return test_fs_run(suite);
}
