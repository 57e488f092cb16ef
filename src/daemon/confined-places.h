#pragma once

/* Which directory has to be open to the daemon for a path of the pair to go on to work, whatever is
 * deleted, made again, unmounted and mounted while it runs. Pure: paths and a sample of the mounts
 * in, a directory out. Paths are absolute, without symbolic links. Fresh strings; NULL when memory
 * is short. */

#include "sync/mount-table.h"

/* For the source, the replica or the store at PATH. What lies on a file system of its own: the
 * directory that holds the mount point, since a rule within a file system goes with it, and one on
 * the mount point itself is hidden by the next file system there. Else the place that lasts. */
char *confined_place(const MountTable *mounts, const char *path);
