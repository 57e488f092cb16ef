#pragma once

/* What the copier's own files share. */

#include <stddef.h>
#include <stdint.h>

#include "basic/macros.h"
#include "fs/copy.h"

enum {
        COPY_BUFFER_BYTES = 256 * 1024,
        COPY_PIECE_BYTES = 8 * 1024 * 1024, /* most work between two calls of tick() */
        COPY_ALIGNMENT = 4096, /* of the buffer and of reads, for O_DIRECT descriptors */
};

struct Copier {
        uint8_t *buffer;
        Hasher *hasher;
};

/* Bytes to ask of read(2) when LIMIT are wanted: whole blocks, so that O_DIRECT works at the end of
 * file too. */
static inline size_t read_size(uint64_t limit, size_t buffer_bytes) {
        uint64_t blocks = limit / COPY_ALIGNMENT + (limit % COPY_ALIGNMENT > 0);

        return (size_t) MIN(blocks * COPY_ALIGNMENT, (uint64_t) buffer_bytes);
}

static inline int copy_tick(CopyTick tick, uint64_t n_bytes, void *userdata) {
        return tick ? tick(n_bytes, userdata) : 0;
}

/* Feeds the zeros of a hole of N_BYTES to the hasher, in bounded pieces. */
int copy_hash_hole(Hasher *hasher, uint64_t n_bytes, CopyTick tick, void *userdata);
