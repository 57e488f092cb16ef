/* Vanished and exchanged disks: the pair holds and touches nothing until the right one is back;
 * what was merely deleted is made again. */

#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "basic/macros.h"
#include "sync/binding.h"
#include "test-pair.h"

/* A pair with its source on a disk of its own; false when there is none here. */
static bool prepare_source_disk(void) {
        int fd = test_mount("tmpfs", "disk");

        if (fd < 0)
                return false;
        (void) close(fd);
        test_pair_config("disk", "r", NULL);
        test_pair_run();
        return true;
}

START_TEST(source_disk_is_gone_at_start) {
        Pair *pair;
        char *directory;

        if (!prepare_source_disk())
                return;
        test_unmount("disk");
        test_expect_refused(GUARD_SOURCE_FOREIGN, "tmpfs:source=disk");
        directory = test_state_directory();
        test_expect_text(directory);
        test_expect_text(".r.rebackup/" BINDING_FILE_NAME);

        /* The right disk again. */
        (void) close(test_remount("tmpfs", "disk"));
        ck_assert_int_eq(test_pair_open(false, &pair), 0);
        pair_close(pair);
        test_unmount("disk");

        /* It is meant: what the text says is done. */
        test_remove("state");
        test_expect_refused(GUARD_SOURCE_FOREIGN, ".r.rebackup/" BINDING_FILE_NAME);
        ck_assert_ptr_null(strstr(test_error, directory));
        test_remove(".r.rebackup/" BINDING_FILE_NAME);
        ck_assert_int_eq(test_pair_open(false, &pair), 0);
        pair_close(pair);
        free(directory);
}
END_TEST

START_TEST(source_disk_goes_while_running) {
        Pair *pair;
        char *error = NULL;

        if (!prepare_source_disk())
                return;
        ck_assert_int_eq(test_pair_open(false, &pair), 0);
        test_unmount("disk");
        ck_assert_int_eq(test_pair_pass(pair), GUARD_SOURCE_FOREIGN);
        (void) close(test_remount("tmpfs", "disk"));
        ck_assert_int_eq(test_pair_pass(pair), 0);

        ck_assert_int_eq(pair_begin_pass(pair, &error), 0);
        test_detach("disk");
        ck_assert_int_eq(test_pair_recheck(pair), GUARD_SOURCE_FOREIGN);
        pair_end_pass(pair);
        pair_close(pair);
}
END_TEST

/* The guard holds before any pass was completed, too. */
START_TEST(source_disk_goes_before_the_first_pass) {
        Pair *pair;
        int fd = test_mount("tmpfs", "disk");

        if (fd < 0)
                return;
        (void) close(fd);
        test_pair_config("disk", "r", NULL);
        ck_assert_int_eq(test_pair_open(false, &pair), 0);
        test_unmount("disk");
        ck_assert_int_eq(test_pair_pass(pair), GUARD_SOURCE_FOREIGN);
        pair_close(pair);
        test_expect_refused(GUARD_SOURCE_FOREIGN, "disk");
}
END_TEST

START_TEST(source_is_gone_while_running) {
        Pair *pair;
        char *error = NULL;

        test_mkdir("s");
        test_pair_config("s", "r", NULL);
        ck_assert_int_eq(test_pair_open(false, &pair), 0);
        ck_assert_int_eq(pair_begin_pass(pair, &error), 0);
        test_remove("s");
        ck_assert_int_eq(test_pair_recheck(pair), GUARD_SOURCE_GONE);
        pair_end_pass(pair);
        ck_assert_int_eq(test_pair_pass(pair), GUARD_SOURCE_GONE);
        pair_close(pair);
}
END_TEST

