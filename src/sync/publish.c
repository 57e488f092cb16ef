#include "sync/publish.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "basic/fd.h"
#include "basic/macros.h"
#include "fs/metadata.h"
#include "fs/remove-tree.h"
#include "sync/visit.h"

void publisher_init(Publisher *publisher, Engine *engine) {
        *publisher = (Publisher) { .engine = engine, .fd = -EBADF };
}

void publisher_done(Publisher *publisher) {
        for (size_t i = 0; i < publisher->n_touched; i++)
                node_unref(publisher->touched[i]);
        free(publisher->touched);
        node_unref(publisher->node);
        node_unref(publisher->failed);
        safe_close(publisher->fd);
        publisher_init(publisher, publisher->engine);
}

static int touch(Publisher *publisher, Node *node) {
        if (!node || node->touched)
                return 0;
        if (publisher->n_touched == publisher->n_allocated) {
                size_t n = MAX(publisher->n_allocated * 2, (size_t) 64);
                Node **touched = reallocarray(publisher->touched, n, sizeof *touched);
                if (!touched)
                        return -ENOMEM;
                publisher->touched = touched;
                publisher->n_allocated = n;
        }
        publisher->touched[publisher->n_touched++] = node_ref(node);
        node->touched = true;
        return 0;
}

/* The replica directory of NODE; kept open while items of one directory follow each other. Needs
 * engine->structure. */
static int enter(Publisher *publisher, Node *node) {
        if (publisher->node == node && publisher->fd >= 0)
                return 0;
        publisher->fd = safe_close(publisher->fd);
        node_unref(publisher->node);
        publisher->node = node_ref(node);
        publisher->fd = locate_replica_locked(publisher->engine, node);
        return publisher->fd < 0 ? publisher->fd : 0;
}

static int staging_fd(const Publisher *publisher) {
        return publisher->engine->pair->store.staging_fd;
}

/* Where the flags of renameat2(2) are missing (FAT, some FUSE): the old content is moved aside
 * first, so that it can still be kept or the name restored. */
static int exchange_stepwise(Publisher *publisher, Item *item) {
        char aside[STAGE_NAME_MAX];

        engine_stage_name(publisher->engine, aside);
        if (renameat(publisher->fd, item->row.name, staging_fd(publisher), aside) < 0 &&
            errno != ENOENT)
                return -errno;
        if (renameat(staging_fd(publisher), item->stage, publisher->fd, item->row.name) < 0) {
                int r = -errno;
                (void) renameat(staging_fd(publisher), aside, publisher->fd, item->row.name);
                return r;
        }
        memcpy(item->stage, aside, sizeof item->stage);
        return 0;
}

/* Without privileges, names of a directory that its own mode protects are changed by lifting that
 * mode for the moment; it is put back with the directory's times. */
static bool lift_modes(Publisher *publisher, const Item *item) {
        struct stat st;
        Entry entry;

        if (geteuid() == 0 || fstat(publisher->fd, &st) < 0 || touch(publisher, item->node) < 0)
                return false;
        (void) fchmod(publisher->fd, (st.st_mode & 07777) | S_IRWXU);
        if (item->kind == ITEM_DIRECTORY)
                (void) fchmodat(staging_fd(publisher), item->stage, S_IRWXU, 0);
        else if (item->kind == ITEM_REMOVE &&
                 entry_acquire(publisher->fd, item->row.name, &entry) >= 0 &&
                 S_ISDIR(entry.stamp.mode))
                (void) fchmodat(publisher->fd, item->row.name, S_IRWXU, AT_SYMLINK_NOFOLLOW);
        return true;
}

static int take_name(Publisher *publisher, Item *item) {
        int staging = staging_fd(publisher);

        if (renameat2(staging, item->stage, publisher->fd, item->row.name, RENAME_NOREPLACE) >= 0)
                return 0;
        if (errno == EEXIST &&
            renameat2(staging, item->stage, publisher->fd, item->row.name, RENAME_EXCHANGE) >= 0)
                return 0;
        if (errno == EINVAL || errno == ENOSYS || errno == EOPNOTSUPP)
                return exchange_stepwise(publisher, item);
        return -errno;
}

/* What is under the stage name now was in the replica before. */
static void note_displaced(Publisher *publisher, Item *item) {
        Entry old;

        item->displaced = entry_acquire(staging_fd(publisher), item->stage, &old) >= 0;
        if (item->displaced)
                item->displaced_stamp = old.stamp;
}

static int publish_entry(Publisher *publisher, Item *item) {
        Entry entry;
        int r;

        r = enter(publisher, item->node);
        if (r < 0)
                return r;
        r = take_name(publisher, item);
        if (r == -EACCES && lift_modes(publisher, item))
                r = take_name(publisher, item);
        if (r < 0)
                return r;
        note_displaced(publisher, item);
        r = entry_acquire(publisher->fd, item->row.name, &entry);
        if (r < 0)
                return r;
        item->row.replica = entry.stamp;
        return touch(publisher, item->node);
}

