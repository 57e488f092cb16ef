#include "fs/writers.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

int content_settle_mapped(int fd) {
        assert(fd >= 0);

        /* A read lease is refused while anybody may write, through a descriptor or a mapping. */
        if (fcntl(fd, F_SETLEASE, F_RDLCK) >= 0) {
                (void) fcntl(fd, F_SETLEASE, F_UNLCK);
                return 0;
        }

        /* EACCES, EINVAL, …: not our file, or a file system without leases. */
        if (errno != EAGAIN)
                return 0;

        return fdatasync(fd) < 0 ? -errno : 1;
}

void content_await_write(int fd) {
        /* ENXIO of an empty file is as good; only the lock matters. */
        (void) lseek(fd, 0, SEEK_DATA);
}
