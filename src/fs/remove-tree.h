#pragma once

/* Removing an entry with all that is below it, of any depth and width, without recursion in the
 * stack, without paths and without ever leaving it: directories are entered by descriptor only
 * (O_NOFOLLOW), mount points are not crossed. A bounded number of descriptors and a bounded amount
 * of memory is held: what lies deeper is first moved up to the top of the tree that goes, and
 * directories are read in pieces. */

#include <stdint.h>

/* Removes NAME of DIRECTORY_FD. *RET_N_REMOVED (may be NULL) is increased by the entries removed.
 * Directories of ours whose mode forbids it are made writable, and closed to others. Goes on after
 * errors and returns the first one as -errno (-EBUSY: a mount point; -ENOTEMPTY: somebody keeps
 * putting things in); -ENOENT of NAME itself counts as done (0). */
int remove_tree(int directory_fd, const char *name, uint64_t *ret_n_removed);

/* The same in bounded steps: stops after LIMIT (at least 1) entries were removed or moved up. 1
 * when it stopped so, whatever failed until then: call again, and what was done need not be done
 * again. 0 when nothing is left. -errno when all is gone but what cannot be removed. *RET_BYTES
 * (may be NULL) is increased by the allocated bytes that became free: those of directories and of
 * inodes that had no other link. Both counts are right on failure as well. */
int remove_tree_some(int directory_fd, const char *name, uint64_t limit, uint64_t *ret_n_removed,
                     uint64_t *ret_bytes);
