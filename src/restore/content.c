#include "restore/content.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>

#include "basic/alloc.h"
#include "basic/fd.h"
#include "basic/string-util.h"
#include "fs/attributes.h"
#include "fs/confined.h"
#include "fs/special.h"

int content_open(int path_fd) {
        const int flags = O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC;
        char path[PROC_FD_PATH_MAX];
        int fd;

        /* O_NOATIME is for the owner and CAP_FOWNER alone. */
        fd = open(proc_fd_path(path_fd, path), flags | O_NOATIME);
        if (fd < 0 && errno == EPERM)
                fd = open(path, flags);
        return fd < 0 ? -errno : fd;
}

static int same_attributes(int a_fd, int b_fd) {
        _cleanup_(attributes_done) Attributes a = ATTRIBUTES_NULL, b = ATTRIBUTES_NULL;
        int r;

        r = attributes_acquire(a_fd, &a);
        if (r >= 0)
                r = attributes_acquire(b_fd, &b);
        return r < 0 ? r : attributes_equal(&a, &b);
}

static int same_link(int a_fd, int b_fd) {
        _cleanup_free_ char *a = NULL, *b = NULL;
        int r;

        r = symlink_read(a_fd, "", &a);
        if (r >= 0)
                r = symlink_read(b_fd, "", &b);
        return r < 0 ? r : streq(a, b);
}

static int same_content(Copier *copier, int a_fd, int b_fd, CopyTick tick, void *userdata) {
        _cleanup_close_ int a = -EBADF, b = -EBADF;

        a = content_open(a_fd);
        if (a < 0)
                return a;
        b = content_open(b_fd);
        if (b < 0)
                return b;
        return copier_compare(
                copier, &(CompareJob) { .a_fd = a, .b_fd = b, .tick = tick, .userdata = userdata },
                NULL, NULL);
}

int content_is_same(Copier *copier, int fd, const Entry *entry, int other_fd, CopyTick tick,
                    void *userdata) {
        Entry other;
        int r;

        r = entry_acquire(other_fd, "", &other);
        if (r < 0)
                return r;
        if (!stamp_replicates(&entry->stamp, &other.stamp))
                return 0;
        r = same_attributes(fd, other_fd);
        if (r <= 0)
                return r;
        if (S_ISLNK(entry->stamp.mode))
                return same_link(fd, other_fd);
        if (S_ISREG(entry->stamp.mode))
                return same_content(copier, fd, other_fd, tick, userdata);
        return 1;
}
