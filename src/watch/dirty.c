#include <errno.h>
#include <stdlib.h>

#include "basic/alloc.h"
#include "basic/macros.h"
#include "watch/dirty-item.h"
#include "watch/dirty.h"

/* Rules */

static usec_t later(usec_t time, usec_t span) {
        return span < USEC_INFINITY - time ? time + span : USEC_INFINITY;
}

/* What a note means to the path it names. */
static void item_note(DirtySet *set, DirtyItem *item, bool settled, usec_t now) {
        usec_t deadline = later(now, set->times.max_delay);

        if (item->retry) {
                item->first = MIN(item->first, now);
                item->deadline = MIN(item->entry.due, deadline);
                dirty_item_set_retry(item, false);
        } else if (item->first == USEC_INFINITY) {
                item->first = now;
                item->deadline = deadline;
        }
        item->settled = settled;
        due_heap_set(&set->heap, &item->entry,
                     settled ? now : MIN(later(now, set->times.settle), item->deadline));
}

/* What a note of a name means to the listing that waits already. */
static void listing_note_name(DirtySet *set, DirtyItem *listing, bool settled, usec_t now) {
        usec_t due = listing->entry.due;

        if (settled)
                due = MIN(due, now);
        else if (!listing->settled)
                due = MIN(later(now, set->times.settle), listing->deadline);
        listing->settled |= settled;
        due_heap_set(&set->heap, &listing->entry, due);
}

/* Lets ITEM take over what is known from another look at the same place. */
static void item_merge_history(DirtyItem *item, usec_t first, unsigned n_attempts) {
        item->first = MIN(item->first, first);
        item->n_attempts = MAX(item->n_attempts, n_attempts);
}

/* When LISTING, due at DUE by what it includes so far, is due with NAME. */
static usec_t due_with(const DirtyItem *listing, const DirtyItem *name, usec_t due) {
        if (listing->settled != name->settled)
                return listing->settled ? due : name->entry.due;
        return name->settled ? MIN(due, name->entry.due) : MAX(due, name->entry.due);
}

/* Replaces the noted names of the group by LISTING: noted itself, or put back, or new. */
static void listing_absorb_noted(DirtySet *set, DirtyItem *listing) {
        bool noted = !listing->retry && listing->first != USEC_INFINITY;
        usec_t due = noted ? listing->entry.due : 0;

        if (listing->retry)
                listing->deadline = listing->entry.due;
        listing->retry = false;

        for (DirtyItem *item = listing->group->names, *next; item; item = next) {
                next = item->next;
                if (item->retry)
                        continue;
                due = due_with(listing, item, due);
                listing->settled |= item->settled;
                listing->deadline = MIN(listing->deadline, item->deadline);
                item_merge_history(listing, item->first, item->n_attempts);
                dirty_item_drop(set, item);
        }
        due_heap_set(&set->heap, &listing->entry,
                     listing->settled ? due : MIN(due, listing->deadline));
}

/* Replaces the retries of the group by LISTING; one that was noted keeps its time. */
static void listing_absorb_retries(DirtySet *set, DirtyItem *listing) {
        usec_t due = listing->entry.due;

        for (DirtyItem *item = listing->group->names, *next; item; item = next) {
                next = item->next;
                if (!item->retry)
                        continue;
                if (listing->retry)
                        due = MIN(due, item->entry.due);
                item_merge_history(listing, item->first, item->n_attempts);
                dirty_item_drop(set, item);
        }
        due_heap_set(&set->heap, &listing->entry, due);
}

/* Notes */

static int note_name(DirtySet *set, DirtyGroup *group, const char *name, bool settled, usec_t now) {
        DirtyItem *item;
        int r;

        if (group->listing && !group->listing->retry) {
                listing_note_name(set, group->listing, settled, now);
                return 0;
        }
        item = dirty_item_find(set, group, name);
        if (!item) {
                r = dirty_item_new(set, group, name, NULL, &item);
                if (r < 0)
                        return r;
        }
        item_note(set, item, settled, now);
        if (group->n_noted <= DIRTY_NAMES_MAX)
                return 0;

        if (!group->listing) {
                r = dirty_item_new(set, group, NULL, &group->listing, &item);
                if (r < 0)
                        return r;
        }
        listing_absorb_noted(set, group->listing);
        return 0;
}

