#pragma once

/* How far a flush of a file system reaches. */

#include <stdbool.h>
#include <stdint.h>

/* Whether syncfs(2) on a file system of that type (f_type of statfs(2)) only empties the kernel's
 * own cache: whoever keeps the data, a server or a lower file system, is told nothing, so that each
 * file and directory has to be flushed with fsync(2). */
bool syncfs_stops_short(uint64_t type);

/* The same of the file system that FD (any descriptor) lies on. 1, 0 or -errno of fstatfs(2). */
int durability_needs_fsync(int fd);

/* fsync(2) of a directory, open for reading: 0, also where the file system has no such call, or
 * -errno. */
int directory_fsync(int fd);
