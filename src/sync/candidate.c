#include "sync/candidate.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include "basic/fd.h"
#include "basic/macros.h"

static bool means_gone(int r) {
        return r == -ENOENT || r == -ENOTDIR || r == -ELOOP || r == -ESTALE;
}

static int look_in_source(Visit *visit, Candidate *candidate) {
        _cleanup_close_ int fd = -EBADF;
        int r;

        fd = locate_source(visit->engine, candidate->node);
        if (fd < 0)
                return means_gone(fd) ? 0 : fd;
        r = entry_acquire(fd, candidate->row->name, &candidate->source);
        if (r < 0)
                return means_gone(r) ? 0 : r;
        candidate->in_source = candidate->source.stamp.inode == candidate->row->source.inode;
        return 0;
}

static int look_in_replica(Candidate *candidate) {
        const Stamp *known = &candidate->row->replica;
        int r;

        r = entry_acquire(candidate->replica_fd, candidate->row->name, &candidate->replica);
        if (r < 0)
                return means_gone(r) ? 0 : r;
        candidate->in_replica = candidate->replica.stamp.inode == known->inode &&
                                mode_type(candidate->replica.stamp.mode) == mode_type(known->mode);
        if (!S_ISDIR(known->mode))
                candidate->in_replica = candidate->in_replica &&
                                        stamp_content_equal(known, &candidate->replica.stamp);
        return 0;
}

static int open_directories(Visit *visit, Candidate *candidate) {
        Engine *engine = visit->engine;
        int r;

        if (candidate->row->parent == CATALOG_PARKED) {
                candidate->replica_fd = fcntl(engine->pair->store.staging_fd, F_DUPFD_CLOEXEC, 3);
                return candidate->replica_fd < 0 ? -errno : 0;
        }
        r = locate_by_id(visit->worker, candidate->row->parent, &candidate->node);
        if (r < 0)
                return r;
        r = look_in_source(visit, candidate);
        if (r < 0)
                return r;
        candidate->replica_fd = locate_replica(engine, candidate->node);
        if (candidate->replica_fd < 0 && !means_gone(candidate->replica_fd))
                return candidate->replica_fd;
        return 0;
}

int candidate_open(Visit *visit, CatalogRow *row, Candidate *ret) {
        Candidate candidate = CANDIDATE_NULL;
        int r;

        candidate.row = row;
        r = open_directories(visit, &candidate);
        if (r >= 0 && candidate.replica_fd >= 0)
                r = look_in_replica(&candidate);
        if (r < 0) {
                candidate_done(&candidate);
                return r;
        }
        *ret = candidate;
        return 0;
}

void candidate_done(Candidate *candidate) {
        node_unref(candidate->node);
        safe_close(candidate->replica_fd);
        *candidate = CANDIDATE_NULL;
}

int candidate_link(Visit *visit, const Candidate *candidate, StagePlace place) {
        (void) visit;
        if (linkat(candidate->replica_fd, candidate->row->name, place.directory_fd, place.name,
                   0) >= 0)
                return 1;
        if (errno == EMLINK || errno == EPERM || errno == EOPNOTSUPP || errno == ENOSYS ||
            errno == EXDEV)
                return 0;
        return -errno;
}

char *candidate_path(Visit *visit, const Candidate *candidate) {
        char *path;

        if (!candidate->node ||
            tree_source_path(visit->engine->tree, candidate->node, candidate->row->name, &path) < 0)
                return NULL;
        return path;
}
