#pragma once

/* Renaming that replaces nothing, also where renameat2(2) knows no flags (many FUSE servers, older
 * network file systems). */

#include <stdbool.h>

/* Whether ERROR (an errno) of renameat2(2) may mean that the file system refuses its flags; it may
 * as well mean that it refuses the name. */
bool rename_lacks_flags(int error);

/* Gives FROM of FROM_FD the name TO of TO_FD: 0, -EEXIST when there is something, -errno. Without
 * flags the name is looked at first: who makes it in that very moment loses what he made. */
int rename_new(int from_fd, const char *from, int to_fd, const char *to);
