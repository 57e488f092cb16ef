#include "sync/version.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "basic/alloc.h"
#include "basic/fd.h"
#include "basic/macros.h"
#include "fs/confined.h"

enum { TWINS_MAX = 1000, NAME_TEXT_MAX = 256 };

/* "2026-11-21T06:25:38.123Z" */
static void format_time(char *buffer, size_t size, usec_t at) {
        time_t seconds = (time_t) (at / USEC_PER_SEC);
        struct tm utc;
        size_t n;

        (void) gmtime_r(&seconds, &utc);
        n = strftime(buffer, size, "%Y-%m-%dT%H:%M:%S", &utc);
        (void) snprintf(buffer + n, size - n, ".%03uZ",
                        (unsigned) (at % USEC_PER_SEC / USEC_PER_MSEC));
}

/* Enters the directory NAME of *FD, making it when missing. */
static int descend(int *fd, const char *name) {
        int next;

        if (mkdirat(*fd, name, 0700) < 0 && errno != EEXIST)
                return -errno;
        next = confined_open_child(*fd, name, O_RDONLY | O_DIRECTORY);
        if (next < 0)
                return next;
        safe_close(*fd);
        *fd = next;
        return 0;
}

static int rename_beside(int staging_fd, const char *stage, int fd, const char *name) {
        char twin[NAME_TEXT_MAX];

        if (renameat2(staging_fd, stage, fd, name, RENAME_NOREPLACE) >= 0)
                return 0;
        for (unsigned i = 1; (errno == EEXIST || errno == ENOTEMPTY) && i < TWINS_MAX; i++) {
                (void) snprintf(twin, sizeof twin, "%.240s.%u", name, i);
                if (renameat2(staging_fd, stage, fd, twin, RENAME_NOREPLACE) >= 0)
                        return 0;
        }
        return -errno;
}

int version_keep(const Store *store, const char *stage, const char *path, usec_t at) {
        _cleanup_close_ int fd = -EBADF;
        _cleanup_free_ char *copy = NULL;
        char when[32], *name, *slash;
        int r;

        copy = strdup(path);
        if (!copy)
                return -ENOMEM;
        fd = fcntl(store->fd, F_DUPFD_CLOEXEC, 3);
        if (fd < 0)
                return -errno;
        format_time(when, sizeof when, at);
        r = descend(&fd, "versions");
        if (r >= 0)
                r = descend(&fd, when);
        for (name = copy; r >= 0 && (slash = strchr(name, '/')); name = slash + 1) {
                *slash = '\0';
                r = descend(&fd, name);
        }
        return r < 0 ? r : rename_beside(store->staging_fd, stage, fd, name);
}
