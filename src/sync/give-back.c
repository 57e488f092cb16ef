/* Carrying out that the source follows the replica. */

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "basic/alloc.h"
#include "basic/fd.h"
#include "basic/macros.h"
#include "fs/confined.h"
#include "fs/metadata.h"
#include "sync/give-back.h"
#include "sync/keep.h"
#include "sync/merge.h"

static Stamp merge(const Look *look, bool is_replicas_content) {
        bool known = look->has_row && look->has_source &&
                     mode_type(look->row->source.mode) == mode_type(look->source.stamp.mode) &&
                     mode_type(look->row->replica.mode) == mode_type(look->replica.stamp.mode);

        return merge_stamps(&(MergeSides) {
                .source = look->has_source ? &look->source.stamp : &look->replica.stamp,
                .replica = &look->replica.stamp,
                .was_source = known ? &look->row->source : NULL,
                .was_replica = known ? &look->row->replica : NULL,
                .is_replicas_content = is_replicas_content,
        });
}

/* Both sides are equal now: the catalog learns it. */
static int adopt(Visit *visit, Look *look, const GiveBack *back) {
        int r;

        r = entry_acquire(visit->source_fd, look->name, &look->source);
        if (r < 0)
                return r;
        look->has_source = true;
        r = visit_sample_file_system(visit, look);
        if (r < 0)
                return r;
        look->replica = back->replica;
        look->has_hash = back->has_hash;
        look->hash = back->hash;
        look->is_returned = true;
        look->whole = look->whole || look_is_directory(look);
        /* While somebody writes to it nothing of it is touched; it comes again. */
        if (back->restless) {
                Item *item = visit_item(visit, look, ITEM_ROW);

                if (!item)
                        return -ENOMEM;
                item->quiet = true;
                visit_push(visit, item);
                return 0;
        }
        return perform(visit, look, ACTION_ADOPT);
}

int give_back_keep_entry(Visit *visit, const Look *look) {
        _cleanup_free_ char *path = NULL;
        int r = tree_source_path(visit->engine->tree, visit->node, look->name, &path);

        if (r >= 0)
                r = give_back_keep(visit, &(GiveBackKeep) { visit->source_fd, look->name,
                                                            &look->source, path });
        if (r >= 0 && visit->engine->pair->config->versions_keep > 0)
                r = keep_flush(visit->engine);
        return r;
}

static int place(GiveBack *back, const Entry *occupant) {
        Visit *visit = back->visit;
        GiveBackTimes times = give_back_begin(visit);
        int r = give_back_make(back);

        if (r == -EAGAIN) {
                visit_restless(visit, back->look);
                return 1;
        }
        if (r >= 0)
                r = give_back_place(back, occupant);
        if (r >= 0)
                give_back_end(visit, times);
        return MIN(r, 0);
}

/* 1 put off. */
static int make_and_place(GiveBack *back, const Entry *occupant) {
        Look *look = back->look;

        if (look->first == 0)
                look->first = now_usec(CLOCK_MONOTONIC);
        return place(back, occupant);
}

int give_back_copy(Visit *visit, Look *look, const char *name) {
        GiveBack back = GIVE_BACK_NULL;
        int r;

        back.visit = visit;
        back.look = look;
        back.name = name;
        back.wanted = look->replica.stamp;
        r = make_and_place(&back, NULL);
        give_back_done(&back);
        return r;
}

/* The change was made to all names of the replica's file, of which the source's is one no more. */
static void revisit_links(Visit *visit, const Look *look) {
        if (look->has_row && look->row->source.n_links > 1 && pass_is_partial(visit->pass))
                visit_group_left(visit, look);
}

