#pragma once

/* Who a file system is, stable over reboots and device names: its UUID where it has one, else
 * f_fsid with the type, else (tmpfs and other memory file systems) type and mount source. */

#include <stdbool.h>
#include <stdint.h>

enum { FILE_SYSTEM_ID_MAX = 256 };

typedef struct FileSystemId {
        /* Such as "ext4:uuid=0c5c…", "btrfs:uuid=…,subvolume=257", "tmpfs:source=tmpfs"; printable,
         * no blanks. */
        char text[FILE_SYSTEM_ID_MAX];
} FileSystemId;

/* Identity of the file system that FD (not O_PATH) lies on. Order: the UUID, or the FAT volume
 * number, by the file system's own call (EXT4_IOC_GETFSUUID, XFS_IOC_FSGEOMETRY, BTRFS_IOC_FS_INFO,
 * FAT_IOCTL_GET_VOLUME_ID), else by FS_IOC_GETFSUUID (Linux 6.9), on btrfs with the subvolume's
 * number (BTRFS_IOC_INO_LOOKUP); then f_fsid of statfs(2); where that is zero, and for memory file
 * systems always, type and source of FD's mount in /proc/self/mountinfo. 0 or -errno. */
int file_system_id_acquire(int fd, FileSystemId *ret);

bool file_system_id_equal(const FileSystemId *a, const FileSystemId *b);

typedef enum FileSystemKind {
        FILE_SYSTEM_OTHER,
        FILE_SYSTEM_TMPFS, /* ramfs too */
        FILE_SYSTEM_BTRFS,
        FILE_SYSTEM_XFS,
        FILE_SYSTEM_EXT,
        FILE_SYSTEM_FAT, /* exfat too */
        FILE_SYSTEM_FUSE,
        FILE_SYSTEM_NFS,
} FileSystemKind;

/* What a file system can do follows from its kind; asked once per root. Any descriptor. 0 or
 * -errno. */
int file_system_kind(int fd, FileSystemKind *ret);
