#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "basic/macros.h"
#include "watch/hash-index.h"

enum { SLOTS_MIN = 16 };

uint64_t hash_fold(uint64_t hash, uint64_t value) {
        hash ^= value;
        hash *= UINT64_C(0x9e3779b97f4a7c15);
        hash ^= hash >> 32;
        hash *= UINT64_C(0xd6e8feb86659fd93);
        return hash ^ (hash >> 32);
}

uint64_t hash_fold_bytes(uint64_t hash, const void *data, size_t size) {
        const char *p = data;
        uint64_t word;

        hash = hash_fold(hash, size);
        for (; size >= sizeof(word); size -= sizeof(word), p += sizeof(word)) {
                memcpy(&word, p, sizeof(word));
                hash = hash_fold(hash, word);
        }
        if (size == 0)
                return hash;

        word = 0;
        memcpy(&word, p, size);
        return hash_fold(hash, word);
}

void hash_index_init(HashIndex *index, const HashIndexType *type) {
        *index = (HashIndex) { .type = type };

        /* Before the random pool is ready (early boot) the address has to do. */
        if (getrandom(&index->seed, sizeof(index->seed), GRND_NONBLOCK) != sizeof(index->seed))
                index->seed = (uintptr_t) index;
}

void hash_index_done(HashIndex *index) {
        free(index->slots);
        *index = (HashIndex) {};
}

static size_t home_slot(const HashIndex *index, const void *item) {
        return index->type->hash(item, index->seed) & (index->n_slots - 1);
}

static size_t next_slot(const HashIndex *index, size_t i) {
        return (i + 1) & (index->n_slots - 1);
}

void *hash_index_find(const HashIndex *index, const void *key) {
        if (index->n_items == 0)
                return NULL;

        for (size_t i = home_slot(index, key); index->slots[i]; i = next_slot(index, i))
                if (index->type->equal(index->slots[i], key))
                        return index->slots[i];
        return NULL;
}

void *hash_index_next(const HashIndex *index, size_t *position) {
        while (*position < index->n_slots) {
                void *item = index->slots[(*position)++];

                if (item)
                        return item;
        }
        return NULL;
}

static void put(HashIndex *index, void *item) {
        size_t i;

        for (i = home_slot(index, item); index->slots[i]; i = next_slot(index, i))
                ;
        index->slots[i] = item;
}

static int resize(HashIndex *index, size_t n_slots) {
        HashIndex fresh = *index;
        size_t position = 0;
        void *item;

        fresh.slots = calloc(n_slots, sizeof(void *));
        if (!fresh.slots)
                return -ENOMEM;
        fresh.n_slots = n_slots;

        while ((item = hash_index_next(index, &position)))
                put(&fresh, item);
        free(index->slots);
        *index = fresh;
        return 0;
}

/* At most three quarters of the slots are taken. */
static bool is_too_small(size_t n_slots, size_t n_items) {
        return n_items > n_slots / 4 * 3;
}

int hash_index_reserve(HashIndex *index, size_t n_more) {
        size_t n_slots = MAX(index->n_slots, (size_t) SLOTS_MIN);

        while (is_too_small(n_slots, index->n_items + n_more))
                n_slots *= 2;
        return n_slots == index->n_slots ? 0 : resize(index, n_slots);
}

void hash_index_insert(HashIndex *index, void *item) {
        assert(!is_too_small(index->n_slots, index->n_items + 1));

        put(index, item);
        index->n_items++;
}

/* Closes the gap at GAP: every object behind it that would be looked for before reaching its place
 * moves up, so that no search ends too early. */
static void close_gap(HashIndex *index, size_t gap) {
        for (size_t i = next_slot(index, gap); index->slots[i]; i = next_slot(index, i)) {
                size_t from_home = (i - home_slot(index, index->slots[i])) & (index->n_slots - 1);
                size_t from_gap = (i - gap) & (index->n_slots - 1);

                if (from_home < from_gap)
                        continue;
                index->slots[gap] = index->slots[i];
                gap = i;
        }
        index->slots[gap] = NULL;
}

void hash_index_remove(HashIndex *index, const void *item) {
        size_t i = home_slot(index, item);

        while (index->slots[i] != item) {
                assert(index->slots[i]);
                i = next_slot(index, i);
        }
        close_gap(index, i);
        index->n_items--;

        /* Gives memory back when a large tree has gone; without memory for that, it stays. */
        if (index->n_slots > SLOTS_MIN && index->n_items < index->n_slots / 8)
                (void) resize(index, index->n_slots / 2);
}