static int publish_directory(Publisher *publisher, Item *item) {
        Tree *tree = publisher->engine->tree;
        int r = publish_entry(publisher, item);

        if (r < 0) {
                (void) tree_set_place(tree, item->child, NODE_ABSENT, NULL);
                node_unref(publisher->failed);
                publisher->failed = node_ref(item->child);
                return r;
        }
        (void) tree_set_place(tree, item->child, NODE_IN_PARENT, NULL);
        return touch(publisher, item->child);
}

static int leave_name(Publisher *publisher, Item *item) {
        int staging = staging_fd(publisher);

        if (renameat2(publisher->fd, item->row.name, staging, item->stage, RENAME_NOREPLACE) >= 0)
                return 0;
        if (errno == EINVAL && renameat(publisher->fd, item->row.name, staging, item->stage) >= 0)
                return 0;
        return -errno;
}

static int publish_removal(Publisher *publisher, Item *item) {
        int r;

        r = enter(publisher, item->node);
        if (r >= 0) {
                r = leave_name(publisher, item);
                if (r == -EACCES && lift_modes(publisher, item))
                        r = leave_name(publisher, item);
        }
        if (r == -ENOENT) {
                /* Another look was faster, or it was renamed: then its node has moved along. */
                item->quiet = true;
                item->child = node_unref(item->child);
                return 0;
        }
        if (r < 0)
                return r;
        note_displaced(publisher, item);
        return touch(publisher, item->node);
}

static int publish(Publisher *publisher, Item *item) {
        switch (item->kind) {
        case ITEM_ENTRY:
                return publish_entry(publisher, item);
        case ITEM_DIRECTORY:
                return publish_directory(publisher, item);
        case ITEM_REMOVE:
                return publish_removal(publisher, item);
        case ITEM_MOVED: {
                int r = touch(publisher, item->from_node);
                return r < 0 ? r : touch(publisher, item->node);
        }
        case ITEM_TOUCH:
                return touch(publisher, item->node);
        case ITEM_ROW:
                return item->stamped && item->node == publisher->failed ? -ECANCELED : 0;
        case ITEM_FORGET:
        case ITEM_BIND:
                return 0;
        }
        return 0;
}

void publish_item(Publisher *publisher, Item *item) {
        if (item->result < 0)
                return;
        (void) pthread_rwlock_rdlock(&publisher->engine->structure);
        item->result = publish(publisher, item);
        (void) pthread_rwlock_unlock(&publisher->engine->structure);

        /* What could not be published leaves nothing behind. */
        if (item->result < 0 && (item->kind == ITEM_ENTRY || item->kind == ITEM_DIRECTORY) &&
            !item->displaced)
                (void) remove_tree(staging_fd(publisher), item->stage, NULL);
}

/* What the source's directory shows now: any older value could be that of a look that was overtaken
 * by another one. */
static int sample_source(Engine *engine, Node *node, Entry *ret) {
        _cleanup_close_ int fd = -EBADF;

        fd = locate_source(engine, node);
        return fd < 0 ? fd : entry_acquire(fd, "", ret);
}

static void restore(Publisher *publisher, Node *node,
                    int (*stamp)(Catalog *, int64_t, const Stamp *)) {
        _cleanup_close_ int fd = -EBADF;
        Entry source, entry;

        int64_t seen = node->mtime;

        node->touched = false;
        fd = locate_replica(publisher->engine, node);
        if (fd < 0)
                return; /* removed or renamed meanwhile: whoever finds it looks after it */
        if (sample_source(publisher->engine, node, &source) < 0) {
                /* Its rename is still to be followed. What was last seen is most likely right; the
                 * row, left as it is, has the next full pass see to it. */
                if (seen != 0)
                        (void) metadata_set_mtime(fd, seen);
                return;
        }
        if (geteuid() != 0)
                (void) fchmod(fd, source.stamp.mode & 07777);
        if (entry_acquire(fd, "", &entry) < 0)
                return;
        if (entry.stamp.mtime != source.stamp.mtime &&
            (metadata_set_mtime(fd, source.stamp.mtime) < 0 || entry_acquire(fd, "", &entry) < 0))
                return;
        if (stamp)
                (void) stamp(publisher->engine->pair->store.catalog, node->directory_id,
                             &entry.stamp);
}

void publisher_restore(Publisher *publisher, int (*stamp)(Catalog *, int64_t, const Stamp *)) {
        for (size_t i = 0; i < publisher->n_touched; i++) {
                restore(publisher, publisher->touched[i], stamp);
                node_unref(publisher->touched[i]);
        }
        publisher->n_touched = 0;
}
