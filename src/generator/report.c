#include "generator/report.h"

#include <fcntl.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "basic/alloc.h"
#include "basic/fd.h"
#include "basic/string-util.h"

/* The service manager gives its generators /dev/null for standard error. */
static bool nobody_listens(void) {
        struct stat st;

        return fstat(STDERR_FILENO, &st) < 0 ||
               (S_ISCHR(st.st_mode) && st.st_rdev == makedev(1, 3));
}

/* A line is one record, at the level of errors (3, facility 3 << 3 for daemons). Source: the
 * kernel's Documentation/ABI/testing/dev-kmsg. */
static void report_line(int fd, bool kernel, const char *line) {
        _cleanup_free_ char *text = NULL;
        int n = asprintf(&text, "%srebackup-generator[%d]: %s\n", kernel ? "<27>" : "",
                         (int) getpid(), line);

        if (n < 0)
                text = NULL;
        else
                (void) loop_write(fd, text, (size_t) n);
}

void report(const char *format, ...) {
        _cleanup_close_ int kernel_fd = -EBADF;
        _cleanup_free_ char *text = NULL;
        char *rest = NULL;
        va_list arguments;
        int n;

        va_start(arguments, format);
        n = vasprintf(&text, format, arguments);
        va_end(arguments);
        if (n < 0) {
                text = NULL;
                return;
        }
        if (nobody_listens())
                kernel_fd = open("/dev/kmsg", O_WRONLY | O_CLOEXEC | O_NOCTTY);
        for (char *line = strtok_r(text, "\n", &rest); line; line = strtok_r(NULL, "\n", &rest))
                report_line(kernel_fd >= 0 ? kernel_fd : STDERR_FILENO, kernel_fd >= 0, line);
}
