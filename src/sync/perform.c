/* Carrying out what was decided for one entry. */

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "basic/alloc.h"
#include "basic/fd.h"
#include "basic/log.h"
#include "basic/macros.h"
#include "fs/confined.h"
#include "fs/metadata.h"
#include "sync/give-back.h"
#include "sync/limit.h"
#include "sync/purge.h"
#include "sync/stage.h"
#include "sync/visit.h"

enum { JOINING_ATTEMPTS_MAX = 6 };

static int64_t new_directory_id(Engine *engine) {
        return atomic_fetch_add(&engine->next_directory_id, 1);
}

static int64_t remembered_directory_id(const Look *look) {
        return look->has_row ? look->row->directory_id : 0;
}

/* Whether what is below a directory in step must be looked at: in a full pass always, else only
 * where no watch would have told of a change. */
static bool must_descend(Visit *visit, const Look *look, Node *child, Descent descent) {
        uint64_t seen = child->source_inode;

        if (descent.created || descent.kept || visit->recursive || look->whole)
                return true;
        if (visit->engine->watch && !watch_covers(visit->engine->watch, child))
                return true;
        /* Without birth times a new directory may pass for the one whose inode it got. */
        if (look->source.stamp.btime == 0 && look->source_state != STATE_SAME)
                return true;
        if (visit_is_two_way(visit) && look->has_replica &&
            look->source.stamp.mtime != look->replica.stamp.mtime)
                return true;
        return seen != 0 && seen != look->source.stamp.inode;
}

static Job *descent_job(Visit *visit, Look *look, Node *child, Descent descent) {
        Job *job = job_new(JOB_DIRECTORY, visit->pass, child);
        if (!job)
                return NULL;
        job->recursive = visit->recursive || look->whole;
        job->created = descent.created;
        job->heal = descent.heal;
        job->is_closed = look->is_closed;
        job->kept = descent.kept;
        job->displaces_foreign = look_finds_foreign(visit, look);
        job->former_id = look->former_id;
        job->source = look->source;
        job->first = look->first;
        job->noticed = look->first ?: visit->job->noticed;
        job->n_attempts = look->n_attempts;
        job->parent = node_ref(visit->node);
        job->parent_id = visit->directory_id;
        job->name = strdup(look->name);
        job->file_system = look->file_system;
        job->replica_inode = look->has_replica ? look->replica.stamp.inode : 0;
        if (descent.created) {
                job->claimed = look->claimed;
                look->claimed = false;
                job->has_displaced_row = look->succeeds;
                job->is_seen = look->has_replica || look->succeeds;
                job->seen = look->replica.stamp;
        }
        if (job->has_displaced_row) {
                job->displaced_row = *look->row;
                job->displaced_row.name = NULL;
        }
        return job->name ? job : job_free(job);
}

int visit_know_directory(Visit *visit, Look *look, Node **ret) {
        Tree *tree = visit->engine->tree;
        int64_t id = remembered_directory_id(look);
        Node *child;
        int r;

        r = tree_child(tree, visit->node, look->name, &child);
        if (r < 0)
                return r;
        /* A node's id is newer than a row, which may be about to change. */
        if (child->directory_id == 0) {
                r = tree_set_id(tree, child, id ?: new_directory_id(visit->engine));
                if (r < 0) {
                        node_unref(child);
                        return r;
                }
        }
        look->directory_id = child->directory_id;
        *ret = child;
        return 0;
}

int visit_descend(Visit *visit, Look *look, Descent descent) {
        Node *child;
        Job *job = NULL;
        int r;

        if (!look->name[0])
                return 0;
        if (look->is_closed)
                visit_close_off(visit, look);
        r = visit_know_directory(visit, look, &child);
        if (r < 0)
                return r;
        if (must_descend(visit, look, child, descent)) {
                job = descent_job(visit, look, child, descent);
                r = job ? 0 : -ENOMEM;
        }
        child->source_inode = look->source.stamp.inode;
        child->mtime = look->source.stamp.mtime;
        node_unref(child);
        if (job && visit->staged) {
                job->next = visit->children;
                visit->children = job;
        } else if (job)
                pass_push_job(visit->pass, job);
        return r;
}

