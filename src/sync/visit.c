/* Visiting a directory: its source, its replica and its catalog rows, merged by name. */

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "basic/alloc.h"
#include "basic/fd.h"
#include "basic/macros.h"
#include "fs/confined.h"
#include "sync/file-systems.h"
#include "sync/give-back.h"
#include "sync/purge.h"
#include "sync/refused-name.h"
#include "sync/report.h"
#include "sync/row-cursor.h"
#include "sync/stage.h"
#include "sync/visit.h"

bool visit_is_store(const Visit *visit, const char *name) {
        return visit->directory_id == CATALOG_ROOT && visit->engine->pair->store.inside_replica &&
               strcmp(name, STORE_NAME_INSIDE) == 0;
}

static bool is_no_part(const Visit *visit, const char *name) {
        return visit_is_store(visit, name) || visit_is_temporary(visit, name);
}

static const char *lesser(const char *a, const char *b) {
        if (!a || !b)
                return a ?: b;
        return strcmp(a, b) <= 0 ? a : b;
}

static bool is_at(const char *name, const char *head) {
        return head && strcmp(name, head) == 0;
}

static void merge(Visit *visit) {
        Listing *source = &visit->worker->source_listing,
                *replica = &visit->worker->replica_listing;
        RowCursor rows = { .reader = visit->reader,
                           .directory_id = visit->directory_id,
                           .rows = visit->worker->rows };
        size_t i = 0, j = 0;

        while (!engine_is_cancelled(visit->engine)) {
                const char *in_source = i < source->n_entries ? listing_name(source, i) : NULL;
                const char *in_replica = j < replica->n_entries ? listing_name(replica, j) : NULL;
                CatalogRow *row = row_cursor_peek(&rows);

                if (rows.error < 0) {
                        row_cursor_fail(&rows, visit->pass);
                        return;
                }
                const char *name = lesser(lesser(in_source, in_replica), row ? row->name : NULL);

                if (!name)
                        return;
                /* Before the look: it may give its row away. */
                bool at_source = is_at(name, in_source), at_replica = is_at(name, in_replica),
                     at_row = row && is_at(name, row->name);
                Look look = { .name = name,
                              .has_row = at_row,
                              .row = at_row ? row : NULL,
                              .is_listed = at_replica };

                if (!is_no_part(visit, name))
                        visit_look_at(visit, &look);
                i += at_source;
                j += at_replica;
                rows.i += at_row;
        }
        pass_abort(visit->pass, -ECANCELED, NULL);
}

static int list_both(Visit *visit) {
        Worker *worker = visit->worker;
        int r = 0;

        worker->source_listing.n_entries = 0;
        if (!visit->job->kept && !visit->job->is_orphan && !visit->job->is_closed)
                r = listing_read(&worker->source_listing, visit->source_fd);
        if (r < 0)
                return r;
        worker->replica_listing.n_entries = 0;
        return visit->replica_fd < 0 || (visit->job->is_closed && !visit->pass->drops_excluded)
                       ? 0
                       : listing_read(&worker->replica_listing, visit->replica_fd);
}

/* Its place was taken by another directory, or it has none yet: the parent's view of the name
 * decides what becomes of it. A job knows where its directory was found even when the node has left
 * the tree. */
static void ask_parent(Visit *visit) {
        Tree *tree = visit->engine->tree;
        _cleanup_(node_unrefp) Node *parent = tree_parent(tree, visit->node);
        _cleanup_free_ char *name = parent ? tree_name(tree, visit->node) : NULL;

        if (!parent && visit->job->parent) {
                parent = node_ref(visit->job->parent);
                name = strdup(visit->job->name);
        }
        if (parent && name) {
                Visit up = *visit;
                Look look = { .name = name };

                up.node = parent;
                visit_defer(&up, &look);
        }
}

static void visit_name(Visit *visit, Look *look) {
        CatalogRow *row = &visit->worker->rows[0];
        bool self = !look->name[0];
        int r;

        if (self && visit->directory_id != CATALOG_ROOT) {
                ask_parent(visit);
                return;
        }
        r = catalog_reader_get(visit->reader, self ? CATALOG_NO_DIRECTORY : visit->directory_id,
                               look->name, row);
        if (r < 0 && r != -ENOENT) {
                visit_fail(visit, look, "look up", r);
                return;
        }
        look->has_row = r >= 0;
        look->row = look->has_row ? row : NULL;
        if (!is_no_part(visit, look->name))
                visit_look_at(visit, look);
}

static void visit_names(Visit *visit) {
        for (size_t i = 0; i < visit->job->n_names && !engine_is_cancelled(visit->engine); i++) {
                const DirtyName *name = &visit->job->names[i];
                Look look = { .name = name->name,
                              .first = name->first,
                              .n_attempts = name->n_attempts,
                              .regroup = visit->job->regroup };

                visit_name(visit, &look);
        }
}

