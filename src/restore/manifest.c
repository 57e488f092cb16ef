#include "restore/manifest.h"

#include <assert.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "basic/alloc.h"
#include "basic/fd.h"
#include "basic/string-util.h"
#include "fs/confined.h"
#include "fs/listing.h"

enum { READS_MAX = 3 }; /* of a file that changes while it is read */

typedef struct Name {
        const char *text; /* borrowed from the listing */
        bool is_directory;
} Name;

/* A directory that was gone into. */
typedef struct Level {
        size_t path_length;
        int64_t directory_id; /* in the catalog; 0: it does not know it */
        Listing listing;
        Name *names;
        size_t n_names, next;
} Level;

typedef struct Walk {
        const RestorePair *pair;
        const Recorded *recorded;
        const ManifestRequest *request;
        Copier *copier;
        CatalogRow row;
        StringBuffer path; /* of the entry at hand */
        int fd;            /* of the directory it is in; negative: to be opened */
        Level *levels;
        size_t n_levels, levels_allocated;
} Walk;

static void level_done(Level *level) {
        listing_done(&level->listing);
        free(level->names);
}

static void walk_done(Walk *w) {
        for (size_t i = 0; i < w->n_levels; i++)
                level_done(&w->levels[i]);
        free(w->levels);
        safe_close(w->fd);
        (void) copier_free(w->copier);
        catalog_row_done(&w->row);
        string_buffer_done(&w->path);
}

static void path_truncate(Walk *w, size_t length) {
        w->path.length = length;
        w->path.text[length] = '\0';
}

static int tell(const Walk *w, ManifestHow how, const Hash *hash, int error) {
        ManifestEvent event = { .path = w->path.text, .how = how, .error = error };

        if (hash)
                event.hash = *hash;
        return w->request->tell(&event, w->request->userdata);
}

static int fail(const Walk *w, int r) {
        return r == -ENOMEM || r == -EINTR ? r : tell(w, MANIFEST_FAILED, NULL, r);
}

/* Whether the catalog knows NAME of the directory DIRECTORY_ID: W->row has it then. */
static int find_row(Walk *w, int64_t directory_id, const char *name) {
        int r;

        if (!w->recorded->reader || directory_id == 0)
                return 0;
        r = catalog_reader_get(w->recorded->reader, directory_id, name, &w->row);
        return r == -ENOENT ? 0 : r < 0 ? r : 1;
}

/* A file that stood still meanwhile. */
static int hash_once(const Walk *w, const char *name, Hash *ret) {
        _cleanup_close_ int fd = -EBADF;
        Entry before, after;
        int r;

        fd = confined_open_content(w->fd, name);
        if (fd < 0)
                return fd;
        r = entry_acquire(fd, "", &before);
        if (r >= 0)
                r = copier_hash(w->copier, fd, ret, w->request->tick, w->request->userdata);
        if (r >= 0)
                r = entry_acquire(fd, "", &after);
        if (r < 0)
                return r;
        return stamp_equal(&before.stamp, &after.stamp) ? 0 : -ESTALE;
}

static int hash_now(const Walk *w, const char *name, ManifestHow how) {
        int r = -ESTALE;
        Hash hash;

        for (int i = 0; i < READS_MAX && r == -ESTALE; i++)
                r = hash_once(w, name, &hash);
        if (r == -ENOENT)
                return 0; /* gone since it was seen */
        return r < 0 ? fail(w, r) : tell(w, how, &hash, 0);
}

static int show_file(Walk *w, const Level *level, const char *name) {
        Entry entry;
        int r;

        r = entry_acquire(w->fd, name, &entry);
        if (r == -ENOENT || (r >= 0 && !S_ISREG(entry.stamp.mode)))
                return 0;
        if (r < 0)
                return fail(w, r);
        r = find_row(w, level->directory_id, name);
        if (r < 0)
                return r;
        if (r == 0 || !w->row.has_hash)
                return hash_now(w, name, MANIFEST_NEW);
        if (!stamp_equal(&w->row.replica, &entry.stamp))
                return hash_now(w, name, MANIFEST_CHANGED);
        return tell(w, MANIFEST_RECORDED, &w->row.hash, 0);
}

