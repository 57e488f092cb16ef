/* Healing the source, where that is asked for: the good content becomes a file without a name
 * beside the rotten one, complete and read back, and is exchanged for it. The rotten content
 * becomes a version. Who has the file open for writing keeps us away, and while the names are
 * exchanged nobody can open it so. */

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "basic/fd.h"
#include "basic/macros.h"
#include "fs/confined.h"
#include "fs/metadata.h"
#include "sync/verify.h"

/* The good one */

static int copy_from_replica(VerifyFile *file, int target_fd, Hash *ret) {
        CopyAbilities abilities = { .no_clone = true, .no_range = true };
        CopyResult result;
        Entry entry;
        int r;

        r = entry_acquire(file->fds[REPLICA], "", &entry);
        if (r < 0)
                return r;
        CopyJob job = {
                .source_fd = file->fds[REPLICA],
                .target_fd = target_fd,
                .size = entry.stamp.size,
                .want_hash = true,
                .maybe_sparse = copy_may_be_sparse(entry.stamp.size, entry.n_blocks),
                .abilities = &abilities,
                .tick = verify_tick,
                .userdata = file->thread,
        };
        r = copier_copy(file->thread->worker.copier, &job, &result, NULL);
        if (r >= 0)
                *ret = result.hash;
        return r;
}

static int take_metadata(VerifyFile *file, int target_fd) {
        Attributes attributes = ATTRIBUTES_NULL;
        unsigned shortfalls = 0;
        int r;

        r = attributes_acquire(file->fds[SOURCE], &attributes);
        if (r >= 0)
                r = metadata_apply(target_fd, &file->row->source, NULL, &attributes, &shortfalls);
        attributes_done(&attributes);
        /* The source must not lose anything by being healed. */
        return r >= 0 && shortfalls != 0 ? -EPERM : r;
}

static bool is_expected(const VerifyFile *file, const Hash *hash) {
        return !file->row->has_hash || memcmp(hash, &file->row->hash, sizeof *hash) == 0;
}

