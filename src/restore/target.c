#include "restore/target.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "basic/alloc.h"
#include "basic/fd.h"
#include "basic/string-util.h"
#include "fs/confined.h"
#include "fs/listing.h"
#include "fs/metadata.h"
#include "fs/special.h"
#include "restore/content.h"
#include "restore/layers.h"

void target_done(Target *target) {
        free(target->parent);
        safe_close(target->root_fd);
        safe_close(target->parent_fd);
        if (target->copier)
                copier_free(target->copier);
        groups_free(target->groups);
        free(target->entered.items);
        *target = TARGET_NULL;
}

int target_tick(uint64_t n_bytes, void *userdata) {
        const Target *target = userdata;

        (void) n_bytes;
        return target->request->go_on ? target->request->go_on(target->request->userdata) : 0;
}

/* Whether FD is the directory that was entered last, if that is known. */
static int check_entered(const Target *target, int fd) {
        const Entered *top = entered_top(&target->entered);
        Entry entry;
        int r;

        if (!top || top->inode == 0)
                return 0;
        r = entry_acquire(fd, "", &entry);
        if (r < 0)
                return r;
        return entry.device == top->device && entry.stamp.inode == top->inode ? 0 : -ESTALE;
}

int target_open_parent(Target *target, const RestoreItem *item, const char **ret_name) {
        const char *path = target_path(target, item), *slash = strrchr(path, '/');
        _cleanup_free_ char *parent = NULL;
        _cleanup_close_ int fd = -EBADF;
        int r;

        *ret_name = slash ? slash + 1 : path;
        parent = slash ? strndup(path, (size_t) (slash - path)) : strdup("");
        if (!parent)
                return -ENOMEM;
        if (target->parent && streq(parent, target->parent))
                return target->parent_fd;

        fd = confined_open_directory(target->root_fd, parent);
        r = fd < 0 ? fd : check_entered(target, fd);
        if (r < 0)
                return r;
        free(target->parent);
        target->parent = TAKE_PTR(parent);
        safe_close(target->parent_fd);
        target->parent_fd = TAKE_FD(fd);
        return target->parent_fd;
}

static int give_metadata(int fd, const RestoreItem *item, const Stamp *have, unsigned *shortfalls) {
        _cleanup_(attributes_done) Attributes attributes = ATTRIBUTES_NULL;
        int r = 0;

        /* A frame is ours: what it carries says nothing of the directory. */
        if (item->version != LAYER_NONE)
                r = attributes_acquire(item->fd, &attributes);
        return r < 0 ? r : metadata_apply(fd, &item->entry.stamp, have, &attributes, shortfalls);
}

static int make_regular(Target *target, const RestoreItem *item, int directory_fd,
                        const char *temporary, unsigned *shortfalls) {
        _cleanup_close_ int source_fd = -EBADF, fd = -EBADF;
        CopyResult result;
        Entry made;
        int r;

        source_fd = content_open(item->fd);
        if (source_fd < 0)
                return source_fd;
        fd = openat(directory_fd, temporary,
                    O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC | O_NOCTTY, 0600);
        if (fd < 0)
                return -errno;
        r = entry_acquire(fd, "", &made);
        if (r < 0)
                return r;
        CopyJob job = {
                .source_fd = source_fd,
                .target_fd = fd,
                .size = item->entry.stamp.size,
                .maybe_sparse = copy_may_be_sparse(item->entry.stamp.size, item->entry.n_blocks),
                .same_device = made.device == item->entry.device,
                .abilities = &target->abilities,
                .tick = target_tick,
                .userdata = target,
        };
        r = copier_copy(target->copier, &job, &result, NULL);
        if (r < 0)
                return r;
        if (result.n_bytes != item->entry.stamp.size)
                return -ESTALE;
        r = give_metadata(fd, item, NULL, shortfalls);
        if (r < 0)
                return r;
        if (target->flush_each && fsync(fd) < 0)
                return -errno;
        /* What it is to replace must not go before it is safe itself. */
        return target->request->force && fdatasync(fd) < 0 ? -errno : 0;
}

