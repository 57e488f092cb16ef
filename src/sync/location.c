#include "sync/location.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "basic/alloc.h"
#include "basic/fd.h"
#include "basic/macros.h"
#include "fs/confined.h"

int location_find(const char *path, Location *ret) {
        _cleanup_free_ char *head = strdup(path), *missing = NULL;
        _cleanup_close_ int fd = -EBADF;

        assert(path[0] == '/');
        if (!head)
                return -ENOMEM;

        size_t length = strlen(head);
        for (;;) {
                fd = open(length > 0 ? head : "/", O_PATH | O_DIRECTORY | O_CLOEXEC);
                if (fd >= 0)
                        break;
                if (errno != ENOENT || length == 0)
                        return -errno;
                length = (size_t) ((char *) memrchr(head, '/', length) - head);
                head[length] = '\0';
        }

        missing = strdup(path + length + strspn(path + length, "/"));
        if (!missing)
                return -ENOMEM;
        *ret = (Location) { .fd = TAKE_FD(fd), .missing = TAKE_PTR(missing) };
        return 0;
}

/* Makes and enters the first missing component. */
static int make_step(Location *location, mode_t mode) {
        size_t length = strcspn(location->missing, "/");
        _cleanup_free_ char *name = strndup(location->missing, length);
        int fd;

        if (!name)
                return -ENOMEM;
        if (mkdirat(location->fd, name, mode) < 0 && errno != EEXIST)
                return -errno;
        fd = confined_open_child(location->fd, name, O_PATH | O_DIRECTORY);
        if (fd < 0)
                return fd;

        safe_close(location->fd);
        location->fd = fd;
        const char *rest = location->missing + length;
        rest += strspn(rest, "/");
        memmove(location->missing, rest, strlen(rest) + 1);
        return 0;
}

int location_make(Location *location, mode_t mode) {
        while (!location_exists(location)) {
                int r = make_step(location, mode);
                if (r < 0)
                        return r;
        }
        return 0;
}

void location_done(Location *location) {
        safe_close(location->fd);
        free(location->missing);
        *location = LOCATION_NULL;
}

int location_open(const Location *location) {
        return confined_open(location->fd, "", O_RDONLY | O_DIRECTORY | O_NONBLOCK);
}
