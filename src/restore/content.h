#pragma once

/* The content of an entry that is held by an O_PATH descriptor. */

#include "fs/copy.h"
#include "fs/entry.h"

/* Opens the regular file behind PATH_FD for reading. A descriptor or -errno. */
int content_open(int path_fd);

/* Whether the entry behind the O_PATH descriptor FD, as ENTRY shows it, and the one behind OTHER_FD
 * are exact copies of each other: metadata, attributes, content. Not for directories. 1, 0 or
 * -errno. */
int content_is_same(Copier *copier, int fd, const Entry *entry, int other_fd, CopyTick tick,
                    void *userdata);
