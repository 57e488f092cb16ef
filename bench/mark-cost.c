/* What a file-system mark costs those who write there, by how its events are read: a reader and
 * nothing behind it. Counts what it reads until SIGTERM.
 *
 * Usage: mark-cost DIR STEP-US [IGNORED-DIR]
 *
 * The file system of DIR is marked. After the first event of each lot it waits STEP-US before it
 * reads on. Events below IGNORED-DIR are ignored by a mark that the kernel may evict. */

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <poll.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/fanotify.h>
#include <sys/resource.h>
#include <unistd.h>

#define EVENTS                                                                              \
        (FAN_MODIFY | FAN_ATTRIB | FAN_CLOSE_WRITE | FAN_CREATE | FAN_DELETE | FAN_RENAME | \
         FAN_ONDIR)
#define IGNORED (FAN_MODIFY | FAN_ATTRIB | FAN_CLOSE_WRITE | FAN_CREATE | FAN_DELETE)

static volatile sig_atomic_t stopped;

static void on_signal(int signal) {
        (void) signal;
        stopped = 1;
}

static int must(int r, const char *what) {
        if (r >= 0)
                return r;
        fprintf(stderr, "mark-cost: %s: %s\n", what, strerror(errno));
        exit(2);
}

static uint64_t drain(int fd) {
        static char buffer[65536];
        uint64_t n = 0;
        ssize_t size;

        while ((size = read(fd, buffer, sizeof(buffer))) > 0) {
                const struct fanotify_event_metadata *event = (const void *) buffer;

                for (; FAN_EVENT_OK(event, size); event = FAN_EVENT_NEXT(event, size))
                        n++;
        }
        return n;
}

int main(int argc, char *argv[]) {
        uint64_t n_events = 0, n_wakes = 0;
        struct pollfd poll_fd;
        struct rusage usage;
        useconds_t step;
        int fd;

        if (argc < 3)
                return 2;
        step = (useconds_t) strtoul(argv[2], NULL, 10);
        (void) sigaction(SIGTERM, &(struct sigaction) { .sa_handler = on_signal }, NULL);
        fd = must(fanotify_init(FAN_CLASS_NOTIF | FAN_REPORT_DFID_NAME | FAN_NONBLOCK |
                                        FAN_CLOEXEC | FAN_UNLIMITED_QUEUE,
                                O_RDONLY),
                  "init");
        must(fanotify_mark(fd, FAN_MARK_ADD | FAN_MARK_FILESYSTEM, EVENTS, AT_FDCWD, argv[1]),
             argv[1]);
        if (argc > 3)
                must(fanotify_mark(fd, FAN_MARK_ADD | FAN_MARK_IGNORE_SURV | FAN_MARK_EVICTABLE,
                                   IGNORED | FAN_EVENT_ON_CHILD | FAN_ONDIR, AT_FDCWD, argv[3]),
                     argv[3]);
        poll_fd = (struct pollfd) { .fd = fd, .events = POLLIN };
        while (!stopped) {
                if (poll(&poll_fd, 1, -1) <= 0)
                        continue;
                n_wakes++;
                if (step > 0)
                        (void) usleep(step);
                n_events += drain(fd);
        }
        (void) getrusage(RUSAGE_SELF, &usage);
        printf("%" PRIu64 " events, %" PRIu64 " wakes, %.3f s\n", n_events, n_wakes,
               (double) (usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) +
                       (double) (usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) / 1e6);
        return 0;
}
