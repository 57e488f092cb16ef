#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <utmpx.h>

#include <systemd/sd-login.h>

#include "alert/tell.h"
#include "basic/alloc.h"
#include "basic/fd.h"
#include "basic/log.h"
#include "basic/string-util.h"

enum { TERMINALS_MAX = 64 };
#define TERMINAL_USEC (500 * USEC_PER_MSEC)

typedef struct Terminals {
        char names[TERMINALS_MAX][32]; /* in /dev */
        size_t n;
} Terminals;

/* "tty1", "pts/3": the name comes from a file that others can have a hand in. */
static bool name_is_valid(const char *name) {
        for (const char *p = name; *p; p++)
                if (!isalnum((unsigned char) *p) && !(*p == '/' && p > name))
                        return false;
        return name[0];
}

static void add(Terminals *terminals, const char *name) {
        name = startswith(name, "/dev/") ?: name;
        if (!name_is_valid(name) || strlen(name) >= sizeof terminals->names[0] ||
            terminals->n == TERMINALS_MAX)
                return;
        for (size_t i = 0; i < terminals->n; i++)
                if (streq(terminals->names[i], name))
                        return;
        (void) strcpy(terminals->names[terminals->n++], name);
}

static void add_of_utmp(Terminals *terminals) {
        const struct utmpx *entry;

        setutxent();
        while ((entry = getutxent())) {
                char line[sizeof entry->ut_line + 1] = {};

                if (entry->ut_type != USER_PROCESS)
                        continue;
                memcpy(line, entry->ut_line, sizeof entry->ut_line);
                add(terminals, line);
        }
        endutxent();
}

/* Newer systems have no utmp. */
static void add_of_sessions(Terminals *terminals) {
        char **sessions = NULL;
        int n = sd_get_sessions(&sessions);

        for (int i = 0; i < n; i++) {
                _cleanup_free_ char *terminal = NULL;

                if (sd_session_get_tty(sessions[i], &terminal) >= 0)
                        add(terminals, terminal);
                free(sessions[i]);
        }
        free(sessions);
}

/* Whoever is in the foreground there has the log before the eyes. */
static bool is_standard_error(const struct stat *st) {
        struct stat own;

        return fstat(STDERR_FILENO, &own) >= 0 && S_ISCHR(own.st_mode) &&
               own.st_rdev == st->st_rdev;
}

static int open_terminal(const char *device) {
        _cleanup_close_ int fd = -EBADF;
        _cleanup_free_ char *path = NULL;
        struct stat st;

        if (asprintf(&path, "/dev/%s", device) < 0)
                return -ENOMEM;
        fd = open(path, O_WRONLY | O_NONBLOCK | O_NOCTTY | O_NOFOLLOW | O_CLOEXEC);
        if (fd < 0 || fstat(fd, &st) < 0)
                return -errno;
        if (!S_ISCHR(st.st_mode) || !isatty(fd) || is_standard_error(&st))
                return -ENOTTY;
        /* "mesg n" */
        return st.st_mode & S_IWGRP ? TAKE_FD(fd) : -EACCES;
}

/* A terminal that is stopped takes nothing. */
static int wait_writable(int fd, usec_t deadline) {
        usec_t now = now_usec(CLOCK_MONOTONIC);
        struct pollfd poll_fd = { .fd = fd, .events = POLLOUT };

        if (now >= deadline ||
            poll(&poll_fd, 1, (int) ((deadline - now + 999) / USEC_PER_MSEC)) == 0)
                return -ETIMEDOUT;
        return 0;
}

int tell_terminal(const char *device, const char *text, usec_t limit) {
        usec_t deadline = now_usec(CLOCK_MONOTONIC) + limit;
        _cleanup_close_ int fd = open_terminal(device);
        size_t left = strlen(text);

        if (fd < 0)
                return fd;
        while (left > 0) {
                ssize_t n = write(fd, text, left);
                int r;

                if (n > 0) {
                        text += n;
                        left -= (size_t) n;
                        continue;
                }
                if (n < 0 && errno != EAGAIN && errno != EINTR)
                        return -errno;
                r = wait_writable(fd, deadline);
                if (r < 0)
                        return r;
        }
        return 0;
}

int tell_terminals(const AlertReport *report) {
        _cleanup_free_ char *headline = alert_report_headline(report), *text = NULL,
                            *pair = escape_bytes(report->pair ?: "?");
        Terminals terminals = {};

        if (!headline || !pair || asprintf(&text, "\r\n\arebackup %s: %s\r\n", pair, headline) < 0)
                return -ENOMEM;
        add_of_utmp(&terminals);
        add_of_sessions(&terminals);
        for (size_t i = 0; i < terminals.n; i++) {
                int r = tell_terminal(terminals.names[i], text, TERMINAL_USEC);

                if (r < 0)
                        (void) log_debug_errno(r, "cannot write to terminal %s: %m",
                                               terminals.names[i]);
        }
        return 0;
}
