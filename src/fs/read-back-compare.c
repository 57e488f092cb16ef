/* Where two files differ, and what can be made of both. */

#include <assert.h>
#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "fs/entry.h"
#include "fs/read-back-internal.h"

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
                ssize_t n = medium_read(c->fds[i], c->read_back->buffers[i], size, position);

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
        ssize_t a = medium_read(c->fds[0], c->read_back->buffers[0], size, position);
        ssize_t b = medium_read(c->fds[1], c->read_back->buffers[1], size, position);
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
        ssize_t n = medium_read(fd, read_back->buffers[0], size, position);
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
