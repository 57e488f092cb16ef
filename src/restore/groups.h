#pragma once

/* Which inodes with several names were brought back already, and where: their other names become
 * links. */

#include "basic/macros.h"
#include "fs/entry.h"

typedef struct Groups Groups;

/* The first name of an inode. */
typedef struct GroupPlace {
        uint64_t device, inode; /* there; 0 where it has none */
        char path[];
} GroupPlace;

int groups_new(Groups **ret);
Groups *groups_free(Groups *groups);
DEFINE_TRIVIAL_CLEANUP_FUNC(Groups *, groups_free)

/* Where the inode of ENTRY is, or NULL. */
const GroupPlace *groups_find(const Groups *groups, const Entry *entry);

/* Remembers that the inode of ENTRY, if it has more names than one, is at PATH as THERE (may be
 * NULL). What is known already stays. 0 or -ENOMEM. */
int groups_add(Groups *groups, const Entry *entry, const char *path, const Entry *there);
