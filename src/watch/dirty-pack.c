#include "watch/dirty-pack.h"

#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "basic/alloc.h"
#include "basic/macros.h"
#include "watch/dirty-item.h"

/* Some file systems have names longer than NAME_MAX. */
enum { NAME_LENGTH_MAX = 1024 };

typedef enum ItemKind {
        ITEM_KIND_END,
        ITEM_KIND_NAME,
        ITEM_KIND_LISTING,
        ITEM_KIND_SELF,
        _ITEM_KIND_MAX,
} ItemKind;

/* Saving */

static void save_item(const DirtyItem *item, ItemKind kind, Packer *packer) {
        pack_number(packer, kind);
        if (kind == ITEM_KIND_NAME)
                pack_bytes(packer, item->name, strlen(item->name));
        pack_number(packer, item->entry.due);
        pack_number(packer, item->first);
        pack_number(packer, item->deadline);
        pack_number(packer, item->n_attempts);
        pack_number(packer, item->settled);
        pack_number(packer, item->retry);
}

void dirty_save_node(const DirtySet *set, const Node *node, Packer *packer) {
        const DirtyGroup *group = hash_index_find(&set->groups,
                                                  &(DirtyGroup) { .node = (Node *) node });

        if (group) {
                for (const DirtyItem *item = group->names; item; item = item->next)
                        save_item(item, ITEM_KIND_NAME, packer);
                if (group->listing)
                        save_item(group->listing, ITEM_KIND_LISTING, packer);
                if (group->self)
                        save_item(group->self, ITEM_KIND_SELF, packer);
        }
        pack_number(packer, ITEM_KIND_END);
}

void dirty_save_files(const DirtySet *set, Packer *packer) {
        const DirtyFiles *files = &set->files;

        pack_number(packer, files->due);
        pack_number(packer, files->n_files);
        for (size_t i = 0; i < files->n_files; i++) {
                pack_number(packer, files->files[i].device);
                pack_number(packer, files->files[i].inode);
        }
}

/* Loading */

/* The name of an item: "" stands for the directory itself. */
static int load_name(Unpacker *unpacker, char **ret) {
        const char *bytes;
        size_t length;
        char *name;

        bytes = unpack_bytes(unpacker, NAME_LENGTH_MAX, &length);
        if (!bytes || memchr(bytes, '\0', length) || memchr(bytes, '/', length))
                return unpack_refuse(unpacker);
        name = strndup(bytes, length);
        if (!name)
                return -ENOMEM;
        *ret = name;
        return 0;
}

static int make_item(DirtySet *set, DirtyGroup *group, ItemKind kind, Unpacker *unpacker,
                     DirtyItem **ret) {
        DirtyItem **slot = kind == ITEM_KIND_SELF ? &group->self : &group->listing;
        _cleanup_free_ char *name = NULL;
        int r = 0;

        if (kind == ITEM_KIND_NAME)
                r = load_name(unpacker, &name);
        if (r < 0)
                return r;
        if (name ? dirty_item_find(set, group, name) != NULL : *slot != NULL)
                return unpack_refuse(unpacker);
        return dirty_item_new(set, group, name, slot, ret);
}

static int load_item(DirtySet *set, DirtyGroup *group, ItemKind kind, Unpacker *unpacker) {
        DirtyItem *item;
        usec_t due;
        int r;

        r = make_item(set, group, kind, unpacker, &item);
        if (r < 0)
                return r;
        due = unpack_number(unpacker, USEC_INFINITY);
        item->first = unpack_number(unpacker, USEC_INFINITY - 1); /* beyond: none at all */
        item->deadline = unpack_number(unpacker, USEC_INFINITY);
        item->n_attempts = unpack_number(unpacker, UINT_MAX);
        item->settled = unpack_flag(unpacker);
        dirty_item_set_retry(item, unpack_flag(unpacker));
        due_heap_set(&set->heap, &item->entry, due);
        return unpacker->error;
}

int dirty_load_node(DirtySet *set, Node *node, Unpacker *unpacker) {
        ItemKind kind = unpack_number(unpacker, _ITEM_KIND_MAX - 1);
        DirtyGroup *group;
        int r;

        if (kind == ITEM_KIND_END)
                return unpacker->error;
        r = dirty_group_acquire(set, node, &group);
        while (r >= 0 && kind != ITEM_KIND_END) {
                r = load_item(set, group, kind, unpacker);
                kind = unpack_number(unpacker, _ITEM_KIND_MAX - 1);
        }
        return r < 0 ? r : unpacker->error;
}

int dirty_load_files(DirtySet *set, Unpacker *unpacker) {
        usec_t due = unpack_number(unpacker, USEC_INFINITY);
        size_t n = unpack_number(unpacker, DIRTY_FILES_MAX);

        for (size_t i = 0; i < n && unpacker->error >= 0; i++) {
                WatchFile file = {};
                int r;

                file.device = unpack_number(unpacker, UINT64_MAX);
                file.inode = unpack_number(unpacker, UINT64_MAX);
                r = unpacker->error < 0 ? 0 : dirty_files_add(&set->files, file, due);
                if (r < 0)
                        return r;
        }
        return unpacker->error;
}
