/* Opening a pair: what is made, what is refused, what a dry run leaves alone, and who may run. */

#include <errno.h>
#include <stdlib.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "sync/binding.h"
#include "test-pair.h"

static void expect_mode(const char *name, mode_t mode) {
        struct stat st;

        TEST_SYS(stat(test_name(name), &st));
        ck_assert_int_eq(st.st_mode & 07777, mode);
}

START_TEST(makes_replica_and_store) {
        Pair *pair;
        char *directory;
        StoreIdentity identity = {};

        test_mkdir("s");
        test_pair_config("s", "x/y/r", NULL);
        ck_assert_int_eq(test_pair_open(false, &pair), 0);
        expect_mode("x", 0755);
        expect_mode("x/y", 0755);
        expect_mode("x/y/r", 0755);
        expect_mode("x/y/.r.rebackup", 0700);
        ck_assert(pair->adopting && !pair->rebuilt && !pair->dry_run);
        ck_assert_int_lt(pair->source_fd, 0);
        ck_assert_int_lt(pair->replica_fd, 0);

        TEST_OK(store_identity_load(pair->store.fd, BINDING_FILE_NAME, &identity));
        ck_assert_str_eq(identity.replica, test_config.replica);
        ck_assert_uint_eq(strlen(identity.pair_id), 32);
        store_identity_done(&identity);

        directory = test_state_directory();
        ck_assert_str_eq(directory, pair->state_directory);
        TEST_OK(binding_load(directory, &identity));
        ck_assert_str_eq(identity.source, test_config.source);
        store_identity_done(&identity);
        free(directory);
        pair_close(pair);
}
END_TEST

START_TEST(pass_has_roots) {
        Pair *pair;
        char *error = NULL;
        struct stat st;

        test_mkdir("s");
        test_pair_config("s", "r", NULL);
        ck_assert_int_eq(test_pair_open(false, &pair), 0);
        for (int i = 0; i < 2; i++) {
                ck_assert_int_eq(pair_begin_pass(pair, &error), 0);
                TEST_SYS(fstat(pair->source_fd, &st));
                ck_assert_uint_eq(pair->source_root.stamp.inode, st.st_ino);
                ck_assert_uint_eq(pair->source_root.device, st.st_dev);
                TEST_SYS(fstat(pair->replica_fd, &st));
                ck_assert_uint_eq(pair->replica_root.stamp.inode, st.st_ino);
                ck_assert(!pair->rebuilt);
                ck_assert_int_eq(test_pair_recheck(pair), 0);
                pair_end_pass(pair);
                ck_assert_int_lt(pair->source_fd, 0);
                ck_assert_int_lt(pair->replica_fd, 0);
        }
        pair_close(pair);
}
END_TEST

START_TEST(refuses_bad_paths) {
        test_mkdir("s");
        (void) close(test_file(test_fd, "file", "x", 1));
        TEST_SYS(symlinkat("nowhere", test_fd, "dangling"));

        test_pair_config("missing", "r", NULL);
        test_expect_refused(GUARD_SOURCE_GONE, "missing");
        test_pair_config("dangling", "r", NULL);
        test_expect_refused(GUARD_SOURCE_GONE, "dangling");
        test_pair_config("file", "r", NULL);
        test_expect_refused(GUARD_SOURCE_GONE, "not a directory");
        test_pair_config("s", "file", NULL);
        test_expect_refused(-ENOTDIR, "file");
        test_pair_config("s", "file/r", NULL);
        test_expect_refused(-ENOTDIR, "file/r");
        test_pair_config("s", "dangling", NULL);
        test_expect_refused(-ELOOP, "dangling");
        test_pair_config("s", "dangling/r", NULL);
        test_expect_refused(-ELOOP, "dangling/r");
}
END_TEST

static void as_nobody(void) {
        Pair *pair;

        /* Root's checks would pass. */
        test_pair_config("closed", "open/r", NULL);
        ck_assert_int_eq(test_pair_open(false, &pair), -EACCES);
        test_expect_text("closed");
        test_pair_config("listed", "open/r", NULL);
        ck_assert_int_eq(test_pair_open(false, &pair), -EACCES);
        test_pair_config("s", "shut/r", NULL);
        ck_assert_int_eq(test_pair_open(false, &pair), -EACCES);
        test_expect_text("shut/r");
        test_pair_config("s", "shut", NULL);
        ck_assert_int_eq(test_pair_open(false, &pair), -EACCES);

        /* The state directory cannot be made: the store alone remembers. */
        TEST_SYS(setenv("STATE_DIRECTORY", test_name("shut/state"), 1));
        test_pair_config("s", "open/r", NULL);
        test_pair_run();
        ck_assert(!test_exists("shut/state"));
        ck_assert_int_eq(test_pair_open(false, &pair), 0);
        ck_assert(!pair->adopting);
        pair_close(pair);
}

