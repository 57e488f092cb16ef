#include "watch/file-handle.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <string.h>

#ifndef XFS_SUPER_MAGIC
#        define XFS_SUPER_MAGIC 0x58465342
#endif

/* The types that are met here, by their names in the kernel. */
enum {
        FILEID_INO32_GEN = 0x01,
        FILEID_BTRFS_WITHOUT_PARENT = 0x4d,
        FILEID_INO64_GEN = 0x81,
};

typedef union HandleBuffer {
        struct file_handle handle;
        unsigned char space[sizeof(struct file_handle) + FILE_HANDLE_SIZE_MAX];
} HandleBuffer;

int file_handle_acquire(int fd, unsigned char buffer[static FILE_HANDLE_SIZE_MAX],
                        FileHandle *ret) {
        HandleBuffer acquired;
        int mount_id;

        acquired.handle.handle_bytes = FILE_HANDLE_SIZE_MAX;
        if (name_to_handle_at(fd, "", &acquired.handle, &mount_id, AT_EMPTY_PATH) < 0)
                return -errno;
        memcpy(buffer, acquired.handle.f_handle, acquired.handle.handle_bytes);
        *ret = (FileHandle) {
                .type = acquired.handle.handle_type,
                .size = acquired.handle.handle_bytes,
                .bytes = buffer,
        };
        return 0;
}

int file_handle_open(int mount_fd, const FileHandle *handle) {
        HandleBuffer opened;
        int fd;

        if (handle->size > FILE_HANDLE_SIZE_MAX)
                return -EINVAL;
        opened.handle.handle_bytes = handle->size;
        opened.handle.handle_type = handle->type;
        memcpy(opened.handle.f_handle, handle->bytes, handle->size);
        fd = open_by_handle_at(mount_fd, &opened.handle, O_PATH | O_CLOEXEC);
        return fd < 0 ? -errno : fd;
}

FileHandleLayout file_handle_layout(long f_type) {
        switch ((unsigned long) f_type & UINT32_MAX) {
        case EXT4_SUPER_MAGIC:
                return FILE_HANDLE_EXT4;
        case XFS_SUPER_MAGIC:
                return FILE_HANDLE_XFS;
        case BTRFS_SUPER_MAGIC:
                return FILE_HANDLE_BTRFS;
        case TMPFS_MAGIC:
                return FILE_HANDLE_TMPFS;
        default:
                return FILE_HANDLE_OPAQUE;
        }
}

static uint64_t read_u32(const unsigned char *p) {
        uint32_t value;

        memcpy(&value, p, sizeof(value));
        return value;
}

static uint64_t read_u64(const unsigned char *p) {
        uint64_t value;

        memcpy(&value, p, sizeof(value));
        return value;
}

/* Inode and generation; XFS has its own type where inode numbers may be too large for that. */
static uint64_t inode_of_xfs(const FileHandle *handle) {
        if (handle->type == FILEID_INO32_GEN && handle->size == 8)
                return read_u32(handle->bytes);
        if (handle->type == FILEID_INO64_GEN && handle->size == 12)
                return read_u64(handle->bytes);
        return 0;
}

uint64_t file_handle_inode(FileHandleLayout layout, const FileHandle *handle,
                           uint64_t *ret_subvolume) {
        *ret_subvolume = 0;

        switch (layout) {
        case FILE_HANDLE_EXT4:
                if (handle->type != FILEID_INO32_GEN || handle->size != 8)
                        return 0;
                return read_u32(handle->bytes);
        case FILE_HANDLE_XFS:
                return inode_of_xfs(handle);
        case FILE_HANDLE_BTRFS: /* inode, subvolume, generation */
                if (handle->type != FILEID_BTRFS_WITHOUT_PARENT || handle->size != 20)
                        return 0;
                *ret_subvolume = read_u64(handle->bytes + 8);
                return read_u64(handle->bytes);
        case FILE_HANDLE_TMPFS: /* generation, inode's lower and upper half */
                if (handle->type != FILEID_INO32_GEN || handle->size != 12)
                        return 0;
                return read_u32(handle->bytes + 4) | read_u32(handle->bytes + 8) << 32;
        case FILE_HANDLE_OPAQUE:
                break;
        }
        return 0;
}
