#include <string.h>
#include <sys/stat.h>

#include "sync/visit.h"

static EntryState side_state(const Stamp *remembered, const Entry *now) {
        if (!now)
                return STATE_GONE;
        if (!remembered)
                return STATE_NEW;
        if (mode_type(remembered->mode) != mode_type(now->stamp.mode))
                return STATE_RETYPED;
        return stamp_equal(remembered, &now->stamp) ? STATE_SAME : STATE_CHANGED;
}

void look_classify(Look *look) {
        const CatalogRow *row = look->has_row ? look->row : NULL;
        const Entry *source = look->has_source ? &look->source : NULL;
        const Entry *replica = look->has_replica ? &look->replica : NULL;

        /* A row of another type than the source's says nothing of what is there now. */
        if (row && source && mode_type(row->source.mode) != mode_type(source->stamp.mode))
                row = NULL;

        look->source_state = side_state(row ? &row->source : NULL, source);
        /* Other places are reached by a directory's row, which must name its file system. */
        if (look->source_state == STATE_SAME && look_is_directory(look) &&
            row->file_system != look->file_system)
                look->source_state = STATE_CHANGED;
        look->replica_state = side_state(row ? &row->replica : NULL, replica);
        if (source && replica && mode_type(source->stamp.mode) != mode_type(replica->stamp.mode) &&
            !(row && row->flags & CATALOG_KEPT && look->replica_state == STATE_SAME))
                look->replica_state = STATE_RETYPED;
        /* Another directory has its place in the replica: nothing is known of what is in it. */
        if (row && source && replica && look_is_directory(look) &&
            row->replica.inode != replica->stamp.inode)
                look->whole = true;
}

void look_apply_policy(Look *look, Policy policy) {
        bool as_left = look->replica_state == STATE_SAME;
        unsigned flags = look->has_row ? look->row->flags : 0;

        if (flags & CATALOG_KEPT_OLD && look->source_state == STATE_SAME) {
                look->kept = as_left && !policy.overwrite;
                /* What it was in step with is not what the source has. */
                if (!look->kept)
                        look->source_state = STATE_CHANGED;
        }
        if (flags & CATALOG_KEPT_OLD && !look->kept && look->has_source && look->has_replica &&
            mode_type(look->source.stamp.mode) != mode_type(look->replica.stamp.mode))
                look->replica_state = STATE_RETYPED;
        if (flags & CATALOG_KEPT_GONE) {
                look->kept = !look->has_source && as_left && !policy.remove;
                /* It is back: of what is in a directory nothing has been seen meanwhile. */
                look->whole = look->whole || look->has_source;
        }
}

void look_classify_two_way(Look *look) {
        /* What a policy of earlier kept although the source had lost it was removed by nobody. */
        bool is_base = look->has_row && !(look->row->flags & CATALOG_KEPT_GONE);
        const CatalogRow *row = is_base ? look->row : NULL;
        const Entry *source = look->has_source ? &look->source : NULL;
        const Entry *replica = look->has_replica ? &look->replica : NULL;

        look->source_state = side_state(row ? &row->source : NULL, source);
        look->replica_state = side_state(row ? &row->replica : NULL, replica);
        if (look->source_state == STATE_SAME &&
            ((look_is_directory(look) && row->file_system != look->file_system) ||
             row->flags & CATALOG_KEPT_OLD))
                look->source_state = STATE_CHANGED;
        /* Another directory than before: nothing is known of what is in it. */
        if (row && source && replica && look_is_directory(look) &&
            (row->replica.inode != replica->stamp.inode ||
             row->source.inode != source->stamp.inode))
                look->whole = true;
}

/* Both sides are the inodes that the catalog has. */
static bool is_of_row(const Look *look) {
        return look->has_row && look->row->source.inode == look->source.stamp.inode &&
               look->row->replica.inode == look->replica.stamp.inode;
}

/* A replica inode of several names cannot stand for a source file of one, but for one whose other
 * names are about to go. */
bool look_is_shared(const Look *look) {
        return look->source.stamp.n_links == 1 && look->replica.stamp.n_links > 1 &&
               !is_of_row(look);
}

Evidence look_evidence(const Look *look) {
        const Stamp *source = &look->source.stamp, *replica = &look->replica.stamp;

        if (!look->has_source || !look->has_replica)
                return EVIDENCE_NONE;
        if (S_ISDIR(source->mode))
                return EVIDENCE_EQUAL;
        if (look_is_shared(look))
                return EVIDENCE_DIFFERENT;
        if (S_ISFIFO(source->mode) || S_ISSOCK(source->mode))
                return EVIDENCE_EQUAL;
        if (S_ISCHR(source->mode) || S_ISBLK(source->mode))
                return source->rdev == replica->rdev ? EVIDENCE_EQUAL : EVIDENCE_DIFFERENT;
        if (source->size != replica->size)
                return EVIDENCE_DIFFERENT;
        /* Another file took the name. With the same size and time it is probably the same again:
         * then reading is cheaper than writing. */
        if (S_ISREG(source->mode) && look->has_row && look->row->source.inode != source->inode &&
            look->row->source.mtime != source->mtime)
                return EVIDENCE_DIFFERENT;
        return EVIDENCE_NONE;
}
