#include "sync/stage.h"
#include "sync/bandwidth.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "basic/alloc.h"
#include "basic/fd.h"
#include "basic/macros.h"
#include "fs/confined.h"
#include "fs/metadata.h"
#include "fs/special.h"
#include "fs/writers.h"
#include "sync/prune.h"
#include "sync/refused-name.h"
#include "sync/tick.h"

enum { COPY_ATTEMPTS = 3 }; /* at once, before the file counts as restless */

/* A file that was written lately may be mapped: then its mtime lags behind its content. */
#define MAPPED_MTIME_AGE_NSEC (INT64_C(3600) * 1000 * 1000 * 1000)

StagePlace stage_place(Visit *visit, Item *item) {
        if (visit->staged && stage_directory_is_full(visit))
                stage_directory_finish(visit);
        if (visit->staged)
                return (StagePlace) { visit->replica_fd, item->row.name, true };
        engine_stage_name(visit->engine, item->stage);
        return (StagePlace) { visit->engine->pair->store.staging_fd, item->stage, false };
}

int stage_complete(Visit *visit, StagePlace place, Item *item, int r) {
        Entry entry;

        if (r >= 0 && place.in_place) {
                /* The directory's rename does not move the ctime of what is in it. */
                r = entry_acquire(place.directory_fd, place.name, &entry);
                item->row.replica = entry.stamp;
                item->kind = ITEM_ROW;
                item->stamped = true;
        }
        if (r < 0) {
                /* What has the name in a staged directory is another entry, which the file system
                 * does not tell from this one. */
                if (r != -EEXIST || !place.in_place)
                        (void) unlinkat(place.directory_fd, place.name, 0);
                item_free(item);
                return r;
        }
        visit_push(visit, item);
        return 0;
}

static Operation copy_operation(const Look *look, Action action) {
        if (look->source_state == STATE_SAME)
                return OPERATION_HEAL;
        return action == ACTION_CREATE ? OPERATION_COPY : OPERATION_UPDATE;
}

/* Metadata of an entry just made, open as FDS.target (O_PATH for what cannot be opened); HAVE is
 * what it has already, if known. */
typedef struct Fds {
        int source, target;
} Fds;

static int finish_metadata(Visit *visit, const Look *look, Fds fds, const Stamp *have) {
        Attributes attributes = ATTRIBUTES_NULL;
        unsigned shortfalls = 0;
        int r;

        r = attributes_acquire(fds.source, &attributes);
        if (r >= 0)
                r = metadata_apply(fds.target, &look->source.stamp, have, &attributes, &shortfalls);
        attributes_done(&attributes);
        if (r >= 0)
                visit_shortfalls(visit, look, shortfalls);
        return r;
}

static bool settle_mapped(const Visit *visit, const Look *look, int source_fd) {
        int64_t age = (int64_t) now_usec(CLOCK_REALTIME) * 1000 - look->source.stamp.mtime;
        int64_t settle = (int64_t) visit->engine->pair->config->settle * 1000;

        if (age > MAPPED_MTIME_AGE_NSEC || content_settle_mapped(source_fd) <= 0)
                return true;
        /* Somebody is at it. Named paths have had their quiet time; a listing comes upon them at
         * any moment. */
        return visit->job->kind != JOB_DIRECTORY || age >= settle || age < 0;
}

/* Whether the file has been changing for so long that its latest copy must do. */
static bool is_overdue(Visit *visit, const Look *look) {
        usec_t now = now_usec(CLOCK_MONOTONIC);

        return look->first != 0 && now >= look->first + visit->engine->pair->config->max_delay;
}

/* One attempt. 1: the source stood still, 0: it changed meanwhile, -errno. */
static int copy_once(Visit *visit, Look *look, Fds fds, const Stamp *have) {
        Pair *pair = visit->engine->pair;
        CopyResult result;
        Entry before, after;
        int r;

        if (!settle_mapped(visit, look, fds.source) && !is_overdue(visit, look))
                return -EAGAIN;
        r = entry_acquire(fds.source, "", &before);
        if (r < 0)
                return r;
        /* Another file has the name by now: what is known, and claimed, is of the one before. */
        if (before.stamp.inode != look->source.stamp.inode || before.device != look->source.device)
                return -ESTALE;
        look->source = before;
        content_await_write(fds.source);
        CopyJob job = {
                .source_fd = fds.source,
                .target_fd = fds.target,
                .size = before.stamp.size,
                .want_hash = pair->config->checksum,
                .same_device = before.device == pair->replica_root.device,
                .maybe_sparse = copy_may_be_sparse(before.stamp.size, before.n_blocks),
                .abilities = &pair->abilities,
                .tick = tick,
                .pace = bandwidth_pace,
                .userdata = visit,
        };
        r = copier_copy(visit->worker->copier, &job, &result, NULL);
        if (r < 0)
                return r;
        look->has_hash = result.has_hash;
        look->hash = result.hash;
        r = finish_metadata(visit, look, fds, have);
        if (r < 0)
                return r;
        r = entry_acquire(fds.source, "", &after);
        if (r < 0)
                return r;
        return stamp_equal(&before.stamp, &after.stamp) && result.n_bytes == before.stamp.size;
}