int visit_open_object(int directory_fd, const char *name) {
        if (!name[0]) {
                int fd = fcntl(directory_fd, F_DUPFD_CLOEXEC, 3);
                return fd < 0 ? -errno : fd;
        }
        return confined_open_child(directory_fd, name, O_PATH);
}

/* What the replica shall have. Who looks into a directory of a two-way pair sees to its times. */
static Stamp wanted_stamp(const Visit *visit, const Look *look) {
        Stamp wanted = look->source.stamp;

        if (visit_is_two_way(visit) && S_ISDIR(wanted.mode))
                wanted.mtime = look->replica.stamp.mtime;
        return wanted;
}

/* Two-way, nothing is put right that somebody has changed since. */
static bool is_overtaken(const Visit *visit, const Look *look, int replica_fd) {
        Entry now;

        return visit_is_two_way(visit) && !S_ISDIR(look->replica.stamp.mode) &&
               (entry_acquire(replica_fd, "", &now) < 0 ||
                !stamp_equal(&now.stamp, &look->replica.stamp));
}

static int apply_metadata(Visit *visit, Look *look) {
        Stamp wanted = wanted_stamp(visit, look);
        _cleanup_close_ int source_fd = -EBADF, replica_fd = -EBADF;
        Attributes attributes = ATTRIBUTES_NULL;
        unsigned shortfalls = 0;
        int r;

        source_fd = visit_open_object(visit->source_fd, look->name);
        if (source_fd < 0)
                return source_fd;
        replica_fd = visit_open_object(visit->replica_fd, look->name);
        if (replica_fd < 0)
                return replica_fd;
        if (is_overtaken(visit, look, replica_fd))
                return -EBUSY;
        r = attributes_acquire(source_fd, &attributes);
        if (r >= 0)
                r = metadata_apply(replica_fd, &wanted, &look->replica.stamp, &attributes,
                                   &shortfalls);
        attributes_done(&attributes);
        if (r < 0)
                return r;
        visit_shortfalls(visit, look, shortfalls);
        return entry_acquire(replica_fd, "", &look->replica);
}

/* Whether anything was really changed: then the replica's ctime moved. That a directory's content
 * changed moves its times; putting those right is no work worth a message. */
static bool is_worth_telling(const Look *look, const Stamp *before) {
        const Stamp *source = &look->source.stamp;

        if (S_ISDIR(source->mode))
                return source->mode != before->mode || source->uid != before->uid ||
                       source->gid != before->gid;
        /* Of several names' inode that moves with every link made meanwhile. */
        if (before->n_links > 1)
                return !stamp_replicates(source, before);
        return look->replica.stamp.ctime != before->ctime;
}

/* The content is what it was: so is what is known of it, unless somebody else may have had the
 * replica's in hand. */
static void keep_content_facts(const Look *look, Item *item) {
        const CatalogRow *row = look->row;

        if (!look->has_hash) {
                item->row.has_hash = row->has_hash;
                item->row.hash = row->hash;
        }
        if (look->replica_state == STATE_SAME && item->row.has_hash &&
            memcmp(&item->row.hash, &row->hash, sizeof row->hash) == 0) {
                item->row.verified = row->verified;
                item->row.flags |= row->flags & CATALOG_DAMAGED;
        }
}

/* Both sides have an entry under a new name: the rename in the source was told when it was made. */
static bool was_renamed_in_source(Visit *visit, const Look *look) {
        CatalogRow row = CATALOG_ROW_NULL;
        bool was;

        if (!visit_is_two_way(visit) || look->has_row)
                return false;
        was = catalog_reader_by_identity(visit->reader, look_identity(look), 0, &row, 1) > 0 &&
              row.replica.inode == look->replica.stamp.inode;
        catalog_row_done(&row);
        return was;
}

