/* Which node is watched by what. A node has one watch at most, a directory one node. */

#include <stdlib.h>
#include <sys/inotify.h>

#include "watch/watch-internal.h"

static Node key_node(const Watch *watch, uint64_t slot) {
        Node key = {};

        key.watch_slots[watch->options.side] = slot;
        return key;
}

Node *watch_map_find(Watch *watch, uint64_t slot) {
        Node key = key_node(watch, slot);

        return hash_index_find(&watch->nodes, &key);
}

static bool is_fallen_back(const Watch *watch, uint64_t slot) {
        return watch->marks && slot_is_descriptor(slot);
}

void watch_map_forget(Watch *watch, Node *node) {
        uint64_t slot = *watch_slot(watch, node);

        hash_index_remove(&watch->nodes, node);
        *watch_slot(watch, node) = SLOT_EMPTY;
        watch->n_fallen_back -= is_fallen_back(watch, slot);
        if (slot_is_handle(slot))
                free((void *) slot_handle(slot));
        node_unref(node);
}

static bool counts_as_refused(const Watch *watch, uint64_t slot) {
        return slot == slot_from_refusal(watch->refusal_round);
}

void watch_map_end(Watch *watch, Node *node) {
        uint64_t slot = *watch_slot(watch, node);

        if (counts_as_refused(watch, slot)) {
                *watch_slot(watch, node) = SLOT_EMPTY;
                watch->n_refused--;
        }
        if (!slot_is_watched(slot))
                return;
        if (slot_is_handle(slot))
                fanotify_end(watch, slot_handle(slot));
        else /* Fails when the directory is gone: then the kernel was first. */
                (void) inotify_rm_watch(watch->inotify_fd, slot_descriptor(slot));
        watch_map_forget(watch, node);
}

int watch_map_set(Watch *watch, Node *node, uint64_t slot) {
        Node *holder = watch_map_find(watch, slot);

        if (holder == node) {
                if (slot_is_handle(slot))
                        free((void *) slot_handle(slot));
                return 0;
        }
        if (holder)
                watch_map_forget(watch, holder);
        watch_map_end(watch, node);
        *watch_slot(watch, node) = slot;
        watch->n_fallen_back += is_fallen_back(watch, slot);
        hash_index_insert(&watch->nodes, node_ref(node));
        return WATCH_BEGUN;
}

int watch_map_refuse(Watch *watch, Node *node) {
        if (!counts_as_refused(watch, *watch_slot(watch, node))) {
                watch_map_end(watch, node);
                *watch_slot(watch, node) = slot_from_refusal(watch->refusal_round);
                watch->n_refused++;
        }
        return WATCH_E_LIMIT;
}

Node *watch_map_hear(Watch *watch, uint64_t slot, bool gone) {
        Node *node = watch_map_find(watch, slot);

        if (!node)
                return NULL;
        if (node->detached) {
                watch_map_end(watch, node);
                return NULL;
        }
        node_ref(node);
        if (gone)
                watch_map_forget(watch, node);
        return node;
}