/* 1 copied in peace, 2 published although it changed, 0 put off, -errno. */
static int copy_content(Visit *visit, Look *look, Fds fds) {
        Entry fresh;
        unsigned n_attempts = visit->job->kind == JOB_LARGE ? 1 : COPY_ATTEMPTS;
        int r;

        /* Its group and its ACL may be what the directory passes on. */
        r = entry_acquire(fds.target, "", &fresh);
        if (r < 0)
                return r;
        fresh.stamp.mtime = INT64_MIN; /* writing moves it */
        for (unsigned i = 0; i < n_attempts; i++) {
                if (i > 0 && ftruncate(fds.target, 0) < 0)
                        return -errno;
                r = copy_once(visit, look, fds, i == 0 ? &fresh.stamp : NULL);
                if (r != 0)
                        return r;
        }
        return is_overdue(visit, look) ? 2 : 0;
}

static int stage_regular(Visit *visit, Look *look, StagePlace place) {
        _cleanup_close_ int source_fd = -EBADF, target_fd = -EBADF;
        int r;

        source_fd = confined_open_content(visit->source_fd, look->name);
        if (source_fd < 0)
                return source_fd;
        /* Nobody else gets to staging, so the mode may be there before the owner is right; which
         * saves setting it for most files. */
        target_fd = openat(place.directory_fd, place.name,
                           O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC | O_NOCTTY,
                           look->source.stamp.mode & 0777);
        if (target_fd < 0)
                return -errno;
        r = copy_content(visit, look, (Fds) { source_fd, target_fd });
        if (r > 0) {
                int q = flush_file(&visit->engine->pair->flush, target_fd);

                r = q < 0 ? q : r;
        }
        return r == 0 ? -EAGAIN : r;
}

/* A symbolic link, FIFO, socket or device node: made anew, never opened but as a path. */
static int stage_special(Visit *visit, Look *look, StagePlace place) {
        _cleanup_close_ int source_fd = -EBADF, fd = -EBADF;
        _cleanup_free_ char *target = NULL;
        unsigned shortfalls = 0;
        int r;

        if (S_ISLNK(look->source.stamp.mode)) {
                r = symlink_read(visit->source_fd, look->name, &target);
                if (r >= 0)
                        r = look_hash_target(visit, look, target);
                if (r < 0)
                        return r;
        }
        r = special_create(place.directory_fd, place.name, &look->source.stamp, target,
                           &shortfalls);
        visit_shortfalls(visit, look, shortfalls);
        if (r < 0)
                return r;
        source_fd = confined_open_child(visit->source_fd, look->name, O_PATH);
        if (source_fd < 0)
                return source_fd;
        fd = confined_open_child(place.directory_fd, place.name, O_PATH);
        if (fd < 0)
                return fd;
        r = finish_metadata(visit, look, (Fds) { source_fd, fd }, NULL);
        return r < 0 ? r : 1;
}

/* While there are versions to drop, a full disk is no reason to fail. */
static int stage_content(Visit *visit, Look *look, StagePlace place) {
        int r;

        for (;;) {
                r = S_ISREG(look->source.stamp.mode) ? stage_regular(visit, look, place)
                                                     : stage_special(visit, look, place);
                if (r != -ENOSPC && r != -EDQUOT)
                        return r;
                (void) unlinkat(place.directory_fd, place.name, 0);
                if (prune_make_room(visit->engine) <= 0)
                        return r;
        }
}

/* The source's content rotted and the replica has the good one: that stays, with the metadata that
 * it should have. What was staged goes. */
static int keep_replica(Visit *visit, Look *look, StagePlace place, Item *item) {
        (void) unlinkat(place.directory_fd, place.name, 0);
        item_free(item);
        visit_rotten(visit, look);
        return perform(visit, look, ACTION_METADATA);
}

int stage_entry(Visit *visit, Look *look, Action action) {
        usec_t began = now_usec(CLOCK_MONOTONIC);
        StagePlace place;
        Item *item;
        int r;

        /* Once it is known that there are such names nothing is copied in vain. */
        if (!look->has_replica && atomic_load(&visit->engine->refuses_names) &&
            name_is_refused(visit->engine, look->name, -EINVAL))
                return -EINVAL;
        if (look->first == 0)
                look->first = began;
        item = visit_item(visit, look, ITEM_ENTRY);
        if (!item)
                return -ENOMEM;
        item->operation = copy_operation(look, action);
        place = stage_place(visit, item);
        r = stage_content(visit, look, place);
        if (r == -EAGAIN)
                visit_restless(visit, look);
        if (r > 0 && look->has_row) {
                int q = look_find_rot(visit, look);

                if (q > 0)
                        return keep_replica(visit, look, place, item);
                r = q < 0 ? q : r;
        }
        item->row.source = look->source.stamp;
        item->row.has_hash = look->has_hash;
        item->row.hash = look->hash;
        item->row.flags |= r == 2 ? CATALOG_UNSTABLE : 0;
        if (look->is_rotten)
                item->row.flags |= CATALOG_SOURCE_ROTTEN | CATALOG_REPLICA_ROTTEN;
        item->n_bytes = S_ISREG(look->source.stamp.mode) ? look->source.stamp.size : 0;
        item->duration = now_usec(CLOCK_MONOTONIC) - began;
        item->is_copied = r > 0 && S_ISREG(look->source.stamp.mode);
        item->claimed = look->claimed;
        item->revisit = look->claimed;
        r = stage_complete(visit, place, item, r);
        if (r >= 0)
                look->claimed = false;
        /* Put off, or told and counted as what the replica cannot hold. */
        return r == -EAGAIN || (r == -EOPNOTSUPP && !S_ISREG(look->source.stamp.mode)) ? 0 : r;
}
