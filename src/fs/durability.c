#include "fs/durability.h"

#include <assert.h>
#include <errno.h>
#include <stddef.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "basic/macros.h"

/* Those without a sync_fs operation in the kernel that hand on what they store to somebody else.
 * FUSE has one that is used by virtiofs alone (and by servers of block devices since Linux 6.18).
 * NFS is not among them: its server is made to commit when an inode is written back, and it changes
 * names durably. */
static const uint64_t relays[] = {
        0x65735546, /* FUSE */
        0x01021997, /* 9p */
        0xff534d42, /* CIFS */
        0xfe534d42, /* SMB 2 and 3 */
        0x0000f15f, /* eCryptfs */
        0x786f4256, /* VirtualBox's shared folders */
};

bool syncfs_stops_short(uint64_t type) {
        for (size_t i = 0; i < ELEMENTSOF(relays); i++)
                if (relays[i] == type)
                        return true;

        return false;
}

int durability_needs_fsync(int fd) {
        struct statfs sfs;

        assert(fd >= 0);

        if (fstatfs(fd, &sfs) < 0)
                return -errno;

        /* Narrower types than ours would bring their sign along. */
        return syncfs_stops_short((uint64_t) sfs.f_type & UINT32_MAX);
}

int directory_fsync(int fd) {
        assert(fd >= 0);

        if (fsync(fd) >= 0)
                return 0;

        return errno == EINVAL || errno == ENOSYS || errno == EOPNOTSUPP ? 0 : -errno;
}