/* Nothing, or another entry that is no directory, has the name in the source. */
static int give_content(Visit *visit, Look *look, Operation operation) {
        usec_t began = now_usec(CLOCK_MONOTONIC);
        GiveBack back = GIVE_BACK_NULL;
        bool replaces = look->has_source;
        Entry occupant = look->source;
        int r;

        back.visit = visit;
        back.look = look;
        back.name = look->name;
        back.wanted = merge(look, true);
        r = give_back_moved(visit, look);
        if (r != 0)
                return MIN(r, 0);
        r = replaces && !look->is_kept ? give_back_keep_entry(visit, look) : 0;
        if (r >= 0)
                r = make_and_place(&back, replaces ? &occupant : NULL);
        if (r == 0) {
                uint64_t n_bytes = S_ISREG(back.wanted.mode) ? back.replica.stamp.size : 0;

                visit_returned(visit,
                               &(Returned) { .name = look->name,
                                             .operation = operation,
                                             .n_bytes = n_bytes,
                                             .duration = now_usec(CLOCK_MONOTONIC) - began });
                revisit_links(visit, look);
                r = adopt(visit, look, &back);
        }
        give_back_done(&back);
        return MIN(r, 0);
}

/* A directory that the catalog does not know begins anew: nothing in it is held against what was in
 * the one before. */
static void forget_other_directory(Visit *visit, Look *look) {
        if (!look->has_row || look->row->directory_id == 0 ||
            look->row->replica.inode == look->replica.stamp.inode)
                return;
        visit_forget_predecessor(visit, look);
        look->has_row = false;
}

static int give_create(Visit *visit, Look *look) {
        forget_other_directory(visit, look);
        return give_content(visit, look,
                            S_ISDIR(look->replica.stamp.mode) ? OPERATION_MKDIR : OPERATION_COPY);
}

/* Metadata */

static bool same_attributes(const Visit *visit, const Look *look, Attributes *ret) {
        _cleanup_close_ int source_fd = visit_open_object(visit->source_fd, look->name),
                            replica_fd = visit_open_object(visit->replica_fd, look->name);
        Attributes source = ATTRIBUTES_NULL;
        bool same = source_fd < 0 || replica_fd < 0 || attributes_acquire(source_fd, &source) < 0 ||
                    attributes_acquire(replica_fd, ret) < 0 || attributes_equal(&source, ret);

        attributes_done(&source);
        return same;
}

/* Whether the replica's attributes are the newer ones, as far as can be told: their change moves
 * ctime, and so do others. */
static bool has_newer_attributes(const Visit *visit, const Look *look) {
        bool was_known = look->has_row && look->replica_state == STATE_CHANGED,
             cannot_hold = atomic_load(&visit->engine->shortfalls_reported) != 0;

        return was_known && !cannot_hold &&
               (look->source_state == STATE_SAME ||
                look->replica.stamp.ctime > look->source.stamp.ctime);
}

static bool has_other_metadata(const Stamp *a, const Stamp *b) {
        return a->mode != b->mode || a->uid != b->uid || a->gid != b->gid || a->mtime != b->mtime;
}

static int apply(Visit *visit, Look *look, const Stamp *wanted, const Attributes *attributes) {
        _cleanup_close_ int fd = visit_open_object(visit->source_fd, look->name);
        unsigned shortfalls = 0;
        Entry now;
        int r;

        if (fd < 0)
                return fd;
        r = entry_acquire(fd, "", &now);
        if (r >= 0 && now.stamp.inode != look->source.stamp.inode)
                r = -EBUSY;
        if (r >= 0 && !S_ISDIR(now.stamp.mode) && !stamp_equal(&now.stamp, &look->source.stamp))
                r = -EBUSY;
        if (r >= 0)
                r = metadata_apply(fd, wanted, &now.stamp, attributes, &shortfalls);
        return r < 0 ? r : entry_acquire(fd, "", &look->source);
}

