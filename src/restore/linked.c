#include "restore/linked.h"

#include <errno.h>
#include <stdlib.h>

#define HASH_NONFATAL_OOM 1
#include <uthash.h>

#include "basic/macros.h"

typedef struct Inode {
        uint64_t device, inode;
} Inode;

struct LinkedItem {
        Inode own, other;
        UT_hash_handle hh;
};

void linked_done(Linked *linked) {
        for (size_t i = 0; i < ELEMENTSOF(linked->items); i++) {
                LinkedItem *item, *next;

                HASH_ITER(hh, linked->items[i], item, next) {
                        HASH_DEL(linked->items[i], item);
                        free(item);
                }
        }
}

/* 1: it is OTHER, or has become so; 0: it is another. */
static int match(LinkedItem **items, const Inode *own, const Inode *other) {
        LinkedItem *item = NULL;

        HASH_FIND(hh, *items, own, sizeof *own, item);
        if (item)
                return memcmp(&item->other, other, sizeof *other) == 0;
        item = calloc(1, sizeof *item);
        if (!item)
                return -ENOMEM;
        item->own = *own;
        item->other = *other;
        HASH_ADD(hh, *items, own, sizeof item->own, item);
        if (!item->hh.tbl) {
                free(item);
                return -ENOMEM;
        }
        return 1;
}

int linked_match(Linked *linked, const Entry *source, const Entry *replica) {
        const Inode inodes[] = {
                { source->device, source->stamp.inode },
                { replica->device, replica->stamp.inode },
        };
        int r = 1;

        if (source->stamp.n_links > 1)
                r = match(&linked->items[0], &inodes[0], &inodes[1]);
        if (r > 0 && replica->stamp.n_links > 1)
                r = match(&linked->items[1], &inodes[1], &inodes[0]);
        return r;
}
