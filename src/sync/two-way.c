/* Looks of two-way pairs: who changed, and what both sides make of it. */

#include <errno.h>
#include <string.h>
#include <sys/stat.h>

#include "basic/alloc.h"
#include "basic/fd.h"
#include "basic/macros.h"
#include "fs/confined.h"
#include "fs/special.h"
#include "sync/give-back.h"
#include "sync/refresh.h"
#include "sync/tick.h"

/* What another name of it, or what is in a directory, has done to an entry is no change of its own
 * when the question is whether it may go. */
static EntryState own_state(EntryState state, const Stamp *was, const Stamp *is) {
        bool same;

        if (state != STATE_CHANGED)
                return state;
        same = S_ISDIR(is->mode) ? was->inode == is->inode && was->mode == is->mode &&
                                           was->uid == is->uid && was->gid == is->gid
                                 : link_explains(was, is);
        return same ? STATE_SAME : state;
}

bool visit_is_occupied(Visit *visit, const Look *look) {
        EntryState state = look->replica_state;

        if (!visit_is_two_way(visit) || !look->has_replica)
                return false;
        if (look->has_row)
                state = own_state(state, &look->row->replica, &look->replica.stamp);
        return state != STATE_SAME ||
               (S_ISDIR(look->replica.stamp.mode) && give_back_is_clean(visit, look) <= 0);
}

static Evidence evidence_of(const Look *look) {
        const Stamp *source = &look->source.stamp, *replica = &look->replica.stamp;

        if (!look->has_source || !look->has_replica)
                return EVIDENCE_NONE;
        if (mode_type(source->mode) != mode_type(replica->mode))
                return EVIDENCE_DIFFERENT;
        if (S_ISDIR(source->mode) || S_ISFIFO(source->mode) || S_ISSOCK(source->mode))
                return EVIDENCE_EQUAL;
        if (S_ISCHR(source->mode) || S_ISBLK(source->mode))
                return source->rdev == replica->rdev ? EVIDENCE_EQUAL : EVIDENCE_DIFFERENT;
        return source->size != replica->size ? EVIDENCE_DIFFERENT : EVIDENCE_NONE;
}

/* Whether SIDE's content has HASH: 1, 0, -errno. */
static int has_hash(Visit *visit, const Look *look, int directory_fd, const Hash *hash) {
        const Stamp *stamp = look->has_source ? &look->source.stamp : &look->replica.stamp;
        _cleanup_free_ char *target = NULL;
        _cleanup_close_ int fd = -EBADF;
        Look link = { .name = look->name };
        Hash found;
        int r;

        if (S_ISLNK(stamp->mode)) {
                r = symlink_read(directory_fd, look->name, &target);
                if (r >= 0)
                        r = look_hash_target(visit, &link, target);
                return r < 0 ? r : link.has_hash && memcmp(&link.hash, hash, sizeof *hash) == 0;
        }
        fd = confined_open_content(directory_fd, look->name);
        r = fd < 0 ? fd : copier_hash(visit->worker->copier, fd, &found, tick, visit);
        return r < 0 ? r : memcmp(&found, hash, sizeof found) == 0;
}

/* The same, when it is about to be removed. That ctime alone moved may be a change that was covered
 * up by putting mtime back, which the hash shows. */
static int judge_removal(Visit *visit, const Look *look, bool is_source, EntryState *state) {
        const CatalogRow *row = look->row;
        const Stamp *was = is_source ? &row->source : &row->replica,
                    *is = is_source ? &look->source.stamp : &look->replica.stamp;
        int r;

        if (*state != STATE_CHANGED || own_state(*state, was, is) != STATE_SAME)
                return 0;
        if (S_ISREG(is->mode) && row->has_hash) {
                r = has_hash(visit, look, is_source ? visit->source_fd : visit->replica_fd,
                             &row->hash);
                if (r <= 0)
                        return r;
        }
        *state = STATE_SAME;
        return 0;
}

static int judge_removals(Visit *visit, Look *look) {
        if (!look->has_row || look->has_source == look->has_replica)
                return 0;
        return judge_removal(visit, look, look->has_source,
                             look->has_source ? &look->source_state : &look->replica_state);
}

