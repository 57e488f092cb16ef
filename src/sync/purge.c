#include "sync/purge.h"

#include <errno.h>
#include <stdlib.h>

#include "basic/log.h"
#include "basic/macros.h"
#include "sync/file-systems.h"
#include "sync/proof.h"

enum {
        LINKED_MAX = 4096,    /* files that wait to be taken */
        PURGE_ROWS = 4096,    /* a step */
        PURGE_ROWS_FULL = 16, /* for which the log has room however full the disk is */
};

struct Purge {
        bool is_full;
        int64_t *ids;
        size_t n_ids, n_allocated;
        pthread_mutex_t mutex; /* guards what follows; a leaf */
        WatchFile *linked;     /* files of which names went, and others may be left */
        size_t n_linked;
        bool too_many_linked;
};

/* The nodes of a subtree, while its watches are dropped. */
typedef struct Nodes {
        Node **items;
        size_t n, n_allocated;
} Nodes;

int purge_new(Engine *engine) {
        engine->purge = calloc(1, sizeof *engine->purge);
        if (!engine->purge)
                return -ENOMEM;
        (void) pthread_mutex_init(&engine->purge->mutex, NULL);
        return 0;
}

void purge_free(Engine *engine) {
        if (!engine->purge)
                return;
        free(engine->purge->ids);
        free(engine->purge->linked);
        (void) pthread_mutex_destroy(&engine->purge->mutex);
        free(engine->purge);
        engine->purge = NULL;
}

static void collect(Node *node, void *userdata) {
        Nodes *nodes = ASSERT_PTR(userdata);

        if (nodes->n == nodes->n_allocated) {
                size_t n = MAX(nodes->n_allocated * 2, (size_t) 64);
                Node **items = reallocarray(nodes->items, n, sizeof *items);
                if (!items)
                        return; /* its watch ends by itself when the kernel forgets the directory */
                nodes->items = items;
                nodes->n_allocated = n;
        }
        nodes->items[nodes->n++] = node_ref(node);
}

void purge_node(Engine *engine, Node *node) {
        Nodes nodes = {};

        tree_detach(engine->tree, node, collect, &nodes);
        for (size_t i = 0; i < nodes.n; i++) {
                if (engine->watch)
                        watch_remove(engine->watch, nodes.items[i]);
                if (engine->replica_watch)
                        watch_remove(engine->replica_watch, nodes.items[i]);
                node_unref(nodes.items[i]);
        }
        free(nodes.items);
}

void purge_add(Engine *engine, int64_t directory_id) {
        Purge *purge = engine->purge;

        if (directory_id < CATALOG_FIRST_ID)
                return;
        if (purge->n_ids == purge->n_allocated) {
                size_t n = MAX(purge->n_allocated * 2, (size_t) 16);
                int64_t *ids = reallocarray(purge->ids, n, sizeof *ids);
                if (!ids)
                        return; /* orphaned rows do no harm: nothing leads to them any more */
                purge->ids = ids;
                purge->n_allocated = n;
        }
        purge->ids[purge->n_ids++] = directory_id;
}

void purge_find(Engine *engine) {
        int64_t id = 0;

        (void) pthread_mutex_lock(&engine->catalog_mutex);
        while (engine->pair->store.catalog &&
               catalog_next_orphan(engine->pair->store.catalog, id, &id) >= 0)
                purge_add(engine, id);
        (void) pthread_mutex_unlock(&engine->catalog_mutex);
}

bool purge_is_pending(const Engine *engine) {
        return engine->purge->n_ids > 0;
}

static bool add_linked(Purge *purge, WatchFile file) {
        if (!purge->linked)
                purge->linked = calloc(LINKED_MAX, sizeof *purge->linked);
        if (!purge->linked || purge->n_linked == LINKED_MAX)
                return false;
        purge->linked[purge->n_linked++] = file;
        return true;
}

/* A change through a name in the removed directory may not have been seen before it went. */
static void on_linked(CatalogIdentity identity, void *userdata) {
        Engine *engine = ASSERT_PTR(userdata);
        Purge *purge = engine->purge;
        WatchFile file = { .inode = identity.source_inode };
        bool known = file_systems_device_locked(engine, identity.file_system, &file.device);

        (void) pthread_mutex_lock(&purge->mutex);
        if (!known || !add_linked(purge, file))
                purge->too_many_linked = true;
        (void) pthread_mutex_unlock(&purge->mutex);
}

int engine_take_linked(Engine *engine, WatchFile **ret, size_t *ret_n) {
        Purge *purge = engine->purge;
        int r;

        (void) pthread_mutex_lock(&purge->mutex);
        *ret = TAKE_PTR(purge->linked);
        *ret_n = purge->n_linked;
        r = purge->too_many_linked ? -ENOBUFS : 0;
        purge->n_linked = 0;
        purge->too_many_linked = false;
        (void) pthread_mutex_unlock(&purge->mutex);
        return r;
}

static bool has_linked(Purge *purge) {
        bool result;

        (void) pthread_mutex_lock(&purge->mutex);
        result = purge->n_linked > 0 || purge->too_many_linked;
        (void) pthread_mutex_unlock(&purge->mutex);
        return result;
}

/* Number of rows that went, or -errno. */
static int64_t delete_rows(Engine *engine, int64_t directory_id, unsigned n_max) {
        Catalog *catalog = engine->pair->store.catalog;
        int64_t n;
        int r;

        r = catalog_begin(catalog);
        if (r < 0)
                return r;
        catalog_on_linked(catalog, on_linked, engine);
        n = catalog_delete_subtree(catalog, directory_id, n_max);
        r = n < 0 ? (int) n : catalog_commit(catalog);
        if (r < 0)
                (void) catalog_rollback(catalog);
        return r < 0 ? r : n;
}

/* It was found again elsewhere while its former place was forgotten. */
static bool lives_on(Engine *engine, int64_t directory_id) {
        CatalogRow row = CATALOG_ROW_NULL;
        CatalogReader *reader;
        bool found;

        if (worker_reader(&engine->committer_worker, &reader) < 0)
                return false;
        found = catalog_reader_by_directory(reader, directory_id, &row) >= 0;
        catalog_row_done(&row);
        return found;
}

void purge_step(Engine *engine) {
        Purge *purge = engine->purge;
        Catalog *catalog;
        int64_t n = -ENOENT;
        bool was_full = purge->is_full;
        int r;

        if (purge->n_ids == 0)
                return;
        if (lives_on(engine, purge->ids[purge->n_ids - 1])) {
                purge->n_ids--;
                return;
        }
        (void) pthread_mutex_lock(&engine->catalog_mutex);
        catalog = engine->pair->store.catalog;
        if (catalog && was_full)
                catalog_restart_log(catalog);
        if (catalog)
                n = delete_rows(engine, purge->ids[purge->n_ids - 1],
                                was_full ? PURGE_ROWS_FULL : PURGE_ROWS);
        (void) pthread_mutex_unlock(&engine->catalog_mutex);
        if (has_linked(purge))
                engine_signal_ended(engine);
        r = (int) MIN(n, INT64_C(0));
        purge->is_full = r == -ENOSPC || r == -EDQUOT || (was_full && n > 0);
        if (purge->is_full && !was_full)
                return;
        if (r < 0)
                (void) log_debug_errno(
                        r, "failed to delete rows of a removed directory, leaving them: %m");
        if (r < 0 || n == 0) {
                purge->n_ids--;
                proof_count_kept(engine);
        }
}
