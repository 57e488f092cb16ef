#include "sync/recover.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>

#include "basic/alloc.h"
#include "basic/fd.h"
#include "basic/macros.h"
#include "fs/confined.h"
#include "fs/entry.h"
#include "fs/remove-tree.h"

enum {
        ROWS_CHUNK = 64,
        ROWS_PER_COMMIT = 4096,
};

DEFINE_TRIVIAL_CLEANUP_FUNC(CatalogReader *, catalog_reader_close)

static void closedirp(DIR **directory) {
        if (*directory)
                (void) closedir(*directory);
}

/* Whether the catalog has a displaced entry of that name: 1, 0 or -errno. */
static int is_parked(CatalogReader *reader, const char *name) {
        _cleanup_(catalog_row_done) CatalogRow row = CATALOG_ROW_NULL;
        int r = catalog_reader_get(reader, CATALOG_PARKED, name, &row);

        return r == -ENOENT ? 0 : r < 0 ? r : 1;
}

/* Removing while reading can make readdir(3) skip entries: the caller repeats until nothing more is
 * removed. */
static int remove_unknown_once(DIR *staging, CatalogReader *reader, uint64_t *n_removed,
                               int *first_error) {
        const struct dirent *entry;

        rewinddir(staging);
        for (;;) {
                errno = 0;
                entry = readdir(staging);
                if (!entry)
                        return -errno;
                if (!name_is_valid(entry->d_name))
                        continue;

                int r = is_parked(reader, entry->d_name);
                if (r < 0)
                        return r;
                if (r > 0)
                        continue;
                r = remove_tree(dirfd(staging), entry->d_name, n_removed);
                if (r < 0 && *first_error == 0)
                        *first_error = r;
        }
}

static int remove_unknown(int staging_fd, CatalogReader *reader, uint64_t *n_removed) {
        _cleanup_(closedirp) DIR *staging = NULL;
        uint64_t n_before;
        int fd, r, first_error = 0;

        fd = confined_open(staging_fd, "", O_RDONLY | O_DIRECTORY);
        if (fd < 0)
                return fd;
        staging = fdopendir(fd);
        if (!staging) {
                r = -errno;
                safe_close(fd);
                return r;
        }

        do {
                n_before = *n_removed;
                r = remove_unknown_once(staging, reader, n_removed, &first_error);
        } while (r == 0 && *n_removed > n_before);
        return r < 0 ? r : first_error;
}

/* Deletes a row whose staged entry is lost, in transactions of bounded size; what hung below it
 * first, so that a crash in between leaves nothing that cannot be found again. */
static int forget(Catalog *catalog, const CatalogRow *row) {
        int64_t n = 0;
        int r;

        do {
                r = catalog_begin(catalog);
                if (r < 0)
                        return r;
                if (row->directory_id != 0)
                        n = catalog_delete_subtree(catalog, row->directory_id, ROWS_PER_COMMIT);
                r = n < 0   ? (int) n
                    : n > 0 ? 0
                            : catalog_delete(catalog, CATALOG_PARKED, row->name);
                if (r >= 0)
                        r = catalog_commit(catalog);
                if (r < 0) {
                        (void) catalog_rollback(catalog);
                        return r;
                }
        } while (n > 0);
        return 0;
}

static int forget_lost_in_chunk(const Store *store, const CatalogRow *rows, int n,
                                uint64_t *n_forgotten) {
        for (int i = 0; i < n; i++) {
                Entry entry;
                int r = entry_acquire(store->staging_fd, rows[i].name, &entry);

                if (r == -ENOENT) {
                        r = forget(store->catalog, &rows[i]);
                        (*n_forgotten)++;
                }
                if (r < 0)
                        return r;
        }
        return 0;
}

static int forget_lost(const Store *store, CatalogReader *reader, uint64_t *n_forgotten) {
        CatalogRow rows[ROWS_CHUNK] = {};
        _cleanup_free_ char *after = strdup("");
        int n, r;

        if (!after)
                return -ENOMEM;

        do {
                r = n = catalog_reader_list(reader, CATALOG_PARKED, after, rows, ROWS_CHUNK);
                if (n > 0) {
                        r = forget_lost_in_chunk(store, rows, n, n_forgotten);
                        free(after);
                        after = TAKE_PTR(rows[n - 1].name);
                }
        } while (r >= 0 && n == ROWS_CHUNK);

        for (size_t i = 0; i < ROWS_CHUNK; i++)
                catalog_row_done(&rows[i]);
        return r < 0 ? r : 0;
}

int recover_staging(const Store *store, Recovery *ret) {
        _cleanup_(catalog_reader_closep) CatalogReader *reader = NULL;
        int removed, r;

        *ret = (Recovery) {};
        r = catalog_reader_open(store->catalog, &reader);
        if (r < 0)
                return r;
        removed = remove_unknown(store->staging_fd, reader, &ret->n_removed);
        r = forget_lost(store, reader, &ret->n_forgotten);
        return r < 0 ? r : removed;
}
