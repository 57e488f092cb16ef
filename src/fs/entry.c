#include "fs/entry.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

/* Nanoseconds hold the years 1677 to 2262; what lies beyond stays at the nearest end. */
static int64_t timestamp_to_nsec(const struct statx_timestamp *t) {
        int64_t nsec;

        if (__builtin_mul_overflow(t->tv_sec, NSEC_PER_SEC, &nsec) ||
            __builtin_add_overflow(nsec, t->tv_nsec, &nsec))
                return t->tv_sec < 0 ? INT64_MIN : INT64_MAX;

        return nsec;
}

static uint64_t meaningful_size(const struct statx *sx) {
        return S_ISREG(sx->stx_mode) || S_ISLNK(sx->stx_mode) ? sx->stx_size : 0;
}

static uint64_t meaningful_rdev(const struct statx *sx) {
        if (!S_ISCHR(sx->stx_mode) && !S_ISBLK(sx->stx_mode))
                return 0;

        return makedev(sx->stx_rdev_major, sx->stx_rdev_minor);
}

int entry_acquire(int directory_fd, const char *name, Entry *ret) {
        struct statx sx;

        assert(directory_fd >= 0);
        assert(name);
        assert(ret);

        if (statx(directory_fd, name, AT_SYMLINK_NOFOLLOW | AT_NO_AUTOMOUNT | AT_EMPTY_PATH,
                  STATX_BASIC_STATS | STATX_BTIME, &sx) < 0)
                return -errno;

        *ret = (Entry) {
                .stamp = {
                        .inode = sx.stx_ino,
                        .size = meaningful_size(&sx),
                        .mtime = timestamp_to_nsec(&sx.stx_mtime),
                        .ctime = timestamp_to_nsec(&sx.stx_ctime),
                        .btime = sx.stx_mask & STATX_BTIME ? timestamp_to_nsec(&sx.stx_btime) : 0,
                        .rdev = meaningful_rdev(&sx),
                        .mode = sx.stx_mode,
                        .uid = sx.stx_uid,
                        .gid = sx.stx_gid,
                        .n_links = sx.stx_nlink,
                },
                .device = makedev(sx.stx_dev_major, sx.stx_dev_minor),
                .n_blocks = sx.stx_blocks,
                .is_mount_root = sx.stx_attributes & STATX_ATTR_MOUNT_ROOT,
        };
        return 0;
}

bool stamp_content_equal(const Stamp *a, const Stamp *b) {
        return a->inode == b->inode && a->btime == b->btime &&
               mode_type(a->mode) == mode_type(b->mode) && a->rdev == b->rdev &&
               a->size == b->size && a->mtime == b->mtime;
}

bool stamp_equal(const Stamp *a, const Stamp *b) {
        bool common = a->inode == b->inode && a->mtime == b->mtime && a->ctime == b->ctime &&
                      a->rdev == b->rdev && a->mode == b->mode && a->uid == b->uid &&
                      a->gid == b->gid;

        if (!common || S_ISDIR(a->mode))
                return common;

        return a->size == b->size && a->btime == b->btime && a->n_links == b->n_links;
}

bool stamp_replicates(const Stamp *a, const Stamp *b) {
        return a->mode == b->mode && a->uid == b->uid && a->gid == b->gid && a->mtime == b->mtime &&
               a->size == b->size && a->rdev == b->rdev;
}