static bool has_content(const Look *look) {
        return S_ISREG(look->source.stamp.mode) || S_ISLNK(look->source.stamp.mode);
}

/* Both changed and differ: perhaps one of them in its metadata alone. */
static int find_mover(Visit *visit, const Look *look) {
        const CatalogRow *row = look->row;
        int r;

        if (!has_content(look))
                return EVIDENCE_DIFFERENT;
        if (!row->has_hash) {
                if (stamp_content_equal(&row->source, &look->source.stamp))
                        return EVIDENCE_ONLY_REPLICA_MOVED;
                return stamp_content_equal(&row->replica, &look->replica.stamp)
                               ? EVIDENCE_ONLY_SOURCE_MOVED
                               : EVIDENCE_DIFFERENT;
        }
        r = has_hash(visit, look, visit->source_fd, &row->hash);
        if (r != 0)
                return r < 0 ? r : EVIDENCE_ONLY_REPLICA_MOVED;
        r = has_hash(visit, look, visit->replica_fd, &row->hash);
        return r < 0 ? r : r > 0 ? EVIDENCE_ONLY_SOURCE_MOVED : EVIDENCE_DIFFERENT;
}

static bool stood_still(const Visit *visit, const Look *look) {
        Entry source, replica;

        return entry_acquire(visit->source_fd, look->name, &source) >= 0 &&
               entry_acquire(visit->replica_fd, look->name, &replica) >= 0 &&
               stamp_equal(&source.stamp, &look->source.stamp) &&
               stamp_equal(&replica.stamp, &look->replica.stamp);
}

static int judge_contents(Visit *visit, Look *look, Evidence evidence) {
        int r = evidence == EVIDENCE_NONE ? look_examine(visit, look) : (int) evidence;

        if (r == EVIDENCE_DIFFERENT && look->source_state == STATE_CHANGED &&
            look->replica_state == STATE_CHANGED)
                r = find_mover(visit, look);
        if (r < 0)
                return r;
        /* Nobody loses a name because of what changed while it was looked at. */
        return S_ISDIR(look->source.stamp.mode) || stood_still(visit, look) ? r : -EBUSY;
}

/* A replica inode of several names cannot stand for a source file of one, but for one that it stood
 * for already: its other names are about to reach the source. */
static bool must_separate(const Look *look, bool is_shared) {
        bool is_of_row = look->has_row && look->row->source.inode == look->source.stamp.inode &&
                         look->row->replica.inode == look->replica.stamp.inode;

        return is_shared || (look->source.stamp.n_links == 1 && look->replica.stamp.n_links > 1 &&
                             !is_of_row && !look_is_directory(look));
}

static bool is_of_equals(Action action) {
        return action == ACTION_METADATA || action == ACTION_ADOPT ||
               action == ACTION_RETURN_METADATA;
}

static int compare(Visit *visit, Look *look, Action *ret) {
        Evidence evidence = evidence_of(look);
        bool is_shared = false;
        int r;

        r = visit_large(visit, look, evidence);
        if (r == 0 && !visit->engine->pair->dry_run)
                r = give_back_claim(visit, look);
        if (r == 0 && !visit->engine->pair->dry_run)
                r = visit_check_shared(visit, look, &is_shared);
        if (r != 0)
                return r;
        r = judge_contents(visit, look, evidence);
        if (r < 0)
                return r;
        *ret = decide(look->source_state, look->replica_state, (Evidence) r,
                      visit_policy(visit, look));
        if ((is_of_equals(*ret) || *ret == ACTION_UPDATE) && look->unlinkable) {
                r = visit_group_join(visit, look);
                if (r != 0)
                        return r;
        }
        if (is_of_equals(*ret) && must_separate(look, is_shared))
                *ret = ACTION_UPDATE;
        if (*ret == ACTION_UPDATE && look->replica_state == STATE_CHANGED &&
            !visit->engine->pair->dry_run)
                return give_back_merge(visit, look, ACTION_UPDATE);
        return 0;
}

