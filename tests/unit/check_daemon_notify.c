/* What the service manager hears, at a real notification socket. */

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>

#include "basic/fd.h"
#include "basic/macros.h"
#include "daemon/notify.h"
#include "test-fs.h"

static int listen_here(void) {
        struct sockaddr_un address = { .sun_family = AF_UNIX };
        int fd = TEST_SYS(socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));

        (void) snprintf(address.sun_path, sizeof address.sun_path, "%s/notify", test_path);
        TEST_SYS(bind(fd, (const struct sockaddr *) &address, sizeof address));
        ck_assert_int_eq(setenv("NOTIFY_SOCKET", address.sun_path, 1), 0);
        return fd;
}

static void assert_heard(int fd, const char *text) {
        char buffer[256] = "";

        if (!text) {
                ck_assert_int_lt(recv(fd, buffer, sizeof buffer, 0), 0);
                ck_assert_int_eq(errno, EAGAIN);
                return;
        }
        TEST_SYS(recv(fd, buffer, sizeof buffer - 1, 0));
        ck_assert_str_eq(buffer, text);
}

START_TEST(states) {
        _cleanup_close_ int fd = listen_here();
        Notify notify;

        notify_init(&notify);
        notify_ready(&notify);
        assert_heard(fd, "READY=1");
        notify_reloading(&notify, 123);
        assert_heard(fd, "RELOADING=1\nMONOTONIC_USEC=123");
        notify_watchdog(&notify);
        assert_heard(fd, "WATCHDOG=1");
        notify_extend_timeout(&notify, 5);
        assert_heard(fd, "EXTEND_TIMEOUT_USEC=5");
        notify_failure(&notify, ENOENT, "gone");
        assert_heard(fd, "STATUS=gone");
        assert_heard(fd, "ERRNO=2");
        notify_stopping(&notify);
        assert_heard(fd, "STOPPING=1");
        notify_done(&notify);
}
END_TEST

START_TEST(status_is_sent_on_change_and_not_too_often) {
        _cleanup_close_ int fd = listen_here();
        Notify notify;

        notify_init(&notify);
        ck_assert_uint_eq(notify_status(&notify, "a", 1), 0);
        assert_heard(fd, "STATUS=a");
        ck_assert_uint_eq(notify_status(&notify, "a", 10 * USEC_PER_SEC), 0);
        assert_heard(fd, NULL);
        ck_assert_uint_eq(notify_status(&notify, "b", USEC_PER_SEC),
                          1 + NOTIFY_STATUS_INTERVAL_USEC);
        assert_heard(fd, NULL);
        ck_assert_uint_eq(notify_status(&notify, "b", 1 + NOTIFY_STATUS_INTERVAL_USEC), 0);
        assert_heard(fd, "STATUS=b");
        notify_done(&notify);
}
END_TEST

START_TEST(without_a_manager_nothing_happens) {
        Notify notify;

        ck_assert_int_eq(unsetenv("NOTIFY_SOCKET"), 0);
        notify_init(&notify);
        notify_ready(&notify);
        ck_assert_uint_eq(notify_status(&notify, "a", 1), 0);
        ck_assert_ptr_null(notify.status);
        notify_done(&notify);
}
END_TEST

int main(void) {
        TCase *tcase;
        Suite *suite = test_fs_suite("daemon-notify", &tcase);

        tcase_add_test(tcase, states);
        tcase_add_test(tcase, status_is_sent_on_change_and_not_too_often);
        tcase_add_test(tcase, without_a_manager_nothing_happens);
        return test_fs_run(suite);
}
