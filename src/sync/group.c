/* Hard-link groups: source names that share an inode share one in the replica. A group is followed
 * by state: whichever of its names is looked at first is brought into step as any file, the others
 * are linked to it once that is committed. */

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "basic/macros.h"
#include "fs/attributes.h"
#include "sync/candidate.h"
#include "sync/give-back.h"
#include "sync/refresh.h"
#include "sync/stage.h"

enum {
        NAMES_CHUNK = 16,     /* rows of a group looked at together */
        NAMES_TRIED_MAX = 64, /* names that are tried as the one to link to */
};

static bool is_self(const Visit *visit, const Look *look, const CatalogRow *row) {
        return row->parent == visit->directory_id && strcmp(row->name, look->name) == 0;
}

static bool is_same_file(const Look *look, const CatalogRow *row) {
        return row->source.btime == look->source.stamp.btime &&
               mode_type(row->source.mode) == mode_type(look->source.stamp.mode);
}

/* The replica has this name on the group's inode already: only the catalog has to learn it. */
static int refresh_row(Visit *visit, Look *look, const Candidate *candidate) {
        Item *item = visit_item(visit, look, ITEM_ROW);
        if (!item)
                return -ENOMEM;
        item->row.has_hash = candidate->row->has_hash;
        item->row.hash = candidate->row->hash;
        item->row.flags |= candidate->row->flags & CATALOG_UNSTABLE;
        item->operation = OPERATION_LINK;
        item->quiet = true;
        visit_push(visit, item);
        return 1;
}

/* The name itself stood for the group when it was last in step: then it is brought into step as any
 * file. */
static bool stands_for_itself(const Look *look) {
        return look->has_row && look->has_replica &&
               look->row->source.inode == look->source.stamp.inode &&
               look->row->file_system == look->file_system;
}

static bool is_in_step_alone(const Look *look) {
        return look->source_state == STATE_SAME && !look->kept && stands_for_itself(look) &&
               look->replica.stamp.inode == look->row->replica.inode;
}

/* Of names that are in step each with an inode of its own those of the first inode in the catalog's
 * order stay and the others follow: were each linked to the other at the same time, they would only
 * change places. */
static bool stays(const Look *look, const CatalogRow *other) {
        return is_in_step_alone(look) &&
               (int64_t) look->replica.stamp.inode < (int64_t) other->replica.inode;
}

int visit_group_is_whole(Visit *visit, const Look *look) {
        int r;

        if (!is_in_step_alone(look))
                return 1;
        r = catalog_reader_group_rank(visit->reader, look_identity(look), look->source.stamp.ctime,
                                      look->replica.stamp.inode);

        if (r < 0)
                return r;
        /* The others may be in step and not be looked at by themselves. */
        if (r == CATALOG_GROUP_LEADER && !look->regroup && pass_is_partial(visit->pass))
                revisit_group(visit->pass, look_identity(look), visit->node, look->name);
        return r != CATALOG_GROUP_FOLLOWER;
}

/* 1 linked, 0 cannot be linked: it becomes a file of its own. */
static int link_to(Visit *visit, Look *look, const Candidate *candidate) {
        StagePlace place;
        Item *item;
        int r;

        if (look->has_replica && look->replica.stamp.inode == candidate->replica.stamp.inode)
                return stamp_equal(&candidate->row->replica, &look->replica.stamp)
                               ? refresh_row(visit, look, candidate)
                               : 0; /* brought into step as any file */
        if (stays(look, candidate->row) || look->unlinkable)
                return 0;
        if (visit->engine->pair->dry_run) {
                visit_would(visit, look, OPERATION_LINK, NULL);
                return 1;
        }
        item = visit_item(visit, look, ITEM_ENTRY);
        if (!item)
                return -ENOMEM;
        item->row.has_hash = candidate->row->has_hash;
        item->row.hash = candidate->row->hash;
        item->row.flags |= candidate->row->flags & CATALOG_UNSTABLE;
        item->operation = look->source_state == STATE_SAME ? OPERATION_HEAL : OPERATION_LINK;
        item->refresh = true;
        /* Who was linked to the inode that it leaves has to follow. */
        item->revisit = item->redundant = is_in_step_alone(look);
        place = stage_place(visit, item);
        r = candidate_link(visit, candidate, place);
        if (r <= 0) {
                item_free(item);
                if (r == 0 && !look->unlinkable)
                        visit_shortfalls(visit, look, SHORTFALL_HARD_LINK);
                look->unlinkable = r == 0;
                return r;
        }
        /* The claim is not handed on: one more name changes nothing for the others. */
        r = stage_complete(visit, place, item, 0);
        return r < 0 ? r : 1;
}

/* 1: the source still has the row's inode there and the replica what the row says. */
static int open_candidate(Visit *visit, const Look *look, CatalogRow *row, Candidate *ret) {
        int r;

        if (is_self(visit, look, row) || !is_same_file(look, row) || row->flags & CATALOG_KEPT)
                return 0;
        r = candidate_open(visit, row, ret);
        if (r < 0)
                return r == -ENOENT ? 0 : r;
        if (ret->in_source && ret->in_replica)
                return 1;
        candidate_done(ret);
        return 0;
}

static int link_to_row(Visit *visit, Look *look, CatalogRow *row) {
        Candidate candidate;
        int r = open_candidate(visit, look, row, &candidate);

        if (r <= 0)
                return r;
        r = 0;
        if (stamp_equal(&row->source, &look->source.stamp) &&
            link_explains(&row->replica, &candidate.replica.stamp))
                r = link_to(visit, look, &candidate);
        candidate_done(&candidate);
        return r;
}

