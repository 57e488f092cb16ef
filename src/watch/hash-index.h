#pragma once

/* An index of objects that carry their own key: an open-addressing table of pointers, eight bytes a
 * slot, so that an object in it costs about 16 bytes. A look-up is made with an object of the same
 * type on the stack of which only the key is filled in. The table owns nothing but itself; the
 * owner removes an object before its key changes or it is freed. Hashes are seeded at random, so
 * that names made by somebody hostile cannot be chosen to collide.
 *
 * No locking: whoever embeds the index guards it. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct HashIndexType {
        uint64_t (*hash)(const void *item, uint64_t seed);
        bool (*equal)(const void *a, const void *b);
} HashIndexType;

typedef struct HashIndex {
        const HashIndexType *type;
        void **slots;   /* a power of two of them; NULL where free */
        size_t n_slots; /* 0 while nothing was ever put in */
        size_t n_items;
        uint64_t seed;
} HashIndex;

void hash_index_init(HashIndex *index, const HashIndexType *type);
void hash_index_done(HashIndex *index);

/* The object whose key equals that of KEY, or NULL. */
void *hash_index_find(const HashIndex *index, const void *key);

/* Makes room for N_MORE objects: as many insertions that follow cannot fail. 0 or -ENOMEM. */
int hash_index_reserve(HashIndex *index, size_t n_more);

/* Puts ITEM in. Room was reserved, or an object was removed since; no equal object is in. */
void hash_index_insert(HashIndex *index, void *item);

/* Takes ITEM, which is in, out; its key must still be the one it was inserted with. */
void hash_index_remove(HashIndex *index, const void *item);

/* The next object after *POSITION (at first 0), in no order, or NULL after the last one; the index
 * must not be changed meanwhile. */
void *hash_index_next(const HashIndex *index, size_t *position);

/* For hash functions: folds a value or bytes into HASH (at first the seed). */
uint64_t hash_fold(uint64_t hash, uint64_t value);
uint64_t hash_fold_bytes(uint64_t hash, const void *data, size_t size);
