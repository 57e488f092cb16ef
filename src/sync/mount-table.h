#pragma once

/* The mounts that this process sees, sampled once from /proc/self/mountinfo: which part of which
 * file system shows where. */

#include <stddef.h>
#include <stdint.h>

typedef struct Mount {
        uint64_t id;
        uint64_t device; /* makedev(3) number of the file system as a whole: one for all subvolumes
                            of a btrfs */
        char *root;  /* what of the file system is mounted, as a path within it; owned, as is the
                        next */
        char *point; /* where */
} Mount;

typedef struct MountTable {
        Mount *mounts;
        size_t n_mounts;
} MountTable;

/* 0 or -errno. Source: proc_pid_mountinfo(5). */
int mount_table_load(MountTable *ret);
void mount_table_done(MountTable *table);

/* The mount through which FD was opened; NULL when the kernel does not tell (before Linux 5.8,
 * statx(2)). */
const Mount *mount_table_find(const MountTable *table, int fd);
