#include "fs/read-back.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "fs/copy-internal.h"
#include "fs/entry.h"
#include "fs/segments.h"

enum { PIECE_BYTES = 1024 * 1024 };

#ifndef SYS_cachestat
#        define SYS_cachestat 451
#endif

struct ReadBack {
        uint8_t *buffers[2]; /* of PIECE_BYTES each, aligned for O_DIRECT */
        Hasher *hasher;
};

int read_back_new(ReadBack **ret) {
        _cleanup_(read_back_freep) ReadBack *read_back = calloc(1, sizeof *read_back);
        int r;

        assert(ret);

        if (!read_back)
                return -ENOMEM;
        for (size_t i = 0; i < ELEMENTSOF(read_back->buffers); i++) {
                read_back->buffers[i] = aligned_alloc(COPY_ALIGNMENT, PIECE_BYTES);
                if (!read_back->buffers[i])
                        return -ENOMEM;
        }
        r = hasher_new(&read_back->hasher);
        if (r < 0)
                return r;

        *ret = TAKE_PTR(read_back);
        return 0;
}

ReadBack *read_back_free(ReadBack *read_back) {
        if (!read_back)
                return NULL;

        for (size_t i = 0; i < ELEMENTSOF(read_back->buffers); i++)
                free(read_back->buffers[i]);
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

/* One file's way around the cache. */
typedef struct Medium {
        int fd;
        bool drop; /* it was read through the cache, and was not there before */
} Medium;

static int medium_begin(Medium *medium, int fd) {
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

static void medium_end(const Medium *medium) {
        if (medium->drop)
                (void) posix_fadvise(medium->fd, 0, 0, POSIX_FADV_DONTNEED);
}

/* Reads WANTED bytes where the file has them. A file system may take O_DIRECT for a descriptor and
 * refuse it for a file, or for a part of one. */
static ssize_t read_piece(int fd, uint8_t *buffer, size_t wanted, uint64_t position) {
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

static int hash_data(ReadBack *read_back, int fd, uint64_t end, uint64_t *position) {
        size_t wanted = (size_t) MIN(end - *position, (uint64_t) PIECE_BYTES);
        ssize_t n = read_piece(fd, read_back->buffers[0], wanted, *position);
        int r;

        if (n <= 0)
                return (int) n;
        r = hasher_update(read_back->hasher, read_back->buffers[0], (size_t) n);
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

        r = hash_to(read_back, fd, &entry, tick, userdata);
        medium_end(&medium);
        return r < 0 ? r : hasher_finish(read_back->hasher, ret);
}

/* Comparing */

typedef struct Comparison {
        ReadBack *read_back;
        const int *fds;
        Damage damage;
        CopyTick tick;
        void *userdata;
} Comparison;

static void note_block(Comparison *c, uint64_t block, uint64_t first_byte,
                       const bool unreadable[2]) {
        Damage *damage = &c->damage;
        DamageRun *last = damage->n_runs > 0 && damage->n_runs <= DAMAGE_RUNS_MAX
                                  ? &damage->runs[damage->n_runs - 1]
                                  : NULL;

        if (damage->n_blocks++ == 0)
                damage->first_byte = first_byte;
        damage->n_unreadable[0] += unreadable[0];
        damage->n_unreadable[1] += unreadable[1];
        if (last && last->first + last->n == block && last->unreadable[0] == unreadable[0] &&
            last->unreadable[1] == unreadable[1]) {
                last->n++;
                return;
        }
        if (damage->n_runs < DAMAGE_RUNS_MAX)
                damage->runs[damage->n_runs] = (DamageRun) { block,
                                                             1,
                                                             { unreadable[0], unreadable[1] } };
        if (damage->n_runs <= DAMAGE_RUNS_MAX)
                damage->n_runs++;
}

static uint64_t first_difference(const uint8_t *a, const uint8_t *b) {
        uint64_t i = 0;

        while (a[i] == b[i])
                i++;
        return i;
}

/* Both of SIZE bytes from POSITION on, in the buffers. */
static void compare_buffers(Comparison *c, uint64_t position, size_t size) {
        const uint8_t *a = c->read_back->buffers[0], *b = c->read_back->buffers[1];

        if (memcmp(a, b, size) == 0)
                return;
        for (size_t i = 0; i < size; i += DAMAGE_BLOCK_BYTES) {
                size_t n = MIN(size - i, (size_t) DAMAGE_BLOCK_BYTES);

                if (memcmp(a + i, b + i, n) != 0)
                        note_block(c, (position + i) / DAMAGE_BLOCK_BYTES,
                                   position + i + first_difference(a + i, b + i),
                                   (const bool[2]) {});
        }
}

static int compare_block(Comparison *c, uint64_t position, size_t size) {
        bool unreadable[2];

        for (int i = 0; i < 2; i++) {
                ssize_t n = read_piece(c->fds[i], c->read_back->buffers[i], size, position);

                if (n < 0 && n != -EIO)
                        return (int) n;
                unreadable[i] = n < 0 || (size_t) n < size;
        }
        if (unreadable[0] || unreadable[1])
                note_block(c, position / DAMAGE_BLOCK_BYTES, position, unreadable);
        else
                compare_buffers(c, position, size);
        return 0;
}

static int compare_piece(Comparison *c, uint64_t position, size_t size) {
        ssize_t a = read_piece(c->fds[0], c->read_back->buffers[0], size, position);
        ssize_t b = read_piece(c->fds[1], c->read_back->buffers[1], size, position);
        int r = 0;

        if (a == (ssize_t) size && b == (ssize_t) size) {
                compare_buffers(c, position, size);
                return 0;
        }
        for (size_t i = 0; r >= 0 && i < size; i += DAMAGE_BLOCK_BYTES) {
                r = compare_block(c, position + i, MIN(size - i, (size_t) DAMAGE_BLOCK_BYTES));
                if (r >= 0)
                        r = copy_tick(c->tick, 0, c->userdata);
        }
        return r;
}

static int compare_all(Comparison *c) {
        int r = 0;

        for (uint64_t position = 0; r >= 0 && position < c->damage.size;) {
                size_t size = (size_t) MIN(c->damage.size - position, (uint64_t) PIECE_BYTES);

                r = compare_piece(c, position, size);
                position += size;
                if (r >= 0)
                        r = copy_tick(c->tick, size, c->userdata);
        }
        return r;
}

int read_back_compare(ReadBack *read_back, const int fds[2], CopyTick tick, void *userdata,
                      Damage *ret) {
        Comparison c = { .read_back = read_back, .fds = fds, .tick = tick, .userdata = userdata };
        Medium media[2];
        Entry a, b;
        int r;

        r = entry_acquire(fds[0], "", &a);
        if (r >= 0)
                r = entry_acquire(fds[1], "", &b);
        if (r < 0)
                return r;
        if (a.stamp.size != b.stamp.size)
                return -EUCLEAN;
        r = medium_begin(&media[0], fds[0]);
        if (r >= 0)
                r = medium_begin(&media[1], fds[1]);
        if (r < 0)
                return r;

        c.damage.size = a.stamp.size;
        r = compare_all(&c);
        medium_end(&media[0]);
        medium_end(&media[1]);
        if (r >= 0)
                *ret = c.damage;
        return MIN(r, 0);
}

/* Putting together */

static bool is_zero(const uint8_t *data, size_t size) {
        return data[0] == 0 && memcmp(data, data + 1, size - 1) == 0;
}

static int write_at(int fd, const uint8_t *data, size_t size, uint64_t position) {
        while (size > 0) {
                ssize_t n = TEMP_FAILURE_RETRY(pwrite(fd, data, size, (off_t) position));

                if (n <= 0)
                        return n < 0 ? -errno : -EIO;
                data += n;
                size -= (size_t) n;
                position += (uint64_t) n;
        }
        return 0;
}

static int mix_piece(ReadBack *read_back, const Mixture *mixture, int fd, uint64_t position,
                     size_t size) {
        ssize_t n = read_piece(fd, read_back->buffers[0], size, position);
        int r;

        if (n != (ssize_t) size)
                return n < 0 ? (int) n : -EUCLEAN;
        r = hasher_update(read_back->hasher, read_back->buffers[0], size);
        if (r < 0 || mixture->target_fd < 0)
                return r;
        for (size_t i = 0; r >= 0 && i < size; i += DAMAGE_BLOCK_BYTES) {
                size_t part = MIN(size - i, (size_t) DAMAGE_BLOCK_BYTES);

                if (!is_zero(read_back->buffers[0] + i, part))
                        r = write_at(mixture->target_fd, read_back->buffers[0] + i, part,
                                     position + i);
        }
        return r;
}

/* Where what holds for POSITION ends, and whose it is. */
static uint64_t region_end(const Mixture *mixture, uint64_t position, int *ret_fd) {
        const Damage *damage = mixture->damage;
        uint64_t end = damage->size;

        *ret_fd = mixture->fds[0];
        for (size_t i = 0; i < damage->n_runs; i++) {
                uint64_t first = damage->runs[i].first * DAMAGE_BLOCK_BYTES;
                uint64_t after = first + damage->runs[i].n * DAMAGE_BLOCK_BYTES;

                if (position < first)
                        return MIN(end, first);
                if (position < after) {
                        *ret_fd = mixture->fds[mixture->choice >> i & 1];
                        return MIN(end, after);
                }
        }
        return end;
}

int read_back_mix(ReadBack *read_back, const Mixture *mixture, CopyTick tick, void *userdata,
                  Hash *ret) {
        uint64_t size = mixture->damage->size;
        int r, fd;

        assert(mixture->damage->n_runs <= DAMAGE_RUNS_MAX);

        if (mixture->target_fd >= 0 && ftruncate(mixture->target_fd, (off_t) size) < 0)
                return -errno;
        r = hasher_begin(read_back->hasher);
        for (uint64_t position = 0; r >= 0 && position < size;) {
                uint64_t end = region_end(mixture, position, &fd);
                size_t n = (size_t) MIN(end - position, (uint64_t) PIECE_BYTES);

                r = mix_piece(read_back, mixture, fd, position, n);
                position += n;
                if (r >= 0)
                        r = copy_tick(tick, n, userdata);
        }
        return r < 0 ? r : hasher_finish(read_back->hasher, ret);
}
