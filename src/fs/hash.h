#pragma once

/* SHA-256 of content by libcrypto. A Hasher is one thread's; it is reused from file to file. */

#include <stddef.h>
#include <stdint.h>

#include "basic/macros.h"

enum { HASH_BYTES = 32 };

typedef struct Hash {
        uint8_t bytes[HASH_BYTES];
} Hash;

typedef struct Hasher Hasher;

/* -EIO when libcrypto refuses, -ENOMEM. */
int hasher_new(Hasher **ret);
Hasher *hasher_free(Hasher *hasher);
DEFINE_TRIVIAL_CLEANUP_FUNC(Hasher *, hasher_free)

int hasher_begin(Hasher *hasher);
int hasher_update(Hasher *hasher, const void *data, size_t size);
/* Feeds N zero bytes: a hole reads as zeros. */
int hasher_update_zeros(Hasher *hasher, uint64_t n_bytes);
int hasher_finish(Hasher *hasher, Hash *ret);

/* Lower-case hexadecimal; buffer of 2 * HASH_BYTES + 1. */
char *hash_format(const Hash *hash, char *buffer);
