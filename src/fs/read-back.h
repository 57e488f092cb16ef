#pragma once

/* Content as it lies on the medium, read past the page cache: with O_DIRECT, which leaves the cache
 * as it is; where a file system has none, the file is dropped from the cache, read, and dropped
 * again unless it was cached before. What lies in memory alone (tmpfs) has no medium: it is read as
 * it is. Nothing here writes to what is read. A ReadBack is one thread's: it owns buffers and a
 * hasher. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "basic/macros.h"
#include "fs/copy.h"
#include "fs/hash.h"

enum {
        DAMAGE_BLOCK_BYTES = 4096,
        DAMAGE_RUNS_MAX = 32,
};

typedef struct ReadBack ReadBack;

/* -ENOMEM, -EIO when libcrypto refuses. */
int read_back_new(ReadBack **ret);
ReadBack *read_back_free(ReadBack *read_back);
DEFINE_TRIVIAL_CLEANUP_FUNC(ReadBack *, read_back_free)

/* Whether what FD (any descriptor) leads to lies on something that can rot: 1; 0 memory alone;
 * -errno. */
int medium_exists(int fd);

/* The hash of the content of FD, a regular file open for reading of which nobody else knows: its
 * flags are changed. What is not written back yet is, before it is read. TICK (may be NULL) is
 * called between pieces of at most 1 MiB. 0; -EIO when the medium refuses; -errno. */
int read_back_hash(ReadBack *read_back, int fd, CopyTick tick, void *userdata, Hash *ret);

/* Where two files of one length differ: adjacent blocks of DAMAGE_BLOCK_BYTES of which the same is
 * to be said. */
typedef struct DamageRun {
        uint64_t first, n; /* in blocks */
        bool unreadable[2];
} DamageRun;

typedef struct Damage {
        uint64_t first_byte;      /* the first that differs; of an unreadable block its beginning */
        uint64_t n_blocks;        /* that differ or cannot be read */
        uint64_t n_unreadable[2]; /* of these */
        uint64_t size;
        size_t n_runs; /* DAMAGE_RUNS_MAX + 1: there are more, which RUNS lacks */
        DamageRun runs[DAMAGE_RUNS_MAX];
} Damage;

/* Compares FDS, open as above, to their ends, block by block where one cannot be read. 0 with
 * *RET; -EUCLEAN when their lengths differ; -errno. */
int read_back_compare(ReadBack *read_back, const int fds[2], CopyTick tick, void *userdata,
                      Damage *ret);

/* The content that FDS make together: bit I of CHOICE set takes run I of DAMAGE from the second,
 * else from the first; what lies between the runs is the same in both. Its hash, and when TARGET_FD
 * is not negative it is written there, zeros as holes. 0 or -errno. */
typedef struct Mixture {
        int fds[2];
        const Damage *damage;
        uint32_t choice;
        int target_fd;
} Mixture;
int read_back_mix(ReadBack *read_back, const Mixture *mixture, CopyTick tick, void *userdata,
                  Hash *ret);
