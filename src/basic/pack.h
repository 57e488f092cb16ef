#pragma once

/* Values one after the other in a file, for a process of the same program on the same machine.
 * Numbers take as many bytes as they need (seven bits in each, the lowest first); whatever else has
 * its length before it. Both ends remember the first error, after which nothing happens any more:
 * so it is asked for once, at the end. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { PACK_BUFFER_SIZE = 32 * 1024 };

typedef struct Packer {
        int fd; /* borrowed */
        int error;
        uint64_t n_written; /* what is in the buffer included */
        size_t n_buffered;
        unsigned char buffer[PACK_BUFFER_SIZE];
} Packer;

/* Begins to write to FD from where that is. */
void packer_begin(Packer *packer, int fd);
/* Writes what is left in the buffer. 0 or the first error. */
int packer_end(Packer *packer);

void pack_number(Packer *packer, uint64_t number);
void pack_bytes(Packer *packer, const void *bytes, size_t size);
/* NULL is told from "". */
void pack_string(Packer *packer, const char *text);

/* Reads what lies in memory, with suspicion: nothing beyond its end is touched, and what cannot
 * have been written is -EBADMSG. */
typedef struct Unpacker {
        const unsigned char *at, *end;
        int error;
} Unpacker;

/* At most MAX; 0 after an error. */
uint64_t unpack_number(Unpacker *unpacker, uint64_t max);
bool unpack_flag(Unpacker *unpacker);
/* At most LENGTH_MAX bytes, where they lie; NULL after an error. */
const void *unpack_bytes(Unpacker *unpacker, size_t length_max, size_t *ret_length);
/* A fresh string, or NULL when that was written, or after an error (-ENOMEM too). */
char *unpack_string(Unpacker *unpacker, size_t length_max);
/* Notes that what was read makes no sense. Gives -EBADMSG. */
int unpack_refuse(Unpacker *unpacker);
