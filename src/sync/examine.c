/* Holding contents against each other when metadata cannot tell. */

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "basic/alloc.h"
#include "basic/fd.h"
#include "basic/macros.h"
#include "fs/confined.h"
#include "fs/special.h"
#include "fs/writers.h"
#include "sync/tick.h"
#include "sync/visit.h"

int look_hash_target(const Visit *visit, Look *look, const char *target) {
        _cleanup_(hasher_freep) Hasher *hasher = NULL;
        int r;

        if (!visit->engine->pair->config->checksum)
                return 0;
        r = hasher_new(&hasher);
        if (r >= 0)
                r = hasher_begin(hasher);
        if (r >= 0)
                r = hasher_update(hasher, target, strlen(target));
        if (r >= 0)
                r = hasher_finish(hasher, &look->hash);
        look->has_hash = r >= 0;
        return r;
}

static int examine_symlink(Visit *visit, Look *look) {
        _cleanup_free_ char *source = NULL, *replica = NULL;
        int r;

        r = symlink_read(visit->source_fd, look->name, &source);
        if (r < 0)
                return r;
        r = symlink_read(visit->replica_fd, look->name, &replica);
        if (r < 0)
                return r;
        if (strcmp(source, replica) != 0)
                return EVIDENCE_DIFFERENT;
        r = look_hash_target(visit, look, source);
        return r < 0 ? r : EVIDENCE_EQUAL;
}

/* Only ctime moved in the source and nobody touched the replica: then the source's hash settles it,
 * and one side is read instead of two. */
static bool hash_settles(const Look *look) {
        return look->has_row && look->row->has_hash && look->replica_state == STATE_SAME &&
               stamp_content_equal(&look->row->source, &look->source.stamp);
}

static int examine_by_hash(Visit *visit, Look *look, int source_fd) {
        int r = copier_hash(visit->worker->copier, source_fd, &look->hash, tick, visit);
        if (r < 0)
                return r;
        look->has_hash = true;
        if (memcmp(&look->hash, &look->row->hash, sizeof look->hash) == 0)
                return EVIDENCE_EQUAL;
        if (!(look->row->flags & CATALOG_SOURCE_ROTTEN))
                return EVIDENCE_DIFFERENT;
        /* It was another one before its metadata moved: the replica's content is the good one. */
        look->is_rotten = true;
        look->hash = look->row->hash;
        return EVIDENCE_EQUAL;
}

/* Whether what the catalog knows of the source's content must hold for what is there now. */
static bool should_be_as_recorded(const Look *look) {
        if (!look->has_row || !look->row->has_hash || !S_ISREG(look->source.stamp.mode))
                return false;
        /* As it was copied, which may be another state than that of the look. */
        return stamp_equal(&look->row->source, &look->source.stamp) ||
               (look->row->flags & CATALOG_SOURCE_ROTTEN &&
                stamp_content_equal(&look->row->source, &look->source.stamp));
}

static int hash_replica(Visit *visit, const Look *look, Hash *ret) {
        _cleanup_close_ int fd = confined_open_content(visit->replica_fd, look->name);

        return fd < 0 ? fd : copier_hash(visit->worker->copier, fd, ret, tick, visit);
}

int look_find_rot(Visit *visit, Look *look) {
        Hash replica;
        int r;

        if (!look->has_hash || !should_be_as_recorded(look) ||
            memcmp(&look->hash, &look->row->hash, sizeof look->hash) == 0)
                return 0;
        look->is_rotten = true;
        look->hash = look->row->hash;
        if (!look->has_replica || !S_ISREG(look->replica.stamp.mode))
                return 0;
        r = hash_replica(visit, look, &replica);
        return r < 0 ? r : memcmp(&replica, &look->row->hash, sizeof replica) == 0;
}

static int examine_regular(Visit *visit, Look *look) {
        _cleanup_close_ int source_fd = -EBADF, replica_fd = -EBADF;
        int r;

        source_fd = confined_open_content(visit->source_fd, look->name);
        if (source_fd < 0)
                return source_fd;
        content_await_write(source_fd);
        if (hash_settles(look))
                return examine_by_hash(visit, look, source_fd);

        replica_fd = confined_open_content(visit->replica_fd, look->name);
        if (replica_fd < 0)
                return replica_fd;
        CompareJob job = {
                .a_fd = source_fd,
                .b_fd = replica_fd,
                .want_hash = visit->engine->pair->config->checksum,
                .tick = tick,
                .userdata = visit,
        };
        r = copier_compare(visit->worker->copier, &job, &look->hash, NULL);
        if (r < 0)
                return r;
        look->has_hash = r > 0 && job.want_hash;
        return r > 0 ? EVIDENCE_EQUAL : EVIDENCE_DIFFERENT;
}

int look_examine(Visit *visit, Look *look) {
        Entry after;
        int r, evidence;

        if (S_ISLNK(look->source.stamp.mode))
                return examine_symlink(visit, look);

        evidence = examine_regular(visit, look);
        if (evidence < 0)
                return evidence;
        /* Equal is only what stood still meanwhile. */
        r = entry_acquire(visit->source_fd, look->name, &after);
        if (r < 0)
                return r;
        if (!stamp_equal(&look->source.stamp, &after.stamp)) {
                look->has_hash = false;
                return EVIDENCE_DIFFERENT;
        }
        return evidence;
}
