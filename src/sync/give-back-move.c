/* Renames and links made in the replica, found in state: an entry that the catalog knows under
 * another name is renamed in the source as well, or gets one more name there. What the catalog then
 * makes of it is found by the next look, as after a rename in the source. */

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "basic/alloc.h"
#include "basic/fd.h"
#include "basic/macros.h"
#include "fs/rename.h"
#include "sync/candidate.h"
#include "sync/give-back.h"

enum { PLACES_MAX = 8, WAIT_ROUNDS_MAX = 4 };

/* Without birth times inode numbers may be another's by now. */
static bool is_same_entry(const Look *look, const CatalogRow *row) {
        const Stamp *was = &row->replica, *is = &look->replica.stamp;

        return was->btime == is->btime && was->btime != 0 &&
               mode_type(was->mode) == mode_type(is->mode) && row->parent >= CATALOG_ROOT;
}

/* The replica has its entry there no more, and the source what the catalog tells of, which may have
 * changed meanwhile. */
static bool was_renamed(const Candidate *candidate) {
        bool has_left = candidate->replica_fd < 0 ||
                        candidate->replica.stamp.inode != candidate->row->replica.inode;

        return has_left && candidate->in_source &&
               candidate->source.stamp.btime == candidate->row->source.btime;
}

static bool is_self(const Visit *visit, const Look *look, const CatalogRow *row) {
        return row->parent == visit->directory_id && strcmp(row->name, look->name) == 0;
}

/* Both names are the replica's, and its content reached the source under the other one. */
static bool is_linked(const Visit *visit, const Look *look, const Candidate *candidate) {
        return !is_self(visit, look, candidate->row) && candidate->in_replica &&
               candidate->in_source && !S_ISDIR(look->replica.stamp.mode) &&
               stamp_content_equal(&candidate->row->replica, &look->replica.stamp) &&
               stamp_content_equal(&candidate->row->source, &candidate->source.stamp);
}

static int rename_in_source(Visit *visit, Look *look, const Candidate *candidate, int from_fd) {
        _cleanup_free_ char *from = candidate_path(visit, candidate);
        Visit there = *visit;
        GiveBackTimes times = give_back_begin(visit), times_there;
        int r;

        there.source_fd = from_fd;
        there.replica_fd = candidate->replica_fd;
        times_there = give_back_begin(&there);
        r = rename_new(from_fd, candidate->row->name, visit->source_fd, look->name);
        if (r == -EXDEV || r == -EINVAL)
                return 0; /* another file system, or into itself: it is copied */
        if (r < 0)
                return r == -EEXIST ? -EBUSY : r;
        give_back_end(visit, times);
        give_back_end(&there, times_there);
        if (candidate->node) {
                there.node = candidate->node;
                visit_defer(&there, &(Look) { .name = candidate->row->name });
        }
        visit_returned(
                visit,
                &(Returned) { .name = look->name, .from = from, .operation = OPERATION_RENAME });
        return 1;
}

/* In place of what has the name in the source, if anything has. */
static int link_in_source(Visit *visit, Look *look, const Candidate *candidate, int from_fd) {
        GiveBackTimes times = give_back_begin(visit);
        GiveBack back = GIVE_BACK_NULL;
        int r;

        back.visit = visit;
        back.look = look;
        back.name = look->name;
        give_back_temporary_name(visit->engine, back.temporary);
        if (linkat(from_fd, candidate->row->name, visit->source_fd, back.temporary, 0) < 0)
                return 0; /* on another file system, or no more links: it is copied */
        r = look->has_source && !look->is_kept ? give_back_keep_entry(visit, look) : 0;
        if (r >= 0)
                r = give_back_place(&back, look->has_source ? &look->source : NULL);
        if (r >= 0) {
                give_back_end(visit, times);
                visit_returned(visit,
                               &(Returned) { .name = look->name, .operation = OPERATION_LINK });
        }
        give_back_done(&back);
        return r < 0 ? r : 1;
}

/* The other name is to be looked at first: something is still to be done about it, or about the
 * directory that it is in. */
static bool must_wait(const Visit *visit, const Candidate *candidate) {
        return visit->pass->n_late_rounds < WAIT_ROUNDS_MAX && candidate->replica_fd >= 0 &&
               !S_ISDIR(candidate->row->replica.mode) &&
               candidate->replica.stamp.inode == candidate->row->replica.inode &&
               (!candidate->in_source || !candidate->in_replica);
}

static int wait_for(Visit *visit, const Candidate *candidate) {
        Visit there = *visit;

        if (candidate->node) {
                there.node = candidate->node;
                visit_defer(&there, &(Look) { .name = candidate->row->name });
        }
        return 1;
}

static int try_place(Visit *visit, Look *look, CatalogRow *row) {
        _cleanup_close_ int from_fd = -EBADF;
        Candidate candidate;
        int r;

        if (!is_same_entry(look, row))
                return 0;
        r = candidate_open(visit, row, &candidate);
        if (r < 0)
                return r == -ENOENT ? 0 : r;
        from_fd = candidate.in_source ? locate_source(visit->engine, candidate.node) : -EBADF;
        if (from_fd >= 0 && !look->has_source && was_renamed(&candidate))
                r = rename_in_source(visit, look, &candidate, from_fd);
        else if (from_fd >= 0 && is_linked(visit, look, &candidate))
                r = link_in_source(visit, look, &candidate, from_fd);
        else if (!is_self(visit, look, row) && must_wait(visit, &candidate))
                r = wait_for(visit, &candidate);
        candidate_done(&candidate);
        return r;
}

int give_back_claim(Visit *visit, Look *look) {
        CatalogIdentity identity = { PENDING_REPLICA, look->replica.stamp.inode };
        int r;

        if (look->replica_claimed || S_ISDIR(look->replica.stamp.mode) ||
            look->replica.stamp.n_links < 2)
                return 0;
        r = pending_claim(&visit->engine->pending, identity);
        if (r == 0)
                visit_defer(visit, look);
        look->replica_claimed = r > 0;
        return r < 0 ? r : r == 0;
}

int give_back_moved(Visit *visit, Look *look) {
        CatalogRow rows[PLACES_MAX] = {};
        int n, r = give_back_claim(visit, look);

        if (r != 0)
                return r;
        n = catalog_reader_by_replica(visit->reader, look->replica.stamp.inode, rows, PLACES_MAX);
        for (int i = 0; r == 0 && i < n; i++)
                r = try_place(visit, look, &rows[i]);
        for (int i = 0; i < PLACES_MAX; i++)
                catalog_row_done(&rows[i]);
        if (r > 0)
                visit_defer(visit, look);
        return n < 0 ? n : r;
}
