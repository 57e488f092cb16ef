#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "basic/alloc.h"
#include "basic/macros.h"
#include "fs/confined.h"
#include "sync/visit.h"

enum { CHAIN_MAX = 65536 }; /* levels; a longer chain of rows is a damaged catalog */

int locate_source(Engine *engine, Node *node) {
        _cleanup_free_ char *path = NULL;
        int r;

        r = tree_source_path(engine->tree, node, NULL, &path);
        if (r < 0)
                return r;
        return confined_open_directory(engine->pair->source_fd, path);
}

int locate_replica_locked(Engine *engine, Node *node) {
        _cleanup_free_ char *path = NULL;
        bool staged;
        int r, root_fd;

        r = tree_replica_path(engine->tree, node, &staged, &path);
        if (r < 0)
                return r;
        root_fd = staged ? engine->pair->store.staging_fd : engine->pair->replica_fd;
        return root_fd < 0 ? -ENOENT : confined_open_directory(root_fd, path);
}

int locate_replica(Engine *engine, Node *node) {
        int fd;

        (void) pthread_rwlock_rdlock(&engine->structure);
        fd = locate_replica_locked(engine, node);
        (void) pthread_rwlock_unlock(&engine->structure);
        return fd;
}

/* The row of a directory, unless it is being renamed or displaced right now: then -EBUSY, and the
 * row tells after the next commit. Renaming needs engine->structure, which the caller holds for
 * reading, so only a commit can come in between; it shows in the second reading. */
static int read_settled(Worker *worker, CatalogReader *reader, int64_t directory_id,
                        CatalogRow *ret) {
        _cleanup_(catalog_row_done) CatalogRow again = CATALOG_ROW_NULL;
        int r;

        r = catalog_reader_by_directory(reader, directory_id, ret);
        if (r < 0)
                return r;
        if (pending_is_claimed(&worker->engine->pending,
                               (CatalogIdentity) { ret->file_system, ret->source.inode }))
                return -EBUSY;
        r = catalog_reader_by_directory(reader, directory_id, &again);
        if (r < 0)
                return r == -ENOENT ? -EBUSY : r;
        return again.parent == ret->parent && strcmp(again.name, ret->name) == 0 ? 0 : -EBUSY;
}

/* Climbs the catalog's rows from DIRECTORY_ID to the first directory that has a node. The rows
 * passed are kept, the topmost last. */
static int climb(Worker *worker, int64_t directory_id, CatalogRow **ret_rows, size_t *ret_n,
                 Node **ret) {
        CatalogReader *reader;
        CatalogRow *rows = NULL;
        size_t n = 0;
        int r;

        r = worker_reader(worker, &reader);
        while (r >= 0) {
                r = tree_find_by_id(worker->engine->tree, directory_id, ret);
                if (r != -ENOENT)
                        break;
                CatalogRow *more = n < CHAIN_MAX ? reallocarray(rows, n + 1, sizeof *rows) : NULL;
                r = more ? 0 : -ENOMEM;
                if (r < 0)
                        break;
                rows = more;
                rows[n] = CATALOG_ROW_NULL;
                r = read_settled(worker, reader, directory_id, &rows[n++]);
                if (r < 0)
                        break;
                directory_id = rows[n - 1].parent;
                if (directory_id < CATALOG_ROOT)
                        r = -ENOENT;
        }
        *ret_rows = rows;
        *ret_n = n;
        return r;
}

/* Gives NODE, which stands where a row has DIRECTORY_ID, that id. A node that has another already
 * is of a directory that took the place since: the row is about to change. */
static int identify(Tree *tree, Node *node, int64_t directory_id) {
        if (node->directory_id == directory_id)
                return 0;
        return node->directory_id != 0 ? -ENOENT : tree_set_id(tree, node, directory_id);
}

static int build(Worker *worker, int64_t directory_id, Node **ret) {
        Tree *tree = worker->engine->tree;
        CatalogRow *rows = NULL;
        Node *node = NULL;
        size_t n = 0;
        int r;

        r = climb(worker, directory_id, &rows, &n, &node);
        for (size_t i = n; r >= 0 && i > 0; i--) {
                Node *child;

                r = tree_child(tree, node, rows[i - 1].name, &child);
                if (r < 0)
                        break;
                node_unref(node);
                node = child;
                r = identify(tree, node, rows[i - 1].directory_id);
                if (node->source_inode == 0)
                        node->source_inode = rows[i - 1].source.inode;
        }
        for (size_t i = 0; i < n; i++)
                catalog_row_done(&rows[i]);
        free(rows);
        if (r < 0) {
                node_unref(node);
                return r;
        }
        *ret = node;
        return 0;
}

int locate_by_id(Worker *worker, int64_t directory_id, Node **ret) {
        Engine *engine = worker->engine;
        int r;

        /* No directory may be renamed between the reading of rows and the making of nodes after
         * them. */
        (void) pthread_rwlock_rdlock(&engine->structure);
        r = tree_find_by_id(engine->tree, directory_id, ret);
        if (r == -ENOENT)
                r = build(worker, directory_id, ret);
        (void) pthread_rwlock_unlock(&engine->structure);
        return r;
}
