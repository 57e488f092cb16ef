/* Renames found in state: a source entry that the catalog knows under another name takes its
 * replica along. A file's replica gets a second name first and loses the old one with the removals
 * at the end of the pass, so that a name shows its old or its new content at any moment; a
 * directory is renamed at once. */

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "basic/alloc.h"
#include "basic/fd.h"
#include "basic/macros.h"
#include "fs/confined.h"
#include "fs/identity.h"
#include "fs/metadata.h"
#include "fs/rename.h"
#include "sync/candidate.h"
#include "sync/give-back.h"
#include "sync/limit.h"
#include "sync/purge.h"
#include "sync/stage.h"

enum { FORMER_PLACES_MAX = 8 };

/* Where there are no birth times an inode number says who an entry is only if it lasts: FAT has
 * none of its own, and FUSE servers may give them out anew with each mount. */
static bool is_numbered(const Visit *visit, const Look *look) {
        FileSystemKind kind;

        return look->source.stamp.btime != 0 ||
               (file_system_kind(visit->source_fd, &kind) >= 0 && kind != FILE_SYSTEM_FUSE &&
                kind != FILE_SYSTEM_FAT);
}

static bool is_same_entry(const Visit *visit, const Look *look, const CatalogRow *row) {
        if (row->parent == visit->directory_id && strcmp(row->name, look->name) == 0)
                return false;
        return row->source.btime == look->source.stamp.btime &&
               mode_type(row->source.mode) == mode_type(look->source.stamp.mode);
}

/* Attributes may have changed together with the name. */
static int renew_metadata(Visit *visit, const Look *look, StagePlace place) {
        _cleanup_close_ int source_fd = -EBADF, fd = -EBADF;
        Attributes attributes = ATTRIBUTES_NULL;
        unsigned shortfalls = 0;
        Entry have;
        int r;

        source_fd = confined_open_child(visit->source_fd, look->name, O_PATH);
        if (source_fd < 0)
                return source_fd;
        fd = confined_open_child(place.directory_fd, place.name, O_PATH);
        if (fd < 0)
                return fd;
        r = entry_acquire(fd, "", &have);
        if (r >= 0)
                r = attributes_acquire(source_fd, &attributes);
        if (r >= 0)
                r = metadata_apply(fd, &look->source.stamp, &have.stamp, &attributes, &shortfalls);
        attributes_done(&attributes);
        visit_shortfalls(visit, look, r < 0 ? 0 : shortfalls);
        return r;
}

static int move_file(Visit *visit, Look *look, const Candidate *candidate) {
        StagePlace place;
        Item *item;
        int r;

        if (!stamp_content_equal(&candidate->row->source, &look->source.stamp))
                return 0;
        /* Linking moves the replica's ctime, which alone tells of content that was exchanged under
         * the same mtime: what has moved it before is not taken along. */
        if (candidate->row->replica.ctime != candidate->replica.stamp.ctime)
                return 0;
        item = visit_item(visit, look, ITEM_ENTRY);
        if (!item)
                return -ENOMEM;
        item->operation = OPERATION_RENAME;
        item->from_path = candidate_path(visit, candidate);
        item->row.has_hash = candidate->row->has_hash;
        item->row.hash = candidate->row->hash;
        place = stage_place(visit, item);
        r = candidate_link(visit, candidate, place);
        if (r <= 0) {
                item_free(item);
                return r;
        }
        /* What was kept as it was goes on being that. */
        item->row.flags |= candidate->row->flags & CATALOG_KEPT_OLD;
        r = candidate->row->flags & CATALOG_KEPT_OLD ? 0 : renew_metadata(visit, look, place);
        item->claimed = r >= 0;
        look->claimed = look->claimed && r < 0;
        /* Renaming moved the ctime, and so would have a change that was covered up by putting mtime
         * back: the content is held against its hash when the old name is gone. */
        item->row.source.ctime = 0;
        r = stage_complete(visit, place, item, r);
        if (r >= 0)
                visit_restless(visit, look);
        return r < 0 ? r : 1;
}

/* Takes what is in the way out of it, into the staging directory, and notes it in the catalog so
 * that it can still be claimed under its own new name. */
static Item *parking_item(Visit *visit, const Look *look) {
        Item *item = item_new(ITEM_MOVED, visit->pass, visit->node, "");

        if (!item)
                return NULL;
        if (look_finds_foreign(visit, look))
                engine_stage_name_foreign(visit->engine, item->stage);
        else
                engine_stage_name(visit->engine, item->stage);
        free(item->row.name);
        item->row.name = strdup(item->stage);
        item->from_name = strdup(look->name);
        item->from_parent = visit->directory_id;
        (void) tree_source_path(visit->engine->tree, visit->node, look->name, &item->from_path);
        item->row.parent = CATALOG_PARKED;
        item->row.replica = look->replica.stamp;
        item->quiet = true;
        if (look->has_row) {
                item->row.directory_id = look->row->directory_id;
                item->row.file_system = look->row->file_system;
                item->row.source = look->row->source;
        }
        return item->row.name && item->from_name ? item : item_free(item);
}