int give_back_merge(Visit *visit, Look *look, Action action) {
        Attributes attributes = ATTRIBUTES_NULL;
        Stamp wanted = merge(look, false);
        bool takes_attributes = has_newer_attributes(visit, look) &&
                                !same_attributes(visit, look, &attributes);
        int r = 0;

        /* The time goes with the content. */
        if (action == ACTION_UPDATE)
                wanted.mtime = look->source.stamp.mtime;
        if (takes_attributes || has_other_metadata(&wanted, &look->source.stamp)) {
                r = apply(visit, look, &wanted, takes_attributes ? &attributes : NULL);
                if (r >= 0)
                        visit_returned(visit, &(Returned) { .name = look->name,
                                                            .operation = OPERATION_METADATA });
                atomic_store(&visit->engine->source_moved, true);
        }
        attributes_done(&attributes);
        return r;
}

/* Afterwards the source has what both shall have, and the replica follows as ever. */
static int give_metadata(Visit *visit, Look *look) {
        int r = give_back_merge(visit, look, ACTION_METADATA);

        look->is_returned = true;
        return r < 0 ? r : perform(visit, look, ACTION_METADATA);
}

/* Removal */

static int forget(Visit *visit, Look *look, Operation operation) {
        visit_returned(visit, &(Returned) { .name = look->name, .operation = operation });
        look->has_source = false;
        return perform(visit, look, ACTION_FORGET);
}

static int remove_entry(Visit *visit, Look *look) {
        GiveBackTimes times = give_back_begin(visit);
        int r = give_back_keep_entry(visit, look);

        if (r >= 0)
                r = give_back_unlink(visit, visit->source_fd, look->name, &look->source);
        if (r < 0)
                return r;
        give_back_end(visit, times);
        return forget(visit, look, OPERATION_REMOVE);
}

/* What changed in it survives, and the replica gets that, and the directory, again. */
static int remove_directory(Visit *visit, Look *look) {
        GiveBackTimes times = give_back_begin(visit);
        int r = give_back_remove_tree(visit, look);

        if (r < 0)
                return r;
        give_back_end(visit, times);
        if (r > 0)
                return forget(visit, look, OPERATION_REMOVE);
        r = entry_acquire(visit->source_fd, look->name, &look->source);
        look->source_state = STATE_CHANGED;
        return r < 0 ? r : perform(visit, look, ACTION_CREATE);
}

static int give_removal(Visit *visit, Look *look) {
        if (!visit->removing) {
                visit_note_gone(visit, look);
                return 0;
        }
        return look_is_directory(look) ? remove_directory(visit, look) : remove_entry(visit, look);
}

/* A directory gives way to something else once it is empty; what changed in it keeps it, and then
 * it keeps its name, too. */
static int give_replacement(Visit *visit, Look *look) {
        GiveBackTimes times;
        int r;

        if (!look_is_directory(look))
                return give_content(visit, look,
                                    S_ISDIR(look->replica.stamp.mode) ? OPERATION_MKDIR
                                                                      : OPERATION_UPDATE);
        if (!visit->removing) {
                visit_note_gone(visit, look);
                return 0;
        }
        times = give_back_begin(visit);
        r = give_back_remove_tree(visit, look);
        if (r <= 0)
                return r < 0 ? r : visit_conflict(visit, look);
        give_back_end(visit, times);
        r = forget(visit, look, OPERATION_REMOVE);
        return r < 0 ? r : give_create(visit, look);
}

int give_back(Visit *visit, Look *look, Action action) {
        switch (action) {
        case ACTION_RETURN_CREATE:
                return give_create(visit, look);
        case ACTION_RETURN_UPDATE:
                return give_content(visit, look, OPERATION_UPDATE);
        case ACTION_RETURN_REPLACE:
                return give_replacement(visit, look);
        case ACTION_RETURN_METADATA:
                return give_metadata(visit, look);
        case ACTION_RETURN_REMOVE:
                return give_removal(visit, look);
        case ACTION_CONFLICT:
                return visit_conflict(visit, look);
        default:
                return -EINVAL;
        }
}
