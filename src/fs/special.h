#pragma once

/* Making the entries that have no content to copy. */

#include "fs/entry.h"

/* Reads the target of the symbolic link NAME of DIRECTORY_FD into a fresh string. 0 or -errno
 * (-EINVAL: not a link). Source: readlinkat(2). */
int symlink_read(int directory_fd, const char *name, char **ret);

/* Creates NAME (must not exist) in DIRECTORY_FD as the type of WANTED: symbolic link to TARGET
 * (NULL for other types), FIFO, socket or device node; mode 0600, owner ours (metadata_apply
 * follows). Rights or a file system that cannot hold the type (EPERM, EOPNOTSUPP, EINVAL) add to
 * *SHORTFALLS and give -EOPNOTSUPP. Not for regular files and directories. Sources: symlinkat(2),
 * mknodat(2). */
int special_create(int directory_fd, const char *name, const Stamp *wanted, const char *target,
                   unsigned *shortfalls);
