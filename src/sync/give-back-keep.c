/* What is about to go from the source becomes a version, as what goes from the replica does: a copy
 * of it, since the versions are on the replica's file system. */

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "basic/alloc.h"
#include "basic/fd.h"
#include "basic/macros.h"
#include "fs/confined.h"
#include "fs/metadata.h"
#include "fs/special.h"
#include "sync/bandwidth.h"
#include "sync/give-back.h"
#include "sync/keep.h"
#include "sync/prune.h"
#include "sync/tick.h"

static int copy_metadata(const GiveBackKeep *what, int source_fd, int fd) {
        Attributes attributes = ATTRIBUTES_NULL;
        unsigned shortfalls = 0;
        int r = attributes_acquire(source_fd, &attributes);

        if (r >= 0)
                r = metadata_apply(fd, &what->entry->stamp, NULL, &attributes, &shortfalls);
        attributes_done(&attributes);
        return r;
}

static int copy_regular(Visit *visit, const GiveBackKeep *what, const char *stage) {
        Pair *pair = visit->engine->pair;
        _cleanup_close_ int source_fd = -EBADF, fd = -EBADF;
        CopyResult result;
        int r;

        source_fd = confined_open_content(what->directory_fd, what->name);
        if (source_fd < 0)
                return source_fd;
        fd = openat(pair->store.staging_fd, stage,
                    O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC | O_NOCTTY, 0600);
        if (fd < 0)
                return -errno;
        CopyJob job = {
                .source_fd = source_fd,
                .target_fd = fd,
                .size = what->entry->stamp.size,
                .same_device = what->entry->device == pair->replica_root.device,
                .maybe_sparse = copy_may_be_sparse(what->entry->stamp.size, what->entry->n_blocks),
                .abilities = &pair->abilities,
                .tick = tick,
                .pace = bandwidth_pace,
                .userdata = visit,
        };
        r = copier_copy(visit->worker->copier, &job, &result, NULL);
        return r < 0 ? r : copy_metadata(what, source_fd, fd);
}

static int copy_special(Visit *visit, const GiveBackKeep *what, const char *stage) {
        int staging_fd = visit->engine->pair->store.staging_fd, r = 0;
        _cleanup_close_ int source_fd = -EBADF, fd = -EBADF;
        _cleanup_free_ char *target = NULL;
        unsigned shortfalls = 0;

        if (S_ISLNK(what->entry->stamp.mode))
                r = symlink_read(what->directory_fd, what->name, &target);
        if (r >= 0)
                r = special_create(staging_fd, stage, &what->entry->stamp, target, &shortfalls);
        if (r < 0)
                return r;
        source_fd = confined_open_child(what->directory_fd, what->name, O_PATH);
        if (source_fd < 0)
                return source_fd;
        fd = confined_open_child(staging_fd, stage, O_PATH);
        return fd < 0 ? fd : copy_metadata(what, source_fd, fd);
}

static bool is_full(int r) {
        return r == -ENOSPC || r == -EDQUOT;
}

static int copy(Visit *visit, const GiveBackKeep *what, const char *stage) {
        int staging_fd = visit->engine->pair->store.staging_fd, r;
        Entry after;

        do {
                (void) unlinkat(staging_fd, stage, 0);
                r = S_ISREG(what->entry->stamp.mode) ? copy_regular(visit, what, stage)
                                                     : copy_special(visit, what, stage);
        } while (is_full(r) && prune_make_room(visit->engine) > 0);
        if (r >= 0)
                r = entry_acquire(what->directory_fd, what->name, &after);
        if (r >= 0 && !stamp_equal(&after.stamp, &what->entry->stamp))
                r = -EBUSY;
        if (r < 0)
                (void) unlinkat(staging_fd, stage, 0);
        return r;
}

int give_back_keep(Visit *visit, const GiveBackKeep *what) {
        Engine *engine = visit->engine;
        char stage[STAGE_NAME_MAX];
        usec_t at;
        int r;

        if (S_ISDIR(what->entry->stamp.mode) || !keep_wants(engine, what->path, &at))
                return 0;
        engine_stage_name(engine, stage);
        r = copy(visit, what, stage);
        if (r < 0) {
                keep_wants_not(engine, what->path);
                /* What the replica's file system cannot hold at all, or has no room for with no
                 * older versions to drop: it goes, as what the replica itself loses does. */
                return is_full(r) || r == -EOPNOTSUPP ? 0 : r;
        }
        r = keep_copy(engine, stage, what->path, at);
        if (r >= 0)
                atomic_fetch_add(&visit->pass->result.counters.operations[OPERATION_VERSION], 1);
        return is_full(r) ? 0 : r;
}
