/* A survey: one side of the pair held against the catalog, directory by directory. It makes up for
 * lost events of that side at the least price: where all is as it was, nothing is done, and the
 * other side is not touched. A directory in which something is not as it was is visited as any. */

#include <errno.h>
#include <string.h>
#include <sys/stat.h>

#include "basic/macros.h"
#include "sync/row-cursor.h"
#include "sync/visit.h"

typedef struct Survey {
        Visit *visit;
        WatchSide side;
        int fd;
        bool deviates; /* the directory is to be visited */
} Survey;

static Job *survey_job(Pass *pass, Node *node, WatchSide side) {
        Job *job = job_new(JOB_SURVEY, pass, node);

        if (job)
                job->side = side;
        return job;
}

/* The subdirectory LOOK, which is the one that the row is of. A node that has another id is of a
 * directory that takes the place: its rows are on their way. */
static int descend(Survey *survey, const Look *look) {
        Visit *visit = survey->visit;
        Tree *tree = visit->engine->tree;
        _cleanup_(node_unrefp) Node *child = NULL;
        Job *job;
        int r;

        r = tree_child(tree, visit->node, look->name, &child);
        if (r >= 0 && child->directory_id == 0)
                r = tree_set_id(tree, child, look->row->directory_id);
        if (r < 0)
                return r;
        if (child->directory_id != look->row->directory_id) {
                survey->deviates = true;
                return 0;
        }
        if (child->source_inode == 0 && !(look->row->flags & CATALOG_KEPT_GONE))
                child->source_inode = look->row->source.inode;
        job = survey_job(visit->pass, child, survey->side);
        if (!job)
                return -ENOMEM;
        job->parent = node_ref(visit->node);
        job->name = strdup(look->name);
        job->file_system = look->row->file_system;
        job->kept = look->row->flags & CATALOG_KEPT_GONE;
        if (!job->name) {
                job_free(job);
                return -ENOMEM;
        }
        pass_push_job(visit->pass, job);
        return 0;
}

/* Takes the metadata of the name on the side that is surveyed. */
static int sample(const Survey *survey, Look *look) {
        Visit *visit = survey->visit;
        int r;

        if (survey->side == WATCH_REPLICA) {
                r = entry_acquire(survey->fd, look->name, &look->replica);
                look->has_replica = r >= 0;
                return r;
        }
        r = entry_acquire(survey->fd, look->name, &look->source);
        look->has_source = r >= 0;
        return r < 0 ? r : visit_sample_file_system(visit, look);
}

static bool is_as_before(const Survey *survey, const Look *look) {
        if (survey->side == WATCH_REPLICA)
                return look->replica_state == STATE_SAME;
        /* What is mounted, or not any more, is the visit's to judge. */
        return look->source_state == STATE_SAME && look->file_system == look->row->file_system &&
               (look->source.is_mount_root && !look->is_closed) ==
                       !!(look->row->flags & CATALOG_MOUNT_ROOT);
}

/* Whatever became of it, it is the directory that the row is of. */
static bool is_same_directory(const Survey *survey, const Look *look) {
        const CatalogRow *row = look->row;

        if (survey->side == WATCH_REPLICA)
                return S_ISDIR(look->replica.stamp.mode) &&
                       look->replica.stamp.inode == row->replica.inode;
        return look_is_directory(look) && look->file_system == row->file_system &&
               look->source.stamp.inode == row->source.inode &&
               look->source.stamp.btime == row->source.btime;
}

/* The source does not have it, and should not. */
static bool is_kept_gone(const Survey *survey, const CatalogRow *row) {
        return row && survey->side == WATCH_SOURCE && row->flags & CATALOG_KEPT_GONE;
}

static int survey_name(Survey *survey, const char *name, CatalogRow *row) {
        Look look = { .name = name, .has_row = true, .row = row };
        bool is_directory = row->directory_id != 0;

        /* One is enough for the directory to be visited. */
        if (survey->deviates && !is_directory)
                return 0;
        atomic_fetch_add_explicit(&survey->visit->pass->result.counters.n_entries, 1,
                                  memory_order_relaxed);
        if (sample(survey, &look) < 0) {
                survey->deviates = true;
                return 0;
        }
        look_classify(&look);
        if (!is_as_before(survey, &look))
                survey->deviates = true;
        if (look.is_closed)
                return 0;
        return is_directory && is_same_directory(survey, &look) ? descend(survey, &look) : 0;
}

static bool is_left_out(const Survey *survey, const Listing *listing, size_t i) {
        const char *name = listing_name(listing, i);

        return visit_is_store(survey->visit, name) ||
               exclusions_hide(&survey->visit->exclusions, survey->fd, name,
                               listing_type(listing, i));
}

static int survey_names(Survey *survey, const Listing *listing) {
        Visit *visit = survey->visit;
        RowCursor rows = { .reader = visit->reader,
                           .directory_id = visit->directory_id,
                           .rows = visit->worker->rows };
        CatalogRow *row;
        size_t i = 0;
        int r = 0;

        while (r >= 0 && !engine_is_cancelled(visit->engine)) {
                const char *name = i < listing->n_entries ? listing_name(listing, i) : NULL;
                int order;

                row = row_cursor_peek(&rows);
                if (rows.error < 0) {
                        row_cursor_fail(&rows, visit->pass);
                        return 0;
                }
                if (!name && !row)
                        break;
                order = !name ? 1 : !row ? -1 : strcmp(name, row->name);
                if (order == 0)
                        r = survey_name(survey, name, row);
                else if (order > 0 ? !is_kept_gone(survey, row) : !is_left_out(survey, listing, i))
                        survey->deviates = true;
                i += order <= 0;
                rows.i += order >= 0;
        }
        return r;
}

/* The root has no parent that would look at its own metadata. */
static int survey_root(Survey *survey) {
        CatalogRow *row = &survey->visit->worker->rows[0];
        Look look = { .name = "", .has_row = true, .row = row };
        int r;

        r = catalog_reader_get(survey->visit->reader, CATALOG_NO_DIRECTORY, "", row);
        if (r >= 0)
                r = sample(survey, &look);
        if (r < 0)
                return r;
        look_classify(&look);
        survey->deviates = !is_as_before(survey, &look);
        return 0;
}

static void hand_over(Visit *visit) {
        Job *job = job_new(JOB_DIRECTORY, visit->pass, visit->node);

        if (!job) {
                pass_abort(visit->pass, -ENOMEM, NULL);
                return;
        }
        job->kept = visit->job->kept;
        atomic_fetch_add(&visit->pass->n_deviating, 1);
        pass_push_job(visit->pass, job);
}

static void survey_body(Visit *visit) {
        bool of_source = visit->job->side == WATCH_SOURCE;
        Listing *listing = of_source ? &visit->worker->source_listing
                                     : &visit->worker->replica_listing;
        Survey survey = {
                .visit = visit,
                .side = visit->job->side,
                .fd = of_source ? visit->source_fd : visit->replica_fd,
        };
        int r = 0;

        atomic_fetch_add(&visit->pass->result.counters.n_directories, 1);
        if (visit->directory_id == CATALOG_ROOT)
                r = survey_root(&survey);
        if (r >= 0)
                r = listing_read(listing, survey.fd);
        /* What cannot be read is the visit's to tell. */
        if (r < 0)
                survey.deviates = true;
        else if ((r = survey_names(&survey, listing)) < 0)
                pass_abort(visit->pass, r, NULL);
        if (survey.deviates)
                hand_over(visit);
}

void job_survey(Worker *worker, Job *job) {
        visit_run(worker, job, survey_body);
}
