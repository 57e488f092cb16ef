/* The committer: takes a batch and brings it through the order that survives power cuts on every
 * file system: flush what was staged, publish, flush again, commit the catalog, and only then
 * retire what was displaced.
 *
 * It owns the writing connection of the catalog, together with catalog_mutex, and the touched flags
 * of nodes. Nothing else of the engine writes to the replica's names but directory renames, which
 * hold no new content. */

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "basic/alloc.h"
#include "basic/fd.h"
#include "basic/log.h"
#include "basic/macros.h"
#include "sync/disk.h"
#include "sync/keep.h"
#include "sync/proof.h"
#include "sync/prune.h"
#include "sync/publish.h"
#include "sync/purge.h"
#include "sync/refresh.h"
#include "sync/refused-name.h"
#include "sync/report.h"
#include "sync/retire.h"
#include "sync/verify-copies.h"
#include "sync/visit.h"

/* Into how many a batch is divided when there is no room for the whole. */
enum { PARTS = 4 };

static bool is_staged(const Item *item) {
        return item->kind == ITEM_ENTRY || item->kind == ITEM_DIRECTORY;
}

static bool moves_names(const Item *item) {
        return is_staged(item) || item->kind == ITEM_REMOVE || item->kind == ITEM_MOVED;
}

/* Items from FIRST up to END, which is not one of them and NULL after the last. */
typedef struct Part {
        Item *first, *end;
} Part;

static Part whole(const ItemList *list) {
        return (Part) { .first = list->first };
}

static bool any(Part part, bool (*test)(const Item *)) {
        for (const Item *item = part.first; item != part.end; item = item->next)
                if (test(item))
                        return true;
        return false;
}

static int flush(Engine *engine) {
        return flush_all(&engine->pair->flush, engine->pair->store.staging_fd);
}

/* The names that were made in staged directories; the files were flushed when they were staged. */
static int flush_staged_directories(Engine *engine, const ItemList *list) {
        int r = 0;

        for (const Item *item = list->first; r >= 0 && item; item = item->next)
                if (item->kind == ITEM_DIRECTORY)
                        r = flush_child(&engine->pair->flush, engine->pair->store.staging_fd,
                                        item->stage);
        return r;
}

/* The file that is all that LIST has staged; NULL if there is none or more. */
static const Item *only_staged_file(const ItemList *list) {
        const Item *only = NULL;

        for (const Item *item = list->first; item; item = item->next) {
                if (!is_staged(item) && !item->stamped)
                        continue;
                if (only || item->kind != ITEM_ENTRY || !S_ISREG(item->row.source.mode))
                        return NULL;
                only = item;
        }
        return only;
}