static Item *metadata_item(Visit *visit, Look *look, Action action, const Stamp *before) {
        Item *item = visit_item(visit, look, ITEM_ROW);
        if (!item)
                return NULL;
        item->operation = action == ACTION_ADOPT             ? OPERATION_ADOPT
                          : look->source_state == STATE_SAME ? OPERATION_HEAL
                                                             : OPERATION_METADATA;
        item->quiet = action == ACTION_ADOPT ? look_is_directory(look)
                                             : !is_worth_telling(look, before);
        item->quiet = item->quiet || look->is_returned || was_renamed_in_source(visit, look);
        if (look->has_row && stamp_content_equal(&look->row->source, &look->source.stamp))
                keep_content_facts(look, item);
        if (look->is_rotten)
                item->row.flags |= CATALOG_SOURCE_ROTTEN;
        item->replica_claimed = look->replica_claimed;
        look->replica_claimed = false;
        /* What only the replica had drifted in is no news for the other names of a group. */
        if (look->source_state != STATE_SAME) {
                item->claimed = item->revisit = look->claimed;
                look->claimed = false;
        }
        return item;
}

static int perform_metadata(Visit *visit, Look *look, Action action) {
        Stamp before = look->replica.stamp;
        _cleanup_(node_unrefp) Node *child = NULL;
        Item *item;
        int r;

        r = apply_metadata(visit, look);
        if (r < 0)
                return r;
        if (look_is_directory(look) && look->name[0]) {
                r = visit_know_directory(visit, look, &child);
                if (r < 0)
                        return r;
                /* Another attempt to make it failed: somebody was faster. */
                if (child->place == NODE_ABSENT)
                        (void) tree_set_place(visit->engine->tree, child, NODE_IN_PARENT, NULL);
        }
        item = metadata_item(visit, look, action, &before);
        if (!item)
                return -ENOMEM;
        visit_push(visit, item);
        return look_is_directory(look) ? visit_descend(visit, look, (Descent) {}) : 0;
}

bool visit_was_moved(Visit *visit, const Look *look) {
        CatalogRow rows[2] = { CATALOG_ROW_NULL, CATALOG_ROW_NULL };
        bool moved = false;
        int n = 0;

        if (look->has_row && look->row->source.n_links == 1 && look->row->directory_id == 0)
                n = catalog_reader_by_identity(
                        visit->reader,
                        (CatalogIdentity) { look->row->file_system, look->row->source.inode }, 0,
                        rows, 2);
        /* Inode numbers are used again; birth times tell. */
        moved = n > 1 && rows[0].source.btime == rows[1].source.btime &&
                rows[0].replica.inode == rows[1].replica.inode;
        catalog_row_done(&rows[0]);
        catalog_row_done(&rows[1]);
        return moved;
}

static int perform_remove(Visit *visit, Look *look) {
        Item *item;
        int r;

        if (!visit->removing) {
                visit_note_gone(visit, look);
                return 0;
        }
        if (S_ISDIR(look->replica.stamp.mode)) {
                r = visit_spares(visit, look);
                if (r != 0)
                        return r < 0 ? r : visit_strip(visit, look);
        }
        r = limit_admits(visit, look);
        if (r <= 0)
                return r;
        item = visit_item(visit, look, ITEM_REMOVE);
        if (!item)
                return -ENOMEM;
        item->operation = OPERATION_REMOVE;
        /* The move was told when it was made. */
        item->quiet = visit_was_moved(visit, look);
        if (!look->has_row && !S_ISDIR(look->replica.stamp.mode) && look->replica.stamp.n_links > 1)
                visit->pass->foreign_links = true;
        if (look->has_row) {
                item->row.directory_id = look->row->directory_id;
                item->row.source = look->row->source;
                item->row.file_system = look->row->file_system;
        }
        if (S_ISDIR(look->replica.stamp.mode))
                (void) tree_find(visit->engine->tree, visit->node, look->name, &item->child);
        if (item->displaces_foreign)
                engine_stage_name_foreign(visit->engine, item->stage);
        else
                engine_stage_name(visit->engine, item->stage);
        visit_push(visit, item);
        return 0;
}

/* Neither side has it any more. A directory that is being renamed looks so until the rename is
 * committed. */
