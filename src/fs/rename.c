#include "fs/rename.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>

bool rename_lacks_flags(int error) {
        return error == EINVAL || error == ENOSYS || error == EOPNOTSUPP;
}

int rename_new(int from_fd, const char *from, int to_fd, const char *to) {
        struct stat st;

        assert(from);
        assert(to);

        if (renameat2(from_fd, from, to_fd, to, RENAME_NOREPLACE) >= 0)
                return 0;
        if (!rename_lacks_flags(errno))
                return -errno;

        if (fstatat(to_fd, to, &st, AT_SYMLINK_NOFOLLOW | AT_NO_AUTOMOUNT) >= 0)
                return -EEXIST;
        if (errno != ENOENT)
                return -errno;
        if (renameat(from_fd, from, to_fd, to) >= 0)
                return 0;

        /* A directory that turned up meanwhile and is not empty. */
        return errno == ENOTEMPTY ? -EEXIST : -errno;
}
