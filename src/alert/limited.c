#include "alert/limited.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "basic/fd.h"
#include "basic/macros.h"

static void begin_child(void) {
        sigset_t none;

        (void) setsid();
        for (int number = 1; number < NSIG; number++)
                (void) signal(number, SIG_DFL);
        (void) sigemptyset(&none);
        (void) sigprocmask(SIG_SETMASK, &none, NULL);
}

int limited_fork(usec_t limit, Limited *ret) {
        pid_t pid = fork();

        if (pid < 0)
                return -errno;
        if (pid == 0) {
                begin_child();
                return 0;
        }
        *ret = (Limited) { .pid = pid,
                           .pid_fd = (int) syscall(SYS_pidfd_open, pid, 0),
                           .deadline = now_usec(CLOCK_MONOTONIC) + limit };
        return 1;
}

/* False at the end. */
static bool read_some(int fd, void (*take)(const char *data, size_t size, void *userdata),
                      void *userdata) {
        char buffer[4096];
        ssize_t n = read(fd, buffer, sizeof buffer);

        if (n > 0)
                take(buffer, (size_t) n, userdata);
        return n > 0 || (n < 0 && (errno == EAGAIN || errno == EINTR));
}

/* True: the child has ended. */
static bool wait_step(const Limited *child, int *output_fd, usec_t now,
                      void (*take)(const char *data, size_t size, void *userdata), void *userdata) {
        struct pollfd fds[] = { { .fd = child->pid_fd, .events = POLLIN },
                                { .fd = *output_fd, .events = POLLIN } };
        struct timespec left = { .tv_sec = (time_t) ((child->deadline - now) / USEC_PER_SEC),
                                 .tv_nsec = (long) ((child->deadline - now) % USEC_PER_SEC *
                                                    1000) };

        if (ppoll(fds, ELEMENTSOF(fds), &left, NULL) < 0)
                return false;
        if (fds[1].revents && !read_some(*output_fd, take, userdata))
                *output_fd = -EBADF;
        /* What it said last is read first. */
        return fds[0].revents && !(fds[1].revents & POLLIN);
}

LimitedEnd limited_wait(Limited *child, int output_fd,
                        void (*take)(const char *data, size_t size, void *userdata),
                        void *userdata) {
        LimitedEnd end = { .timed_out = true };
        usec_t now;

        while (end.timed_out && (now = now_usec(CLOCK_MONOTONIC)) < child->deadline)
                end.timed_out = !wait_step(child, &output_fd, now, take, userdata);
        /* Also what it left running: nobody would ever end that. The number of the group is not
         * given out again before the child is waited for. */
        (void) kill(-child->pid, SIGKILL);
        (void) kill(child->pid, SIGKILL);
        while (waitpid(child->pid, &end.status, 0) < 0 && errno == EINTR)
                ;
        (void) safe_close(child->pid_fd);
        *child = LIMITED_NULL;
        return end;
}
