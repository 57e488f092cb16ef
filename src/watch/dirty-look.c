#include "watch/dirty-look.h"

#include "basic/macros.h"
#include "watch/dirty-item.h"

static const DirtyItem *item_at(const DirtySet *set, size_t i) {
        return CONTAINER_OF(set->heap.entries[i], DirtyItem, entry);
}

/* Files known by identity alone fall due settle after the first of them was noted. */
static usec_t files_noted(const DirtySet *set) {
        if (set->files.n_files == 0)
                return USEC_INFINITY;
        return set->files.due - MIN(set->files.due, set->times.settle);
}

bool dirty_waits_since(const DirtySet *set, usec_t time) {
        if (files_noted(set) <= time)
                return true;
        for (size_t i = 0; i < set->heap.n_entries; i++) {
                const DirtyItem *item = item_at(set, i);

                if (item->n_attempts > 0 && item->retry ? item->entry.due <= time
                                                        : item->first <= time)
                        return true;
        }
        return false;
}

usec_t dirty_oldest(const DirtySet *set) {
        usec_t oldest = files_noted(set);

        for (size_t i = 0; i < set->heap.n_entries; i++) {
                const DirtyItem *item = item_at(set, i);

                if (item->n_attempts == 0 || !item->retry)
                        oldest = MIN(oldest, item->first);
        }
        return oldest;
}

usec_t dirty_batch_oldest(const DirtyBatch *batch) {
        usec_t oldest = USEC_INFINITY;

        for (size_t i = 0; i < batch->n_directories; i++) {
                const DirtyDirectory *directory = &batch->directories[i];

                if (directory->n_attempts == 0)
                        oldest = MIN(oldest, directory->first);
                for (size_t n = 0; n < directory->n_names; n++)
                        if (directory->names[n].n_attempts == 0)
                                oldest = MIN(oldest, directory->names[n].first);
        }
        return oldest;
}

static void take_sooner(const DirtyItem *item, usec_t *due, unsigned *n_attempts) {
        if (!item)
                return;
        *due = MIN(*due, item->entry.due);
        *n_attempts = MAX(*n_attempts, item->n_attempts);
}

usec_t dirty_due_of(DirtySet *set, Node *node, const char *name, unsigned *ret_attempts) {
        usec_t due = USEC_INFINITY;
        unsigned n_attempts = 0;
        DirtyGroup *group;

        if (dirty_group_acquire(set, node, &group) < 0)
                return due;
        take_sooner(group->listing, &due, &n_attempts);
        if (name && name[0])
                take_sooner(dirty_item_find(set, group, name), &due, &n_attempts);
        else
                take_sooner(group->self, &due, &n_attempts);
        dirty_group_release(set, group);
        if (ret_attempts)
                *ret_attempts = n_attempts;
        return due;
}