static int perform_forget(Visit *visit, Look *look) {
        _cleanup_(node_unrefp) Node *child = NULL;
        CatalogIdentity identity;
        Item *item;
        int r;

        if (tree_find(visit->engine->tree, visit->node, look->name, &child) >= 0)
                purge_node(visit->engine, child);
        if (!look->has_row)
                return 0;
        identity = (CatalogIdentity) { look->row->file_system, look->row->source.inode };
        r = pending_claim(&visit->engine->pending, identity);
        if (r == 0)
                visit_defer(visit, look);
        if (r <= 0)
                return r;
        item = visit_item(visit, look, ITEM_FORGET);
        if (!item) {
                pending_release(&visit->engine->pending, identity);
                return -ENOMEM;
        }
        item->quiet = true;
        item->claimed = true;
        item->row.directory_id = look->row->directory_id;
        item->row.file_system = look->row->file_system;
        item->row.source = look->row->source;
        visit_push(visit, item);
        return 0;
}

static Operation action_operation(const Look *look, Action action) {
        if (action == ACTION_REMOVE)
                return OPERATION_REMOVE;
        if (action == ACTION_ADOPT)
                return OPERATION_ADOPT;
        if (action == ACTION_KEEP)
                return OPERATION_KEEP;
        if (look->source_state == STATE_SAME)
                return OPERATION_HEAL;
        if (action == ACTION_METADATA)
                return OPERATION_METADATA;
        if (look_is_directory(look))
                return OPERATION_MKDIR;
        return action == ACTION_CREATE ? OPERATION_COPY : OPERATION_UPDATE;
}

/* A dry run commits nothing, so the identities it meets as moved stay claimed: here under the
 * replica's inode. */
static bool was_renamed_dry(Visit *visit, const Look *look) {
        CatalogIdentity identity = { PENDING_DRY_MOVED, look->replica.stamp.inode };

        return pending_claim(&visit->engine->pending, identity) == 0;
}

static bool is_return(Action action) {
        return action >= ACTION_RETURN_CREATE && action <= ACTION_CONFLICT;
}

/* What the source would take over; of a directory, all that is in it with it. */
static int would_return(Visit *visit, Look *look, Action action) {
        bool is_directory = look->has_replica && S_ISDIR(look->replica.stamp.mode);
        Operation operation = action == ACTION_RETURN_REMOVE     ? OPERATION_REMOVE
                              : action == ACTION_RETURN_METADATA ? OPERATION_METADATA
                              : is_directory                     ? OPERATION_MKDIR
                              : action == ACTION_RETURN_CREATE   ? OPERATION_COPY
                                                                 : OPERATION_UPDATE;

        if (action == ACTION_RETURN_REMOVE && !visit->removing)
                visit_note_gone(visit, look);
        else if (action == ACTION_CONFLICT)
                visit_would_conflict(visit, look);
        else if (action != ACTION_RETURN_METADATA ||
                 (is_directory ? is_worth_telling(look, &look->replica.stamp)
                               : !stamp_replicates(&look->source.stamp, &look->replica.stamp)))
                visit_would(visit, look, operation, NULL);
        return look->has_source && look_is_directory(look) && is_directory
                       ? visit_descend(visit, look, (Descent) {})
                       : 0;
}

static int perform_dry(Visit *visit, Look *look, Action action) {
        bool told = true;
        int r;

        if (is_return(action))
                return would_return(visit, look, action);
        if ((action == ACTION_REMOVE || (action == ACTION_KEEP && !look->has_source)) &&
            !visit->removing) {
                visit_note_gone(visit, look);
                return 0;
        }
        if (action == ACTION_REMOVE && S_ISDIR(look->replica.stamp.mode)) {
                r = visit_spares(visit, look);
                if (r != 0)
                        return r < 0 ? r : visit_strip(visit, look);
        }
        if (action == ACTION_FORGET || action == ACTION_NONE || action == ACTION_TOLERATE)
                return 0;
        if (!look->name[0] && action == ACTION_CREATE) {
                log_info("would make replica %s", visit->engine->pair->config->replica);
                return 0;
        }
        if (action == ACTION_METADATA)
                told = look_is_directory(look)
                               ? is_worth_telling(look, &look->replica.stamp)
                               : !stamp_replicates(&look->source.stamp, &look->replica.stamp);
        if (!look->has_source)
                told = !was_renamed_dry(visit, look);
        if (told && action != ACTION_ADOPT)
                visit_would(visit, look, action_operation(look, action), NULL);
        if (action == ACTION_REMOVE || action == ACTION_KEEP || !look_is_directory(look))
                return 0;
        return visit_descend(
                visit, look,
                (Descent) { .created = action == ACTION_CREATE || action == ACTION_REPLACE });
}

