/* Whole directories of two-way pairs. One side lost a directory: on the other one goes what is as
 * the catalog has it, and nothing else, so that what changed there survives, and with it the
 * directory. */

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "basic/alloc.h"
#include "basic/fd.h"
#include "basic/macros.h"
#include "fs/confined.h"
#include "sync/give-back.h"
#include "sync/keep.h"
#include "sync/refresh.h"
#include "sync/tick.h"

/* A directory below the one that is walked. */
typedef struct Place {
        char *path; /* owned; relative, "" for the top */
        int64_t directory_id;
} Place;

/* Directories in the order in which they were found: each comes before what is in it. Memory is by
 * directory. */
typedef struct Walk {
        Visit *visit;
        int top_fd;
        uint64_t device;
        Place *places;
        size_t n_places, n_allocated;
        const char *top_path; /* from the root of the source, for versions */
        bool is_source;
        bool is_clean; /* nothing was found that is not as it was */
} Walk;

static void walk_done(Walk *walk) {
        for (size_t i = 0; i < walk->n_places; i++)
                free(walk->places[i].path);
        free(walk->places);
        safe_close(walk->top_fd);
}

static char *join(const char *directory, const char *name) {
        char *path;

        if (!directory[0])
                return strdup(name);
        return asprintf(&path, "%s/%s", directory, name) < 0 ? NULL : path;
}

static int add(Walk *walk, const char *directory, const char *name, int64_t id) {
        char *path;

        if (walk->n_places == walk->n_allocated) {
                size_t n = MAX(walk->n_allocated * 2, (size_t) 16);
                Place *places = reallocarray(walk->places, n, sizeof *places);

                if (!places)
                        return -ENOMEM;
                walk->places = places;
                walk->n_allocated = n;
        }
        path = join(directory, name);
        if (!path)
                return -ENOMEM;
        walk->places[walk->n_places++] = (Place) { path, id };
        return 0;
}

static const Stamp *stamp_of(const Walk *walk, const CatalogRow *row) {
        return walk->is_source ? &row->source : &row->replica;
}

/* Names that come and go beside it, and links to it, are no change of an entry; nor is what is done
 * in a directory a change of that. */
static bool is_as_it_was(const Walk *walk, const CatalogRow *row, const Entry *entry) {
        const Stamp *was = stamp_of(walk, row), *is = &entry->stamp;

        if (entry->device != walk->device || entry->is_mount_root)
                return false;
        if (S_ISDIR(is->mode))
                return S_ISDIR(was->mode) && was->inode == is->inode && was->mode == is->mode &&
                       was->uid == is->uid && was->gid == is->gid;
        return link_explains(was, is);
}

/* That ctime alone moved may be a change that was covered up by putting mtime back. 1, 0, -errno.
 */
static int has_content(const Walk *walk, const CatalogRow *row, int directory_fd,
                       const Entry *entry) {
        _cleanup_close_ int fd = -EBADF;
        Hash hash;
        int r;

        if (!S_ISREG(entry->stamp.mode) || !row->has_hash ||
            stamp_equal(stamp_of(walk, row), &entry->stamp))
                return 1;
        fd = confined_open_content(directory_fd, row->name);
        r = fd < 0 ? fd : copier_hash(walk->visit->worker->copier, fd, &hash, tick, walk->visit);
        return r < 0 ? r : memcmp(&hash, &row->hash, sizeof hash) == 0;
}

/* What is to be done with an entry that is as it was, and no directory. */
typedef int (*WalkEntry)(Walk *walk, int directory_fd, const Place *place, const char *name,
                         const Entry *entry);

static int walk_entry(Walk *walk, int directory_fd, size_t at, const char *name, WalkEntry act) {
        const Place *place = &walk->places[at];
        _cleanup_(catalog_row_done) CatalogRow row = CATALOG_ROW_NULL;
        Entry entry;
        int r;

        r = entry_acquire(directory_fd, name, &entry);
        if (r < 0)
                return r == -ENOENT ? 0 : r;
        r = catalog_reader_get(walk->visit->reader, place->directory_id, name, &row);
        if (r < 0 && r != -ENOENT)
                return r;
        r = r >= 0 && is_as_it_was(walk, &row, &entry)
                    ? has_content(walk, &row, directory_fd, &entry)
                    : 0;
        if (r <= 0) {
                walk->is_clean = false;
                return r;
        }
        if (S_ISDIR(entry.stamp.mode))
                return add(walk, place->path, name, row.directory_id);
        return act ? act(walk, directory_fd, place, name, &entry) : 0;
}

