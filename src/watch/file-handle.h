#pragma once

/* File handles, as the kernel names a file to those who cannot hold it open. They are compared byte
 * by byte and never opened to find a path; of the file systems that are known here they give the
 * inode's number. */

#include <stdint.h>
#include <sys/types.h>

enum { FILE_HANDLE_SIZE_MAX = 128 }; /* MAX_HANDLE_SZ */

/* A view of a handle that lies elsewhere. */
typedef struct FileHandle {
        int type;
        unsigned size; /* 0: none */
        const unsigned char *bytes;
} FileHandle;

/* Gives *RET the handle of what is open as FD (O_PATH too), in BUFFER. 0; -EOPNOTSUPP or -EOVERFLOW
 * where the file system has none that fits; -errno. Source: name_to_handle_at(2). */
int file_handle_acquire(int fd, unsigned char buffer[static FILE_HANDLE_SIZE_MAX], FileHandle *ret);

/* Opens (O_PATH) what HANDLE names on the file system that MOUNT_FD lies on. A descriptor; -ESTALE
 * when it is gone, -EPERM without CAP_DAC_READ_SEARCH, -errno. Source: open_by_handle_at(2). */
int file_handle_open(int mount_fd, const FileHandle *handle);

/* What is in a file system's handles. */
typedef enum FileHandleLayout {
        FILE_HANDLE_OPAQUE,
        FILE_HANDLE_EXT4,
        FILE_HANDLE_XFS,
        FILE_HANDLE_BTRFS,
        FILE_HANDLE_TMPFS,
} FileHandleLayout;

/* That of the file system with the magic number F_TYPE. Source: statfs(2). */
FileHandleLayout file_handle_layout(long f_type);

/* The inode's number; 0 when LAYOUT or the type of HANDLE is not known. Where inode numbers are a
 * subvolume's own, *RET_SUBVOLUME tells which, else 0. Source: enum fid_type of the kernel's
 * linux/exportfs.h, shmem_encode_fh, xfs_fs_encode_fh, btrfs_encode_fh. */
uint64_t file_handle_inode(FileHandleLayout layout, const FileHandle *handle,
                           uint64_t *ret_subvolume);
