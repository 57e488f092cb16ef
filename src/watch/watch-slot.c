#include "watch/watch-slot.h"

#include <string.h>

bool slot_equal(uint64_t a, uint64_t b) {
        const DirectoryHandle *x, *y;

        if (!slot_is_handle(a) || !slot_is_handle(b))
                return a == b;
        x = slot_handle(a);
        y = slot_handle(b);
        return x->file_system == y->file_system && x->size == y->size &&
               memcmp(x->bytes, y->bytes, x->size) == 0;
}

static uint64_t slot_hash(uint64_t slot, uint64_t seed) {
        const DirectoryHandle *handle;

        if (!slot_is_handle(slot))
                return hash_fold(seed, slot);
        handle = slot_handle(slot);
        return hash_fold_bytes(hash_fold(seed, handle->file_system), handle->bytes, handle->size);
}

static uint64_t source_hash(const void *item, uint64_t seed) {
        return slot_hash(((const Node *) item)->watch_slots[WATCH_SOURCE], seed);
}

static uint64_t replica_hash(const void *item, uint64_t seed) {
        return slot_hash(((const Node *) item)->watch_slots[WATCH_REPLICA], seed);
}

static bool source_equal(const void *a, const void *b) {
        return slot_equal(((const Node *) a)->watch_slots[WATCH_SOURCE],
                          ((const Node *) b)->watch_slots[WATCH_SOURCE]);
}

static bool replica_equal(const void *a, const void *b) {
        return slot_equal(((const Node *) a)->watch_slots[WATCH_REPLICA],
                          ((const Node *) b)->watch_slots[WATCH_REPLICA]);
}

const HashIndexType slot_index_types[_WATCH_SIDE_MAX] = {
        [WATCH_SOURCE] = { .hash = source_hash, .equal = source_equal },
        [WATCH_REPLICA] = { .hash = replica_hash, .equal = replica_equal },
};
