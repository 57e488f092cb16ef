#include "alert/hooks.h"

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "alert/hook-environment.h"
#include "alert/limited.h"
#include "alert/message-ids.h"
#include "basic/alloc.h"
#include "basic/fd.h"
#include "basic/log.h"
#include "basic/string-util.h"

enum {
        OUTPUT_MAX = 4096, /* bytes that are logged; the rest is read and forgotten */
        LINES_MAX = 32,
};

bool hook_name_is_valid(const char *name) {
        for (const char *p = name; *p; p++)
                if (!isascii((unsigned char) *p) ||
                    (!isalnum((unsigned char) *p) && *p != '_' && *p != '-'))
                        return false;
        return name[0];
}

/* Nobody but root and this process's user may have had a hand in it. */
static bool is_trusted(const struct stat *st) {
        return (st->st_uid == 0 || st->st_uid == geteuid()) && !(st->st_mode & S_IWOTH) &&
               (!(st->st_mode & S_IWGRP) || st->st_gid == 0);
}

typedef struct Output {
        char text[OUTPUT_MAX + 1];
        size_t size;
} Output;

static void take_output(const char *data, size_t size, void *userdata) {
        Output *output = userdata;

        size = MIN(size, OUTPUT_MAX - output->size);
        memcpy(output->text + output->size, data, size);
        output->size += size;
}

static void log_output(const char *name, Output *output) {
        char *rest = NULL;
        int n = 0;

        for (size_t i = 0; i < output->size; i++)
                if (output->text[i] == 0)
                        output->text[i] = 0x1a;
        output->text[output->size] = 0;
        for (char *line = strtok_r(output->text, "\n", &rest); line && n < LINES_MAX;
             line = strtok_r(NULL, "\n", &rest), n++) {
                _cleanup_free_ char *shown = escape_bytes(line);

                log_info("alert hook %s: %s", name, shown ?: "?");
        }
}

static void log_end(const char *name, LimitedEnd end, usec_t limit) {
        static const LogEvent event = { .level = LOG_WARNING,
                                        .message_id = REBACKUP_MSG_ALERT_HOOK_FAILED };
        char span[SPAN_TEXT_MAX];

        if (end.timed_out)
                log_event(&event, "alert hook %s was killed: it had not ended after %s", name,
                          span_format(span, sizeof span, limit));
        else if (WIFSIGNALED(end.status))
                log_event(&event, "alert hook %s was ended by SIG%s", name,
                          sigabbrev_np(WTERMSIG(end.status)) ?: "?");
        else if (WEXITSTATUS(end.status) != 0)
                log_event(&event, "alert hook %s failed with exit status %d", name,
                          WEXITSTATUS(end.status));
        else
                log_debug("alert hook %s has run", name);
}

/* Between fork and here nothing was allocated. */
static void execute(const char *path, int output_fd, char **environment) {
        const char *argv[] = { path, NULL };
        int null_fd = open("/dev/null", O_RDONLY | O_NOCTTY | O_CLOEXEC);

        if (null_fd < 0 || dup2(null_fd, STDIN_FILENO) < 0 || dup2(output_fd, STDOUT_FILENO) < 0 ||
            dup2(output_fd, STDERR_FILENO) < 0 || chdir("/") < 0)
                _exit(126);
        (void) umask(022);
        (void) execve(path, (char *const *) argv, environment);
        (void) dprintf(STDERR_FILENO, "cannot be executed: %s\n", strerror(errno));
        _exit(126);
}

static int run_hook(const char *directory, const char *name, char **environment, usec_t limit) {
        _cleanup_close_ int read_fd = -EBADF, write_fd = -EBADF;
        _cleanup_free_ char *path = NULL;
        Limited child = LIMITED_NULL;
        Output output = {};
        int fds[2], r;

        if (asprintf(&path, "%s/%s", directory, name) < 0)
                return -ENOMEM;
        if (pipe2(fds, O_CLOEXEC) < 0)
                return -errno;
        read_fd = fds[0];
        write_fd = fds[1];
        r = limited_fork(limit, &child);
        if (r < 0)
                return r;
        if (r == 0)
                execute(path, write_fd, environment);
        write_fd = safe_close(write_fd);
        LimitedEnd end = limited_wait(&child, read_fd, take_output, &output);
        log_output(name, &output);
        log_end(name, end, limit);
        return 0;
}

static void try_hook(const char *directory, int directory_fd, const char *name, char **environment,
                     usec_t limit) {
        struct stat st;
        int r;

        if (fstatat(directory_fd, name, &st, 0) < 0 || !S_ISREG(st.st_mode) ||
            !(st.st_mode & S_IXUSR))
                return;
        if (!is_trusted(&st)) {
                log_event(&(LogEvent) { .level = LOG_WARNING,
                                        .message_id = REBACKUP_MSG_ALERT_HOOK_FAILED },
                          "alert hook %s is not run: it does not belong to root, or others may "
                          "write to it; chown root and chmod go-w it",
                          name);
                return;
        }
        r = run_hook(directory, name, environment, limit);
        if (r < 0)
                (void) log_warning_errno(r, "cannot run alert hook %s: %m", name);
}

static int filter(const struct dirent *entry) {
        return hook_name_is_valid(entry->d_name);
}

/* By bytes, as run-parts(8) in the C locale. */
static int compare(const struct dirent **a, const struct dirent **b) {
        return strcmp((*a)->d_name, (*b)->d_name);
}

void hooks_run(const char *directory, const AlertReport *report, usec_t limit) {
        _cleanup_(hook_environment_freep) char **facts = NULL;
        _cleanup_close_ int fd = open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        struct dirent **entries = NULL;
        struct stat st;
        int n;

        if (fd < 0 || fstat(fd, &st) < 0)
                return;
        if (!is_trusted(&st)) {
                log_warning("no hooks are run from %s: it does not belong to root, or others may "
                            "write to it; chown root and chmod go-w it",
                            directory);
                return;
        }
        if (hook_environment(report, environ, &facts) < 0) {
                log_warning("no hooks are run: out of memory");
                return;
        }
        n = scandirat(fd, ".", &entries, filter, compare);
        for (int i = 0; i < n; i++) {
                try_hook(directory, fd, entries[i]->d_name, facts, limit);
                free(entries[i]);
        }
        free(entries);
}