/* Needs engine->structure for writing. The item is handed over by the caller once it has let go of
 * that: handing over may wait for the committer. */
static int park_occupant(Visit *visit, const Look *look, Item **ret) {
        Engine *engine = visit->engine;
        _cleanup_(node_unrefp) Node *child = NULL;
        Item *item = parking_item(visit, look);
        int r;

        if (!item)
                return -ENOMEM;
        r = rename_new(visit->replica_fd, look->name, engine->pair->store.staging_fd, item->stage);
        if (r < 0) {
                item_free(item);
                return r;
        }
        item->stage[0] = '\0';
        item->claimed = look->has_row &&
                        pending_claim(&engine->pending,
                                      (CatalogIdentity) { item->row.file_system,
                                                          item->row.source.inode }) > 0;
        if (tree_find(engine->tree, visit->node, look->name, &child) >= 0)
                purge_node(engine, child);
        visit->pass->parked = true;
        *ret = item;
        return 0;
}

/* Without privileges a directory that its own mode protects cannot change its parent. The metadata
 * that is renewed afterwards puts the modes back. */
static void lift_modes(const Visit *visit, const Candidate *candidate) {
        if (geteuid() == 0)
                return;
        ignore_result(fchmodat(candidate->replica_fd, candidate->row->name, S_IRWXU,
                               AT_SYMLINK_NOFOLLOW));
        (void) fchmod(candidate->replica_fd, S_IRWXU);
        (void) fchmod(visit->replica_fd, S_IRWXU);
}

static int rename_here(Visit *visit, const Look *look, const Candidate *candidate) {
        return rename_new(candidate->replica_fd, candidate->row->name, visit->replica_fd,
                          look->name);
}

static int follow_in_tree(Visit *visit, const Look *look, const Candidate *candidate) {
        Tree *tree = visit->engine->tree;
        _cleanup_(node_unrefp) Node *node = NULL;
        int r;

        r = tree_find_by_id(tree, candidate->row->directory_id, &node);
        if (r >= 0)
                return tree_move(tree, node, visit->node, look->name);
        r = tree_child(tree, visit->node, look->name, &node);
        if (r < 0)
                return r;
        return tree_set_id(tree, node, candidate->row->directory_id);
}

/* The rename and what the tree knows of it, as one. */
static int move_replica(Visit *visit, const Look *look, const Candidate *candidate,
                        Item **ret_parked) {
        Engine *engine = visit->engine;
        bool there = look->has_replica &&
                     look->replica.stamp.inode == candidate->row->replica.inode;
        int r = 0;

        (void) pthread_rwlock_wrlock(&engine->structure);
        if (!there && look->has_replica)
                r = park_occupant(visit, look, ret_parked);
        if (r >= 0 && !there)
                r = rename_here(visit, look, candidate);
        if (r == -EACCES) {
                lift_modes(visit, candidate);
                r = rename_here(visit, look, candidate);
        }
        if (r >= 0)
                r = follow_in_tree(visit, look, candidate);
        (void) pthread_rwlock_unlock(&engine->structure);
        return r;
}

/* What is excluded stays where it is: then the directory there takes what the other one has. 1, 0,
 * -errno. */
static int spares_occupant(Visit *visit, const Look *look, const CatalogRow *row) {
        if (!look->has_replica || !S_ISDIR(look->replica.stamp.mode) ||
            look->replica.stamp.inode == row->replica.inode)
                return 0;
        return visit_spares(visit, look);
}

/* Whether something in the directory may be excluded in one of its places and not in the other. */
static bool changes_exclusion(Visit *visit, const Look *look, const Candidate *candidate) {
        const ExcludeList *list = visit->engine->pair->config->exclude;
        _cleanup_free_ char *from = NULL, *to = NULL;

        if (!list || !list->needs_paths)
                return false;
        from = candidate_path(visit, candidate);
        return !from || tree_source_path(visit->engine->tree, visit->node, look->name, &to) < 0 ||
               exclude_list_reaches(list, from) || exclude_list_reaches(list, to);
}

/* The directory that was known here, if it is neither in the replica any more nor was renamed: its
 * rows would be left over. */
static int64_t orphaned_id(Visit *visit, const Look *look) {
        _cleanup_(node_unrefp) Node *node = NULL;

        if (look->has_replica || !look->has_row ||
            tree_find(visit->engine->tree, visit->node, look->name, &node) < 0 ||
            node->directory_id != look->row->directory_id)
                return 0;
        return look->row->directory_id;
}