/* Paths are compared, in which a slash follows a directory's name. */
static int compare_names(const void *a, const void *b) {
        const Name *x = a, *y = b;
        const unsigned char *p = (const unsigned char *) x->text;
        const unsigned char *q = (const unsigned char *) y->text;
        int c, d;

        for (; *p && *p == *q; p++, q++)
                ;
        c = *p ? *p : x->is_directory ? '/' : 0;
        d = *q ? *q : y->is_directory ? '/' : 0;
        return (c > d) - (c < d);
}

/* The store may be in the replica's root, of which it is no part. */
static bool is_store(const Walk *w, const char *name) {
        return w->n_levels == 1 && w->path.length == 0 && w->pair->store_inside_replica &&
               streq(name, STORE_NAME_INSIDE);
}

static bool is_directory(const Walk *w, const Level *level, size_t i) {
        Entry entry;

        if (listing_type(&level->listing, i) != DT_UNKNOWN)
                return listing_type(&level->listing, i) == DT_DIR;
        return entry_acquire(w->fd, listing_name(&level->listing, i), &entry) >= 0 &&
               S_ISDIR(entry.stamp.mode);
}

/* The replica may have what is excluded, but that is no part of the pair. */
static bool is_excluded(Walk *w, const char *name, bool directory) {
        size_t length = w->path.length;
        Exclusion exclusion;

        if (!w->pair->exclude)
                return false;
        string_buffer_append(&w->path, length > 0 ? "/" : "");
        string_buffer_append(&w->path, name);
        if (w->path.failed)
                return false;
        exclusion = exclude_list_judge(w->pair->exclude, w->path.text);
        string_buffer_truncate(&w->path, length);
        return directory ? exclusion.as_directory : exclusion.as_file;
}

static int read_names(Walk *w, Level *level) {
        int r;

        r = listing_read(&level->listing, w->fd);
        if (r < 0)
                return fail(w, r);
        level->names = new0(Name, level->listing.n_entries + 1);
        if (!level->names)
                return -ENOMEM;
        for (size_t i = 0; i < level->listing.n_entries; i++) {
                const char *name = listing_name(&level->listing, i);

                bool directory = is_directory(w, level, i);

                if (!is_store(w, name) && !is_excluded(w, name, directory))
                        level->names[level->n_names++] = (Name) { name, directory };
        }
        qsort(level->names, level->n_names, sizeof *level->names, compare_names);
        return 0;
}

static int open_directory(Walk *w) {
        w->fd = safe_close(w->fd);
        w->fd = confined_open_directory(w->pair->replica_fd, w->path.text);
        return MIN(w->fd, 0);
}

/* Goes into the directory at hand. */
static int enter(Walk *w, int64_t directory_id) {
        int r;

        if (w->n_levels == w->levels_allocated) {
                size_t n = w->levels_allocated * 2 + 16;
                Level *levels = reallocarray(w->levels, n, sizeof *levels);

                if (!levels)
                        return -ENOMEM;
                w->levels = levels;
                w->levels_allocated = n;
        }
        r = open_directory(w);
        if (r < 0)
                return r == -ENOENT || r == -ENOTDIR ? 0 : fail(w, r);
        w->levels[w->n_levels++] = (Level) { .path_length = w->path.length,
                                             .directory_id = directory_id };
        return read_names(w, &w->levels[w->n_levels - 1]);
}

static int show(Walk *w, const Level *level, const Name *name) {
        int r;

        if (level->path_length > 0)
                string_buffer_append(&w->path, "/");
        string_buffer_append(&w->path, name->text);
        if (w->path.failed)
                return -ENOMEM;
        if (!name->is_directory)
                return show_file(w, level, name->text);
        r = find_row(w, level->directory_id, name->text);
        return r < 0 ? r : enter(w, r > 0 ? w->row.directory_id : 0);
}

/* One step: shows the next name of the directory entered last, or leaves that directory. */
static int step(Walk *w) {
        Level *level = &w->levels[w->n_levels - 1];
        int r;

        path_truncate(w, level->path_length);
        if (level->next == level->n_names) {
                level_done(level);
                w->n_levels--;
                w->fd = safe_close(w->fd);
                return 0;
        }
        r = w->request->tick ? w->request->tick(0, w->request->userdata) : 0;
        if (r >= 0 && w->fd < 0)
                r = open_directory(w);
        if (r == -ENOENT || r == -ENOTDIR) {
                level->next = level->n_names; /* it is gone */
                return 0;
        }
        return r < 0 ? fail(w, r) : show(w, level, &level->names[level->next++]);
}

