#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "basic/alloc.h"
#include "basic/fd.h"
#include "basic/macros.h"
#include "fs/confined.h"
#include "fs/metadata.h"
#include "sync/prune.h"
#include "sync/recover.h"
#include "sync/stage.h"

void engine_stage_name(Engine *engine, char *buffer) {
        (void) snprintf(buffer, STAGE_NAME_MAX, "%" PRIxFAST64,
                        atomic_fetch_add(&engine->next_stage, 1));
}

void engine_stage_name_foreign(Engine *engine, char *buffer) {
        (void) snprintf(buffer, STAGE_NAME_MAX, "%" PRIxFAST64 STAGED_FOREIGN,
                        atomic_fetch_add(&engine->next_stage, 1));
}

int stage_directory_begin(Visit *visit) {
        Engine *engine = visit->engine;
        int staging_fd = engine->pair->store.staging_fd;

        engine_stage_name(engine, visit->stage);
        while (mkdirat(staging_fd, visit->stage, 0700) < 0) {
                int r = -errno;

                if ((r != -ENOSPC && r != -EDQUOT) || prune_make_room(engine) <= 0)
                        return r;
        }
        visit->replica_fd = confined_open_directory(staging_fd, visit->stage);
        if (visit->replica_fd < 0) {
                (void) unlinkat(staging_fd, visit->stage, AT_REMOVEDIR);
                return visit->replica_fd;
        }
        visit->staged = tree_set_place(engine->tree, visit->node, NODE_STAGED, visit->stage) >= 0;
        if (!visit->staged)
                (void) unlinkat(staging_fd, visit->stage, AT_REMOVEDIR);
        return visit->staged ? 0 : -ENOMEM;
}

bool stage_directory_is_full(const Visit *visit) {
        return visit->held.n_items >= STAGED_ENTRIES_MAX || visit->held.n_bytes >= STAGED_BYTES_MAX;
}

static int apply_metadata(Visit *visit, const Look *look) {
        Attributes attributes = ATTRIBUTES_NULL;
        unsigned shortfalls = 0;
        int r = 0;

        if (visit->source_fd >= 0)
                r = attributes_acquire(visit->source_fd, &attributes);
        if (r >= 0)
                r = metadata_apply(visit->replica_fd, &visit->source_directory.stamp, NULL,
                                   visit->source_fd >= 0 ? &attributes : NULL, &shortfalls);
        attributes_done(&attributes);
        if (r >= 0)
                visit_shortfalls(visit, look, shortfalls);
        return r;
}

void stage_directory_finish(Visit *visit) {
        Job *job = visit->job;
        Look look = {
                .name = job->name,
                .has_source = true,
                .source = visit->source_directory,
                .file_system = visit->file_system ?: job->file_system,
                .first = job->first,
                .n_attempts = job->n_attempts,
        };
        Visit up = *visit;
        Item *item;
        int r;

        r = apply_metadata(visit, &(Look) { .name = "" });
        if (r < 0) {
                Look self = { .name = "", .n_attempts = job->n_attempts };
                visit_fail(visit, &self, "set the metadata of", r);
        }
        /* Not sooner: nobody else sees it, and its own making is no news. */
        visit_watch(visit, visit->engine->replica_watch, visit->replica_fd);
        up.node = job->parent;
        up.directory_id = job->parent_id;
        item = visit_item(&up, &look, ITEM_DIRECTORY);
        if (!item)
                return;
        item->displaces_foreign = job->displaces_foreign;
        item->former_id = job->former_id;
        item->claimed = job->claimed;
        job->claimed = false;
        item->child = node_ref(visit->node);
        item->row.directory_id = visit->directory_id;
        item->is_seen = job->is_seen;
        item->seen = job->seen;
        item->displaced_row = job->displaced_row;
        item->has_displaced_row = job->has_displaced_row;
        item->operation = job->heal ? OPERATION_HEAL : OPERATION_MKDIR;
        memcpy(item->stage, visit->stage, sizeof item->stage);
        visit->staged = false;
        visit_push_held(visit, item);
}
