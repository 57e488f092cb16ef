#pragma once

/* Removing an entry with all that is below it, of any depth, without recursion in the stack,
 * without paths and without ever leaving it: directories are entered by descriptor only
 * (O_NOFOLLOW), mount points are not crossed. A bounded number of descriptors is held at any depth:
 * what lies deeper is first moved up to the top of the tree that goes. */

#include <stdint.h>

/* Removes NAME of DIRECTORY_FD. *RET_N_REMOVED (may be NULL) is increased by the entries removed.
 * Directories of ours whose mode forbids it are made writable. Goes on after errors and returns the
 * first one as -errno (-EBUSY: a mount point); -ENOENT of NAME itself counts as done (0). */
int remove_tree(int directory_fd, const char *name, uint64_t *ret_n_removed);
