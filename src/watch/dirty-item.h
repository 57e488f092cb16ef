#pragma once

/* What the dirty set is made of: items, grouped by directory, found by name and ordered by when
 * they are due. Knows nothing of the rules by which that is decided. The set owns groups and items;
 * a group lives as long as it has items. For dirty.c alone. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "basic/time-span.h"
#include "watch/dirty-files.h"
#include "watch/dirty.h"
#include "watch/due-heap.h"
#include "watch/hash-index.h"

typedef struct DirtyGroup DirtyGroup;

/* One thing to look at: a name of a directory, its listing, or itself. */
typedef struct DirtyItem {
        DueEntry entry;
        DirtyGroup *group;
        struct DirtyItem *next; /* the group's other names */
        struct DirtyItem *previous;
        char *name;      /* owned; NULL for the listing and the directory itself */
        usec_t first;    /* of the first note */
        usec_t deadline; /* due then even if never quiet */
        unsigned n_attempts;
        bool settled; /* due at once by its last note */
        bool retry;   /* put back, and no note since */
} DirtyItem;

/* The items of one directory; there is none without items. */
struct DirtyGroup {
        Node *node; /* counted */
        DirtyItem *names;
        DirtyItem *listing;
        DirtyItem *self;
        size_t n_noted; /* of the names; the others are retries */
        size_t n_retries;
        /* The dirty_take in which it last got a place in the batch, and which one. */
        uint64_t n_take;
        size_t batch_index;
};

struct DirtySet {
        DirtyTimes times;
        DueHeap heap;     /* all items */
        HashIndex groups; /* by node */
        HashIndex names;  /* name items, by group and name */
        DirtyFiles files;
        uint64_t n_takes;
};

extern const HashIndexType dirty_group_index;
extern const HashIndexType dirty_name_index;

/* Finds or makes the group of NODE. 0 or -ENOMEM. */
int dirty_group_acquire(DirtySet *set, Node *node, DirtyGroup **ret);
/* Frees GROUP if it has no items. */
void dirty_group_release(DirtySet *set, DirtyGroup *group);

/* The item of a name, or NULL. */
DirtyItem *dirty_item_find(DirtySet *set, DirtyGroup *group, const char *name);
/* Makes the item for NAME (copied), or with NAME NULL the one that *SLOT, of GROUP, is for. It is
 * never due, and its `first` is USEC_INFINITY, until the caller has set them. 0 or -ENOMEM. */
int dirty_item_new(DirtySet *set, DirtyGroup *group, const char *name, DirtyItem **slot,
                   DirtyItem **ret);
void dirty_item_set_retry(DirtyItem *item, bool retry);
/* Takes ITEM out of the set and frees it; its group may be left empty. Returns its name, owned. */
char *dirty_item_remove(DirtySet *set, DirtyItem *item);
void dirty_item_drop(DirtySet *set, DirtyItem *item);