/* An unnamed file with the good content; a descriptor or -errno. */
static int make_good(VerifyFile *file) {
        _cleanup_close_ int fd = openat(file->directory_fds[SOURCE], ".",
                                        O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
        Hash hash;
        int r;

        if (fd < 0)
                return -errno;
        r = copy_from_replica(file, fd, &hash);
        if (r >= 0 && !is_expected(file, &hash))
                r = -EIO;
        if (r >= 0)
                r = take_metadata(file, fd);
        if (r >= 0 && fsync(fd) < 0)
                r = -errno;
        if (r >= 0)
                r = read_back_hash(file->thread->read_backs[SOURCE], fd, verify_tick, file->thread,
                                   &hash);
        if (r >= 0 && !is_expected(file, &hash))
                r = -EIO;
        return r < 0 ? r : TAKE_FD(fd);
}

/* The rotten one */

/* As much of it as can be read: what cannot is a hole. */
static int copy_rotten(VerifyFile *file, int target_fd) {
        Mixture mixture = { .fds = { file->fds[SOURCE], file->fds[SOURCE] },
                            .damage = &(const Damage) { .size = file->row->source.size },
                            .target_fd = target_fd };
        Hash hash;
        int r = read_back_mix(file->thread->read_backs[SOURCE], &mixture, verify_tick, file->thread,
                              &hash);

        return r == -EIO ? 0 : r;
}

static int stage_rotten(VerifyFile *file, Item *item) {
        int staging_fd = file->verify->engine->pair->store.staging_fd, r;
        _cleanup_close_ int fd = -EBADF;
        Entry entry;

        engine_stage_name(file->verify->engine, item->stage);
        fd = openat(staging_fd, item->stage,
                    O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC | O_NOCTTY, 0600);
        if (fd < 0)
                return -errno;
        r = copy_rotten(file, fd);
        if (r >= 0)
                r = take_metadata(file, fd) == -ENOMEM ? -ENOMEM : 0;
        if (r >= 0 && fsync(fd) < 0)
                r = -errno;
        if (r >= 0)
                r = entry_acquire(fd, "", &entry);
        if (r < 0) {
                (void) unlinkat(staging_fd, item->stage, 0);
                return r;
        }
        item->displaced = true;
        item->displaced_stamp = entry.stamp;
        return 0;
}

/* Exchanging */

/* Nobody may be writing now, and who wants to waits until the lease is given back: 1; 0 somebody
 * is; where there are no leases the look before and after has to do. */
static int lease(int fd) {
        return fcntl(fd, F_SETLEASE, F_RDLCK) >= 0 || errno != EAGAIN;
}

static bool lease_is_wanted(int fd) {
        int kind = fcntl(fd, F_GETLEASE);

        return kind >= 0 && kind != F_RDLCK;
}

static bool is_still(VerifyFile *file) {
        Entry entry;

        return entry_acquire(file->directory_fds[SOURCE], file->row->name, &entry) >= 0 &&
               stamp_equal(&file->row->source, &entry.stamp);
}

static int exchange(VerifyFile *file, const char *name) {
        int fd = file->directory_fds[SOURCE];

        return renameat2(fd, name, fd, file->row->name, RENAME_EXCHANGE) < 0 ? -errno : 0;
}

static int give_name(int fd, int directory_fd, const char *name) {
        char path[PROC_FD_PATH_MAX];

        if (linkat(AT_FDCWD, proc_fd_path(fd, path), directory_fd, name, AT_SYMLINK_FOLLOW) < 0)
                return -errno;
        return 0;
}

/* 1 done, 0 somebody came in between, -errno. */
static int take_place(VerifyFile *file, int good_fd) {
        int directory_fd = file->directory_fds[SOURCE], fd = file->fds[SOURCE], r;
        char name[48];

        (void) snprintf(name, sizeof name, ".rebackup-heal-%lld-%d",
                        (long long) now_usec(CLOCK_REALTIME), good_fd);
        if (!lease(fd))
                return 0;
        r = is_still(file) ? give_name(good_fd, directory_fd, name) : 0;
        if (r >= 0 && is_still(file)) {
                r = exchange(file, name);
                if (r >= 0 && lease_is_wanted(fd))
                        r = MIN(exchange(file, name), 0);
                else if (r >= 0)
                        r = 1;
        }
        (void) unlinkat(directory_fd, name, 0);
        (void) fcntl(fd, F_SETLEASE, F_UNLCK);
        return r;
}

/* The directory's times are no part of the damage. */
static int take_place_quietly(VerifyFile *file, int good_fd) {
        int directory_fd = file->directory_fds[SOURCE], r;
        Entry before;
        bool known = entry_acquire(directory_fd, "", &before) >= 0;

        r = take_place(file, good_fd);
        if (fsync(directory_fd) < 0 && r > 0)
                r = errno == EINVAL ? r : -errno;
        if (known)
                (void) metadata_set_mtime(directory_fd, before.stamp.mtime);
        return r;
}

/* The catalog learns of the new inode, and what was displaced becomes a version. */
static Item *make_item(VerifyFile *file) {
        const CatalogRow *row = file->row;
        Item *item = item_new(ITEM_ROW, file->verify->pass, file->node, row->name);

        if (!item)
                return NULL;
        item->row.parent = row->parent;
        item->row.file_system = row->file_system;
        item->row.replica = row->replica;
        item->row.has_hash = row->has_hash;
        item->row.hash = row->hash;
        item->row.flags = row->flags & ~(unsigned) CATALOG_DAMAGED;
        item->row.verified = (int64_t) now_usec(CLOCK_REALTIME);
        item->operation = OPERATION_HEAL;
        item->is_rot = true;
        item->n_bytes = row->source.size;
        return item;
}

static int publish(VerifyFile *file, int good_fd, Item *item) {
        Entry entry;
        int r = take_place_quietly(file, good_fd);

        if (r <= 0)
                return r;
        r = entry_acquire(good_fd, "", &entry);
        item->row.source = entry.stamp;
        return r < 0 ? r : 1;
}

static void push(VerifyFile *file, Item *item) {
        Engine *engine = file->verify->engine;
        ItemList list;

        item_list_init(&list);
        item_list_append(&list, item);
        (void) pthread_mutex_lock(&engine->mutex);
        file->verify->pass->n_items++;
        (void) pthread_mutex_unlock(&engine->mutex);
        batch_push(&engine->batch, &list);
}

static int replace(VerifyFile *file, int good_fd, Item *item) {
        Engine *engine = file->verify->engine;
        CatalogIdentity identity = { file->row->file_system, file->row->source.inode };
        int r = pending_claim(&engine->pending, identity);

        if (r <= 0)
                return r;
        pool_enter_node(engine, file->node);
        r = publish(file, good_fd, item);
        if (r > 0)
                push(file, item);
        pool_leave_node(engine, file->node);
        /* The new inode has an identity of its own. */
        pending_release(&engine->pending, identity);
        return r;
}

int verify_heal_source(VerifyFile *file) {
        _cleanup_close_ int good_fd = -EBADF;
        Item *item;
        int r;

        if (file->row->source.n_links > 1)
                return -EMLINK; /* some of its names may lie outside */
        good_fd = make_good(file);
        if (good_fd < 0)
                return good_fd;
        item = make_item(file);
        if (!item)
                return -ENOMEM;
        r = stage_rotten(file, item);
        if (r >= 0) {
                (void) pthread_mutex_lock(&file->verify->heal_mutex);
                r = replace(file, good_fd, item);
                (void) pthread_mutex_unlock(&file->verify->heal_mutex);
                if (r <= 0)
                        (void) unlinkat(file->verify->engine->pair->store.staging_fd, item->stage,
                                        0);
        }
        if (r <= 0)
                item_free(item);
        return r;
}
