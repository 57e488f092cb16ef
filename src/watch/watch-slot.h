#pragma once

/* What a Watch knows the directory of a node by, as one word in the node: nothing, an inotify watch
 * descriptor, the handle of the directory, or a mark that says that the limit was reached when it
 * was to be watched. An inotify watch so costs no memory beyond the node; a handle is an allocation
 * of 32 bytes on most file systems, and the slot owns it.
 *
 * The nodes of a Watch are indexed by their slots: pure functions, under the Watch's mutex. */

#include <assert.h>
#include <stdbool.h>
#include <stdint.h>

#include "watch/hash-index.h"
#include "watch/tree.h"

/* A directory by the number of its file system in the Watch's table and the bytes of its handle. */
typedef struct DirectoryHandle {
        uint8_t file_system;
        uint8_t size;
        unsigned char bytes[];
} DirectoryHandle;

#define SLOT_EMPTY UINT64_C(0)

enum {
        SLOT_TAG_HANDLE = 0, /* pointers are aligned */
        SLOT_TAG_DESCRIPTOR = 1,
        SLOT_TAG_REFUSED = 2,
        SLOT_TAG_MASK = 3,
        SLOT_TAG_BITS = 2,
};

static inline uint64_t slot_from_descriptor(int descriptor) {
        return ((uint64_t) (uint32_t) descriptor << SLOT_TAG_BITS) | SLOT_TAG_DESCRIPTOR;
}

/* ROUND tells refusals of different rounds of counting apart. */
static inline uint64_t slot_from_refusal(uint32_t round) {
        return ((uint64_t) round << SLOT_TAG_BITS) | SLOT_TAG_REFUSED;
}

static inline uint64_t slot_from_handle(const DirectoryHandle *handle) {
        assert(((uintptr_t) handle & SLOT_TAG_MASK) == 0);
        return (uintptr_t) handle;
}

static inline bool slot_is_descriptor(uint64_t slot) {
        return (slot & SLOT_TAG_MASK) == SLOT_TAG_DESCRIPTOR;
}

static inline bool slot_is_handle(uint64_t slot) {
        return slot != SLOT_EMPTY && (slot & SLOT_TAG_MASK) == SLOT_TAG_HANDLE;
}

/* Whether the directory is watched, in either way. */
static inline bool slot_is_watched(uint64_t slot) {
        return slot_is_descriptor(slot) || slot_is_handle(slot);
}

static inline int slot_descriptor(uint64_t slot) {
        return (int) (uint32_t) (slot >> SLOT_TAG_BITS);
}

static inline const DirectoryHandle *slot_handle(uint64_t slot) {
        return (const DirectoryHandle *) (uintptr_t) slot;
}

/* Whether both mean the same directory; watched slots only. */
bool slot_equal(uint64_t a, uint64_t b);

/* Nodes by their slot of one side. */
extern const HashIndexType slot_index_types[_WATCH_SIDE_MAX];