/* A directory of the replica goes as a whole or not at all. 0, -errno. */
static int confirm(Visit *visit, const Look *look, Action *action) {
        bool replaces = *action == ACTION_REPLACE || *action == ACTION_REMOVE;
        int r;

        if (!replaces || !look->has_replica || !S_ISDIR(look->replica.stamp.mode) ||
            (*action == ACTION_REMOVE && !visit->removing))
                return 0;
        r = give_back_is_clean(visit, look);
        if (r == 0)
                *action = *action == ACTION_REMOVE ? ACTION_RETURN_CREATE : ACTION_CONFLICT;
        return MIN(r, 0);
}

static void drop_claim(Visit *visit, Look *look) {
        if (look->claimed)
                pending_release(&visit->engine->pending, look_identity(look));
        look->claimed = false;
}

/* The source is about to get another inode under the name, or none. */
static void release_claim(Visit *visit, Look *look, Action action) {
        bool returns = action == ACTION_RETURN_CREATE || action == ACTION_RETURN_UPDATE ||
                       action == ACTION_RETURN_REPLACE || action == ACTION_RETURN_REMOVE ||
                       action == ACTION_CONFLICT;

        if (returns && !visit->engine->pair->dry_run)
                drop_claim(visit, look);
}

/* What one side has no more, and what something else has taken the place of, may have been renamed:
 * like removals, what becomes of it comes last. */
static bool comes_last(const Look *look) {
        const CatalogRow *row = look->has_row ? look->row : NULL;

        if (!look->name[0])
                return false;
        if (!look->has_source || !look->has_replica)
                return row && look->has_source != look->has_replica;
        if (look_is_directory(look) != S_ISDIR(look->replica.stamp.mode))
                return true;
        if (look_is_directory(look))
                return row && row->directory_id != 0 &&
                       (row->replica.inode != look->replica.stamp.inode ||
                        row->source.inode != look->source.stamp.inode);
        return row && row->replica.inode != look->replica.stamp.inode &&
               row->source.inode == look->source.stamp.inode;
}

static bool is_removal(const Look *look, Action action) {
        return (action == ACTION_REPLACE && S_ISDIR(look->replica.stamp.mode)) ||
               action == ACTION_REMOVE || action == ACTION_RETURN_REMOVE ||
               action == ACTION_RETURN_REPLACE;
}

/* Removals wait for all else, or for somebody to approve them. */
static bool must_stay(Visit *visit, const Look *look, Action action) {
        if (!visit->removing || !is_removal(look, action))
                return false;
        if (atomic_load(&visit->pass->removals_due))
                return visit->pass->holds_removals;
        visit_note_gone(visit, look);
        return true;
}

static int count(Visit *visit, Look *look) {
        int r;

        if (look->has_source == look->has_replica)
                return 0;
        r = judge_removals(visit, look);
        return r < 0 ? r
                     : perform(visit, look,
                               decide(look->source_state, look->replica_state, EVIDENCE_NONE,
                                      visit_policy(visit, look)));
}

int visit_two_way(Visit *visit, Look *look) {
        Action action;
        int r;

        if (visit->counting)
                return count(visit, look);
        if (comes_last(look) && !visit->removing) {
                drop_claim(visit, look);
                visit_note_gone(visit, look);
                return 0;
        }
        /* Nothing was done before, so it would be told again. */
        if (visit->removing && visit->engine->pair->dry_run && !comes_last(look))
                return 0;
        r = judge_removals(visit, look);
        if (r < 0)
                return r;
        action = decide(look->source_state, look->replica_state, EVIDENCE_NONE,
                        visit_policy(visit, look));
        if (action == ACTION_COMPARE)
                r = compare(visit, look, &action);
        if (r == 0)
                r = confirm(visit, look, &action);
        if (r != 0)
                return MIN(r, 0);
        if (must_stay(visit, look, action))
                return 0;
        release_claim(visit, look, action);
        r = perform(visit, look, action);
        if (r != -EBUSY)
                return r;
        /* Somebody is at it. */
        visit_restless(visit, look);
        return 0;
}
