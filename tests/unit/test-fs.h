#pragma once

/* A place for tests that work on real files: a fresh directory on tmpfs for each test, and file
 * systems mounted below it. Mounts are made in a mount namespace of the test's own process. The
 * fixture removes everything. */

#include <check.h>
#include <errno.h>
#include <stdint.h>
#include <string.h>
#include <sys/types.h>

/* The result of a call that returns -errno. */
#define TEST_OK(expression)                                                         \
        ({                                                                          \
                __typeof__(expression) _r = (expression);                           \
                ck_assert_msg(_r >= 0, "%s: %s", #expression, strerror((int) -_r)); \
                _r;                                                                 \
        })

/* The result of a system call. */
#define TEST_SYS(expression)                                                    \
        ({                                                                      \
                __typeof__(expression) _r = (expression);                       \
                ck_assert_msg(_r >= 0, "%s: %s", #expression, strerror(errno)); \
                _r;                                                             \
        })

/* The directory of the running test, by descriptor and path; set by the fixture. */
extern int test_fd;
extern char test_path[64];

/* A suite with one test case that runs in the directory above. */
Suite *test_fs_suite(const char *name, TCase **ret);

/* Runs the suite as CK_ENV says and returns main()'s result. */
int test_fs_run(Suite *suite);

/* Mounts a fresh file system of TYPE ("tmpfs", "ext4", "xfs", "btrfs", …) on the new directory NAME
 * and returns a descriptor of its root, or -1 after printing why it cannot be had here: the test is
 * skipped then. */
int test_mount(const char *type, const char *name);
void test_unmount(const char *name);
/* Mounts NAME again after test_unmount(). */
int test_remount(const char *type, const char *name);

/* Prints that the running test is skipped and why. */
void test_skip(const char *reason);

/* Runs FUNCTION in a process of its own as user and group 65534 without groups and capabilities. */
void test_as_nobody(void (*function)(void));

/* Creates NAME with N bytes of DATA and returns it open for reading and writing. */
int test_file(int directory_fd, const char *name, const void *data, size_t n);

/* Fills BUFFER with bytes that do not repeat. */
void test_fill(uint8_t *buffer, size_t n, unsigned seed);
