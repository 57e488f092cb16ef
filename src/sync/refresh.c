#include "sync/refresh.h"

#include <errno.h>
#include <stdlib.h>

#include "basic/fd.h"
#include "basic/log.h"
#include "basic/macros.h"
#include "sync/visit.h"

enum { NAMES_CHUNK = 32 };

typedef struct Identities {
        CatalogIdentity *items;
        size_t n, n_allocated;
} Identities;

static void add(Identities *identities, CatalogIdentity identity) {
        if (identity.source_inode == 0)
                return;
        if (identities->n == identities->n_allocated) {
                size_t n = MAX(identities->n_allocated * 2, (size_t) 64);
                CatalogIdentity *items = reallocarray(identities->items, n, sizeof *items);
                if (!items)
                        return; /* the next look compares contents instead */
                identities->items = items;
                identities->n_allocated = n;
        }
        identities->items[identities->n++] = identity;
}

static int compare(const void *a, const void *b) {
        const CatalogIdentity *x = a, *y = b;

        if (x->file_system != y->file_system)
                return x->file_system < y->file_system ? -1 : 1;
        return x->source_inode < y->source_inode ? -1 : x->source_inode > y->source_inode;
}

static void collect(const ItemList *list, Identities *ret) {
        for (const Item *item = list->first; item; item = item->next) {
                if (item->result < 0)
                        continue;
                if (item->refresh)
                        add(ret,
                            (CatalogIdentity) { item->row.file_system, item->row.source.inode });
                if ((item->displaced || item->kept) && item->displaced_stamp.n_links > 1)
                        add(ret, item->displaced_identity);
        }
        if (ret->n > 1)
                qsort(ret->items, ret->n, sizeof *ret->items, compare);
}

bool link_explains(const Stamp *known, const Stamp *now) {
        return stamp_content_equal(known, now) && known->mode == now->mode &&
               known->uid == now->uid && known->gid == now->gid;
}

static void refresh_row(Engine *engine, const CatalogRow *row) {
        _cleanup_(node_unrefp) Node *node = NULL;
        _cleanup_close_ int fd = -EBADF;
        Entry entry;

        if (locate_by_id(&engine->committer_worker, row->parent, &node) < 0)
                return;
        fd = locate_replica(engine, node);
        if (fd < 0 || entry_acquire(fd, row->name, &entry) < 0 ||
            !link_explains(&row->replica, &entry.stamp))
                return;
        (void) catalog_set_stamps(engine->pair->store.catalog,
                                  (CatalogPlace) { row->parent, row->name }, NULL, &entry.stamp);
}

static void refresh_group(Engine *engine, CatalogReader *reader, CatalogIdentity identity) {
        CatalogRow rows[NAMES_CHUNK] = {};
        int n = NAMES_CHUNK;

        for (int skip = 0; n == NAMES_CHUNK; skip += n) {
                n = catalog_reader_by_identity(reader, identity, skip, rows, NAMES_CHUNK);
                for (int i = 0; i < n; i++)
                        refresh_row(engine, &rows[i]);
        }
        for (size_t i = 0; i < ELEMENTSOF(rows); i++)
                catalog_row_done(&rows[i]);
}

static int refresh_all(Engine *engine, const Identities *identities) {
        Catalog *catalog = engine->pair->store.catalog;
        CatalogReader *reader;
        int r;

        r = worker_reader(&engine->committer_worker, &reader);
        if (r < 0)
                return r;
        r = catalog_begin(catalog);
        if (r < 0)
                return r;
        for (size_t i = 0; i < identities->n; i++)
                if (i == 0 || compare(&identities->items[i], &identities->items[i - 1]) != 0)
                        refresh_group(engine, reader, identities->items[i]);
        r = catalog_commit(catalog);
        if (r < 0)
                (void) catalog_rollback(catalog);
        return r;
}

void refresh_links(Engine *engine, const ItemList *list) {
        Identities identities = {};
        int r = 0;

        collect(list, &identities);
        if (identities.n > 0) {
                (void) pthread_mutex_lock(&engine->catalog_mutex);
                r = refresh_all(engine, &identities);
                (void) pthread_mutex_unlock(&engine->catalog_mutex);
        }
        free(identities.items);
        if (r < 0)
                (void) log_debug_errno(
                        r,
                        "failed to refresh hard-link groups, the next look compares contents: %m");
}
