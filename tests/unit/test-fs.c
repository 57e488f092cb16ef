#include "test-fs.h"

#include <fcntl.h>
#include <grp.h>
#include <sched.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "fs/confined.h"
#include "fs/remove-tree.h"

#define PLACE "/dev/shm"

enum { TIMEOUT_SECONDS = 120, NOBODY = 65534 };

int test_fd = -EBADF;
char test_path[64];

static bool namespace_is_ours;

/* Puts a tmpfs and all that a test mounts below it where nobody else sees it: what a failed test
 * leaves behind goes with the process. */
static void cover_place(void) {
        if (!namespace_is_ours) {
                if (geteuid() != 0 || unshare(CLONE_NEWNS) < 0)
                        return;

                TEST_SYS(mount("", "/", "", MS_REC | MS_PRIVATE, NULL));
                namespace_is_ours = true;
        }

        TEST_SYS(mount("check-fs", PLACE, "tmpfs", 0, NULL));
}

static void setup(void) {
        cover_place();

        (void) snprintf(test_path, sizeof(test_path), PLACE "/check-fs-XXXXXX");
        ck_assert_ptr_nonnull(mkdtemp(test_path));
        TEST_SYS(chmod(test_path, 0755));
        test_fd = TEST_OK(confined_open_root(test_path));
        (void) umask(022);
}

static void teardown(void) {
        int fd;

        (void) close(test_fd);
        if (namespace_is_ours) {
                TEST_SYS(umount2(PLACE, MNT_DETACH));
                return;
        }

        fd = TEST_OK(confined_open_root(PLACE));
        TEST_OK(remove_tree(fd, strrchr(test_path, '/') + 1, NULL));
        (void) close(fd);
}

Suite *test_fs_suite(const char *name, TCase **ret) {
        Suite *suite = suite_create(name);

        *ret = tcase_create(name);
        tcase_add_checked_fixture(*ret, setup, teardown);
        tcase_set_timeout(*ret, TIMEOUT_SECONDS);
        suite_add_tcase(suite, *ret);
        return suite;
}

int test_fs_run(Suite *suite) {
        SRunner *runner = srunner_create(suite);
        int n_failed;

        srunner_run_all(runner, CK_ENV);
        n_failed = srunner_ntests_failed(runner);
        srunner_free(runner);
        return n_failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}

void test_skip(const char *reason) {
        (void) fprintf(stderr, "skipped: %s\n", reason);
}

static bool run(const char *command) {
        int status = system(command);

        return WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

static bool make_image(const char *type, const char *image) {
        char command[256];
        int fd;

        fd = TEST_SYS(open(image, O_RDWR | O_CREAT | O_CLOEXEC, 0600));
        TEST_SYS(ftruncate(fd, 400LL << 20));
        (void) close(fd);

        (void) snprintf(command, sizeof(command), "mkfs.%s %s >/dev/null 2>&1", type, image);
        return run(command);
}

int test_remount(const char *type, const char *name) {
        char command[384], path[128];

        (void) snprintf(path, sizeof(path), "%s/%s", test_path, name);

        if (strcmp(type, "tmpfs") == 0)
                (void) snprintf(command, sizeof(command), "mount -t tmpfs %s %s", name, path);
        else
                (void) snprintf(command, sizeof(command),
                                "mount -t %s -o loop %s.image %s 2>/dev/null", type, path, path);
        if (!run(command)) {
                test_skip("the file system cannot be mounted here");
                return -1;
        }

        TEST_SYS(chmod(path, 0755));
        return TEST_OK(confined_open_root(path));
}

int test_mount(const char *type, const char *name) {
        char image[160];

        if (!namespace_is_ours) {
                test_skip("mounting needs root");
                return -1;
        }

        (void) snprintf(image, sizeof(image), "%s/%s.image", test_path, name);
        if (strcmp(type, "tmpfs") != 0 && !make_image(type, image)) {
                test_skip("mkfs is not installed");
                return -1;
        }

        TEST_SYS(mkdirat(test_fd, name, 0755));
        return test_remount(type, name);
}

void test_unmount(const char *name) {
        char path[128];

        (void) snprintf(path, sizeof(path), "%s/%s", test_path, name);
        TEST_SYS(umount(path));
}

void test_as_nobody(void (*function)(void)) {
        pid_t pid;
        int status;

        if (geteuid() != 0) {
                function();
                return;
        }

        pid = TEST_SYS(fork());
        if (pid == 0) {
                TEST_SYS(setgroups(0, NULL));
                TEST_SYS(setresgid(NOBODY, NOBODY, NOBODY));
                TEST_SYS(setresuid(NOBODY, NOBODY, NOBODY));
                function();
                _exit(EXIT_SUCCESS);
        }

        TEST_SYS(waitpid(pid, &status, 0));
        ck_assert_msg(WIFEXITED(status) && WEXITSTATUS(status) == 0, "failed without rights");
}

int test_file(int directory_fd, const char *name, const void *data, size_t n) {
        int fd;

        fd = TEST_SYS(openat(directory_fd, name, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600));
        if (n > 0)
                ck_assert_int_eq(TEST_SYS(write(fd, data, n)), (ssize_t) n);

        return fd;
}

void test_fill(uint8_t *buffer, size_t n, unsigned seed) {
        uint64_t state = seed * 2654435761u + 88172645463325252u;

        for (size_t i = 0; i < n; i++) {
                state ^= state << 13;
                state ^= state >> 7;
                state ^= state << 17;
                buffer[i] = (uint8_t) (state >> 32);
        }
}
