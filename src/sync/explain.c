#include "sync/explain.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "basic/alloc.h"
#include "basic/fd.h"
#include "basic/macros.h"
#include "fs/confined.h"
#include "sync/engine-internal.h"

void explanation_done(Explanation *explanation) {
        catalog_row_done(&explanation->row);
        *explanation = EXPLANATION_NULL;
}

bool explain_path_is_valid(const char *path) {
        size_t n;

        if (!path[0])
                return true;
        for (const char *p = path;; p += n + 1) {
                _cleanup_free_ char *name = NULL;

                n = strcspn(p, "/");
                name = strndup(p, n);
                if (!name || !name_is_valid(name))
                        return false;
                if (!p[n])
                        return true;
        }
}

static int look(const char *root, const char *path, Entry *ret) {
        const char *slash = strrchr(path, '/'), *name = slash ? slash + 1 : path;
        _cleanup_free_ char *parent = strndup(path, slash ? (size_t) (slash - path) : 0);
        _cleanup_close_ int root_fd = -EBADF, parent_fd = -EBADF;

        if (!parent)
                return -ENOMEM;
        root_fd = confined_open_root(root);
        if (root_fd < 0)
                return root_fd;
        parent_fd = confined_open_directory(root_fd, parent);
        return parent_fd < 0 ? parent_fd : entry_acquire(parent_fd, name, ret);
}

static int find_row(CatalogReader *reader, const char *path, CatalogRow *row) {
        int64_t parent = CATALOG_ROOT;
        int r = catalog_reader_get(reader, CATALOG_NO_DIRECTORY, "", row);

        if (!path[0])
                return r;
        for (const char *p = path;;) {
                size_t n = strcspn(p, "/");
                _cleanup_free_ char *name = strndup(p, n);

                r = name ? catalog_reader_get(reader, parent, name, row) : -ENOMEM;
                if (r < 0 || !p[n])
                        return r;
                if (row->directory_id == 0)
                        return -ENOENT;
                parent = row->directory_id;
                p += n + 1;
        }
}

/* The catalog may be made anew, which its mutex keeps from happening meanwhile. */
static int look_up(Engine *engine, const char *path, CatalogRow *row) {
        CatalogReader *reader;
        int r = -ENOENT;

        (void) pthread_mutex_lock(&engine->catalog_mutex);
        if (engine->pair->store.catalog)
                r = catalog_reader_open(engine->pair->store.catalog, &reader);
        if (r >= 0) {
                r = find_row(reader, path, row);
                catalog_reader_close(reader);
        }
        (void) pthread_mutex_unlock(&engine->catalog_mutex);
        return r;
}

int engine_explain(Engine *engine, const ExplainRoots *roots, const char *path, Explanation *ret) {
        Explanation explanation = EXPLANATION_NULL;

        if (!explain_path_is_valid(path))
                return -EINVAL;
        explanation.catalog_error = look_up(engine, path, &explanation.row);
        explanation.source_error = look(roots->source, path, &explanation.source);
        explanation.replica_error = look(roots->replica, path, &explanation.replica);
        *ret = explanation;
        return 0;
}
