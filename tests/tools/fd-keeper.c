/* fd-keeper SOCKET: what a service manager does for the descriptors of one service, and no more.
 * It listens at SOCKET for notifications, keeps the descriptors that come with FDSTORE=1 under
 * their names, forgets those that FDSTOREREMOVE=1 names, and obeys lines on standard input:
 *
 *     start OUTPUT COMMAND [ARGUMENT...]   runs it with the descriptors that are kept, and with its
 *                                          standard output and error appended to OUTPUT; says
 *                                          "started PID"
 *     wait                                 waits for its end; says "ended STATUS"
 *     store                                says "store NAME..." in the order in which they came
 *     drop NAME                            forgets a descriptor
 *     forge NAME FILE                      keeps a copy of FILE in memory, sealed, as NAME
 *     forge-open NAME FILE                 keeps FILE itself as NAME
 *     dump NAME FILE                       writes what the descriptor NAME reads like into FILE
 *     ready                                says "ready 1" once READY=1 has come since the start
 *
 * Arguments are separated by tabs. Ends with standard input. */

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "basic/fd.h"
#include "basic/macros.h"
#include "basic/string-util.h"

enum {
        KEPT_MAX = 64,
        WORDS_MAX = 64,
        FDS_START = 3, /* SD_LISTEN_FDS_START */
        FDS_SAFE = 200,
};

typedef struct KeptFd {
        char *name;
        int fd;
} KeptFd;

static KeptFd kept[KEPT_MAX];
static size_t n_kept;
static int listener;
static const char *socket_path;
static pid_t child;
static bool is_ready;

static void fail(const char *what) {
        perror(what);
        exit(99);
}

/* The store */

static void keep(const char *name, int fd) {
        if (n_kept == KEPT_MAX) {
                (void) close(fd);
                return;
        }
        kept[n_kept].name = strdup(name);
        kept[n_kept++].fd = fd;
}

static void forget(const char *name) {
        for (size_t i = n_kept; i-- > 0;) {
                if (!streq(kept[i].name, name))
                        continue;
                (void) close(kept[i].fd);
                free(kept[i].name);
                memmove(&kept[i], &kept[i + 1], (--n_kept - i) * sizeof *kept);
        }
}

static int find(const char *name) {
        for (size_t i = 0; i < n_kept; i++)
                if (streq(kept[i].name, name))
                        return kept[i].fd;
        return -1;
}

/* Notifications */

typedef struct Message {
        char text[4096];
        int fds[16];
        size_t n_fds;
} Message;

static bool receive(Message *message) {
        char control[CMSG_SPACE(sizeof message->fds)];
        struct iovec part = { .iov_base = message->text, .iov_len = sizeof message->text - 1 };
        struct msghdr header = { .msg_iov = &part,
                                 .msg_iovlen = 1,
                                 .msg_control = control,
                                 .msg_controllen = sizeof control };
        ssize_t n = recvmsg(listener, &header, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);

        if (n < 0)
                return false;
        message->text[n] = '\0';
        message->n_fds = 0;
        for (struct cmsghdr *c = CMSG_FIRSTHDR(&header); c; c = CMSG_NXTHDR(&header, c))
                if (c->cmsg_level == SOL_SOCKET && c->cmsg_type == SCM_RIGHTS) {
                        message->n_fds = (c->cmsg_len - CMSG_LEN(0)) / sizeof(int);
                        memcpy(message->fds, CMSG_DATA(c), message->n_fds * sizeof(int));
                }
        return true;
}

static void obey(Message *message) {
        const char *name = "stored";
        bool store = false, removal = false;

        for (char *line = strtok(message->text, "\n"); line; line = strtok(NULL, "\n")) {
                store = store || streq(line, "FDSTORE=1");
                removal = removal || streq(line, "FDSTOREREMOVE=1");
                is_ready = is_ready || streq(line, "READY=1");
                name = startswith(line, "FDNAME=") ?: name;
        }
        for (size_t i = 0; i < message->n_fds; i++)
                if (store)
                        keep(name, message->fds[i]);
                else
                        (void) close(message->fds[i]);
        if (removal)
                forget(name);
}

static void drain(void) {
        Message message;

        while (receive(&message))
                obey(&message);
}

/* Commands */

static char *join_names(void) {
        StringBuffer names = STRING_BUFFER_NULL;

        for (size_t i = 0; i < n_kept; i++) {
                if (i > 0)
                        string_buffer_append(&names, ":");
                string_buffer_append(&names, kept[i].name);
        }
        return string_buffer_take(&names);
}