/* 1: it is on the disk, 0: that takes more than fsync(2), -errno. */
static int flush_alone(Engine *engine, const Item *item) {
        _cleanup_close_ int fd = -EBADF;

        fd = openat(engine->pair->store.staging_fd, item->stage,
                    O_RDONLY | O_NOFOLLOW | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
        if (fd < 0)
                return 0;
        if (fsync(fd) >= 0)
                return 1;
        return errno == EINVAL || errno == ENOSYS ? 0 : -errno;
}

/* A single file is flushed by itself, in half the time and without waiting for what others have
 * written to the file system; for two already syncfs(2) is as fast. */
static int flush_content(Engine *engine, const ItemList *list) {
        const Item *file = engine->pair->flush.each ? NULL : only_staged_file(list);
        int r = file ? flush_alone(engine, file) : 0;

        return r == 0 ? flush(engine) : MIN(r, 0);
}

/* Nothing is published that may not be on the disk. */
static void flush_staged(Engine *engine, ItemList *list) {
        int r = any(whole(list), is_staged) ? flush_staged_directories(engine, list) : 0;

        if (r >= 0 && any(whole(list), is_staged))
                r = flush_content(engine, list);
        for (Item *item = list->first; r < 0 && item; item = item->next)
                if (is_staged(item) || item->stamped)
                        item->result = r;
}

static int put_row(Engine *engine, Item *item) {
        Catalog *catalog = engine->pair->store.catalog;
        int r;

        switch (item->kind) {
        case ITEM_BIND:
                return pair_bind(engine->pair);
        case ITEM_TOUCH:
                return 0;
        case ITEM_FORGET:
        case ITEM_REMOVE:
                r = catalog_delete_inode(catalog,
                                         (CatalogPlace) { item->row.parent, item->row.name },
                                         item->row.source.inode);
                item->forgotten = r > 0;
                if (r >= 0 && item->row.parent == CATALOG_PARKED)
                        keep_forget_path(engine, item->row.name);
                return MIN(r, 0);
        case ITEM_MOVED:
                r = catalog_delete_inode(catalog,
                                         (CatalogPlace) { item->from_parent, item->from_name },
                                         item->row.source.inode);
                if (r >= 0 && item->from_parent == CATALOG_PARKED)
                        keep_forget_path(engine, item->from_name);
                if (r >= 0 && item->row.parent == CATALOG_PARKED && item->from_path)
                        r = keep_remember_path(engine, item->row.name, item->from_path);
                return r < 0 ? r : catalog_put(catalog, &item->row);
        default:
                return catalog_put(catalog, &item->row);
        }
}

static int begin_parking(Engine *engine, Item *item) {
        CatalogRow *row = &item->displaced_row;
        Node *node;

        free(row->name);
        row->name = strdup(item->stage);
        if (!row->name)
                return -ENOMEM;
        row->parent = CATALOG_PARKED;
        if (item->kind == ITEM_ENTRY &&
            tree_find(engine->tree, item->node, item->row.name, &node) >= 0) {
                purge_node(engine, node);
                node_unref(node);
        }
        item->displaced = false;
        item->parked = true;
        item->pass->parked = true;
        return 0;
}

/* A directory that was in the way of something else stays in staging until the end of the pass: it
 * may turn up elsewhere. Called again when the commit is. */
static int park_displaced(Engine *engine, Item *item) {
        const CatalogRow *row = &item->displaced_row;
        _cleanup_free_ char *path = NULL;
        int r;

        if (!item->parked) {
                if (!item_parks(item))
                        return 0;
                r = begin_parking(engine, item);
                if (r < 0)
                        return r;
        }
        if (tree_source_path(engine->tree, item->node, item->row.name, &path) >= 0)
                (void) keep_remember_path(engine, row->name, path);
        return catalog_put(engine->pair->store.catalog, row);
}

static int put_rows(Engine *engine, Publisher *publisher, Part part) {
        int r = 0;

        for (Item *item = part.first; r >= 0 && item != part.end; item = item->next)
                if (item->result >= 0) {
                        r = put_row(engine, item);
                        if (r >= 0)
                                r = park_displaced(engine, item);
                }
        return r < 0 || part.end ? r : publisher_restore(publisher, catalog_set_directory_replica);
}

static int commit_rows(Engine *engine, Publisher *publisher, Part part) {
        Catalog *catalog = engine->pair->store.catalog;
        int r;

        (void) pthread_mutex_lock(&engine->catalog_mutex);
        r = catalog_begin(catalog);
        if (r >= 0) {
                r = put_rows(engine, publisher, part);
                if (r >= 0 && any(part, moves_names))
                        r = flush(engine);
                if (r >= 0)
                        r = catalog_commit(catalog);
                else
                        (void) catalog_rollback(catalog);
        }
        (void) pthread_mutex_unlock(&engine->catalog_mutex);
        for (Item *item = part.first; r >= 0 && item != part.end; item = item->next)
                item->committed = true;
        return r;
}

/* Whether there was something to retire. */
static bool retire_displaced(Engine *engine, Item *item) {
        int r;

        if (item->result < 0 || !item->displaced || item_parks(item))
                return false;
        item->displaced = false;
        r = retire_item(engine, item);
        if (r < 0)
                (void) log_debug_errno(r, "retiring failed: %m");
        return true;
}

/* What displaced something is durable under its name, though the catalog does not know it yet: the
 * next look at the name finds that out. So nobody needs any more what is no version, and on a full
 * disk it is what the catalog has to have room for. */
static void retire_before_commit(Engine *engine, ItemList *list) {
        bool any = false;

        for (Item *item = list->first; item; item = item->next) {
                any |= retire_displaced(engine, item);
                engine_beat(engine);
        }
        if (!any)
                return;
        retire_drain(engine);
        /* Some file systems give freed space out only after a commit. */
        (void) flush(engine);
}

static bool is_full(int r) {
        return r == -ENOSPC || r == -EDQUOT;
}

static void restart_log(Engine *engine) {
        (void) pthread_mutex_lock(&engine->catalog_mutex);
        catalog_restart_log(engine->pair->store.catalog);
        (void) pthread_mutex_unlock(&engine->catalog_mutex);
}

/* In as many transactions as it takes for each to have room in the log as it is. A crash in between
 * leaves no more than one before them would. */
static int commit_in_parts(Engine *engine, Publisher *publisher, ItemList *list) {
        Part part = { .first = list->first };
        size_t n_max = list->n_items;
        int r;

        while (part.first) {
                part.end = part.first;
                for (size_t n = 0; n < n_max && part.end; n++)
                        part.end = part.end->next;
                restart_log(engine);
                r = commit_rows(engine, publisher, part);
                if (r >= 0)
                        part.first = part.end;
                else if (!is_full(r) || n_max <= 1)
                        return r;
                else
                        n_max = (n_max + PARTS - 1) / PARTS;
                engine_beat(engine);
        }
        return 0;
}

/* Of a full disk the catalog gets what is needed, by what is least missed first. */
static int commit_with_room(Engine *engine, Publisher *publisher, ItemList *list) {
        bool retired = false;
        int r = commit_rows(engine, publisher, whole(list)), flushed;

        while (is_full(r)) {
                if (!retired) {
                        flushed = flush(engine);
                        if (flushed < 0)
                                return flushed;
                        retired = true;
                        retire_before_commit(engine, list);
                        restart_log(engine);
                } else if (prune_make_room(engine) <= 0)
                        return commit_in_parts(engine, publisher, list);
                r = commit_rows(engine, publisher, whole(list));
        }
        return r;
}

/* Nothing in the catalog tells of what waits in staging: it is kept or goes like the rest. */
static void dispose_uncommitted(Engine *engine, ItemList *list, usec_t at) {
        if (flush(engine) < 0)
                return; /* the next start has to */
        for (Item *item = list->first; item; item = item->next)
                if (!item->committed && (item->parked || item_parks(item))) {
                        item->parked = item->has_displaced_row = false;
                        item->displaced = true;
                        keep_displaced(engine, item, at);
                }
        (void) keep_end_batch(engine);
        retire_before_commit(engine, list);
}

static void follow_commit(Engine *engine, Item *item) {
        (void) retire_displaced(engine, item);
        if (item->kind == ITEM_BIND)
                pair_note_bound(engine->pair);
        if (item->kind == ITEM_REMOVE && item->child)
                purge_node(engine, item->child);
        purge_add(engine, item->former_id);
        if (item->forgotten)
                purge_add(engine, item->row.directory_id);
}

/* The source's directory is gone, and what was still to be done in its replica with it. */
static bool is_void(const Item *item) {
        return item->result == -ECANCELED || !item->node ||
               (item->result == -ESTALE && item->node->detached);
}

static void fail_item(Item *item) {
        Retry retry = { item->node, item->row.name, item->first, item->n_attempts };

        /* Somebody changed it meanwhile; two-way, that is no failure. */
        if (item->is_guarded && item->result == -EBUSY && item->node)
                pass_retry(item->pass, &(Retry) { .node = item->node,
                                                  .name = item->row.name,
                                                  .first = item->first });
        else if (!is_void(item) && !item_refused_name(item))
                report_failure(item->pass, &retry,
                               item->kind == ITEM_REMOVE ? "remove the replica of"
                                                         : "publish the copy of",
                               item->result);
}

static void finish_item(Engine *engine, Item *item) {
        if (item->result < 0)
                fail_item(item);
        else {
                if (item->committed)
                        follow_commit(engine, item);
                report_done(item);
                if (item->revisit && item->row.source.n_links > 1)
                        revisit_group(
                                item->pass,
                                (CatalogIdentity) { item->row.file_system, item->row.source.inode },
                                item->node, item->row.name);
        }
        if (item->claimed)
                pending_release(&engine->pending, (CatalogIdentity) { item->row.file_system,
                                                                      item->row.source.inode });
        if (item->replica_claimed)
                pending_release(&engine->pending,
                                (CatalogIdentity) { PENDING_REPLICA, item->row.replica.inode });
}

/* Counts the items of each pass and tells it; passes come one after the other in a batch, mostly.
 */
static void tell_passes(ItemList *list) {
        const Item *item = list->first;

        while (item) {
                Pass *pass = item->pass;
                size_t n = 0;

                for (; item && item->pass == pass; item = item->next)
                        n++;
                pass_items_done(pass, n);
        }
}

static void abort_passes(ItemList *list, int error) {
        for (Item *item = list->first; item; item = item->next) {
                char *text = NULL;

                if (disk_ended_pass(item->pass, error))
                        continue;
                if (asprintf(&text, "a batch could not be committed to the catalog: %s",
                             strerror(-error)) < 0)
                        text = NULL;
                pass_abort(item->pass, error, text);
        }
}

/* Two-way: what the catalog is about to be told of the source is on the disk first. */
static void flush_source(Engine *engine, ItemList *list) {
        int fd = engine->pair->source_fd;

        if (!atomic_exchange(&engine->source_moved, false) || fd < 0 || syncfs(fd) >= 0)
                return;
        int r = -errno;

        for (Item *item = list->first; item; item = item->next)
                item->result = r;
}

static void commit_batch(Engine *engine, ItemList *list) {
        Publisher publisher;
        usec_t at = keep_time(engine);
        int r;

        publisher_init(&publisher, engine);
        flush_source(engine, list);
        flush_staged(engine, list);
        verify_copies(engine, list);
        for (Item *item = list->first; item; item = item->next) {
                publish_item(&publisher, item);
                keep_displaced(engine, item, at);
                engine_beat(engine);
        }
        r = keep_end_batch(engine);
        if (r >= 0)
                r = commit_with_room(engine, &publisher, list);
        if (r < 0) {
                (void) publisher_restore(&publisher, NULL);
                dispose_uncommitted(engine, list, at);
                abort_passes(list, r);
        }
        publisher_done(&publisher);
        for (Item *item = list->first; item; item = item->next)
                finish_item(engine, item);
        refresh_links(engine, list);
        proof_note(engine, list);
        tell_passes(list);
        item_list_done(list);
        engine_beat(engine);
}

static void *committer_main(void *userdata) {
        Engine *engine = ASSERT_PTR(userdata);
        ItemList list;

        item_list_init(&list);
        if (!engine->pair->dry_run) {
                proof_begin(engine);
                purge_find(engine);
        }
        while (batch_take(&engine->batch, purge_is_pending(engine) ? 0 : USEC_INFINITY, &list)) {
                if (list.first)
                        commit_batch(engine, &list);
                else
                        purge_step(engine);
        }
        return NULL;
}

int committer_start(Engine *engine) {
        int r = pthread_create(&engine->committer, NULL, committer_main, engine);

        engine->committer_runs = r == 0;
        return -r;
}

void committer_stop(Engine *engine) {
        if (!engine->committer_runs)
                return;
        batch_close(&engine->batch);
        (void) pthread_join(engine->committer, NULL);
        engine->committer_runs = false;
}