static void large_body(Visit *visit) {
        const Job *job = visit->job;
        Look look = { .name = job->name, .first = job->first, .n_attempts = job->n_attempts };

        visit_name(visit, &look);
}

static bool means_gone(int r) {
        return r == -ENOENT || r == -ENOTDIR || r == -ELOOP || r == -ESTALE;
}

static bool is_expected(const Visit *visit, int source_fd) {
        uint64_t inode = visit->node->source_inode;
        Entry entry;

        return entry_acquire(source_fd, "", &entry) >= 0 &&
               (inode == 0 || inode == entry.stamp.inode);
}

/* The source directory is not where the tree has its node: it was renamed, and the pass has not
 * come to its new name yet, or it is gone. The next round of the pass knows; if it does not, the
 * node and all below are forgotten, so that wherever the directory turns up it is looked at as a
 * whole. */
static void follow_misplaced(Visit *visit) {
        _cleanup_close_ int fd = -EBADF;
        Job *job = visit->job;

        if (!job->misplaced) {
                job->misplaced = true;
                visit->put_off = true;
                return;
        }
        /* While nothing can be renamed: it may have been followed to its new place just now. */
        (void) pthread_rwlock_wrlock(&visit->engine->structure);
        fd = locate_source(visit->engine, visit->node);
        visit->put_off = fd >= 0 && !visit->foreign && is_expected(visit, fd);
        if (!visit->put_off) {
                ask_parent(visit);
                purge_node(visit->engine, visit->node);
        }
        (void) pthread_rwlock_unlock(&visit->engine->structure);
}

/* The directory of the job, as it should be found. Its place in the tree does not say enough: a
 * file system may have been mounted on or above it, or unmounted, and another one's directories
 * have the same numbers. */
typedef struct Expected {
        uint64_t inode;      /* 0: any */
        int64_t file_system; /* 0: any */
} Expected;

static Expected expected_directory(Visit *visit) {
        Expected expected = { visit->node->source_inode, visit->job->file_system };
        CatalogRow row = CATALOG_ROW_NULL;

        /* The guards saw the root, and its parent's visit has just seen a directory that is
         * descended to. */
        if (visit->directory_id == CATALOG_ROOT || expected.file_system != 0)
                return expected;
        if (catalog_reader_by_directory(visit->reader, visit->directory_id, &row) >= 0 &&
            !(row.flags & CATALOG_KEPT_GONE)) {
                expected.file_system = row.file_system;
                if (expected.inode == 0)
                        expected.inode = row.source.inode;
        }
        catalog_row_done(&row);
        return expected;
}

static int open_source(Visit *visit) {
        Expected expected = expected_directory(visit);
        int r;

        visit->source_fd = locate_source(visit->engine, visit->node);
        if (visit->source_fd < 0)
                return visit->source_fd;
        r = entry_acquire(visit->source_fd, "", &visit->source_directory);
        if (r < 0)
                return r;
        if (expected.inode != 0 && expected.inode != visit->source_directory.stamp.inode) {
                visit->foreign = visit->node->source_inode == 0;
                return -ESTALE;
        }
        r = file_systems_number(visit->engine, visit->source_fd, visit->source_directory.device,
                                &visit->file_system);
        if (r < 0)
                return r;
        visit->foreign = expected.file_system != 0 && expected.file_system != visit->file_system;
        return visit->foreign ? -ESTALE : 0;
}

/* Nothing tells that a directory's mtime moved with what is in it; whoever looks into it sees to
 * it. */
static void note_times(Visit *visit) {
        int64_t mtime = visit->source_directory.stamp.mtime;

        visit->restamped = visit->node->mtime != mtime;
        visit->node->mtime = mtime;
}

static void restore_times(Visit *visit) {
        Item *item = item_new(ITEM_TOUCH, visit->pass, visit->node, "");

        if (!item)
                return; /* the next full pass will */
        item->quiet = true;
        visit_push(visit, item);
}

/* Watched before it is listed: nothing that is made in between is missed. Who comes for some names
 * and finds that nobody watched has to see to the others as well: from now on the directory counts
 * as covered by events. */
void visit_watch(Visit *visit, Watch *watch, int directory_fd) {
        int r;

        if (!watch || visit->engine->pair->dry_run || visit->job->is_closed ||
            visit->job->kind == JOB_REMOVE || visit->job->kind == JOB_LARGE || visit->job->kept)
                return;
        r = watch_add(watch, visit->node, directory_fd);
        if (r == WATCH_E_LIMIT)
                visit_unwatched(visit, watch);
        if (r == WATCH_BEGUN && visit->job->kind == JOB_NAMES)
                pass_push_late_directory(visit->pass, visit->node);
        /* Its parent looked at its metadata before. A new one gets them last, and where the
         * replica's is concerned only a stranger can have been so quick. */
        if (r == WATCH_BEGUN && watch == visit->engine->watch && !visit->job->created &&
            visit->directory_id != CATALOG_ROOT)
                ask_parent(visit);
        if (r < 0) {
                Look look = { .name = "" };
                visit_fail(visit, &look,
                           watch == visit->engine->watch ? "watch" : "watch the replica of", r);
        }
}