START_TEST(source_is_another_directory) {
        Pair *pair;
        char *error = NULL;

        test_mkdir("s");
        test_pair_config("s", "r", NULL);
        test_pair_run();
        TEST_SYS(renameat(test_fd, "s", test_fd, "old"));
        test_mkdir("s");
        ck_assert_int_eq(test_pair_open(false, &pair), 0);
        TEST_SYS(renameat(test_fd, "s", test_fd, "older"));
        test_mkdir("s");
        ck_assert_int_eq(test_pair_pass(pair), 0);
        ck_assert(pair->rebuilt);
        ck_assert_int_eq(test_pair_pass(pair), 0);
        ck_assert(!pair->rebuilt);

        ck_assert_int_eq(pair_begin_pass(pair, &error), 0);
        TEST_SYS(renameat(test_fd, "s", test_fd, "oldest"));
        test_mkdir("s");
        ck_assert_int_eq(test_pair_recheck(pair), -ESTALE);
        pair_end_pass(pair);
        pair_close(pair);
}
END_TEST

typedef struct DiskCase {
        const char *replica;
} DiskCase;

/* The replica deep on the disk, just below its root, and the disk itself. */
static const DiskCase disk_cases[] = { { "disk/x/r" }, { "disk/r" }, { "disk" } };

START_TEST(replica_disk_is_gone) {
        Pair *pair;
        int fd = test_mount("tmpfs", "disk");

        if (fd < 0)
                return;
        (void) close(fd);
        test_mkdir("s");
        test_pair_config("s", disk_cases[_i].replica, NULL);
        ck_assert_int_eq(test_pair_open(false, &pair), 0);
        test_pair_complete(pair);
        pair_close(pair);

        /* At start, with only the file that outlives the disk to tell. */
        test_unmount("disk");
        test_expect_refused(GUARD_REPLICA_FOREIGN, "tmpfs:source=disk");

        /* While running. */
        (void) close(test_remount("tmpfs", "disk"));
        ck_assert_int_eq(test_pair_open(false, &pair), 0);
        test_detach("disk");
        char *before = test_tree();
        ck_assert_int_eq(test_pair_pass(pair), GUARD_REPLICA_FOREIGN);
        char *after = test_tree();
        ck_assert_str_eq(before, after);
        free(before);
        free(after);
        (void) close(test_remount("tmpfs", "disk"));
        ck_assert_int_eq(test_pair_pass(pair), 0);
        ck_assert(pair->rebuilt); /* a memory disk comes back empty */
        pair_close(pair);
        test_unmount("disk");
}
END_TEST

/* A disk is known by its UUID, and what was on it is there again. */
START_TEST(replica_disk_comes_back) {
        Pair *pair;
        int fd = test_mount("ext4", "disk");

        if (fd < 0)
                return;
        (void) close(fd);
        test_mkdir("s");
        test_pair_config("s", "disk/r", NULL);
        test_pair_run();
        test_unmount("disk");
        test_expect_refused(GUARD_REPLICA_FOREIGN, "ext4:uuid=");
        (void) close(test_remount("ext4", "disk"));
        ck_assert_int_eq(test_pair_open(false, &pair), 0);
        ck_assert(!pair->rebuilt && !pair->adopting);
        pair_close(pair);
        test_unmount("disk");
}
END_TEST

/* Another replica path is another replica: nothing is held against it. */
START_TEST(replica_moves_to_another_disk) {
        int fd = test_mount("tmpfs", "disk");
        Pair *pair;

        if (fd < 0)
                return;
        (void) close(fd);
        TEST_SYS(setenv("STATE_DIRECTORY", test_name("one"), 1));
        test_mkdir("s");
        test_pair_config("s", "disk/r", NULL);
        ck_assert_int_eq(pair_open(&test_config, "photos", false, &pair, &test_error), 0);
        test_pair_complete(pair);
        pair_close(pair);
        ck_assert(test_exists("one/" BINDING_FILE_NAME));
        test_pair_config("s", "r", NULL);
        ck_assert_int_eq(pair_open(&test_config, "photos", false, &pair, &test_error), 0);
        ck_assert(!pair->rebuilt);
        pair_close(pair);
        test_unmount("disk");
}
END_TEST

/* A replica with its store that were copied to another disk are not the ones that were bound. */
START_TEST(store_speaks_of_another_disk) {
        int fd = test_mount("tmpfs", "disk");

        if (fd < 0)
                return;
        (void) close(fd);
        test_mkdir("s");
        test_pair_config("s", "disk/r", NULL);
        test_pair_run();
        char command[512];
        (void) snprintf(command, sizeof command, "cp -a %s/disk %s/copy", test_path, test_path);
        ck_assert_int_eq(system(command), 0);
        test_unmount("disk");
        test_remove("disk");
        TEST_SYS(renameat(test_fd, "copy", test_fd, "disk"));
        test_remove("state");
        test_expect_refused(GUARD_REPLICA_FOREIGN, "disk/.r.rebackup/" BINDING_FILE_NAME);
}
END_TEST

