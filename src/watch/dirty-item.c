#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "basic/alloc.h"
#include "basic/macros.h"
#include "basic/string-util.h"
#include "watch/dirty-item.h"

/* Indexes */

static uint64_t group_hash(const void *item, uint64_t seed) {
        const DirtyGroup *group = item;

        return hash_fold(seed, (uintptr_t) group->node);
}

static bool group_equal(const void *a, const void *b) {
        const DirtyGroup *x = a, *y = b;

        return x->node == y->node;
}

static uint64_t name_hash(const void *item, uint64_t seed) {
        const DirtyItem *name = item;

        return hash_fold_bytes(hash_fold(seed, (uintptr_t) name->group), name->name,
                               strlen(name->name));
}

static bool name_equal(const void *a, const void *b) {
        const DirtyItem *x = a, *y = b;

        return x->group == y->group && streq(x->name, y->name);
}

const HashIndexType dirty_group_index = { .hash = group_hash, .equal = group_equal };
const HashIndexType dirty_name_index = { .hash = name_hash, .equal = name_equal };

/* Groups and items */

int dirty_group_acquire(DirtySet *set, Node *node, DirtyGroup **ret) {
        DirtyGroup *group = hash_index_find(&set->groups, &(DirtyGroup) { .node = node });

        if (!group) {
                if (hash_index_reserve(&set->groups, 1) < 0)
                        return -ENOMEM;
                group = new0(DirtyGroup, 1);
                if (!group)
                        return -ENOMEM;
                group->node = node_ref(node);
                hash_index_insert(&set->groups, group);
        }
        *ret = group;
        return 0;
}

void dirty_group_release(DirtySet *set, DirtyGroup *group) {
        if (group->names || group->listing || group->self)
                return;
        hash_index_remove(&set->groups, group);
        node_unref(group->node);
        free(group);
}

DirtyItem *dirty_item_find(DirtySet *set, DirtyGroup *group, const char *name) {
        return hash_index_find(&set->names, &(DirtyItem) { .group = group, .name = (char *) name });
}

static size_t *item_counter(DirtyItem *item) {
        return item->retry ? &item->group->n_retries : &item->group->n_noted;
}

void dirty_item_set_retry(DirtyItem *item, bool retry) {
        if (item->name)
                --*item_counter(item);
        item->retry = retry;
        if (item->name)
                ++*item_counter(item);
}

static void link_name(DirtySet *set, DirtyItem *item) {
        DirtyGroup *group = item->group;

        item->next = group->names;
        if (item->next)
                item->next->previous = item;
        group->names = item;
        ++*item_counter(item);
        hash_index_insert(&set->names, item);
}

static void unlink_name(DirtySet *set, DirtyItem *item) {
        hash_index_remove(&set->names, item);
        --*item_counter(item);
        if (item->previous)
                item->previous->next = item->next;
        else
                item->group->names = item->next;
        if (item->next)
                item->next->previous = item->previous;
}

int dirty_item_new(DirtySet *set, DirtyGroup *group, const char *name, DirtyItem **slot,
                   DirtyItem **ret) {
        _cleanup_free_ DirtyItem *item = NULL;
        _cleanup_free_ char *copy = NULL;
        int r;

        item = new0(DirtyItem, 1);
        copy = name ? strdup(name) : NULL;
        if (!item || (name && !copy))
                return -ENOMEM;
        if (name) {
                r = hash_index_reserve(&set->names, 1);
                if (r < 0)
                        return r;
        }
        r = due_heap_insert(&set->heap, &item->entry, USEC_INFINITY);
        if (r < 0)
                return r;

        item->group = group;
        item->first = item->deadline = USEC_INFINITY;
        item->name = TAKE_PTR(copy);
        if (name)
                link_name(set, item);
        else
                *slot = item;
        *ret = TAKE_PTR(item);
        return 0;
}

char *dirty_item_remove(DirtySet *set, DirtyItem *item) {
        DirtyGroup *group = item->group;
        char *name = item->name;

        due_heap_remove(&set->heap, &item->entry);
        if (name)
                unlink_name(set, item);
        else if (item == group->listing)
                group->listing = NULL;
        else
                group->self = NULL;
        free(item);
        return name;
}

void dirty_item_drop(DirtySet *set, DirtyItem *item) {
        free(dirty_item_remove(set, item));
}
