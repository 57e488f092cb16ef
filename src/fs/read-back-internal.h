#pragma once

/* What the files of the reading back share. Not for its users. */

#include <linux/aio_abi.h>

#include "fs/copy-internal.h"
#include "fs/read-back.h"

enum { PIECE_BYTES = 1024 * 1024 };

/* The piece that the medium is asked for while the one before is hashed: by the kernel's
 * asynchronous I/O, which is one for O_DIRECT, and merely done at once elsewhere. */
typedef struct Ahead {
        aio_context_t context; /* 0: not to be had */
        struct iocb block;
        bool pending;
} Ahead;

struct ReadBack {
        uint8_t *buffers[2]; /* of PIECE_BYTES each, aligned for O_DIRECT */
        unsigned current;    /* hashing: the buffer to be filled next */
        Hasher *hasher;
        Ahead ahead;
};

/* One file's way around the cache. */
typedef struct Medium {
        int fd;
        bool drop; /* it was read through the cache, and was not there before */
} Medium;

/* Makes FD, whose flags are changed, read from the medium until medium_end. 0 or -errno. */
int medium_begin(Medium *medium, int fd);
void medium_end(const Medium *medium);

/* Reads WANTED bytes, at most PIECE_BYTES, from POSITION on where the file has them. The number or
 * -errno. */
ssize_t medium_read(int fd, uint8_t *buffer, size_t wanted, uint64_t position);