START_TEST(replica_is_deleted) {
        Pair *pair;
        char *error = NULL;

        test_mkdir("s");
        test_pair_config("s", "x/r", NULL);
        test_pair_run();

        test_remove("x/r");
        ck_assert_int_eq(test_pair_open(false, &pair), 0);
        ck_assert(test_exists("x/r"));
        ck_assert(pair->rebuilt && !pair->adopting);

        test_remove("x/r");
        ck_assert_int_eq(test_pair_pass(pair), 0);
        ck_assert(test_exists("x/r"));
        ck_assert(pair->rebuilt && !pair->adopting);
        ck_assert_int_eq(test_pair_pass(pair), 0);
        ck_assert(!pair->rebuilt);

        /* With its parent and the store. */
        test_remove("x");
        ck_assert_int_eq(test_pair_pass(pair), 0);
        ck_assert(test_exists("x/r") && test_exists("x/.r.rebackup/catalog.db"));
        ck_assert(pair->rebuilt && pair->adopting);
        test_pair_complete(pair);
        ck_assert(!pair->rebuilt && !pair->adopting);

        ck_assert_int_eq(pair_begin_pass(pair, &error), 0);
        test_remove("x/r");
        ck_assert_int_eq(test_pair_recheck(pair), GUARD_REPLICA_GONE);
        test_mkdir("x/r");
        ck_assert_int_eq(test_pair_recheck(pair), GUARD_REPLICA_GONE);
        pair_end_pass(pair);
        pair_close(pair);
}
END_TEST

START_TEST(store_is_deleted) {
        Pair *pair;
        char *error = NULL;

        test_mkdir("s");
        test_pair_config("s", "r", NULL);
        test_pair_run();
        ck_assert_int_eq(test_pair_open(false, &pair), 0);
        ck_assert(!pair->adopting);
        char *id = strdup(pair->bound.pair_id);

        test_remove(".r.rebackup");
        ck_assert_int_eq(test_pair_pass(pair), 0);
        ck_assert(pair->rebuilt && pair->adopting);
        ck_assert(test_exists(".r.rebackup/catalog.db"));
        ck_assert(test_exists(".r.rebackup/" BINDING_FILE_NAME));
        test_pair_complete(pair);

        ck_assert_int_eq(pair_begin_pass(pair, &error), 0);
        TEST_SYS(renameat(test_fd, ".r.rebackup", test_fd, "away"));
        ck_assert_int_eq(test_pair_recheck(pair), GUARD_REPLICA_GONE);
        pair_end_pass(pair);
        pair_close(pair);

        /* The file that outlives the store still tells who the pair is. */
        ck_assert_int_eq(test_pair_open(false, &pair), 0);
        ck_assert(pair->adopting);
        ck_assert_str_eq(pair->bound.pair_id, id);
        free(id);
        pair_close(pair);
}
END_TEST

int main(void) {
        TCase *tcase;
        Suite *suite = test_pair_suite("hold", &tcase);

        tcase_add_test(tcase, source_disk_is_gone_at_start);
        tcase_add_test(tcase, source_disk_goes_while_running);
        tcase_add_test(tcase, source_disk_goes_before_the_first_pass);
        tcase_add_test(tcase, source_is_gone_while_running);
        tcase_add_test(tcase, source_is_another_directory);
        tcase_add_loop_test(tcase, replica_disk_is_gone, 0, (int) ELEMENTSOF(disk_cases));
        tcase_add_test(tcase, replica_disk_comes_back);
        tcase_add_test(tcase, replica_moves_to_another_disk);
        tcase_add_test(tcase, store_speaks_of_another_disk);
        tcase_add_test(tcase, replica_is_deleted);
        tcase_add_test(tcase, store_is_deleted);
        return test_fs_run(suite);
}