/* In the child: the descriptors move out of the way first, then to where they are looked for. */
static void run(char **words) {
        int output = open(words[0], O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644);
        char number[32];

        if (output < 0)
                fail(words[0]);
        for (size_t i = 0; i < n_kept; i++)
                kept[i].fd = fcntl(kept[i].fd, F_DUPFD_CLOEXEC, FDS_SAFE);
        output = fcntl(output, F_DUPFD_CLOEXEC, FDS_SAFE);
        for (size_t i = 0; i < n_kept; i++)
                if (dup2(kept[i].fd, FDS_START + (int) i) < 0)
                        fail("dup2");
        if (dup2(output, STDOUT_FILENO) < 0 || dup2(output, STDERR_FILENO) < 0 ||
            close(STDIN_FILENO) < 0 || open("/dev/null", O_RDONLY) != STDIN_FILENO)
                fail("standard descriptors");
        (void) setenv("NOTIFY_SOCKET", socket_path, 1);
        if (n_kept > 0) {
                (void) snprintf(number, sizeof number, "%zu", n_kept);
                (void) setenv("LISTEN_FDS", number, 1);
                (void) snprintf(number, sizeof number, "%d", (int) getpid());
                (void) setenv("LISTEN_PID", number, 1);
                (void) setenv("LISTEN_FDNAMES", join_names(), 1);
        }
        (void) execvp(words[1], words + 1);
        fail(words[1]);
}

static void start(char **words) {
        is_ready = false;
        child = fork();
        if (child < 0)
                fail("fork");
        if (child == 0)
                run(words);
        (void) printf("started %d\n", (int) child);
}

static void await(void) {
        int status = 0;

        while (waitpid(child, &status, WNOHANG) == 0) {
                struct pollfd waited = { .fd = listener, .events = POLLIN };

                drain(); /* a full queue would keep it from its end */
                (void) poll(&waited, 1, 10);
        }
        drain();
        (void) printf("ended %d\n",
                      WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status));
}

static void copy(int from, int to) {
        char buffer[65536];
        off_t at = 0;
        ssize_t n;

        while ((n = pread(from, buffer, sizeof buffer, at)) > 0) {
                if (loop_write(to, buffer, (size_t) n) < 0)
                        fail("write");
                at += n;
        }
}

static void forge(const char *name, const char *path, bool sealed) {
        int from = open(path, O_RDONLY | O_CLOEXEC), to;

        if (from < 0)
                fail(path);
        forget(name);
        if (!sealed) {
                keep(name, from);
                return;
        }
        to = memfd_create(name, MFD_CLOEXEC | MFD_ALLOW_SEALING);
        if (to < 0)
                fail("memfd_create");
        copy(from, to);
        if (fcntl(to, F_ADD_SEALS, F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE) < 0)
                fail("F_ADD_SEALS");
        (void) close(from);
        keep(name, to);
}

static void dump(const char *name, const char *path) {
        int to = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

        if (to < 0)
                fail(path);
        copy(find(name), to);
        (void) close(to);
}

static void show_store(void) {
        (void) printf("store");
        for (size_t i = 0; i < n_kept; i++)
                (void) printf(" %s", kept[i].name);
        (void) printf("\n");
}

static void obey_line(char *line) {
        char *words[WORDS_MAX + 1] = {};
        size_t n = 0;

        for (char *word = strtok(line, "\t\n"); word && n < WORDS_MAX; word = strtok(NULL, "\t\n"))
                words[n++] = word;
        if (n == 0)
                return;
        drain();
        if (streq(words[0], "start") && n > 2)
                start(words + 1);
        else if (streq(words[0], "wait"))
                await();
        else if (streq(words[0], "store"))
                show_store();
        else if (streq(words[0], "ready"))
                (void) printf("ready %d\n", is_ready);
        else if (streq(words[0], "drop") && n == 2)
                forget(words[1]);
        else if (streq(words[0], "forge") && n == 3)
                forge(words[1], words[2], true);
        else if (streq(words[0], "forge-open") && n == 3)
                forge(words[1], words[2], false);
        else if (streq(words[0], "dump") && n == 3)
                dump(words[1], words[2]);
        else
                (void) fprintf(stderr, "fd-keeper: %s?\n", words[0]);
        (void) fflush(stdout);
}

static int listen_at(const char *path) {
        struct sockaddr_un address = { .sun_family = AF_UNIX };
        int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);

        if (fd < 0 || strlen(path) >= sizeof address.sun_path)
                fail("socket");
        (void) strcpy(address.sun_path, path);
        (void) unlink(path);
        if (bind(fd, (const struct sockaddr *) &address, sizeof address) < 0)
                fail(path);
        return fd;
}

/* A line at a time, without reading ahead of what was asked. */
static bool read_line(char *line, size_t size) {
        size_t n = 0;

        while (n + 1 < size) {
                ssize_t r = read(STDIN_FILENO, line + n, 1);

                if (r <= 0)
                        return false;
                if (line[n++] == '\n')
                        break;
        }
        line[n] = '\0';
        return true;
}

int main(int argc, char **argv) {
        struct pollfd waited[2];
        static char line[65536];

        if (argc != 2) {
                (void) fprintf(stderr, "Usage: fd-keeper SOCKET\n");
                return 64;
        }
        socket_path = argv[1];
        listener = listen_at(socket_path);
        for (;;) {
                waited[0] = (struct pollfd) { .fd = STDIN_FILENO, .events = POLLIN };
                waited[1] = (struct pollfd) { .fd = listener, .events = POLLIN };
                if (poll(waited, ELEMENTSOF(waited), -1) < 0 && errno != EINTR)
                        fail("poll");
                if (waited[1].revents)
                        drain();
                if (!waited[0].revents)
                        continue;
                if (!read_line(line, sizeof line))
                        return 0;
                obey_line(line);
        }
}
