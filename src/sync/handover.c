/* Items on their way from a visit to the committer, or to the next round of the pass. */

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "basic/alloc.h"
#include "basic/macros.h"
#include "sync/give-back.h"
#include "sync/stage.h"

/* Names have their own times; what is found in a listing came with its directory. */
static usec_t noticed(const Visit *visit, const Look *look) {
        if (!visit->job)
                return 0;
        return visit->job->kind == JOB_DIRECTORY ? visit->job->noticed : look->first;
}

Item *visit_item(Visit *visit, const Look *look, ItemKind kind) {
        Item *item = item_new(kind, visit->pass, visit->node, look->name);
        if (!item)
                return NULL;
        item->row.parent = visit->directory_id;
        item->row.file_system = look->file_system;
        item->row.source = look->source.stamp;
        item->row.replica = look->replica.stamp;
        item->had_replica = look->has_replica;
        item->was_kept = look->has_row && look->row->flags & CATALOG_KEPT;
        item->displaces_foreign = look_finds_foreign(visit, look);
        item->is_guarded = visit_is_two_way(visit);
        item->is_seen = look->has_replica;
        item->seen = look->replica.stamp;
        item->row.has_hash = look->has_hash;
        item->row.hash = look->hash;
        item->first = look->first;
        item->noticed = noticed(visit, look);
        item->n_attempts = look->n_attempts;
        if (look->has_row && look->has_replica && look->replica.stamp.n_links > 1)
                item->displaced_identity = (CatalogIdentity) { look->row->file_system,
                                                               look->row->source.inode };
        if (kind == ITEM_ENTRY && look->has_row && look->row->directory_id != 0 &&
            look->has_replica && S_ISDIR(look->replica.stamp.mode) && !look_is_directory(look)) {
                item->displaced_row = *look->row;
                item->displaced_row.name = NULL;
                item->has_displaced_row = true;
        }
        if (look_is_directory(look))
                item->row.directory_id = look->directory_id;
        /* Of what is mounted there the replica has nothing, but from before. */
        if (look->is_closed)
                item->row.flags |= look->has_row ? look->row->flags & CATALOG_MOUNT_ROOT : 0;
        else if (look->source.is_mount_root && look->name[0])
                item->row.flags |= CATALOG_MOUNT_ROOT;
        if (!look->name[0]) {
                item->row.parent = CATALOG_NO_DIRECTORY;
                item->row.directory_id = visit->directory_id;
        }
        return item;
}

void visit_push_list(Visit *visit, ItemList *list) {
        Engine *engine = visit->engine;

        (void) pthread_mutex_lock(&engine->mutex);
        visit->pass->n_items += list->n_items;
        (void) pthread_mutex_unlock(&engine->mutex);
        batch_push(&engine->batch, list);
}

void visit_push(Visit *visit, Item *item) {
        ItemList list;

        engine_beat(visit->engine);
        if (visit->staged && item->stamped) {
                item_list_append(&visit->held, item);
                return;
        }
        item_list_init(&list);
        item_list_append(&list, item);
        visit_push_list(visit, &list);
}

void visit_push_held(Visit *visit, Item *directory) {
        bool more_below = visit->children || stage_directory_is_full(visit);
        ItemList list;

        item_list_init(&list);
        item_list_append(&list, directory);
        item_list_concat(&list, &visit->held);
        if (!more_below || !visit_hold_back(visit, &list))
                visit_push_list(visit, &list);
}

static Job *names_job(Visit *visit, JobKind kind, const Look *look) {
        Job *job = job_new(kind, visit->pass, visit->node);
        if (!job)
                return NULL;
        job->names = calloc(1, sizeof *job->names);
        if (job->names)
                job->names->name = strdup(look->name);
        if (!job->names || !job->names->name) {
                job_free(job);
                return NULL;
        }
        job->names->first = look->first;
        job->names->n_attempts = look->n_attempts;
        job->n_names = 1;
        job->recursive = visit->recursive;
        job->regroup = look->regroup;
        return job;
}

void visit_defer(Visit *visit, const Look *look) {
        Job *job = names_job(visit, JOB_NAMES, look);

        if (job && pass_push_late(visit->pass, job))
                return;
        if (pass_is_out_of_rounds(visit->pass))
                visit_restless(visit, look);
        else
                pass_push_late_directory(visit->pass, visit->node);
}

static int gone_append(Job *job, const Look *look) {
        DirtyName *names = reallocarray(job->names, job->n_names + 1, sizeof *names);
        if (!names)
                return -ENOMEM;
        job->names = names;
        names[job->n_names] = (DirtyName) { .name = strdup(look->name),
                                            .n_attempts = look->n_attempts };
        if (!names[job->n_names].name)
                return -ENOMEM;
        job->n_names++;
        return 0;
}

/* A visit of some names notes each of them; a visit of a whole directory notes only that it must be
 * merged again: memory is by directory, whatever was removed in it. */
void visit_note_gone(Visit *visit, const Look *look) {
        bool by_name = visit->job->kind == JOB_NAMES;

        if (!visit->gone) {
                visit->gone = job_new(JOB_REMOVE, visit->pass, visit->node);
                if (visit->gone)
                        visit->gone->is_closed = visit->job->is_closed;
                if (visit->gone)
                        visit->gone->kept = visit->job->kept;
        }
        if (!visit->gone || (by_name && gone_append(visit->gone, look) < 0))
                visit_fail(visit, look, "note the removal of", -ENOMEM);
}
