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
#include "fs/rename.h"
#include "sync/refused-name.h"
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

static int find_row(Publisher *publisher, const Node *node, CatalogRow *row) {
        CatalogReader *reader;
        int r = worker_reader(&publisher->engine->committer_worker, &reader);

        return r < 0 ? r : catalog_reader_by_directory(reader, node->directory_id, row);
}

/* Whether the replica's directory has changed since it was recorded. Our own changes move its ctime
 * as well: what somebody did to its attributes would not show any more afterwards. A new directory
 * has no row yet. */
static bool was_changed(Publisher *publisher, Node *node) {
        _cleanup_(catalog_row_done) CatalogRow row = CATALOG_ROW_NULL;
        _cleanup_close_ int own_fd = -EBADF;
        int fd = publisher->node == node ? publisher->fd : -EBADF;
        Entry entry;

        if (find_row(publisher, node, &row) < 0)
                return false;
        if (fd < 0)
                fd = own_fd = locate_replica_locked(publisher->engine, node);
        return fd >= 0 && entry_acquire(fd, "", &entry) >= 0 &&
               entry.stamp.ctime != row.replica.ctime;
}

/* Needs engine->structure. */
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
        node->strange = was_changed(publisher, node);
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
        return publisher->fd < 0 ? publisher->fd : touch(publisher, node);
}

static int staging_fd(const Publisher *publisher) {
        return publisher->engine->pair->store.staging_fd;
}

/* What is under the stage name now was in the replica before. */
static void note_displaced(Publisher *publisher, Item *item) {
        Entry old;

        item->displaced = entry_acquire(staging_fd(publisher), item->stage, &old) >= 0;
        if (item->displaced)
                item->displaced_stamp = old.stamp;
}

/* Whether what was displaced is what the look saw; a directory's content is looked at on its way
 * out. */
static bool is_as_seen(const Item *item, const Stamp *stamp) {
        const Stamp *seen = &item->seen;

        if (!item->is_guarded)
                return true;
        return S_ISDIR(stamp->mode) ? S_ISDIR(seen->mode) && stamp->inode == seen->inode
                                    : stamp_content_equal(stamp, seen) && stamp->mode == seen->mode;
}

/* Where RENAME_EXCHANGE is missing (FAT, some FUSE). A file gets a second name in staging, ASIDE,
 * and is then replaced, so that its name is there at any moment. 1, 0 when that cannot be: links
 * are refused, or one of both is a directory. */
static int replace_linked(Publisher *publisher, const Item *item, const char *aside) {
        int staging = staging_fd(publisher);

        if (linkat(publisher->fd, item->row.name, staging, aside, 0) < 0)
                return 0;
        if (renameat(staging, item->stage, publisher->fd, item->row.name) >= 0) {
                /* Of two names of one file the rename leaves both. */
                (void) unlinkat(staging, item->stage, 0);
                return 1;
        }
        (void) unlinkat(staging, aside, 0);
        return 0;
}

/* What has no links is moved aside, so that it can still be kept or get its name back; for a moment
 * the name is missing. If somebody took it in between, the item fails and the old content, which
 * has no place any more, becomes a version. */
static int replace_moved(Publisher *publisher, Item *item, const char *aside) {
        int staging = staging_fd(publisher), r;
        bool is_aside;

        is_aside = renameat(publisher->fd, item->row.name, staging, aside) >= 0;
        if (!is_aside && errno != ENOENT)
                return -errno;
        r = rename_new(staging, item->stage, publisher->fd, item->row.name);
        if (r >= 0)
                return 1;
        if (!is_aside || rename_new(staging, aside, publisher->fd, item->row.name) >= 0)
                return r;
        (void) remove_tree(staging, item->stage, NULL);
        memcpy(item->stage, aside, sizeof item->stage);
        note_displaced(publisher, item);
        return r;
}

static int exchange_stepwise(Publisher *publisher, Item *item) {
        char aside[STAGE_NAME_MAX];
        int r;

        if (item->displaces_foreign)
                engine_stage_name_foreign(publisher->engine, aside);
        else
                engine_stage_name(publisher->engine, aside);
        r = replace_linked(publisher, item, aside);
        if (r == 0)
                r = replace_moved(publisher, item, aside);
        if (r > 0)
                memcpy(item->stage, aside, sizeof item->stage);
        return MIN(r, 0);
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
                ignore_result(fchmodat(staging_fd(publisher), item->stage, S_IRWXU, 0));
        else if (item->kind == ITEM_REMOVE &&
                 entry_acquire(publisher->fd, item->row.name, &entry) >= 0 &&
                 S_ISDIR(entry.stamp.mode))
                ignore_result(
                        fchmodat(publisher->fd, item->row.name, S_IRWXU, AT_SYMLINK_NOFOLLOW));
        return true;
}

static bool is_as_seen_under_name(const Publisher *publisher, const Item *item) {
        Entry entry;

        return entry_acquire(publisher->fd, item->row.name, &entry) >= 0 &&
               is_as_seen(item, &entry.stamp);
}

/* Somebody was faster: both have their names again. */
static int undo_unless_seen(Publisher *publisher, const Item *item) {
        int staging = staging_fd(publisher);
        Entry entry;

        if (entry_acquire(staging, item->stage, &entry) >= 0 && is_as_seen(item, &entry.stamp))
                return 0;
        (void) renameat2(staging, item->stage, publisher->fd, item->row.name, RENAME_EXCHANGE);
        return -EBUSY;
}

