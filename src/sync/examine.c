/* Holding contents against each other when metadata cannot tell. */

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

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

/* Whether something that has nothing to do with the content moved ctime: another owner or mode, one
 * more name, or the rename that move.c followed. */
static bool ctime_is_explained(const Look *look) {
        const Stamp *was = &look->row->source, *is = &look->source.stamp;

        return was->ctime == 0 || was->mode != is->mode || was->uid != is->uid ||
               was->gid != is->gid || was->n_links != is->n_links;
}

static uint64_t count_different(const uint8_t *a, const uint8_t *b, size_t n) {
        uint64_t different = 0;

        for (size_t i = 0; i < n; i++)
                different += a[i] != b[i];
        return different;
}

/* Whether most bytes are the same on both sides: 1, 0, -errno. */
static int differs_little(Visit *visit, const Look *look, int source_fd) {
        _cleanup_close_ int replica_fd = confined_open_content(visit->replica_fd, look->name);
        uint64_t size = look->source.stamp.size, n_different = 0;
        uint8_t a[16384], b[sizeof a];

        if (replica_fd < 0)
                return replica_fd;
        for (uint64_t at = 0; at < size && n_different <= size / 2;) {
                ssize_t n = TEMP_FAILURE_RETRY(pread(source_fd, a, sizeof a, (off_t) at));
                ssize_t m = TEMP_FAILURE_RETRY(pread(replica_fd, b, sizeof b, (off_t) at));
                int r = tick((uint64_t) MAX(n, (ssize_t) 0), visit);

                if (n < 0 || m < 0)
                        return -errno;
                if (n == 0 || n != m || r < 0)
                        return MIN(r, 0);
                n_different += count_different(a, b, (size_t) n);
                at += (uint64_t) n;
        }
        return n_different <= size / 2;
}

/* The content is another one although only ctime moved. That may be a change whose mtime was put
 * back, or rot that is only noticed now, because somebody changed the mode. Where the metadata
 * explain that ctime moved and most of the content is the same it is taken for rot: the replica
 * keeps what it has, and the person is told. 1, 0, -errno. */
static int is_rot(Visit *visit, const Look *look, int source_fd) {
        if (look->row->flags & CATALOG_KEPT_OLD)
                return 0; /* the hash is the replica's alone */
        if (look->row->flags & CATALOG_SOURCE_ROTTEN)
                return 1; /* it was another one before its metadata moved */
        return ctime_is_explained(look) ? differs_little(visit, look, source_fd) : 0;
}

static int examine_by_hash(Visit *visit, Look *look, int source_fd) {
        int r = copier_hash(visit->worker->copier, source_fd, &look->hash, tick, visit);
        if (r < 0)
                return r;
        look->has_hash = true;
        if (memcmp(&look->hash, &look->row->hash, sizeof look->hash) == 0)
                return EVIDENCE_EQUAL;
        r = is_rot(visit, look, source_fd);
        if (r <= 0)
                return r < 0 ? r : EVIDENCE_DIFFERENT;
        visit_rotten(visit, look);
        look->is_rotten = true;
        look->hash = look->row->hash;
        return EVIDENCE_EQUAL;
}

/* Whether what the catalog knows of the source's content must hold for what is there now. */
static bool should_be_as_recorded(const Look *look) {
        if (!look->has_row || !look->row->has_hash || look->row->flags & CATALOG_KEPT ||
            !S_ISREG(look->source.stamp.mode))
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
