#pragma once

/* A snapshot of one directory entry's metadata, taken with statx(2), and what can be read off it
 * alone. Owns nothing; plain values that may be copied freely and compared in any thread. */

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "basic/time-span.h"

/* What identifies an entry's state on one side. Two equal stamps of the same entry mean that nobody
 * changed content, metadata, attributes or link count in between: the kernel moves ctime with each
 * of them, and since multigrain timestamps (Linux 6.13) moves it visibly after every stat. */
typedef struct Stamp {
        uint64_t inode;
        uint64_t
                size; /* bytes; content of regular files, target length of symbolic links, else 0 */
        int64_t mtime; /* nanoseconds since the epoch, as are the next two */
        int64_t ctime;
        int64_t btime; /* 0 where the file system keeps no birth time */
        uint64_t rdev; /* makedev(3) number of device nodes, else 0 */
        uint32_t mode; /* type and permission bits as in st_mode */
        uint32_t uid;
        uint32_t gid;
        uint32_t n_links;
} Stamp;

typedef struct Entry {
        Stamp stamp;
        uint64_t device;   /* dev_t of the file system the entry lies on */
        uint64_t n_blocks; /* allocated units of 512 bytes */
        bool is_mount_root;
} Entry;

/* The type bits of a mode, for comparing types. */
static inline uint32_t mode_type(uint32_t mode) {
        return mode & 0170000;
}

/* Samples the entry NAME (one component, never followed) of the directory DIRECTORY_FD, or
 * DIRECTORY_FD itself when NAME is empty. Never mounts an automount point. Returns 0 or -errno of
 * statx(2); -ENOENT when it is not there. */
int entry_acquire(int directory_fd, const char *name, Entry *ret);

/* Whether content may have changed between two snapshots of one inode: size, mtime or identity
 * moved. */
bool stamp_content_equal(const Stamp *a, const Stamp *b);

/* Whether nothing at all changed between two snapshots of one inode. For directories size, link
 * count and birth time play no part. */
bool stamp_equal(const Stamp *a, const Stamp *b);

/* Whether B shows what an exact copy of A must: type, permission bits, owner, mtime (not for
 * sockets and device nodes alone: for every type), size, device number. Inode, ctime and link count
 * are each side's own. */
bool stamp_replicates(const Stamp *a, const Stamp *b);
