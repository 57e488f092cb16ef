#include "restore/groups.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

static _Thread_local bool memory_is_short;
#define HASH_NONFATAL_OOM 1
#define uthash_nonfatal_oom(element) (memory_is_short = true)
#include <uthash.h>

#include "basic/alloc.h"

typedef struct Key {
        uint64_t device, inode;
} Key;

typedef struct Group {
        UT_hash_handle hh;
        Key key;
        GroupPlace place; /* last: its path follows */
} Group;

struct Groups {
        Group *table;
};

int groups_new(Groups **ret) {
        *ret = new0(Groups, 1);
        return *ret ? 0 : -ENOMEM;
}

Groups *groups_free(Groups *groups) {
        Group *group, *next;

        if (!groups)
                return NULL;
        HASH_ITER(hh, groups->table, group, next) {
                HASH_DEL(groups->table, group);
                free(group);
        }
        free(groups);
        return NULL;
}

const GroupPlace *groups_find(const Groups *groups, const Entry *entry) {
        Key key = { entry->device, entry->stamp.inode };
        Group *group;

        if (entry->stamp.n_links <= 1)
                return NULL;
        HASH_FIND(hh, groups->table, &key, sizeof key, group);
        return group ? &group->place : NULL;
}

int groups_add(Groups *groups, const Entry *entry, const char *path, const Entry *there) {
        Group *group;

        if (entry->stamp.n_links <= 1 || groups_find(groups, entry))
                return 0;
        group = calloc(1, sizeof *group + strlen(path) + 1);
        if (!group)
                return -ENOMEM;
        group->key = (Key) { entry->device, entry->stamp.inode };
        if (there) {
                group->place.device = there->device;
                group->place.inode = there->stamp.inode;
        }
        (void) strcpy(group->place.path, path);

        memory_is_short = false;
        HASH_ADD(hh, groups->table, key, sizeof group->key, group);
        if (memory_is_short) {
                free(group);
                return -ENOMEM;
        }
        return 0;
}