static int take_name(Publisher *publisher, Item *item) {
        int staging = staging_fd(publisher), r;

        r = rename_new(staging, item->stage, publisher->fd, item->row.name);
        if (r != -EEXIST)
                return r;
        if (!item->had_replica && name_is_folded(publisher->fd, item->row.name))
                return -ENOTUNIQ;
        if (item->is_guarded && (!item->is_seen || !is_as_seen_under_name(publisher, item)))
                return -EBUSY;
        /* Never under a name that a crash would have it removed by. */
        if (item->displaces_foreign)
                return exchange_stepwise(publisher, item);
        if (renameat2(staging, item->stage, publisher->fd, item->row.name, RENAME_EXCHANGE) < 0)
                return rename_lacks_flags(errno) ? exchange_stepwise(publisher, item) : -errno;
        return item->is_guarded ? undo_unless_seen(publisher, item) : 0;
}

/* Whoever was at it since it got its name must not pass for known. */
static bool is_as_staged(const Stamp *staged, const Stamp *published) {
        return stamp_content_equal(staged, published) && staged->mode == published->mode &&
               staged->uid == published->uid && staged->gid == published->gid;
}

static int publish_entry(Publisher *publisher, Item *item) {
        Entry staged, entry;
        bool is_known;
        int r;

        r = enter(publisher, item->node);
        if (r < 0)
                return r;
        is_known = entry_acquire(staging_fd(publisher), item->stage, &staged) >= 0;
        r = take_name(publisher, item);
        if (r == -EACCES && !item->displaced && lift_modes(publisher, item))
                r = take_name(publisher, item);
        if (r < 0)
                return r;
        note_displaced(publisher, item);
        r = entry_acquire(publisher->fd, item->row.name, &entry);
        if (r < 0)
                return r;
        item->row.replica = entry.stamp;
        /* It was linked there before. */
        if (item->displaced && item->displaced_stamp.inode == entry.stamp.inode)
                item->redundant = true;
        if (is_known && !is_as_staged(&staged.stamp, &entry.stamp))
                item->row.replica.ctime = 0;
        return touch(publisher, item->node);
}

/* The names that this batch has made in directories so far. */
static int flush_touched(const Publisher *publisher) {
        const Flush *flush = &publisher->engine->pair->flush;
        int r = 0;

        for (size_t i = 0; flush->each && r >= 0 && i < publisher->n_touched; i++) {
                _cleanup_close_ int fd = locate_replica_locked(publisher->engine,
                                                               publisher->touched[i]);

                r = fd < 0 ? 0 : flush_directory(flush, fd);
        }
        return r;
}

static int publish_directory(Publisher *publisher, Item *item) {
        Tree *tree = publisher->engine->tree;
        int r;

        /* What takes the place of a directory brings others along, which may be of this batch. */
        r = item->has_displaced_row ? flush_touched(publisher) : 0;
        if (r >= 0)
                r = publish_entry(publisher, item);
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
        return rename_new(publisher->fd, item->row.name, staging_fd(publisher), item->stage);
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
        if (item->displaced && !is_as_seen(item, &item->displaced_stamp) &&
            rename_new(staging_fd(publisher), item->stage, publisher->fd, item->row.name) >= 0) {
                item->displaced = false;
                return -EBUSY;
        }
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

static bool has_same_owner(const Stamp *a, const Stamp *b) {
        return a->mode == b->mode && a->uid == b->uid && a->gid == b->gid;
}

typedef enum Ownership {
        OWNERSHIP_OTHERS,
        OWNERSHIP_UNKNOWN,
        OWNERSHIP_OURS,
} Ownership;

/* Whether the replica's directory is as we left it, or as the source's is. What somebody else did
 * to it, or what the source's became meanwhile, must not pass for known. A new directory has no
 * row yet: where the replica cannot hold its owner, it would be healed in vain each time. */
static Ownership ownership(Publisher *publisher, Node *node, const Stamp *source,
                           const Stamp *replica) {
        _cleanup_(catalog_row_done) CatalogRow row = CATALOG_ROW_NULL;

        if (has_same_owner(source, replica))
                return node->strange ? OWNERSHIP_UNKNOWN : OWNERSHIP_OURS;
        if (find_row(publisher, node, &row) < 0)
                return OWNERSHIP_OURS;
        if (!has_same_owner(&row.replica, replica))
                return OWNERSHIP_OTHERS;
        return node->strange ? OWNERSHIP_UNKNOWN : OWNERSHIP_OURS;
}

static void restore_times(Publisher *publisher, Node *node, int fd,
                          int (*stamp)(Catalog *, int64_t, const Stamp *)) {
        int64_t seen = node->mtime;
        Entry source, entry;
        Ownership owned;

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
        owned = ownership(publisher, node, &source.stamp, &entry.stamp);
        /* A ctime that no entry has makes the next look go into it. */
        if (owned == OWNERSHIP_UNKNOWN)
                entry.stamp.ctime = 0;
        if (stamp && owned != OWNERSHIP_OTHERS)
                (void) stamp(publisher->engine->pair->store.catalog, node->directory_id,
                             &entry.stamp);
}

static int restore(Publisher *publisher, Node *node,
                   int (*stamp)(Catalog *, int64_t, const Stamp *)) {
        _cleanup_close_ int fd = -EBADF;

        node->touched = false;
        fd = locate_replica(publisher->engine, node);
        if (fd < 0)
                return 0; /* removed or renamed meanwhile: whoever finds it looks after it */
        restore_times(publisher, node, fd, stamp);
        return flush_directory(&publisher->engine->pair->flush, fd);
}

int publisher_restore(Publisher *publisher, int (*stamp)(Catalog *, int64_t, const Stamp *)) {
        int r = 0;

        for (size_t i = 0; i < publisher->n_touched; i++) {
                int q = restore(publisher, publisher->touched[i], stamp);

                r = r < 0 ? r : q;
        }
        return r;
}
