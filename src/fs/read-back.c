#include "fs/read-back.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "fs/entry.h"
#include "fs/read-back-internal.h"
#include "fs/segments.h"

#ifndef SYS_cachestat
#        define SYS_cachestat 451
#endif

/* Both lie in one huge page where the kernel has one to give: the disk's driver then gets a read as
 * one piece of memory, not as 256 scattered pages. */
static int allocate_buffers(ReadBack *read_back) {
        const size_t size = ELEMENTSOF(read_back->buffers) * PIECE_BYTES;
        uint8_t *memory = aligned_alloc(size, size);

        if (!memory)
                return -ENOMEM;
        (void) madvise(memory, size, MADV_HUGEPAGE);
        for (size_t i = 0; i < ELEMENTSOF(read_back->buffers); i++)
                read_back->buffers[i] = memory + i * PIECE_BYTES;
        return 0;
}

int read_back_new(ReadBack **ret) {
        _cleanup_(read_back_freep) ReadBack *read_back = calloc(1, sizeof *read_back);
        int r;

        assert(ret);

        if (!read_back)
                return -ENOMEM;
        r = allocate_buffers(read_back);
        if (r < 0)
                return r;
        r = hasher_new(&read_back->hasher);
        if (r < 0)
                return r;
        if (syscall(SYS_io_setup, 1, &read_back->ahead.context) < 0)
                read_back->ahead.context = 0;

        *ret = TAKE_PTR(read_back);
        return 0;
}

ReadBack *read_back_free(ReadBack *read_back) {
        if (!read_back)
                return NULL;

        if (read_back->ahead.context != 0)
                (void) syscall(SYS_io_destroy, read_back->ahead.context);
        free(read_back->buffers[0]); /* and with it the other */
        (void) hasher_free(read_back->hasher);
        free(read_back);
        return NULL;
}

int medium_exists(int fd) {
        struct statfs status;

        if (fstatfs(fd, &status) < 0)
                return -errno;

        return status.f_type != TMPFS_MAGIC && status.f_type != RAMFS_MAGIC;
}

/* The page cache */

struct cache_range {
        uint64_t offset, length;
};

struct cache_state {
        uint64_t n_cached, n_dirty, n_writeback, n_evicted, n_recently_evicted;
};

/* A kernel that cannot tell (before 6.5) is taken to have it cached: then it stays so. */
static bool is_cached(int fd) {
        struct cache_range range = {};
        struct cache_state state = {};

        return syscall(SYS_cachestat, fd, &range, &state, 0) < 0 || state.n_cached > 0;
}

int medium_begin(Medium *medium, int fd) {
        int flags = fcntl(fd, F_GETFL);

        if (flags < 0)
                return -errno;
        *medium = (Medium) { .fd = fd };
        if (flags & O_DIRECT || fcntl(fd, F_SETFL, flags | O_DIRECT) >= 0)
                return 0; /* the kernel writes back what is dirty before it reads */

        /* Only clean pages can be dropped. Where that is refused they cannot be dirty. */
        (void) fdatasync(fd);
        medium->drop = !is_cached(fd);
        (void) posix_fadvise(fd, 0, 0, POSIX_FADV_DONTNEED);
        return 0;
}

void medium_end(const Medium *medium) {
        if (medium->drop)
                (void) posix_fadvise(medium->fd, 0, 0, POSIX_FADV_DONTNEED);
}

/* A file system may take O_DIRECT for a descriptor and refuse it for a file, or for a part of one.
 */
ssize_t medium_read(int fd, uint8_t *buffer, size_t wanted, uint64_t position) {
        size_t done = 0;

        while (done < wanted) {
                ssize_t n = TEMP_FAILURE_RETRY(pread(fd, buffer + done,
                                                     read_size(wanted - done, PIECE_BYTES - done),
                                                     (off_t) (position + done)));

                if (n < 0 && errno == EINVAL && fcntl(fd, F_GETFL) & O_DIRECT) {
                        (void) fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) & ~O_DIRECT);
                        (void) posix_fadvise(fd, 0, 0, POSIX_FADV_DONTNEED);
                        continue;
                }
                if (n < 0)
                        return -errno;
                if (n == 0)
                        break;
                done += (size_t) n;
        }

        return (ssize_t) MIN(done, wanted);
}

