#pragma once

/* Whether two directories share a tree, however they are reached: by symbolic links, bind mounts,
 * or a second mount of one file system. Changes nothing. */

#include "sync/location.h"

typedef enum Overlap {
        OVERLAP_NONE = 0,
        OVERLAP_SAME = 1, /* one and the same directory */
        OVERLAP_A_IN_B = 2,
        OVERLAP_B_IN_A = 3,
        OVERLAP_MOUNTED = 4, /* a mount inside one of them shows the other, or a part of it */
} Overlap;

/* Compares A and B in two ways, each of which sees what the other cannot: by going up from each
 * with ".." and comparing (device, inode), and by mapping each to its place within its file system
 * with /proc/self/mountinfo (proc_pid_mountinfo(5)), together with whatever is mounted below it.
 * Missing directories are taken as if they were there. An Overlap or -errno. */
int overlap_find(const Location *a, const Location *b);
