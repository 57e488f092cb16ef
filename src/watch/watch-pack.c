#include "watch/watch-pack.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "basic/alloc.h"
#include "basic/fd.h"
#include "basic/string-util.h"
#include "watch/fanotify-marks-pack.h"
#include "watch/watch-internal.h"

/* How a node is watched. */
typedef enum SlotKind {
        SLOT_KIND_NONE,
        SLOT_KIND_DESCRIPTOR,
        SLOT_KIND_HANDLE,
        SLOT_KIND_REFUSED,
        _SLOT_KIND_MAX,
} SlotKind;

WatchDescriptors watch_descriptors(const Watch *watch) {
        return (WatchDescriptors) {
                .inotify_fd = watch->inotify_fd,
                .fanotify_fd = watch->marks ? fanotify_marks_fd(watch->marks) : -EBADF,
        };
}

/* Saving */

void watch_save(const Watch *watch, Packer *packer) {
        pack_number(packer, watch->options.backend);
        pack_number(packer, watch->options.skip_own);
        pack_number(packer, watch->skips_own);
        pack_number(packer, watch->marks != NULL);
        if (watch->marks)
                fanotify_marks_save(watch->marks, packer);
}

static void save_handle(const DirectoryHandle *handle, Packer *packer) {
        pack_number(packer, handle->file_system);
        pack_bytes(packer, handle->bytes, handle->size);
}

void watch_save_node(const Watch *watch, const Node *node, Packer *packer) {
        uint64_t slot = node->watch_slots[watch->options.side];

        if (slot_is_descriptor(slot)) {
                pack_number(packer, SLOT_KIND_DESCRIPTOR);
                pack_number(packer, (uint32_t) slot_descriptor(slot));
        } else if (slot_is_handle(slot)) {
                pack_number(packer, SLOT_KIND_HANDLE);
                save_handle(slot_handle(slot), packer);
        } else if (slot == slot_from_refusal(watch->refusal_round))
                pack_number(packer, SLOT_KIND_REFUSED);
        else
                pack_number(packer, SLOT_KIND_NONE);
}

/* Loading */

/* Whether FD is what the kernel shows as KIND, and does not block. */
static bool is_descriptor_of(int fd, const char *kind) {
        char path[sizeof("/proc/self/fd/") + 3 * sizeof(int)], target[64];
        ssize_t n;
        int flags;

        (void) snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
        n = readlink(path, target, sizeof(target) - 1);
        if (n < 0)
                return false;
        target[n] = '\0';
        flags = fcntl(fd, F_GETFL);
        return streq(target, kind) && flags >= 0 && flags & O_NONBLOCK;
}

static bool descriptors_fit(const Watch *watch, const WatchDescriptors *descriptors) {
        if (!is_descriptor_of(descriptors->inotify_fd, "anon_inode:inotify"))
                return false;
        return watch->marks ? is_descriptor_of(descriptors->fanotify_fd, "anon_inode:[fanotify]")
                            : descriptors->fanotify_fd < 0;
}

static int load(Watch *watch, Unpacker *unpacker) {
        watch->options.backend = unpack_number(unpacker, _WATCH_BACKEND_MAX - 1);
        watch->options.skip_own = unpack_flag(unpacker);
        watch->skips_own = unpack_flag(unpacker);
        if (unpack_flag(unpacker) != (watch->options.backend != WATCH_BACKEND_INOTIFY))
                return unpack_refuse(unpacker);
        if (watch->options.backend == WATCH_BACKEND_INOTIFY)
                return unpacker->error;
        return fanotify_marks_load(unpacker, &watch->marks);
}

/* Events that wait are not of this process's doing, though one that ended may have had its number.
 */
static int adopt(Watch *watch, WatchDescriptors *descriptors) {
        int r;

        watch->inotify_fd = descriptors->inotify_fd;
        watch->has_inherited = true;
        if (watch->marks) {
                fanotify_marks_adopt(watch->marks, descriptors->fanotify_fd);
                r = watch_join_descriptors(watch);
                if (r < 0) {
                        watch->inotify_fd = -EBADF;
                        fanotify_marks_adopt(watch->marks, -EBADF);
                        return r;
                }
        }
        descriptors->inotify_fd = descriptors->fanotify_fd = -EBADF;
        return 0;
}

int watch_load(WatchSide side, Unpacker *unpacker, WatchDescriptors *descriptors, Watch **ret) {
        Watch *watch;
        int r;

        r = watch_make(&(WatchOptions) { .side = side }, &watch);
        if (r < 0)
                return r;
        r = load(watch, unpacker);
        if (r >= 0 && !descriptors_fit(watch, descriptors))
                r = -EBADMSG;
        if (r >= 0)
                r = adopt(watch, descriptors);
        if (r < 0) {
                watch_free(watch);
                return r;
        }
        *ret = watch;
        return 0;
}

static int load_handle(const Watch *watch, Unpacker *unpacker, uint64_t *ret_slot) {
        DirectoryHandle *handle;
        uint8_t file_system;
        const void *bytes;
        size_t size;

        file_system = unpack_number(unpacker, UINT8_MAX);
        bytes = unpack_bytes(unpacker, FILE_HANDLE_SIZE_MAX, &size);
        if (!bytes || !watch->marks)
                return unpack_refuse(unpacker);
        handle = malloc(sizeof(*handle) + size);
        if (!handle)
                return -ENOMEM;
        handle->file_system = file_system;
        handle->size = size;
        memcpy(handle->bytes, bytes, size);
        if (!fanotify_marks_has(watch->marks, handle)) {
                free(handle);
                return unpack_refuse(unpacker);
        }
        *ret_slot = slot_from_handle(handle);
        return 0;
}

static int set_slot(Watch *watch, Node *node, uint64_t slot) {
        int r;

        r = watch_map_find(watch, slot) ? -EBADMSG : hash_index_reserve(&watch->nodes, 1);
        if (r >= 0) {
                (void) watch_map_set(watch, node, slot);
                return 0;
        }
        if (slot_is_handle(slot))
                free((void *) slot_handle(slot));
        return r;
}

int watch_load_node(Watch *watch, Node *node, Unpacker *unpacker) {
        uint64_t slot = SLOT_EMPTY;
        int r;

        switch (unpack_number(unpacker, _SLOT_KIND_MAX - 1)) {
        case SLOT_KIND_DESCRIPTOR:
                slot = slot_from_descriptor((int) unpack_number(unpacker, INT32_MAX));
                r = unpacker->error;
                break;
        case SLOT_KIND_HANDLE:
                r = load_handle(watch, unpacker, &slot);
                break;
        case SLOT_KIND_REFUSED:
                (void) watch_map_refuse(watch, node);
                return 0;
        default:
                return unpacker->error;
        }
        return r < 0 ? r : set_slot(watch, node, slot);
}
