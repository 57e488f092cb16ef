#include "sync/flush.h"

#include <assert.h>
#include <errno.h>
#include <unistd.h>

#include "basic/fd.h"
#include "fs/confined.h"
#include "fs/durability.h"

int flush_choose(Flush *flush, int fd) {
        int r;

        assert(flush);

        r = durability_needs_fsync(fd);
        if (r < 0)
                return r;

        *flush = (Flush) { .each = r > 0 };
        return 0;
}

int flush_file(const Flush *flush, int fd) {
        if (!flush->each)
                return 0;

        return fsync(fd) < 0 ? -errno : 0;
}

int flush_directory(const Flush *flush, int fd) {
        return flush->each ? directory_fsync(fd) : 0;
}

int flush_child(const Flush *flush, int parent_fd, const char *name) {
        _cleanup_close_ int fd = -EBADF;

        if (!flush->each)
                return 0;

        fd = confined_open_directory(parent_fd, name);
        return fd < 0 ? fd : directory_fsync(fd);
}

int flush_all(const Flush *flush, int staging_fd) {
        /* First what only the kernel knows of yet. */
        if (syncfs(staging_fd) < 0)
                return -errno;

        return flush_directory(flush, staging_fd);
}