static int open_replica(Visit *visit) {
        if (visit->job->created)
                return visit->engine->pair->dry_run ? 0 : stage_directory_begin(visit);
        visit->replica_fd = locate_replica(visit->engine, visit->node);
        if (visit->replica_fd >= 0) {
                visit_watch(visit, visit->engine->replica_watch, visit->replica_fd);
                return 0;
        }
        if (means_gone(visit->replica_fd) && visit->engine->pair->dry_run)
                return 0;
        return visit->replica_fd;
}

static void fail_directory(Visit *visit, const char *what, int error) {
        Look look = { .name = "",
                      .first = visit->job->first,
                      .n_attempts = visit->job->n_attempts };

        if (visit->job->n_names == 1)
                look.n_attempts = visit->job->names[0].n_attempts;
        visit_fail(visit, &look, what, error);
}

/* Another directory has the name by now: what is known, and claimed, is of the one before. Were it
 * made all the same, that claim would never end. */
static bool is_superseded(const Visit *visit) {
        return visit->job->created &&
               visit->job->source.stamp.inode != visit->source_directory.stamp.inode;
}

/* Two-way, what is in the replica's directory is held against what is known of it: another one that
 * has its place must not be taken for it. Its parent's visit decides. */
static bool is_known_replica(Visit *visit) {
        _cleanup_(catalog_row_done) CatalogRow row = CATALOG_ROW_NULL;
        uint64_t inode = visit->job->replica_inode;
        Entry entry;

        if (!visit_is_two_way(visit) || visit->job->created ||
            visit->directory_id == CATALOG_ROOT || visit->replica_fd < 0)
                return true;
        if (inode == 0 &&
            catalog_reader_by_directory(visit->reader, visit->directory_id, &row) >= 0)
                inode = row.replica.inode;
        return inode == 0 ||
               (entry_acquire(visit->replica_fd, "", &entry) >= 0 && entry.stamp.inode == inode);
}

/* In a two-way pair the times of a directory are put right by who looks into it, after what it had
 * to take over from the other side. */
static void compare_times(Visit *visit) {
        Entry replica;

        if (!visit_is_two_way(visit) || visit->job->created || visit->source_fd < 0 ||
            visit->replica_fd < 0 || entry_acquire(visit->replica_fd, "", &replica) < 0)
                return;
        if (replica.stamp.mtime != visit->source_directory.stamp.mtime)
                visit->restamped = true;
}

/* False when there is nothing to visit. */
static bool enter_replica(Visit *visit) {
        int r = open_replica(visit);

        if (r >= 0 && !is_known_replica(visit))
                r = -ESTALE;
        if (r < 0 && means_gone(r) && !visit->job->created) {
                ask_parent(visit);
                return false;
        }
        if (r < 0)
                fail_directory(visit, "make or open the replica of", r);
        compare_times(visit);
        return r >= 0;
}

/* False when there is nothing to visit: it left the tree, or is excluded. Who comes from above, in
 * a walk over everything, has not been led into what is excluded. */
static bool open_exclusions(Visit *visit) {
        const ExcludeList *list = visit->engine->pair->config->exclude;
        int r;

        if (!visit->recursive && exclusions_cover(list, visit->engine->tree, visit->node)) {
                ask_parent(visit);
                return false;
        }
        r = exclusions_open(&visit->exclusions, list, visit->engine->tree, visit->node);
        if (r == -ESTALE)
                ask_parent(visit);
        else if (r < 0)
                fail_directory(visit, "find the path of", r);
        return r >= 0;
}

/* The source has the directory again: what is in the replica is not left over. */
static bool open_orphan(Visit *visit) {
        _cleanup_close_ int fd = locate_source(visit->engine, visit->node);

        return fd < 0 && means_gone(fd) && enter_replica(visit);
}