/* Notes the listing of GROUP or its directory itself, whichever SLOT is for. */
static int note_whole(DirtySet *set, DirtyGroup *group, DirtyItem **slot, bool settled,
                      usec_t now) {
        DirtyItem *item = *slot;
        int r;

        if (!item) {
                r = dirty_item_new(set, group, NULL, slot, &item);
                if (r < 0)
                        return r;
        }
        item_note(set, item, settled, now);
        if (slot == &group->listing && group->n_noted > 0)
                listing_absorb_noted(set, item);
        return 0;
}

int dirty_add(DirtySet *set, Node *node, const char *name, unsigned flags, usec_t now) {
        bool settled = flags & DIRTY_SETTLED;
        DirtyGroup *group;
        int r;

        assert(!name == !!(flags & (DIRTY_LISTING | DIRTY_SELF)));

        r = dirty_group_acquire(set, node, &group);
        if (r < 0)
                return r;
        if (name)
                r = note_name(set, group, name, settled, now);
        if (flags & DIRTY_LISTING)
                r = note_whole(set, group, &group->listing, settled, now);
        if (r >= 0 && (flags & DIRTY_SELF))
                r = note_whole(set, group, &group->self, settled, now);
        if (r < 0)
                dirty_group_release(set, group);
        return r;
}

/* The item that a path that is put back belongs to; a new one is not timed yet. */
static int acquire_retry(DirtySet *set, DirtyGroup *group, const char *name, DirtyItem **ret) {
        DirtyItem *item = name ? dirty_item_find(set, group, name) : group->listing;

        if (!item && name && group->listing && group->listing->retry)
                item = group->listing;
        if (!item)
                return dirty_item_new(set, group, name, &group->listing, ret);
        *ret = item;
        return 0;
}

static int put_back(DirtySet *set, DirtyGroup *group, const DirtyName *name, usec_t due) {
        DirtyItem *item;
        int r;

        r = acquire_retry(set, group, name->name, &item);
        if (r < 0)
                return r;
        if (item->first == USEC_INFINITY)
                dirty_item_set_retry(item, true);
        item_merge_history(item, name->first, name->n_attempts);
        due_heap_set(&set->heap, &item->entry, MIN(item->entry.due, due));
        if (group->n_retries <= DIRTY_NAMES_MAX)
                return 0;

        if (!group->listing) {
                r = dirty_item_new(set, group, NULL, &group->listing, &item);
                if (r < 0)
                        return r;
                item->retry = true;
        }
        listing_absorb_retries(set, group->listing);
        return 0;
}

int dirty_add_retry(DirtySet *set, Node *node, const DirtyName *name, usec_t due) {
        DirtyGroup *group;
        int r;

        r = dirty_group_acquire(set, node, &group);
        if (r < 0)
                return r;
        r = put_back(set, group, name, due);
        if (r < 0)
                dirty_group_release(set, group);
        return r;
}

void dirty_hasten(DirtySet *set, usec_t now) {
        /* What becomes due sooner changes places with entries that were seen already. */
        for (size_t i = 0; i < set->heap.n_entries; i++) {
                DueEntry *entry = set->heap.entries[i];
                const DirtyItem *item = CONTAINER_OF(entry, DirtyItem, entry);

                if (item->retry && item->n_attempts > 0 && entry->due > now)
                        due_heap_set(&set->heap, entry, now);
        }
}

int dirty_add_file(DirtySet *set, WatchFile file, usec_t now) {
        return dirty_files_add(&set->files, file, later(now, set->times.settle));
}

/* Taking */

/* ARRAY of N members of SIZE bytes with room for one more: it grows by powers of two. */
static void *grow(void *array, size_t n, size_t size) {
        if ((n & (n - 1)) != 0)
                return array;
        return reallocarray(array, MAX(2 * n, (size_t) 1), size);
}

static int batch_add_directory(DirtySet *set, DirtyBatch *batch, DirtyGroup *group) {
        DirtyDirectory *directories;

        directories = grow(batch->directories, batch->n_directories, sizeof(DirtyDirectory));
        if (!directories)
                return -ENOMEM;
        batch->directories = directories;
        batch->directories[batch->n_directories] = (DirtyDirectory) {
                .node = node_ref(group->node),
                .first = USEC_INFINITY,
        };
        group->n_take = set->n_takes;
        group->batch_index = batch->n_directories++;
        return 0;
}

static void directory_drop_names(DirtyDirectory *directory) {
        for (size_t i = 0; i < directory->n_names; i++)
                free(directory->names[i].name);
        free(directory->names);
        directory->names = NULL;
        directory->n_names = 0;
}

static void directory_merge_history(DirtyDirectory *directory, usec_t first, unsigned n_attempts) {
        directory->first = MIN(directory->first, first);
        directory->n_attempts = MAX(directory->n_attempts, n_attempts);
}