/* A directory is made once, however many looks find it missing until it is committed. */
static int create_directory(Visit *visit, Look *look) {
        if (!look->claimed) {
                int r = pending_claim(&visit->engine->pending, look_identity(look));

                if (r == 0)
                        visit_defer(visit, look);
                if (r <= 0)
                        return r;
                look->claimed = true;
        }
        return visit_descend(
                visit, look,
                (Descent) { .created = true, .heal = look->source_state == STATE_SAME });
}

/* In step by itself, but not with the other names of its group, which may be in a directory that is
 * being renamed just now: nothing would tell when that is done. */
static void retry_joining(Visit *visit, const Look *look) {
        bool is_unjoined = look->source_state == STATE_SAME && look->replica_state == STATE_SAME &&
                           !look_is_directory(look) && look->source.stamp.n_links > 1;

        if (is_unjoined && look->n_attempts < JOINING_ATTEMPTS_MAX)
                pass_retry(visit->pass, &(const Retry) { visit->node, look->name, look->first,
                                                         look->n_attempts + 1 });
}

/* A directory in the replica gives way to another entry, and what is in it goes with it. */
static int may_displace(Visit *visit, const Look *look, Action action) {
        bool displaces = action == ACTION_REPLACE && !look_is_directory(look) &&
                         S_ISDIR(look->replica.stamp.mode);

        return displaces ? limit_refuses(visit, look) : 0;
}

/* From either side. */
static bool removes(const Look *look, Action action) {
        return action == ACTION_REMOVE || action == ACTION_RETURN_REMOVE ||
               (action == ACTION_RETURN_REPLACE && look_is_directory(look));
}

int perform(Visit *visit, Look *look, Action action) {
        int r;

        if (visit->counting)
                return removes(look, action) ? limit_count(visit, look) : 0;
        r = may_displace(visit, look, action);
        if (r != 0)
                return MIN(r, 0);
        if (visit->engine->pair->dry_run)
                return perform_dry(visit, look, action);

        switch (action) {
        case ACTION_CREATE:
        case ACTION_UPDATE:
        case ACTION_REPLACE:
                if (look_is_directory(look))
                        return create_directory(visit, look);
                return stage_entry(visit, look, action);
        case ACTION_METADATA:
        case ACTION_ADOPT:
                return perform_metadata(visit, look, action);
        case ACTION_REMOVE:
                return perform_remove(visit, look);
        case ACTION_FORGET:
                return perform_forget(visit, look);
        case ACTION_KEEP:
                return visit_keep(visit, look);
        case ACTION_RETURN_CREATE:
        case ACTION_RETURN_UPDATE:
        case ACTION_RETURN_REPLACE:
        case ACTION_RETURN_METADATA:
        case ACTION_CONFLICT:
                return give_back(visit, look, action);
        case ACTION_RETURN_REMOVE:
                r = visit->removing ? limit_admits(visit, look) : 1;
                return r <= 0 ? r : give_back(visit, look, action);
        case ACTION_TOLERATE:
                visit_foreign(visit, look);
                return look->has_source && look_is_directory(look) && look->has_replica &&
                                       S_ISDIR(look->replica.stamp.mode)
                               ? visit_descend(visit, look, (Descent) {})
                               : 0;
        default:
                retry_joining(visit, look);
                return look->has_source && look_is_directory(look)
                               ? visit_descend(visit, look, (Descent) {})
                               : 0;
        }
}
