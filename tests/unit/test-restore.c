#include "test-restore.h"

#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "basic/fd.h"

TestTold test_told;
void (*test_on_event)(const RestoreEvent *event);
unsigned test_patience;
char test_error[1024];

_printf_(1, 0) static char *shell_text(const char *format, va_list arguments) {
        char *text, *command;

        ck_assert_int_ge(vasprintf(&text, format, arguments), 0);
        ck_assert_int_ge(asprintf(&command, "set -e; cd %s; %s", test_path, text), 0);
        free(text);
        return command;
}

void test_shell(const char *format, ...) {
        va_list arguments;
        char *command;
        int status;

        va_start(arguments, format);
        command = shell_text(format, arguments);
        va_end(arguments);
        status = system(command);
        ck_assert_msg(WIFEXITED(status) && WEXITSTATUS(status) == 0, "failed: %s", command);
        free(command);
}

const char *test_shell_line(const char *format, ...) {
        static char line[1024];
        va_list arguments;
        char *command;
        FILE *pipe;

        va_start(arguments, format);
        command = shell_text(format, arguments);
        va_end(arguments);
        pipe = popen(command, "r");
        ck_assert_ptr_nonnull(pipe);
        if (!fgets(line, sizeof line, pipe))
                line[0] = '\0';
        line[strcspn(line, "\n")] = '\0';
        (void) pclose(pipe);
        free(command);
        return line;
}

void test_restore_setup(void) {
        TEST_SYS(mkdirat(test_fd, "source", 0755));
        TEST_SYS(mkdirat(test_fd, "replica", 0755));
        TEST_SYS(mkdirat(test_fd, ".replica.rebackup", 0700));
        (void) close(test_file(test_fd, ".replica.rebackup/catalog.db", NULL, 0));
        TEST_SYS(mkdirat(test_fd, ".replica.rebackup/staging", 0700));
}

void test_retire(const char *path, unsigned second) {
        _cleanup_(versions_closep) Versions *versions = NULL;
        _cleanup_close_ int store_fd = -EBADF, staging_fd = -EBADF;
        char from[512];

        store_fd = TEST_SYS(openat(test_fd, ".replica.rebackup", O_RDONLY | O_DIRECTORY));
        staging_fd = TEST_SYS(openat(store_fd, "staging", O_RDONLY | O_DIRECTORY));
        TEST_OK(versions_open(store_fd, true, &versions));
        (void) snprintf(from, sizeof from, "replica/%s", path);
        TEST_SYS(renameat(test_fd, from, staging_fd, "it"));
        TEST_OK(versions_keep(versions, staging_fd, "it", path, TEST_AT(second)));
}

static void on_event(const RestoreEvent *event, void *userdata) {
        size_t length = strlen(test_told.text);

        (void) userdata;
        test_told.counts[event->outcome]++;
        test_told.shortfalls |= event->shortfalls;
        if (event->outcome == RESTORE_FAILED)
                test_told.error = event->error;
        (void) snprintf(test_told.text + length, sizeof test_told.text - length, "%s %s\n",
                        restore_outcome_to_string(event->outcome), event->path);
        if (test_on_event)
                test_on_event(event);
}

static int archive_fd = -EBADF;

static int write_archive(const void *data, size_t size, void *userdata) {
        (void) userdata;
        return loop_write(archive_fd, data, size);
}

static int go_on(void *userdata) {
        (void) userdata;
        if (test_patience == 0)
                return 0;
        if (test_patience == 1)
                return -EINTR;
        test_patience--;
        return 0;
}

/* TARGET: a directory, "" for the source, NULL for an archive. */
static int restore(const char *target, RestoreRequest *request) {
        _cleanup_(restore_pair_close) RestorePair pair = RESTORE_PAIR_NULL;
        char path[512], *error = NULL;
        int r;

        test_told = (TestTold) {};
        test_error[0] = '\0';
        request->tell = on_event;
        request->go_on = go_on;
        (void) snprintf(path, sizeof path, "%s/replica", test_path);
        r = restore_pair_open(path, NULL, &pair, &error);
        ck_assert_msg(r == 0, "%s", error);

        if (!pair.source)
                ck_assert_int_ge(asprintf(&pair.source, "%s/source", test_path), 0);
        (void) snprintf(path, sizeof path, "%s/%s", test_path, target ? target : "");
        r = !target    ? restore_to_archive(&pair, request, write_archive, &error)
            : !*target ? restore_to_source(&pair, request, &error)
                       : restore_to_directory(&pair, request, path, &error);
        if (error)
                (void) snprintf(test_error, sizeof test_error, "%s", error);
        free(error);
        return r;
}

int test_restore(const char *path, unsigned second, const char *target, TestFlags flags) {
        RestoreRequest request = {
                .path = path,
                .at = TEST_AT(second),
                .force = flags & TEST_FORCE,
                .dry_run = flags & TEST_DRY_RUN,
        };

        return restore(target ? target : "", &request);
}

int test_restore_archive(const char *path, unsigned second) {
        RestoreRequest request = { .path = path, .at = TEST_AT(second) };
        int r;

        archive_fd = TEST_SYS(openat(test_fd, "archive", O_WRONLY | O_CREAT | O_TRUNC, 0600));
        r = restore(NULL, &request);
        (void) close(archive_fd);
        return r;
}