/* 1 it is a directory, 0 it is not; -errno. */
static int begin_at(Walk *w, int64_t *ret_id) {
        _cleanup_close_ int fd = -EBADF;
        Entry entry;
        int r;

        fd = confined_open(w->pair->replica_fd, w->request->path, O_PATH);
        if (fd < 0)
                return fd;
        r = entry_acquire(fd, "", &entry);
        if (r < 0)
                return r;
        r = w->recorded->reader ? recorded_find(w->recorded, w->request->path, &w->row) : -ENOENT;
        if (r < 0 && r != -ENOENT)
                return r;
        *ret_id = r >= 0 ? w->row.directory_id : 0;
        return S_ISDIR(entry.stamp.mode);
}

/* A single file, in the directory above it. */
static int show_one(Walk *w) {
        const char *path = w->request->path, *slash = strrchr(path, '/');
        _cleanup_free_ char *parent = slash ? strndup(path, (size_t) (slash - path)) : strdup("");
        Level level = {};
        int r;

        if (!parent)
                return -ENOMEM;
        r = w->recorded->reader ? recorded_find(w->recorded, parent, &w->row) : -ENOENT;
        if (r >= 0)
                level.directory_id = w->row.directory_id;
        string_buffer_append(&w->path, parent);
        r = w->path.failed ? -ENOMEM : open_directory(w);
        if (r < 0)
                return r;
        path_truncate(w, 0);
        string_buffer_append(&w->path, path);
        return w->path.failed ? -ENOMEM : show_file(w, &level, slash ? slash + 1 : path);
}

static int walk_all(Walk *w) {
        int64_t id = 0;
        int r;

        string_buffer_append(&w->path, "");
        r = w->path.failed ? -ENOMEM : copier_new(&w->copier);
        if (r >= 0)
                r = begin_at(w, &id);
        if (r == 0)
                return show_one(w);
        if (r > 0) {
                string_buffer_append(&w->path, w->request->path);
                r = w->path.failed ? -ENOMEM : enter(w, id);
        }
        while (r >= 0 && w->n_levels > 0)
                r = step(w);
        return r;
}

int manifest_make(const RestorePair *pair, const Recorded *recorded, const ManifestRequest *request,
                  char **ret_error) {
        _cleanup_(walk_done) Walk w = {
                .pair = pair,
                .recorded = recorded,
                .request = request,
                .fd = -EBADF,
        };
        int r;

        assert(pair);
        assert(request);

        if (pair->replica_fd < 0)
                return problem_set(ret_error, RESTORE_NOT_FOUND,
                                   "the store %s has no replica beside it; give the replica's path",
                                   pair->store);
        r = walk_all(&w);
        if (r >= 0 || r == -ENOMEM)
                return MIN(r, 0);
        if (r == -ENOENT || r == -ENOTDIR || r == -ELOOP)
                return problem_set(ret_error, RESTORE_NOT_FOUND,
                                   "%s is not in the replica %s; a path is relative to the pair's "
                                   "root",
                                   request->path, pair->replica);
        return problem_set(ret_error, r, "given up: %s", strerror(-r));
}

char *manifest_line(const Hash *hash, const char *path) {
        _cleanup_(string_buffer_done) StringBuffer line = STRING_BUFFER_NULL;
        char digits[2 * HASH_BYTES + 1];

        if (strpbrk(path, "\\\n\r"))
                string_buffer_append(&line, "\\");
        string_buffer_append(&line, hash_format(hash, digits));
        /* A mere "-" is the standard input. */
        string_buffer_append(&line, streq(path, "-") ? "  ./" : "  ");
        for (const char *p = path; *p; p++)
                if (*p == '\\')
                        string_buffer_append(&line, "\\\\");
                else if (*p == '\n')
                        string_buffer_append(&line, "\\n");
                else if (*p == '\r')
                        string_buffer_append(&line, "\\r");
                else
                        string_buffer_append_bytes(&line, p, 1);
        string_buffer_append(&line, "\n");
        return string_buffer_take(&line);
}
