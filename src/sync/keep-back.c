/* What a policy keeps in the replica: an entry that the source has changed and that may not be
 * replaced, or one that is gone from the source and may not be removed. It stays as it is; its row
 * says so, so that it is told once and looked at again only when either side moves.
 *
 * A directory that only the replica has is gone into once, when it is kept, and in full passes:
 * each entry below it gets such a row of its own, which no entry of the source can pass for. */

#include <errno.h>
#include <sys/stat.h>

#include "basic/macros.h"
#include "sync/candidate.h"
#include "sync/purge.h"
#include "sync/visit.h"

const char *keep_reason(bool has_source) {
        return has_source ? " as it was: it has changed in the source (Overwrite=no)"
                          : ": it is gone from the source (Delete=no)";
}

/* The hash, if the catalog has one, is that of the content that the replica has still. */
static void keep_hash(const Look *look, Item *item) {
        const CatalogRow *row = look->row;

        item->row.has_hash = look->has_row && row->has_hash &&
                             stamp_content_equal(&row->replica, &look->replica.stamp);
        if (!item->row.has_hash)
                return;
        item->row.hash = row->hash;
        item->row.verified = row->verified;
        item->row.flags |= row->flags & CATALOG_REPLICA_ROTTEN;
}

/* Watches and rows of a directory as which the entry was known. */
static void forget_directory(Visit *visit, const Look *look) {
        Node *node;

        if (!look->has_row || look->row->directory_id == 0 ||
            tree_find(visit->engine->tree, visit->node, look->name, &node) < 0)
                return;
        purge_node(visit->engine, node);
        node_unref(node);
}

static bool was_told(const Look *look) {
        return look->has_row && look->row->flags & CATALOG_KEPT_OLD &&
               stamp_content_equal(&look->row->source, &look->source.stamp);
}

static int keep_old(Visit *visit, Look *look) {
        Item *item;

        forget_directory(visit, look);
        item = visit_item(visit, look, ITEM_ROW);
        if (!item)
                return -ENOMEM;
        item->operation = OPERATION_KEEP;
        item->quiet = was_told(look);
        item->row.flags |= CATALOG_KEPT_OLD;
        item->former_id = look->has_row ? look->row->directory_id : 0;
        keep_hash(look, item);
        item->claimed = look->claimed;
        look->claimed = false;
        item->replica_claimed = look->replica_claimed;
        look->replica_claimed = false;
        visit_push(visit, item);
        return 0;
}

static bool is_kept_directory(const Look *look) {
        return !look->has_source && look->has_replica && S_ISDIR(look->replica.stamp.mode);
}

static int keep_gone(Visit *visit, Look *look) {
        _cleanup_(node_unrefp) Node *child = NULL;
        bool was_kept = look->has_row && look->row->flags & CATALOG_KEPT_GONE;
        Item *item;
        int r;

        if (!was_kept)
                forget_directory(visit, look);
        if (is_kept_directory(look)) {
                r = visit_know_directory(visit, look, &child);
                if (r < 0)
                        return r;
        }
        item = visit_item(visit, look, ITEM_ROW);
        if (!item)
                return -ENOMEM;
        item->operation = OPERATION_KEEP;
        /* Of a directory only it itself is told. */
        item->quiet = was_kept || visit->job->kept;
        item->row.flags |= CATALOG_KEPT_GONE;
        item->row.source = catalog_gone_stamp(&look->replica.stamp);
        item->row.file_system = CATALOG_NO_FILE_SYSTEM;
        item->row.directory_id = look->directory_id;
        keep_hash(look, item);
        item->replica_claimed = look->replica_claimed;
        look->replica_claimed = false;
        visit_push(visit, item);
        return child ? visit_descend(visit, look, (Descent) { .kept = true }) : 0;
}

/* Whether its content is in the source, and in the replica, under another name. */
static bool was_renamed(Visit *visit, const Look *look) {
        CatalogRow rows[2] = { CATALOG_ROW_NULL, CATALOG_ROW_NULL };
        bool found = false;
        int n = 0;

        if (visit_was_moved(visit, look))
                n = catalog_reader_by_identity(
                        visit->reader,
                        (CatalogIdentity) { look->row->file_system, look->row->source.inode }, 0,
                        rows, 2);
        for (int i = 0; i < n; i++) {
                Candidate candidate;

                if (candidate_open(visit, &rows[i], &candidate) < 0)
                        continue;
                found = found || (candidate.in_source && candidate.in_replica);
                candidate_done(&candidate);
        }
        catalog_row_done(&rows[0]);
        catalog_row_done(&rows[1]);
        return found;
}

/* Another look was faster. */
static bool is_kept_by_now(Visit *visit, const Look *look) {
        _cleanup_(catalog_row_done) CatalogRow row = CATALOG_ROW_NULL;

        return catalog_reader_get(visit->reader, visit->directory_id, look->name, &row) >= 0 &&
               row.flags & CATALOG_KEPT && stamp_equal(&row.replica, &look->replica.stamp) &&
               (look->has_source ? stamp_equal(&row.source, &look->source.stamp)
                                 : !!(row.flags & CATALOG_KEPT_GONE));
}

/* So that it is told once. 1: nothing is left to be done, or it was put off. */
static int claim_replica(Visit *visit, Look *look) {
        int r = 1;

        if (!look->replica_claimed)
                r = pending_claim(&visit->engine->pending,
                                  (CatalogIdentity) { PENDING_REPLICA, look->replica.stamp.inode });
        if (r == 0) {
                visit_defer(visit, look);
                return 1;
        }
        if (r < 0)
                return r;
        look->replica_claimed = true;
        return is_kept_by_now(visit, look);
}

/* The directory that the row is of may turn up under another name, which takes the replica's away
 * from here. */
static bool may_have_moved(const Visit *visit, const Look *look) {
        return look->has_source && look->has_row && look->row->directory_id != 0 &&
               !(look->row->flags & CATALOG_KEPT) && visit_may_be_renamed_yet(visit);
}

int visit_keep(Visit *visit, Look *look) {
        int r;

        if (may_have_moved(visit, look)) {
                visit_defer(visit, look);
                return 0;
        }

        /* Like removals, last: it may have been renamed. */
        if (!look->has_source && !visit->removing && !visit->job->kept) {
                visit_note_gone(visit, look);
                return 0;
        }
        if (!look->has_source && was_renamed(visit, look))
                return perform(visit, look, ACTION_REMOVE);
        r = claim_replica(visit, look);
        if (r != 0)
                return MIN(r, 0);
        return look->has_source ? keep_old(visit, look) : keep_gone(visit, look);
}

int visit_descend_kept(Visit *visit, Look *look) {
        return is_kept_directory(look) && visit->recursive && visit->pass->kind == PASS_FULL
                       ? visit_descend(visit, look, (Descent) { .kept = true })
                       : 0;
}
