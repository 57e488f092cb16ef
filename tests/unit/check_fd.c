#include <check.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <unistd.h>

#include "basic/alloc.h"
#include "basic/fd.h"

/* More than a pipe holds, so that neither end gets everything in one call. */
enum { BIG = 1 << 20 };

static bool is_open(int fd) {
        return fcntl(fd, F_GETFD) >= 0;
}

START_TEST(closing) {
        int fd = memfd_create("test", MFD_CLOEXEC), copy = fd;

        ck_assert_int_ge(fd, 0);
        errno = EXDEV;
        fd = safe_close(fd);
        ck_assert_int_eq(fd, -EBADF);
        ck_assert(!is_open(copy));
        ck_assert_int_eq(safe_close(fd), -EBADF);
        errno = EXDEV;
        ck_assert_int_eq(safe_close(copy), -EBADF);
        /* That one failed in close(). */
        ck_assert_int_eq(errno, EXDEV);
}
END_TEST

START_TEST(scope) {
        int taken, seen;

        {
                _cleanup_close_ int gone = memfd_create("gone", MFD_CLOEXEC);
                _cleanup_close_ int kept = memfd_create("kept", MFD_CLOEXEC);
                _cleanup_close_ int none = -EBADF;

                ck_assert_int_lt(none, 0);
                seen = gone;
                taken = TAKE_FD(kept);
                ck_assert_int_eq(kept, -EBADF);
        }
        ck_assert(!is_open(seen));
        ck_assert(is_open(taken));
        (void) safe_close(taken);
}
END_TEST

static void *write_big(void *userdata) {
        const int *fd = userdata;
        _cleanup_free_ char *data = new0(char, BIG);

        memset(data, 'x', BIG);
        ck_assert_int_eq(loop_write(*fd, data, BIG), 0);
        (void) safe_close(*fd);
        return NULL;
}

START_TEST(through_a_pipe) {
        _cleanup_free_ char *data = new0(char, BIG + 1);
        pthread_t thread;
        int ends[2];

        ck_assert_int_eq(pipe2(ends, O_CLOEXEC), 0);
        ck_assert_int_eq(pthread_create(&thread, NULL, write_big, &ends[1]), 0);
        ck_assert_int_eq(loop_read(ends[0], data, 10), 10);
        ck_assert_int_eq(loop_read(ends[0], data + 10, BIG), BIG - 10);
        ck_assert_int_eq(loop_read(ends[0], data, BIG), 0);
        ck_assert_int_eq(pthread_join(thread, NULL), 0);
        ck_assert_uint_eq(strspn(data, "x"), BIG);
        (void) safe_close(ends[0]);
}
END_TEST

START_TEST(failures) {
        _cleanup_close_ int full = open("/dev/full", O_RDWR | O_CLOEXEC);
        char byte = 0;

        ck_assert_int_ge(full, 0);
        ck_assert_int_eq(loop_write(full, &byte, 1), -ENOSPC);
        ck_assert_int_eq(loop_write(-1, &byte, 1), -EBADF);
        ck_assert_int_eq(loop_read(-1, &byte, 1), -EBADF);
        ck_assert_int_eq(loop_write(-1, &byte, 0), 0);
}
END_TEST

START_TEST(raise_limit) {
        struct rlimit limit;

        ck_assert_int_eq(getrlimit(RLIMIT_NOFILE, &limit), 0);
        limit.rlim_cur = limit.rlim_max / 2;
        ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &limit), 0);
        for (int i = 0; i < 2; i++) {
                ck_assert_int_eq(fd_raise_limit(), 0);
                ck_assert_int_eq(getrlimit(RLIMIT_NOFILE, &limit), 0);
                ck_assert_uint_eq(limit.rlim_cur, limit.rlim_max);
        }
}
END_TEST

int main(void) {
        Suite *suite = suite_create("fd");
        TCase *tcase = tcase_create("fd");
        SRunner *runner = srunner_create(suite);
        int n_failed;

        tcase_add_test(tcase, closing);
        tcase_add_test(tcase, scope);
        tcase_add_test(tcase, through_a_pipe);
        tcase_add_test(tcase, failures);
        tcase_add_test(tcase, raise_limit);
        suite_add_tcase(suite, tcase);
        srunner_run_all(runner, CK_ENV);
        n_failed = srunner_ntests_failed(runner);
        srunner_free(runner);
        return n_failed > 0;
}