/* Opens both sides, or the one that is surveyed. False when there is nothing to visit. */
static bool visit_open(Visit *visit) {
        int r;

        r = worker_reader(visit->worker, &visit->reader);
        if (r < 0) {
                fail_directory(visit, "open the catalog for", r);
                return false;
        }
        if (!open_exclusions(visit))
                return false;
        if (visit->job->is_orphan)
                return open_orphan(visit);
        if (visit->job->kind == JOB_SURVEY && visit->job->side == WATCH_REPLICA)
                return enter_replica(visit);
        if (visit->job->kept) {
                visit->file_system = visit->job->file_system;
                return enter_replica(visit);
        }
        r = open_source(visit);
        if (r < 0 && means_gone(r) && visit->job->kind == JOB_LARGE) {
                visit_defer(visit, &(Look) { .name = visit->job->name });
                return false;
        }
        if (r < 0 && means_gone(r) && visit->directory_id != CATALOG_ROOT) {
                follow_misplaced(visit);
                return false;
        }
        if (r >= 0 && is_superseded(visit)) {
                ask_parent(visit);
                return false;
        }
        if (r < 0) {
                fail_directory(visit, "read the directory", r);
                /* A new directory that cannot be read is still made; what is in it comes when it
                 * can. */
                if (!visit->job->created)
                        return false;
                visit->source_directory = visit->job->source;
        } else if (visit->job->kind != JOB_LARGE) {
                if (visit->job->kind != JOB_SURVEY)
                        note_times(visit);
                visit_watch(visit, visit->engine->watch, visit->source_fd);
        }
        if (visit->job->kind == JOB_SURVEY)
                return true;

        return enter_replica(visit);
}

static void put_off(Job *job) {
        _cleanup_(node_unrefp) Node *node = node_ref(job->node);
        Pass *pass = job->pass;
        Job *again = malloc(sizeof *again);

        if (again) {
                *again = *job;
                *job = (Job) { .kind = job->kind };
        }
        if (!again || !pass_push_late(pass, again))
                pass_push_late_directory(pass, node);
}

/* What was counted is carried out later. */
static void keep_removal(Job *job) {
        Pass *pass = job->pass;
        Job *again = malloc(sizeof *again);

        if (!again) {
                pass_abort(pass, -ENOMEM, NULL);
                return;
        }
        *again = *job;
        *job = (Job) { .kind = job->kind };
        pass_push_removal(pass, again);
}

static void visit_close(Visit *visit) {
        if (visit->staged)
                stage_directory_finish(visit);
        else if (visit->restamped && !visit->job->created && visit->replica_fd >= 0 &&
                 !visit->engine->pair->dry_run)
                restore_times(visit);
        while (visit->children) {
                Job *child = visit->children;
                visit->children = child->next;
                pass_push_job(visit->pass, child);
        }
        if (visit->gone)
                pass_push_removal(visit->pass, visit->gone);
        item_list_done(&visit->held);
        exclusions_done(&visit->exclusions);
        safe_close(visit->source_fd);
        safe_close(visit->replica_fd);
}

void visit_run(Worker *worker, Job *job, void (*body)(Visit *visit)) {
        Visit visit = {
                .worker = worker,
                .engine = worker->engine,
                .pass = job->pass,
                .job = job,
                .node = job->node,
                .directory_id = job->node->directory_id,
                .source_fd = -EBADF,
                .replica_fd = -EBADF,
                .removing = job->kind == JOB_REMOVE,
                .counting = job->kind == JOB_REMOVE && job->pass->phase == PHASE_COUNT,
                .recursive = job->recursive,
        };

        item_list_init(&visit.held);
        if (visit_open(&visit))
                body(&visit);
        visit_close(&visit);
        if (visit.counting)
                keep_removal(job);
        else if (visit.put_off)
                put_off(job);
}

/* The root has no parent that would look at its own metadata. */
static void look_at_root(Visit *visit) {
        CatalogRow *row = &visit->worker->rows[0];
        Look look = { .name = "", .row = row };
        int r = catalog_reader_get(visit->reader, CATALOG_NO_DIRECTORY, "", row);

        look.has_row = r >= 0;
        if (r < 0 && r != -ENOENT)
                visit_fail(visit, &look, "look up", r);
        else
                visit_look_at(visit, &look);
}

static void directory_body(Visit *visit) {
        int r;

        if (visit->source_fd < 0 && !visit->job->kept && !visit->job->is_orphan)
                return;
        if (visit->directory_id == CATALOG_ROOT && !visit->removing)
                look_at_root(visit);
        atomic_fetch_add(&visit->pass->result.counters.n_directories, 1);
        r = list_both(visit);
        if (r == -ENOENT && visit->directory_id != CATALOG_ROOT)
                ask_parent(visit); /* removed since it was opened */
        else if (r < 0)
                fail_directory(visit, "list", r);
        else
                merge(visit);
}

void job_directory(Worker *worker, Job *job) {
        visit_run(worker, job, job->n_names > 0 ? visit_names : directory_body);
}

void job_names(Worker *worker, Job *job) {
        visit_run(worker, job, visit_names);
}

void job_large(Worker *worker, Job *job) {
        visit_run(worker, job, large_body);
}
