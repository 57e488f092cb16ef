/* A new directory under the name of one that the catalog knows: the replica's old directory stays
 * where it is until the new one, with all that is below it, can take its place in one exchange. So
 * whatever both have is there at any moment. The old one is then parked, since it may still turn up
 * under another name. */

#include <errno.h>
#include <stdlib.h>

#include "basic/macros.h"
#include "sync/purge.h"
#include "sync/retire.h"
#include "sync/visit.h"

/* The node goes with the row: whoever finds the directory's new name makes it one of its own. */
bool visit_forget_predecessor(Visit *visit, const Look *look) {
        _cleanup_(node_unrefp) Node *node = NULL;

        if (tree_find(visit->engine->tree, visit->node, look->name, &node) < 0 ||
            node->directory_id != look->row->directory_id)
                return false;
        purge_node(visit->engine, node);
        return true;
}

bool visit_succeed(Visit *visit, Look *look) {
        bool is_known = look->has_replica && look->replica.stamp.inode == look->row->replica.inode;

        if (visit->engine->pair->dry_run || visit->staged)
                return false;
        /* What was below it and is not parked with it would be left over in the catalog. */
        if (visit_forget_predecessor(visit, look) && !is_known)
                look->former_id = look->row->directory_id;
        look->succeeds = is_known;
        look->has_row = false;
        look->has_replica = look->has_replica && !is_known;
        return true;
}

int visit_succeed_in_place(Visit *visit, Look *look) {
        if (visit->engine->pair->dry_run || visit->staged)
                return 0;
        if (visit_may_be_renamed_yet(visit)) {
                visit_defer(visit, look);
                return 1;
        }
        visit_forget_predecessor(visit, look);
        look->whole = true;
        return 0;
}

static Job *publishing_job(Pass *pass, ItemList *list) {
        Job *job = job_new(JOB_PUBLISH, pass, NULL);

        if (!job)
                return NULL;
        job->publication = malloc(sizeof *job->publication);
        if (!job->publication)
                return job_free(job);
        item_list_init(job->publication);
        item_list_concat(job->publication, list);
        return job;
}

bool visit_hold_back(Visit *visit, ItemList *list) {
        Job *job;

        if (!list->first->has_displaced_row || !pass_may_hold_back(visit->pass, list->n_items))
                return false;
        job = publishing_job(visit->pass, list);
        if (job)
                pass_hold_back(visit->pass, job);
        return job;
}

void job_publish(Worker *worker, Job *job) {
        Visit visit = { .engine = worker->engine, .pass = job->pass };

        visit_push_list(&visit, job->publication);
}

static void release_claims(Engine *engine, const Item *item) {
        if (item->claimed)
                pending_release(&engine->pending, (CatalogIdentity) { item->row.file_system,
                                                                      item->row.source.inode });
        if (item->replica_claimed)
                pending_release(&engine->pending,
                                (CatalogIdentity) { PENDING_REPLICA, item->row.replica.inode });
}

void publication_abandon(Engine *engine, ItemList *list) {
        Item *directory = list->first;

        for (const Item *item = directory; item; item = item->next)
                release_claims(engine, item);
        if (directory) {
                (void) tree_set_place(engine->tree, directory->child, NODE_ABSENT, NULL);
                /* Else the next start does. */
                if (engine->retirer_runs)
                        (void) retire_staged(engine, directory->stage, true);
        }
        item_list_done(list);
}
