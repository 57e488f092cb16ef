/* What a batch that was never committed had displaced: it lies in staging, while the catalog still
 * has it where it was. It becomes a version, as it would have become without the crash. */

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "basic/alloc.h"
#include "basic/fd.h"
#include "basic/macros.h"
#include "basic/string-util.h"
#include "fs/confined.h"
#include "fs/entry.h"
#include "fs/listing.h"
#include "state/versions.h"
#include "sync/recover.h"

/* A catalog deeper than that is damaged. */
enum { DEPTH_MAX = 65536 };

typedef struct Staged {
        uint64_t inode;
        int64_t btime;
        const char *name; /* the listing's */
} Staged;

typedef struct Search {
        const Store *store;
        CatalogReader *paths; /* a second connection: the first is in the middle of a walk */
        Versions *versions;
        int replica_fd;
        Staged *staged; /* by inode */
        size_t n_staged;
        usec_t at;
        uint64_t *n_kept;
} Search;

static int compare_staged(const void *a, const void *b) {
        const Staged *x = a, *y = b;

        return (x->inode > y->inode) - (x->inode < y->inode);
}

static int collect(const Store *store, const Listing *listing, Staged **ret, size_t *ret_n) {
        Staged *staged = calloc(listing->n_entries + 1, sizeof(*staged));
        size_t n = 0;

        if (!staged)
                return -ENOMEM;
        for (size_t i = 0; i < listing->n_entries; i++) {
                const char *name = listing_name(listing, i);
                Entry entry;

                if (entry_acquire(store->staging_fd, name, &entry) >= 0)
                        staged[n++] = (Staged) { entry.stamp.inode, entry.stamp.btime, name };
        }
        qsort(staged, n, sizeof(*staged), compare_staged);
        *ret = staged;
        *ret_n = n;
        return 0;
}

/* NAME of the directory with that id, as a path from the root. 0 with a fresh string; -ENOENT when
 * the way up is not known. */
static int path_of(CatalogReader *reader, int64_t parent, const char *name, char **ret) {
        _cleanup_(catalog_row_done) CatalogRow row = CATALOG_ROW_NULL;
        _cleanup_free_ char *path = strdup(name);

        for (unsigned depth = 0; path && parent != CATALOG_ROOT; depth++) {
                char *longer;
                int r;

                if (parent < CATALOG_FIRST_ID || depth > DEPTH_MAX)
                        return -ENOENT;
                r = catalog_reader_by_directory(reader, parent, &row);
                if (r < 0)
                        return r;
                if (asprintf(&longer, "%s/%s", row.name, path) < 0)
                        return -ENOMEM;
                free(path);
                path = longer;
                parent = row.parent;
        }
        *ret = TAKE_PTR(path);
        return *ret ? 0 : -ENOMEM;
}

/* Names of one inode, and files whose replica got a second name, are in their place all the same.
 */
static bool is_in_place(const Search *search, const char *path, uint64_t inode) {
        _cleanup_close_ int fd = confined_open(search->replica_fd, path, O_PATH);
        Entry entry;

        return fd >= 0 && entry_acquire(fd, "", &entry) >= 0 && entry.stamp.inode == inode;
}

static int keep(Search *search, const Staged *staged, const CatalogRow *row) {
        _cleanup_free_ char *path = NULL;
        int r;

        r = path_of(search->paths, row->parent, row->name, &path);
        if (r < 0)
                return r == -ENOENT ? 0 : r;
        if (is_in_place(search, path, staged->inode))
                return 0;
        if (!search->versions)
                r = versions_open(search->store->fd, true, &search->versions);
        if (r >= 0)
                r = versions_keep(search->versions, search->store->staging_fd, staged->name, path,
                                  search->at);
        if (r >= 0)
                (*search->n_kept)++;
        return r == -ENOENT ? 0 : r; /* another row of the same inode was first */
}

static int on_row(const CatalogRow *row, void *userdata) {
        Search *search = ASSERT_PTR(userdata);
        const Staged key = { .inode = row->replica.inode };
        const Staged *staged = bsearch(&key, search->staged, search->n_staged,
                                       sizeof(*search->staged), compare_staged);

        if (!staged || row->parent == CATALOG_PARKED || staged->btime != row->replica.btime)
                return 0;
        return keep(search, staged, row);
}

int recover_displaced(const Store *store, int replica_fd, usec_t at, uint64_t *ret_n_kept) {
        _cleanup_(listing_done) Listing listing = LISTING_NULL;
        _cleanup_close_ int fd = -EBADF;
        CatalogReader *reader = NULL;
        Search search = {
                .store = store, .replica_fd = replica_fd, .at = at, .n_kept = ret_n_kept
        };
        int r;

        *ret_n_kept = 0;
        fd = confined_open_directory(store->staging_fd, "");
        if (fd < 0)
                return fd;
        r = listing_read(&listing, fd);
        if (r < 0 || listing.n_entries == 0)
                return r;
        r = collect(store, &listing, &search.staged, &search.n_staged);
        if (r >= 0)
                r = catalog_reader_open(store->catalog, &reader);
        if (r >= 0)
                r = catalog_reader_open(store->catalog, &search.paths);
        if (r >= 0)
                r = catalog_reader_each(reader, on_row, &search);
        catalog_reader_close(reader);
        catalog_reader_close(search.paths);
        versions_close(search.versions);
        free(search.staged);
        return r;
}

/* What is parked has a row, and waits for its new name. */
static bool is_parked(CatalogReader *reader, const char *name) {
        _cleanup_(catalog_row_done) CatalogRow row = CATALOG_ROW_NULL;

        return catalog_reader_get(reader, CATALOG_PARKED, name, &row) >= 0;
}

static bool is_foreign(const char *name) {
        size_t length = strlen(name), n = strlen(STAGED_FOREIGN);

        return length > n && streq(name + length - n, STAGED_FOREIGN);
}

int recover_foreign(const Store *store, bool all, usec_t at, uint64_t *n_kept) {
        _cleanup_(listing_done) Listing listing = LISTING_NULL;
        _cleanup_close_ int fd = -EBADF;
        CatalogReader *reader = NULL;
        Versions *versions = NULL;
        int r;

        fd = confined_open_directory(store->staging_fd, "");
        if (fd < 0)
                return fd;
        r = listing_read(&listing, fd);
        if (r < 0 || listing.n_entries == 0)
                return r;
        r = catalog_reader_open(store->catalog, &reader);
        if (r >= 0)
                r = versions_open(store->fd, true, &versions);
        for (size_t i = 0; r >= 0 && i < listing.n_entries; i++) {
                _cleanup_free_ char *path = NULL;
                const char *name = listing_name(&listing, i);

                if (name[0] == '.' || !(all || is_foreign(name)) || is_parked(reader, name))
                        continue;
                if (asprintf(&path, "found-in-staging/%s", name) < 0)
                        r = -ENOMEM;
                else
                        r = versions_keep(versions, store->staging_fd, name, path, at);
                *n_kept += r >= 0;
        }
        catalog_reader_close(reader);
        versions_close(versions);
        return r;
}
