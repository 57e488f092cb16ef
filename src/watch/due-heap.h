#pragma once

/* A binary heap of things that fall due, earliest first. Entries are embedded in what they stand
 * for and know their place, so that a changed time costs O(log n) and no memory: the heap holds one
 * pointer an entry. The heap owns its array, not the entries. No locking. */

#include <stddef.h>

#include "basic/time-span.h"

typedef struct DueEntry {
        usec_t due;   /* CLOCK_MONOTONIC; changed by due_heap_set only while in the heap */
        size_t index; /* the heap's */
} DueEntry;

typedef struct DueHeap {
        DueEntry **entries;
        size_t n_entries;
        size_t n_allocated;
} DueHeap;

void due_heap_done(DueHeap *heap);

/* 0 or -ENOMEM. */
int due_heap_insert(DueHeap *heap, DueEntry *entry, usec_t due);
void due_heap_set(DueHeap *heap, DueEntry *entry, usec_t due);
void due_heap_remove(DueHeap *heap, DueEntry *entry);

/* The earliest entry, NULL when there is none. */
static inline DueEntry *due_heap_first(const DueHeap *heap) {
        return heap->n_entries > 0 ? heap->entries[0] : NULL;
}
