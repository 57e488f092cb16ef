#include "daemon/alert-starter.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/close_range.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "basic/fd.h"
#include "basic/macros.h"

/* For tests, and for who has installed it elsewhere. */
static const char *program(void) {
        return secure_getenv("REBACKUP_ALERT") ?: ALERT_PROGRAM;
}

/* A message of one byte that carries a descriptor. Source: cmsg(3). */
typedef union Control {
        char buffer[CMSG_SPACE(sizeof(int))];
        struct cmsghdr header;
} Control;

static int receive(int socket_fd) {
        Control control;
        char byte;
        struct iovec iov = { .iov_base = &byte, .iov_len = 1 };
        struct msghdr message = { .msg_iov = &iov,
                                  .msg_iovlen = 1,
                                  .msg_control = &control,
                                  .msg_controllen = sizeof control };
        struct cmsghdr *header;
        ssize_t n;
        int fd;

        do
                n = recvmsg(socket_fd, &message, MSG_CMSG_CLOEXEC);
        while (n < 0 && errno == EINTR);
        if (n < 0)
                return -errno;
        header = n > 0 ? CMSG_FIRSTHDR(&message) : NULL;
        if (!header || header->cmsg_type != SCM_RIGHTS)
                return -ENODATA;
        memcpy(&fd, CMSG_DATA(header), sizeof fd);
        return fd;
}

/* A session of its own: Ctrl+C in the terminal is meant for the daemon. */
static void execute(const char *config_root, int report_fd) {
        const char *argv[6] = { program(), "--stdin" };
        sigset_t none;
        int n = 2;

        (void) setsid();
        (void) signal(SIGPIPE, SIG_DFL);
        (void) signal(SIGIO, SIG_DFL);
        (void) sigemptyset(&none);
        (void) sigprocmask(SIG_SETMASK, &none, NULL);
        if (dup2(report_fd, STDIN_FILENO) < 0)
                _exit(EXIT_FAILURE);
        if (geteuid() != 0)
                argv[n++] = "--user";
        if (config_root) {
                argv[n++] = "--config-root";
                argv[n++] = config_root;
        }
        (void) execv(argv[0], (char *const *) argv);
        _exit(EXIT_FAILURE);
}

static void serve(int socket_fd, const char *config_root) {
        int report_fd;

        while ((report_fd = receive(socket_fd)) >= 0) {
                pid_t child = fork();

                if (child == 0)
                        execute(config_root, report_fd);
                (void) safe_close(report_fd);
                while (child > 0 && waitpid(child, NULL, 0) < 0 && errno == EINTR)
                        ;
        }
}

static void keep_only(int *fd) {
        if (*fd != 3 && dup3(*fd, 3, O_CLOEXEC) >= 0)
                *fd = 3;
        (void) close_range((unsigned) *fd + 1, ~0U, 0);
}

int alert_starter_begin(const char *config_root, int *ret) {
        int fds[2];
        pid_t child;

        if (access(program(), X_OK) < 0)
                return -errno;
        if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, fds) < 0)
                return -errno;
        child = fork();
        if (child < 0) {
                int error = -errno;

                (void) safe_close(fds[0]);
                (void) safe_close(fds[1]);
                return error;
        }
        if (child == 0) {
                (void) safe_close(fds[0]);
                (void) prctl(PR_SET_NAME, "rebackup-alerts");
                keep_only(&fds[1]);
                serve(fds[1], config_root);
                _exit(EXIT_SUCCESS);
        }
        (void) safe_close(fds[1]);
        *ret = fds[0];
        return 0;
}

static int make_report(const char *text) {
        _cleanup_close_ int fd = memfd_create("rebackup-alert", MFD_CLOEXEC);
        int r;

        if (fd < 0)
                return -errno;
        r = loop_write(fd, text, strlen(text));
        if (r < 0)
                return r;
        if (lseek(fd, 0, SEEK_SET) < 0)
                return -errno;
        return TAKE_FD(fd);
}

int alert_starter_send(int fd, const char *text) {
        _cleanup_close_ int report_fd = make_report(text);
        Control control = {};
        char byte = 0;
        struct iovec iov = { .iov_base = &byte, .iov_len = 1 };
        struct msghdr message = { .msg_iov = &iov,
                                  .msg_iovlen = 1,
                                  .msg_control = &control,
                                  .msg_controllen = sizeof control };
        struct cmsghdr *header = CMSG_FIRSTHDR(&message);

        if (report_fd < 0)
                return report_fd;
        header->cmsg_level = SOL_SOCKET;
        header->cmsg_type = SCM_RIGHTS;
        header->cmsg_len = CMSG_LEN(sizeof report_fd);
        memcpy(CMSG_DATA(header), &report_fd, sizeof report_fd);
        return sendmsg(fd, &message, MSG_DONTWAIT | MSG_NOSIGNAL) < 0 ? -errno : 0;
}