static int walk_directory(Walk *walk, size_t at, WalkEntry act) {
        _cleanup_(listing_done) Listing listing = LISTING_NULL;
        _cleanup_close_ int fd = confined_open_directory(walk->top_fd, walk->places[at].path);
        int r = fd < 0 ? fd : listing_read(&listing, fd);

        for (size_t i = 0; r >= 0 && i < listing.n_entries; i++) {
                if (engine_is_cancelled(walk->visit->engine))
                        return -ECANCELED;
                r = walk_entry(walk, fd, at, listing_name(&listing, i), act);
        }
        engine_beat(walk->visit->engine);
        return r;
}

/* Of a directory in which something is not as it was the rest does not matter. */
static int walk_all(Walk *walk, bool stops, WalkEntry act) {
        int r = 0;

        for (size_t i = 0; r >= 0 && i < walk->n_places && (walk->is_clean || !stops); i++)
                r = walk_directory(walk, i, act);
        return r;
}

static int walk_begin(Visit *visit, const Look *look, bool is_source, Walk *ret) {
        const Entry *entry = is_source ? &look->source : &look->replica;
        Walk walk = {
                .visit = visit, .device = entry->device, .is_source = is_source, .is_clean = true
        };
        int r;

        walk.top_fd = confined_open_directory(is_source ? visit->source_fd : visit->replica_fd,
                                              look->name);
        r = walk.top_fd < 0 ? walk.top_fd : add(&walk, "", "", look->row->directory_id);
        if (r < 0) {
                walk_done(&walk);
                return r;
        }
        *ret = walk;
        return 0;
}

int give_back_is_clean(Visit *visit, const Look *look) {
        Walk walk;
        int r;

        if (!look->has_row || look->row->directory_id == 0)
                return 0;
        r = walk_begin(visit, look, false, &walk);
        if (r < 0)
                return r;
        r = walk_all(&walk, true, NULL);
        r = r < 0 ? r : walk.is_clean;
        walk_done(&walk);
        return r;
}

static int keep_entry(Walk *walk, int directory_fd, const Place *place, const char *name,
                      const Entry *entry) {
        _cleanup_free_ char *below = join(place->path, name), *path = NULL;

        path = below ? join(walk->top_path, below) : NULL;
        return !path ? -ENOMEM
                     : give_back_keep(walk->visit,
                                      &(GiveBackKeep) { directory_fd, name, entry, path });
}

static int unlink_entry(Walk *walk, int directory_fd, const Place *place, const char *name,
                        const Entry *entry) {
        int r = give_back_unlink(walk->visit, directory_fd, name, entry);

        (void) place;
        if (r == -EBUSY)
                walk->is_clean = false;
        return r == -EBUSY ? 0 : r;
}

/* From the bottom to the top; one that is not empty stays. */
static int remove_directories(Walk *walk) {
        for (size_t i = walk->n_places; i-- > 1;) {
                char *slash = strrchr(walk->places[i].path, '/');
                const char *name = slash ? slash + 1 : walk->places[i].path;
                _cleanup_free_ char *parent = strndup(
                        walk->places[i].path, slash ? (size_t) (slash - walk->places[i].path) : 0);
                _cleanup_close_ int fd = -EBADF;
                Entry entry;

                if (!parent)
                        return -ENOMEM;
                fd = confined_open_directory(walk->top_fd, parent);
                if (fd >= 0 && entry_acquire(fd, name, &entry) >= 0 && S_ISDIR(entry.stamp.mode))
                        (void) give_back_unlink(walk->visit, fd, name, &entry);
        }
        return 0;
}

/* All versions are on the disk before anything goes. */
static int empty(Walk *walk) {
        int r = walk_all(walk, false, keep_entry);

        if (r >= 0 && walk->visit->engine->pair->config->versions_keep > 0)
                r = keep_flush(walk->visit->engine);
        if (r < 0)
                return r;
        for (size_t i = 1; i < walk->n_places; i++)
                free(walk->places[i].path);
        walk->n_places = 1;
        r = walk_all(walk, false, unlink_entry);
        return r < 0 ? r : remove_directories(walk);
}

int give_back_remove_tree(Visit *visit, Look *look) {
        _cleanup_free_ char *path = NULL;
        Walk walk;
        int r;

        if (!look->has_row || look->row->directory_id == 0 || look->source.is_mount_root)
                return 0;
        r = tree_source_path(visit->engine->tree, visit->node, look->name, &path);
        if (r < 0)
                return r;
        r = walk_begin(visit, look, true, &walk);
        if (r < 0)
                return r;
        walk.top_path = path;
        r = empty(&walk);
        walk_done(&walk);
        if (r < 0)
                return r;
        r = give_back_unlink(visit, visit->source_fd, look->name, &look->source);
        return r == -ENOTEMPTY || r == -EEXIST || r == -EBUSY ? 0 : r < 0 ? r : 1;
}
