#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>

#include "basic/macros.h"
#include "watch/due-heap.h"

enum { ALLOCATED_MIN = 64 };

void due_heap_done(DueHeap *heap) {
        free(heap->entries);
        *heap = (DueHeap) {};
}

static int set_allocated(DueHeap *heap, size_t n_allocated) {
        DueEntry **entries = reallocarray(heap->entries, n_allocated, sizeof(DueEntry *));

        if (!entries)
                return -ENOMEM;
        heap->entries = entries;
        heap->n_allocated = n_allocated;
        return 0;
}

static void place(DueHeap *heap, DueEntry *entry, size_t index) {
        heap->entries[index] = entry;
        entry->index = index;
}

static void sift_up(DueHeap *heap, DueEntry *entry) {
        size_t i = entry->index;

        while (i > 0 && heap->entries[(i - 1) / 2]->due > entry->due) {
                place(heap, heap->entries[(i - 1) / 2], i);
                i = (i - 1) / 2;
        }
        place(heap, entry, i);
}

static void sift_down(DueHeap *heap, DueEntry *entry) {
        size_t i = entry->index;

        for (size_t child; (child = 2 * i + 1) < heap->n_entries; i = child) {
                if (child + 1 < heap->n_entries &&
                    heap->entries[child + 1]->due < heap->entries[child]->due)
                        child++;
                if (heap->entries[child]->due >= entry->due)
                        break;
                place(heap, heap->entries[child], i);
        }
        place(heap, entry, i);
}

int due_heap_insert(DueHeap *heap, DueEntry *entry, usec_t due) {
        if (heap->n_entries == heap->n_allocated) {
                int r = set_allocated(heap, MAX(2 * heap->n_allocated, (size_t) ALLOCATED_MIN));

                if (r < 0)
                        return r;
        }

        entry->due = due;
        place(heap, entry, heap->n_entries++);
        sift_up(heap, entry);
        return 0;
}

void due_heap_set(DueHeap *heap, DueEntry *entry, usec_t due) {
        bool sooner = due < entry->due;

        entry->due = due;
        if (sooner)
                sift_up(heap, entry);
        else
                sift_down(heap, entry);
}

void due_heap_remove(DueHeap *heap, DueEntry *entry) {
        size_t i = entry->index;
        DueEntry *last = heap->entries[--heap->n_entries];

        if (last != entry) {
                place(heap, last, i);
                sift_up(heap, last);
                sift_down(heap, last);
        }

        /* Gives memory back after a burst; that it cannot be had is no harm. */
        if (heap->n_allocated > ALLOCATED_MIN && heap->n_entries < heap->n_allocated / 4)
                (void) set_allocated(heap, heap->n_allocated / 2);
}