START_TEST(rights) {
        test_mkdir("s");
        test_mkdir("open");
        test_mkdir("shut");
        test_mkdir("closed");
        test_mkdir("listed");
        TEST_SYS(chmod(test_name("open"), 0777));
        TEST_SYS(chmod(test_name("closed"), 0));
        TEST_SYS(chmod(test_name("listed"), 0444));
        TEST_SYS(chmod(test_name("shut"), 0555));
        test_as_nobody(as_nobody);
}
END_TEST

START_TEST(read_only_replica) {
        int fd = test_mount("tmpfs", "disk");

        if (fd < 0)
                return;
        (void) close(fd);
        test_mkdir("s");
        test_mkdir("disk/there");
        TEST_SYS(mount(NULL, test_name("disk"), NULL, MS_REMOUNT | MS_RDONLY, NULL));
        test_pair_config("s", "disk/there", NULL);
        test_expect_refused(-EROFS, "disk/there");
        test_pair_config("s", "disk/missing", NULL);
        test_expect_refused(-EROFS, "disk/missing");
        test_unmount("disk");
}
END_TEST

START_TEST(store_on_another_file_system) {
        Pair *pair;
        int fd = test_mount("tmpfs", "disk");

        if (fd < 0)
                return;
        (void) close(fd);
        test_mkdir("s");
        test_pair_config("s", "r", "disk/store");
        ck_assert_int_eq(test_pair_open(false, &pair), -EXDEV);
        test_expect_text("disk/store");
        ck_assert(!test_exists("disk/store"));
        test_unmount("disk");
}
END_TEST

/* What is open of a disk that went away can do nothing; the disk that is back is opened anew, and
 * all of it is compared, since what was written last may not have reached it. */
START_TEST(store_of_a_disk_that_was_away) {
        Pair *pair;
        int fd;

        test_mkdir("s");
        test_pair_config("s", "r", NULL);
        ck_assert_int_eq(test_pair_open(false, &pair), 0);
        test_pair_complete(pair);
        fd = pair->store.fd;
        pair->store.fd = -EBADF; /* cannot even be asked who it is */
        ck_assert_int_eq(test_pair_pass(pair), 0);
        ck_assert(pair->rebuilt);
        ck_assert(!pair->adopting);
        ck_assert_int_gt(store_is_present(&pair->store), 0);
        ck_assert_int_eq(test_pair_pass(pair), 0);
        ck_assert(!pair->rebuilt);
        (void) close(fd);
        pair_close(pair);
}
END_TEST

START_TEST(store_of_somebody_else) {
        test_mkdir("s");
        test_mkdir("r");
        test_mkdir("elsewhere");
        TEST_SYS(symlinkat("elsewhere", test_fd, ".r.rebackup"));
        test_pair_config("s", "r", NULL);
        test_expect_refused(-EPERM, ".r.rebackup");
}
END_TEST

START_TEST(runs_once) {
        Pair *pair;
        int status;

        test_mkdir("s");
        test_pair_config("s", "r", NULL);
        ck_assert_int_eq(test_pair_open(false, &pair), 0);
        pid_t pid = TEST_SYS(fork());
        if (pid == 0) {
                Pair *other;

                _exit(test_pair_open(false, &other) == -EBUSY &&
                                      strstr(test_error, "already running")
                              ? 0
                              : 1);
        }
        TEST_SYS(waitpid(pid, &status, 0));
        ck_assert(WIFEXITED(status) && WEXITSTATUS(status) == 0);

        /* What is bound since must not have let go of the lock. */
        test_pair_complete(pair);
        pid = TEST_SYS(fork());
        if (pid == 0) {
                Pair *other;

                _exit(test_pair_open(false, &other) == -EBUSY ? 0 : 1);
        }
        TEST_SYS(waitpid(pid, &status, 0));
        ck_assert(WIFEXITED(status) && WEXITSTATUS(status) == 0);
        pair_close(pair);
}
END_TEST

START_TEST(dry_run) {
        Pair *pair, *dry;

        test_mkdir("s");
        test_pair_config("s", "x/r", NULL);
        test_dry_run();
        test_pair_run();
        test_dry_run();
        test_remove("x/r");
        test_dry_run();
        test_mkdir("x/r");
        test_remove("x/.r.rebackup");
        test_dry_run();

        /* Beside a running pair. */
        ck_assert_int_eq(test_pair_open(false, &pair), 0);
        test_pair_complete(pair);
        ck_assert_int_eq(test_pair_open(true, &dry), 0);
        ck_assert(!dry->adopting);
        pair_close(dry);
        pair_close(pair);
}
END_TEST

int main(void) {
        TCase *tcase;
        Suite *suite = test_pair_suite("pair", &tcase);

        tcase_add_test(tcase, makes_replica_and_store);
        tcase_add_test(tcase, pass_has_roots);
        tcase_add_test(tcase, refuses_bad_paths);
        tcase_add_test(tcase, rights);
        tcase_add_test(tcase, read_only_replica);
        tcase_add_test(tcase, store_on_another_file_system);
        tcase_add_test(tcase, store_of_a_disk_that_was_away);
        tcase_add_test(tcase, store_of_somebody_else);
        tcase_add_test(tcase, runs_once);
        tcase_add_test(tcase, dry_run);
        return test_fs_run(suite);
}