static int move_directory(Visit *visit, Look *look, const Candidate *candidate) {
        CatalogRow *row = candidate->row;
        Item *item, *parked = NULL;
        bool is_judged_anew;
        int r;

        if (visit->staged) {
                /* Its new place must be published first. */
                visit_defer(visit, look);
                return 1;
        }
        r = spares_occupant(visit, look, row);
        if (r != 0)
                return MIN(r, 0);
        item = visit_item(visit, look, ITEM_MOVED);
        if (!item)
                return -ENOMEM;
        item->operation = OPERATION_RENAME;
        item->from_parent = row->parent;
        item->from_name = strdup(row->name);
        item->from_node = candidate->node ? node_ref(candidate->node) : NULL;
        item->from_path = candidate_path(visit, candidate);
        item->row.source = row->source;
        item->row.replica = row->replica;
        item->row.directory_id = row->directory_id;
        is_judged_anew = changes_exclusion(visit, look, candidate);
        item->former_id = orphaned_id(visit, look);
        r = item->from_name ? move_replica(visit, look, candidate, &parked) : -ENOMEM;
        if (parked)
                visit_push(visit, parked);
        if (r < 0) {
                item_free(item);
                return r;
        }
        item->claimed = true;
        look->claimed = false;
        /* A full pass may have been at its new place before and come to its old one later. */
        look->whole = engine_is_running(visit->engine, PASS_FULL) || is_judged_anew;
        look->has_replica = entry_acquire(visit->replica_fd, look->name, &look->replica) >= 0;
        look->has_row = true;
        look->directory_id = row->directory_id;
        look->row = &visit->worker->moved_row;
        catalog_row_done(look->row);
        *look->row = *row;
        *row = CATALOG_ROW_NULL;
        visit_push(visit, item);
        return 2;
}

static int move_dry(Visit *visit, Look *look, const Candidate *candidate) {
        _cleanup_free_ char *from = candidate_path(visit, candidate);

        visit_would(visit, look, OPERATION_RENAME, from ?: "");
        (void) pending_claim(
                &visit->engine->pending,
                (CatalogIdentity) { PENDING_DRY_MOVED, candidate->row->replica.inode });
        return 1;
}

/* Without birth times another directory may have got the inode of one that is gone and kept. */
static bool may_be_renamed(const Look *look, const CatalogRow *row, Policy policy) {
        return policy.remove || !S_ISDIR(row->source.mode) || look->source.stamp.btime != 0;
}

/* Whether the policy lets the replica's entry follow: it must not take what has the new name from
 * there, nor, when nothing is ever replaced, leave the old name to another entry. */
static bool may_follow(const Visit *visit, const Look *look, const Candidate *candidate,
                       bool is_here) {
        const CatalogRow *row = candidate->row;
        Policy policy = visit_policy(visit, look);
        bool is_taken = look->has_replica && !is_here;

        if (row->flags & CATALOG_KEPT_OLD &&
            (policy.overwrite || row->directory_id != 0 ||
             mode_type(row->replica.mode) != mode_type(row->source.mode)))
                return false;
        if (!policy.overwrite && (is_taken || candidate->source.stamp.mode != 0))
                return false;
        if ((!policy.remove || limit_applies(visit->engine)) && is_taken &&
            S_ISDIR(look->replica.stamp.mode))
                return false;
        return may_be_renamed(look, row, policy);
}

static int try_former_place(Visit *visit, Look *look, CatalogRow *row) {
        Candidate candidate;
        bool is_here;
        int r;

        if (!is_same_entry(visit, look, row))
                return 0;
        r = candidate_open(visit, row, &candidate);
        if (r < 0)
                return r == -ENOENT ? 0 : r;
        is_here = look->has_replica && look->replica.stamp.inode == row->replica.inode &&
                  mode_type(look->replica.stamp.mode) == mode_type(row->replica.mode);
        r = 0;
        if (!candidate.in_source &&
            (is_here || (candidate.in_replica && !visit_is_occupied(visit, look))) &&
            may_follow(visit, look, &candidate, is_here)) {
                if (visit->engine->pair->dry_run)
                        r = move_dry(visit, look, &candidate);
                else if (S_ISDIR(row->source.mode))
                        r = move_directory(visit, look, &candidate);
                else if (!is_here)
                        r = move_file(visit, look, &candidate);
                /* Else a crash fell between the renaming of the replica and its commit. That moved
                 * the ctime, which alone tells of other content under the same mtime: so content
                 * decides, as of any entry that is not known. */
        }
        candidate_done(&candidate);
        return r;
}

static int try_former_places(Visit *visit, Look *look) {
        CatalogRow rows[FORMER_PLACES_MAX] = {};
        int n, r;

        r = n = catalog_reader_by_identity(visit->reader, look_identity(look), 0, rows,
                                           FORMER_PLACES_MAX);
        if (n >= 0)
                r = 0;
        for (int i = 0; r == 0 && i < n; i++)
                r = try_former_place(visit, look, &rows[i]);
        for (int i = 0; i < FORMER_PLACES_MAX; i++)
                catalog_row_done(&rows[i]);
        return r;
}

int visit_moved(Visit *visit, Look *look) {
        CatalogRow row = CATALOG_ROW_NULL;
        int n, r;

        /* Most new entries are known nowhere: that is asked without a claim. */
        n = catalog_reader_by_identity(visit->reader, look_identity(look), 0, &row, 1);
        catalog_row_done(&row);
        if (n <= 0 || !is_numbered(visit, look))
                return MIN(n, 0);
        r = pending_claim(&visit->engine->pending, look_identity(look));
        if (r == 0)
                visit_defer(visit, look);
        if (r <= 0)
                return r < 0 ? r : 1;
        look->claimed = true;
        return try_former_places(visit, look);
}
