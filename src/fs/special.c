#include "fs/special.h"

#include <assert.h>
#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "fs/attributes.h"
#include "fs/confined.h"
#include "fs/durability.h"

enum { MODE_AT_FIRST = S_IRUSR | S_IWUSR };

int symlink_read(int directory_fd, const char *name, char **ret) {
        char buffer[PATH_MAX], *target;
        ssize_t n;

        assert(directory_fd >= 0);
        assert(name);
        assert(ret);

        n = readlinkat(directory_fd, name, buffer, sizeof(buffer));
        if (n < 0)
                return -errno;
        if ((size_t) n >= sizeof(buffer))
                return -ENAMETOOLONG;

        target = strndup(buffer, (size_t) n);
        if (!target)
                return -ENOMEM;

        *ret = target;
        return 0;
}

static Shortfall shortfall_of_type(uint32_t mode) {
        if (S_ISLNK(mode))
                return SHORTFALL_SYMLINK;
        if (S_ISCHR(mode) || S_ISBLK(mode))
                return SHORTFALL_DEVICE_NODE;

        return SHORTFALL_SPECIAL_FILE;
}

/* FUSE servers of file systems that have only files and directories answer ENOSYS, or EIO when they
 * do have a call for files. */
static bool is_refusal(int error, int directory_fd) {
        return error == EPERM || error == EOPNOTSUPP || error == EINVAL || error == ENOSYS ||
               (error == EIO && durability_needs_fsync(directory_fd) > 0);
}

int special_create(int directory_fd, const char *name, const Stamp *wanted, const char *target,
                   unsigned *shortfalls) {
        int r;

        assert(directory_fd >= 0);
        assert(wanted);
        assert(!S_ISREG(wanted->mode) && !S_ISDIR(wanted->mode));
        assert(!S_ISLNK(wanted->mode) || target);
        assert(shortfalls);

        if (!name_is_valid(name))
                return -EINVAL;

        r = S_ISLNK(wanted->mode) ? symlinkat(target, directory_fd, name)
                                  : mknodat(directory_fd, name,
                                            mode_type(wanted->mode) | MODE_AT_FIRST, wanted->rdev);
        if (r >= 0)
                return 0;
        if (!is_refusal(errno, directory_fd))
                return -errno;

        *shortfalls |= shortfall_of_type(wanted->mode);
        return -EOPNOTSUPP;
}
