#include "generator/output.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "basic/alloc.h"
#include "basic/fd.h"

/* Opens the subdirectory UNIT followed by SUFFIX, made if it is missing. */
static int open_directory(int directory_fd, const char *unit, const char *suffix) {
        _cleanup_free_ char *name = NULL;
        int fd;

        if (asprintf(&name, "%s%s", unit, suffix) < 0) {
                name = NULL;
                return -ENOMEM;
        }
        if (mkdirat(directory_fd, name, 0755) < 0 && errno != EEXIST)
                return -errno;
        fd = openat(directory_fd, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
        return fd < 0 ? -errno : fd;
}

int output_drop_in(int directory_fd, const char *unit, const char *name, const char *text) {
        _cleanup_close_ int subdirectory_fd = -EBADF;
        int fd, r;

        r = subdirectory_fd = open_directory(directory_fd, unit, ".d");
        if (r < 0)
                return r;
        fd = openat(subdirectory_fd, name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC,
                    0644);
        if (fd < 0)
                return -errno;
        r = loop_write(fd, text, strlen(text));
        if (close(fd) < 0 && r >= 0)
                r = -errno;
        if (r < 0) /* half of it would be believed */
                (void) unlinkat(subdirectory_fd, name, 0);
        return r;
}

int output_want(int directory_fd, const char *wanting, const char *unit, const char *target) {
        _cleanup_close_ int subdirectory_fd = -EBADF;

        subdirectory_fd = open_directory(directory_fd, wanting, ".wants");
        if (subdirectory_fd < 0)
                return subdirectory_fd;
        return symlinkat(target, subdirectory_fd, unit) < 0 && errno != EEXIST ? -errno : 0;
}
