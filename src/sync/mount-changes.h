#pragma once

/* What a change of the mount table means for a pair. Pure: two samples of the table in, places to
 * look at out. */

#include <stdbool.h>

#include "sync/mount-table.h"

/* Absolute paths without symbolic links. STORE may be NULL. */
typedef struct MountPaths {
        const char *source, *replica, *store;
} MountPaths;

typedef struct MountChanges {
        bool roots;    /* a mount on the way to one of the directories, or at or in the replica or
                          the store, came or went */
        char **points; /* in the source, relative to it: where mounts came or went; owned */
        size_t n_points;
} MountChanges;

/* Mounts that have nothing to do with the pair make no difference; nor do the options of those that
 * have. 0 or -ENOMEM. */
int mount_changes_find(const MountTable *was, const MountTable *now, const MountPaths *paths,
                       MountChanges *ret);
void mount_changes_done(MountChanges *changes);

/* PATH without symbolic links, as far as it exists; the rest as it is. A fresh string, or NULL when
 * memory is short. */
char *mount_path_resolve(const char *path);