/* Hashing */

static void ahead_begin(ReadBack *read_back, int fd, uint64_t position, uint64_t end) {
        Ahead *ahead = &read_back->ahead;
        struct iocb *block = &ahead->block;

        if (ahead->context == 0 || position >= end)
                return;
        *block = (struct iocb) {
                .aio_lio_opcode = IOCB_CMD_PREAD,
                .aio_fildes = (uint32_t) fd,
                .aio_buf = (uint64_t) (uintptr_t) read_back->buffers[read_back->current],
                .aio_nbytes = read_size(end - position, PIECE_BYTES),
                .aio_offset = (int64_t) position,
        };
        ahead->pending = syscall(SYS_io_submit, ahead->context, 1, &block) == 1;
}

/* What it gave: bytes, or -errno; -ENODATA when nothing was asked for. */
static int64_t ahead_finish(ReadBack *read_back) {
        Ahead *ahead = &read_back->ahead;
        struct io_event event = {};

        if (!ahead->pending)
                return -ENODATA;
        ahead->pending = false;
        while (syscall(SYS_io_getevents, ahead->context, 1, 1, &event, NULL) < 1)
                if (errno != EINTR)
                        return -EIO;
        return event.res;
}

/* The next piece, into the current buffer. */
static ssize_t take_piece(ReadBack *read_back, int fd, size_t wanted, uint64_t position) {
        bool is_meant = (uint64_t) read_back->ahead.block.aio_offset == position;
        int64_t n = ahead_finish(read_back);

        if (n >= (int64_t) wanted && is_meant)
                return (ssize_t) wanted;
        return medium_read(fd, read_back->buffers[read_back->current], wanted, position);
}

static int hash_data(ReadBack *read_back, int fd, uint64_t end, uint64_t *position) {
        size_t wanted = (size_t) MIN(end - *position, (uint64_t) PIECE_BYTES);
        const uint8_t *data = read_back->buffers[read_back->current];
        ssize_t n = take_piece(read_back, fd, wanted, *position);
        int r;

        if (n <= 0)
                return (int) n;
        read_back->current ^= 1;
        ahead_begin(read_back, fd, *position + (uint64_t) n, end);
        r = hasher_update(read_back->hasher, data, (size_t) n);
        if (r < 0)
                return r;

        *position += (uint64_t) n;
        return (int) n;
}

static int hash_to(ReadBack *read_back, int fd, const Entry *entry, CopyTick tick, void *userdata) {
        uint64_t size = entry->stamp.size, position = 0;
        Segments segments = SEGMENTS_INIT(fd, copy_may_be_sparse(size, entry->n_blocks));
        int r;

        while (position < size) {
                r = segments_find(&segments, position);
                if (r < 0)
                        return r;
                if (segments.begin > position) {
                        uint64_t end = MIN(segments.begin, size);

                        r = copy_hash_hole(read_back->hasher, end - position, tick, userdata);
                        if (r < 0)
                                return r;
                        position = end;
                        continue;
                }
                r = hash_data(read_back, fd, MIN(segments.end, size), &position);
                if (r <= 0)
                        return r; /* it ends before */
                r = copy_tick(tick, (uint64_t) r, userdata);
                if (r < 0)
                        return r;
        }
        return 0;
}

int read_back_hash(ReadBack *read_back, int fd, CopyTick tick, void *userdata, Hash *ret) {
        Medium medium;
        Entry entry;
        int r;

        assert(read_back);
        assert(ret);

        r = entry_acquire(fd, "", &entry);
        if (r >= 0)
                r = hasher_begin(read_back->hasher);
        if (r >= 0)
                r = medium_begin(&medium, fd);
        if (r < 0)
                return r;

        read_back->current = 0;
        r = hash_to(read_back, fd, &entry, tick, userdata);
        (void) ahead_finish(read_back);
        medium_end(&medium);
        return r < 0 ? r : hasher_finish(read_back->hasher, ret);
}