static void rows_done(CatalogRow *rows, size_t n_rows) {
        for (size_t i = 0; i < n_rows; i++)
                catalog_row_done(&rows[i]);
}

/* Tries the names that are in step with what the inode is now. 1 handled. */
static int try_group(Visit *visit, Look *look) {
        CatalogRow rows[NAMES_CHUNK] = {};
        int n = NAMES_CHUNK, r = 0;

        for (int skip = 0; r == 0 && n == NAMES_CHUNK && skip < NAMES_TRIED_MAX; skip += n) {
                n = catalog_reader_group(visit->reader, look_identity(look),
                                         look->source.stamp.ctime, skip, rows, NAMES_CHUNK);
                if (n < 0)
                        r = n;
                for (int i = 0; r == 0 && i < n; i++)
                        r = link_to_row(visit, look, &rows[i]);
        }
        rows_done(rows, ELEMENTSOF(rows));
        return r;
}

static int defer_row(Visit *visit, const CatalogRow *row) {
        _cleanup_(node_unrefp) Node *node = NULL;
        int r;

        r = locate_by_id(visit->worker, row->parent, &node);
        if (r < 0)
                return r == -ENOENT ? 0 : r;
        Visit there = *visit;
        there.node = node;
        visit_defer(&there, &(Look) { .name = row->name });
        return 0;
}

/* Some other name is known, but must be brought into step itself first. 1 put off behind it. */
static int wait_for_other(Visit *visit, Look *look) {
        CatalogRow rows[NAMES_CHUNK] = {};
        int n, r = 0;

        n = catalog_reader_by_identity(visit->reader, look_identity(look), 0, rows, NAMES_CHUNK);
        for (int i = 0; r == 0 && i < n; i++) {
                Candidate candidate;

                r = open_candidate(visit, look, &rows[i], &candidate);
                if (r > 0) {
                        candidate_done(&candidate);
                        r = defer_row(visit, &rows[i]);
                        r = r < 0 ? r : 1;
                }
        }
        rows_done(rows, ELEMENTSOF(rows));
        if (r > 0)
                visit_defer(visit, look);
        return n < 0 ? n : r;
}

/* What the replica has under the name may not be replaced by another content. */
static bool keeps_content(const Visit *visit, const Look *look) {
        return !visit_policy(visit, look).overwrite && look->has_replica && !is_in_step_alone(look);
}

/* What the group offers without anything being copied. 1 handled or put off. */
static int accept_offer(Visit *visit, Look *look) {
        int r;

        if (keeps_content(visit, look))
                return 0;
        r = try_group(visit, look);
        if (r != 0 || look->unlinkable || stands_for_itself(look) || visit->engine->pair->dry_run)
                return r;
        return wait_for_other(visit, look);
}

int visit_group_join(Visit *visit, Look *look) {
        look->unlinkable = false;
        return visit->engine->pair->dry_run ? 0 : try_group(visit, look);
}

int visit_group(Visit *visit, Look *look) {
        Pending *pending = &visit->engine->pending;
        int r = 0;

        look->unlinkable = look->unlinkable || visit_is_occupied(visit, look);

        /* Linking needs no claim, so that names do not keep each other waiting. */
        if (!pending_is_claimed(pending, look_identity(look)))
                r = accept_offer(visit, look);
        if (r != 0)
                return r;
        r = pending_claim(pending, look_identity(look));
        if (r < 0)
                return r;
        if (r == 0) {
                if (visit->engine->pair->dry_run)
                        visit_would(visit, look, OPERATION_LINK, NULL);
                else
                        visit_defer(visit, look);
                return 1;
        }
        look->claimed = true;
        /* Somebody may have committed the first name just now. */
        return accept_offer(visit, look);
}

static int regroup_name(Worker *worker, Job *job, const CatalogRow *row) {
        _cleanup_(node_unrefp) Node *node = NULL;
        Visit visit = { .engine = worker->engine, .pass = job->pass };
        int r;

        r = locate_by_id(worker, row->parent, &node);
        if (r < 0)
                return r;
        visit.node = node;
        visit_defer(&visit, &(Look) { .name = row->name, .regroup = true });
        return 0;
}

/* Looks at all names of a group again, one after the other. */
void job_group(Worker *worker, Job *job) {
        CatalogRow rows[NAMES_CHUNK] = {};
        CatalogReader *reader;
        bool busy = false;
        int n = 0, r;

        job_release_claim(job);

        r = worker_reader(worker, &reader);
        for (int skip = 0; r >= 0; skip += n) {
                n = catalog_reader_by_identity(reader, job->identity, skip, rows, NAMES_CHUNK);
                if (n <= 0)
                        break;
                for (int i = 0; i < n; i++)
                        busy = regroup_name(worker, job, &rows[i]) == -EBUSY || busy;
        }
        rows_done(rows, ELEMENTSOF(rows));
        if (busy)
                revisit_group(job->pass, job->identity, NULL, NULL);
}

void revisit_group(Pass *pass, CatalogIdentity identity, Node *node, const char *name) {
        Pending *pending = &pass->engine->pending;
        Job *job;

        if (pending_claim(pending, pending_regroup(identity)) == 0)
                return; /* it waits already */
        job = job_new(JOB_GROUP, pass, NULL);
        if (!job)
                pending_release(pending, pending_regroup(identity));
        else {
                job->identity = identity;
                job->claimed = true;
                if (pass_push_late(pass, job))
                        return;
        }
        if (node)
                pass_retry(pass, &(const Retry) { .node = node, .name = name });
}

void visit_group_left(Visit *visit, const Look *look) {
        revisit_group(visit->pass,
                      (CatalogIdentity) { look->row->file_system, look->row->source.inode },
                      visit->node, look->name);
}