/* Hands over a name, unless the directory is listed anyway. */
static int take_name(DirtySet *set, DirtyDirectory *directory, DirtyItem *item) {
        DirtyName *names;

        if (directory->listing) {
                directory_merge_history(directory, item->first, item->n_attempts);
                dirty_item_drop(set, item);
                return 0;
        }

        names = grow(directory->names, directory->n_names, sizeof(DirtyName));
        if (!names)
                return -ENOMEM;
        directory->names = names;
        names[directory->n_names] = (DirtyName) {
                .first = item->first,
                .n_attempts = item->n_attempts,
        };
        names[directory->n_names++].name = dirty_item_remove(set, item);
        return 0;
}

/* The directory is listed: the names that it has are covered. */
static void take_listing(DirtyDirectory *directory) {
        for (size_t i = 0; i < directory->n_names; i++)
                directory_merge_history(directory, directory->names[i].first,
                                        directory->names[i].n_attempts);
        directory_drop_names(directory);
        directory->listing = true;
}

static int take_item(DirtySet *set, DirtyBatch *batch, DirtyItem *item) {
        DirtyGroup *group = item->group;
        DirtyDirectory *directory;
        int r;

        if (group->n_take != set->n_takes) {
                r = batch_add_directory(set, batch, group);
                if (r < 0)
                        return r;
        }
        directory = &batch->directories[group->batch_index];

        if (item->name)
                return take_name(set, directory, item);
        if (item == group->listing)
                take_listing(directory);
        else
                directory->self = true;
        directory_merge_history(directory, item->first, item->n_attempts);
        dirty_item_drop(set, item);
        return 0;
}

int dirty_take(DirtySet *set, usec_t now, DirtyBatch *ret) {
        _cleanup_(dirty_batch_done) DirtyBatch batch = DIRTY_BATCH_NULL;
        DueEntry *first;
        int r = 0;

        set->n_takes++;
        while (r >= 0 && (first = due_heap_first(&set->heap)) && first->due <= now) {
                DirtyItem *item = CONTAINER_OF(first, DirtyItem, entry);
                DirtyGroup *group = item->group;

                if (group->node->detached)
                        dirty_item_drop(set, item);
                else
                        r = take_item(set, &batch, item);
                dirty_group_release(set, group);
        }
        if (r < 0 && batch.n_directories == 0)
                return r;
        if (set->files.due <= now)
                dirty_files_take(&set->files, &batch.files, &batch.n_files);

        *ret = batch;
        batch = DIRTY_BATCH_NULL;
        return 0;
}

void dirty_batch_done(DirtyBatch *batch) {
        for (size_t i = 0; i < batch->n_directories; i++) {
                directory_drop_names(&batch->directories[i]);
                node_unref(batch->directories[i].node);
        }
        free(batch->directories);
        free(batch->files);
        *batch = DIRTY_BATCH_NULL;
}

/* The set as a whole */

int dirty_new(DirtySet **ret, DirtyTimes times) {
        DirtySet *set = new0(DirtySet, 1);

        if (!set)
                return -ENOMEM;
        set->times = times;
        set->files = DIRTY_FILES_NULL;
        hash_index_init(&set->groups, &dirty_group_index);
        hash_index_init(&set->names, &dirty_name_index);
        *ret = set;
        return 0;
}

DirtySet *dirty_free(DirtySet *set) {
        if (!set)
                return NULL;

        dirty_clear(set);
        due_heap_done(&set->heap);
        hash_index_done(&set->groups);
        hash_index_done(&set->names);
        free(set);
        return NULL;
}

void dirty_set_times(DirtySet *set, DirtyTimes times) {
        set->times = times;
}

usec_t dirty_next_due(const DirtySet *set) {
        const DueEntry *first = due_heap_first(&set->heap);

        return MIN(first ? first->due : USEC_INFINITY, set->files.due);
}

bool dirty_is_empty(const DirtySet *set) {
        return dirty_n_items(set) == 0;
}

size_t dirty_n_items(const DirtySet *set) {
        return set->heap.n_entries + set->files.n_files;
}

void dirty_clear(DirtySet *set) {
        dirty_files_clear(&set->files);
        while (set->heap.n_entries > 0) {
                /* The last entry: nothing in the heap has to move. */
                DueEntry *last = set->heap.entries[set->heap.n_entries - 1];
                DirtyItem *item = CONTAINER_OF(last, DirtyItem, entry);
                DirtyGroup *group = item->group;

                dirty_item_drop(set, item);
                dirty_group_release(set, group);
        }
}