static int make_special(const RestoreItem *item, int directory_fd, const char *temporary,
                        unsigned *shortfalls) {
        _cleanup_close_ int fd = -EBADF;
        _cleanup_free_ char *link = NULL;
        Entry made;
        int r;

        if (S_ISLNK(item->entry.stamp.mode)) {
                r = symlink_read(item->fd, "", &link);
                if (r < 0)
                        return r;
        }
        r = special_create(directory_fd, temporary, &item->entry.stamp, link, shortfalls);
        if (r < 0)
                return r;
        fd = confined_open_child(directory_fd, temporary, O_PATH);
        r = fd < 0 ? fd : entry_acquire(fd, "", &made);
        if (r < 0)
                return r;
        /* Somebody who may write here put something else in its place. */
        if (mode_type(made.stamp.mode) != mode_type(item->entry.stamp.mode) ||
            made.stamp.rdev != item->entry.stamp.rdev)
                return -ESTALE;
        return give_metadata(fd, item, NULL, shortfalls);
}

int target_make(Target *target, const RestoreItem *item, int directory_fd, const char *temporary,
                unsigned *shortfalls) {
        int r;

        r = S_ISREG(item->entry.stamp.mode)
                    ? make_regular(target, item, directory_fd, temporary, shortfalls)
                    : make_special(item, directory_fd, temporary, shortfalls);
        if (r < 0)
                (void) unlinkat(directory_fd, temporary, 0);
        return r;
}

int target_link(Target *target, const GroupPlace *first, int directory_fd, const char *temporary) {
        _cleanup_close_ int fd = -EBADF;
        char path[PROC_FD_PATH_MAX];
        Entry entry;
        int r;

        fd = confined_open(target->root_fd, first->path, O_PATH);
        r = fd < 0 ? fd : entry_acquire(fd, "", &entry);
        if (r == -ENOMEM)
                return r;
        /* Somebody put something else there meanwhile. */
        if (r < 0 || entry.device != first->device || entry.stamp.inode != first->inode)
                return 0;
        return linkat(AT_FDCWD, proc_fd_path(fd, path), directory_fd, temporary,
                      AT_SYMLINK_FOLLOW) >= 0;
}

static int open_directory(int directory_fd, const char *name, Entry *ret) {
        _cleanup_close_ int fd = -EBADF;
        int r;

        fd = confined_open(directory_fd, name, O_RDONLY | O_DIRECTORY | O_NONBLOCK);
        r = fd < 0 ? fd : entry_acquire(fd, "", ret);
        return r < 0 ? r : TAKE_FD(fd);
}

int target_claim_directory(int directory_fd, const char *name, Entered *entered) {
        Listing listing = LISTING_NULL;
        _cleanup_close_ int fd = -EBADF;
        bool is_empty;
        Entry entry;
        int r;

        fd = open_directory(directory_fd, name, &entry);
        if (fd < 0)
                return fd;
        r = listing_read(&listing, fd);
        is_empty = listing.n_entries == 0;
        listing_done(&listing);
        if (r < 0)
                return r;
        if (!is_empty)
                return -ESTALE;
        entered->device = entry.device;
        entered->inode = entry.stamp.inode;
        return 0;
}

int target_finish_directory(int directory_fd, const char *name, const Entered *entered,
                            const RestoreItem *item, unsigned *shortfalls) {
        _cleanup_close_ int fd = -EBADF;
        Entry entry;

        fd = open_directory(directory_fd, name, &entry);
        if (fd < 0)
                return fd;
        if (entry.device != entered->device || entry.stamp.inode != entered->inode)
                return -ESTALE;
        return give_metadata(fd, item, &entry.stamp, shortfalls);
}
