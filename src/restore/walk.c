#include "restore/walk.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "basic/alloc.h"
#include "basic/fd.h"
#include "basic/string-util.h"
#include "fs/listing.h"
#include "restore/layers.h"

/* A name in one of the layers of a directory: the frames by their number, then the base. */
typedef struct Name {
        const char *text; /* borrowed from the listing */
        size_t layer;
} Name;

/* A directory that was entered. */
typedef struct Level {
        size_t path_length;
        Layers layers;
        Listing *listings;
        size_t n_listings;
        Name *names; /* sorted by name, then layer */
        size_t n_names, next;
        bool is_ancestor;
} Level;

typedef struct Walk {
        const RestorePair *pair;
        const WalkHooks *hooks;
        StringBuffer path; /* of the entry at hand */
        Level *levels;
        size_t n_levels, levels_allocated;
} Walk;

static void level_done(Level *level) {
        for (size_t i = 0; i < level->n_listings; i++)
                listing_done(&level->listings[i]);
        free(level->listings);
        free(level->names);
        layers_done(&level->layers);
}

static void walk_done(Walk *w) {
        for (size_t i = 0; i < w->n_levels; i++)
                level_done(&w->levels[i]);
        free(w->levels);
        string_buffer_done(&w->path);
}

static void path_truncate(Walk *w, size_t length) {
        w->path.length = length;
        w->path.text[length] = '\0';
}

static int path_append(Walk *w, const char *name, size_t length) {
        if (w->path.length > 0)
                string_buffer_append(&w->path, "/");
        string_buffer_append_bytes(&w->path, name, length);
        return w->path.failed ? -ENOMEM : 0;
}

static int name_compare(const void *a, const void *b) {
        const Name *x = a, *y = b;
        int r = strcmp(x->text, y->text);

        return r != 0 ? r : (x->layer > y->layer) - (x->layer < y->layer);
}

/* The store may be in the replica's root, of which it is no part. */
static bool is_store(const Walk *w, const Level *level, const char *name) {
        return level->path_length == 0 && level->layers.base == LAYER_REPLICA &&
               w->pair->store_inside_replica && streq(name, STORE_NAME_INSIDE);
}

static int read_layer(Walk *w, usec_t layer, Listing *listing) {
        _cleanup_close_ int fd = -EBADF;

        fd = layer_open(w->pair, layer, w->path.text, O_RDONLY | O_DIRECTORY | O_NONBLOCK);
        return fd < 0 ? fd : listing_read(listing, fd);
}

static int collect_names(Walk *w, Level *level) {
        size_t n = 0;

        for (size_t i = 0; i < level->n_listings; i++)
                n += level->listings[i].n_entries;
        level->names = new0(Name, n + 1);
        if (!level->names)
                return -ENOMEM;
        for (size_t i = 0; i < level->n_listings; i++)
                for (size_t j = 0; j < level->listings[i].n_entries; j++) {
                        const char *name = listing_name(&level->listings[i], j);

                        if (i < level->layers.n_frames || !is_store(w, level, name))
                                level->names[level->n_names++] = (Name) { name, i };
                }
        /* A single listing is sorted already. */
        if (level->n_listings > 1)
                qsort(level->names, level->n_names, sizeof *level->names, name_compare);
        return 0;
}

static int read_names(Walk *w, Level *level) {
        size_t n = level->layers.n_frames + (level->layers.base != LAYER_NONE);
        int r = 0;

        level->listings = new0(Listing, n + 1);
        if (!level->listings)
                return -ENOMEM;
        for (size_t i = 0; i < n && r >= 0; i++, level->n_listings++) {
                bool is_base = i == level->layers.n_frames;

                r = read_layer(w, is_base ? level->layers.base : level->layers.frames[i],
                               &level->listings[i]);
        }
        if (r == -ENOMEM)
                return r;
        if (r < 0) {
                r = w->hooks->fail(w->path.text, r, w->hooks->userdata);
                if (r < 0)
                        return r;
        }
        return collect_names(w, level);
}

/* Takes LAYERS over. The new level has no names yet. */
static Level *push(Walk *w, Layers *layers, bool is_ancestor) {
        if (w->n_levels == w->levels_allocated) {
                size_t n = w->levels_allocated * 2 + 16;
                Level *levels = reallocarray(w->levels, n, sizeof *levels);

                if (!levels)
                        return NULL;
                w->levels = levels;
                w->levels_allocated = n;
        }
        w->levels[w->n_levels] = (Level) {
                .path_length = w->path.length,
                .layers = *layers,
                .is_ancestor = is_ancestor,
        };
        *layers = LAYERS_NULL;
        return &w->levels[w->n_levels++];
}

static int make_item(Walk *w, const Layers *layers, int fd, bool is_ancestor, RestoreItem *ret) {
        *ret = (RestoreItem) {
                .path = w->path.text,
                .fd = fd,
                .version = layers->base,
                .is_ancestor = is_ancestor,
        };
        return entry_acquire(fd, "", &ret->entry);
}

/* Shows the entry at hand to the hooks. Takes LAYERS over. 1: it was gone into, 0: it was not. */
static int show(Walk *w, Layers *layers, int fd, bool is_ancestor) {
        RestoreItem item;
        Level *level;
        int r;

        r = make_item(w, layers, fd, is_ancestor, &item);
        if (r < 0)
                return w->hooks->fail(w->path.text, r, w->hooks->userdata);
        if (!S_ISDIR(item.entry.stamp.mode))
                return w->hooks->visit(&item, w->hooks->userdata);

        r = w->hooks->enter(&item, w->hooks->userdata);
        if (r <= 0)
                return r;
        level = push(w, layers, is_ancestor);
        if (!level)
                return -ENOMEM;
        r = is_ancestor ? 0 : read_names(w, level);
        return r < 0 ? r : 1;
}

static int pop(Walk *w) {
        Level level = w->levels[--w->n_levels];
        _cleanup_close_ int fd = -EBADF;
        RestoreItem item;
        int r;

        path_truncate(w, level.path_length);
        fd = layers_open(w->pair, &level.layers, w->path.text);
        r = fd < 0 ? fd : make_item(w, &level.layers, fd, level.is_ancestor, &item);
        r = r < 0 ? w->hooks->fail(w->path.text, r, w->hooks->userdata)
                  : w->hooks->leave(&item, w->hooks->userdata);
        level_done(&level);
        return r;
}

/* Takes the next name of the directory, with those of its layers that have it. 1, 0, -ENOMEM. */
static int next_name(Level *level, const char **ret_name, Layers *ret) {
        const Name *first = level->names + level->next;

        if (level->next == level->n_names)
                return 0;
        *ret = LAYERS_NULL;
        ret->frames = new0(usec_t, level->layers.n_frames + 1);
        if (!ret->frames)
                return -ENOMEM;
        for (; level->next < level->n_names; level->next++) {
                const Name *name = level->names + level->next;

                if (!streq(name->text, first->text))
                        break;
                if (name->layer < level->layers.n_frames)
                        ret->frames[ret->n_frames++] = level->layers.frames[name->layer];
                else
                        ret->base = level->layers.base;
        }
        *ret_name = first->text;
        return 1;
}

/* One step: shows the next entry of the directory entered last, or leaves that directory. */
static int step(Walk *w) {
        _cleanup_(layers_done) Layers named = LAYERS_NULL, layers = LAYERS_NULL;
        Level *level = &w->levels[w->n_levels - 1];
        _cleanup_close_ int fd = -EBADF;
        const char *name;
        int r;

        r = next_name(level, &name, &named);
        if (r <= 0)
                return r < 0 ? r : pop(w);
        path_truncate(w, level->path_length);
        r = path_append(w, name, strlen(name));
        if (r < 0)
                return r;
        r = layers_child(w->pair, &named, w->path.text, &layers, &fd);
        if (r < 0 && r != -ENOMEM)
                return w->hooks->fail(w->path.text, r, w->hooks->userdata);
        return r <= 0 ? r : show(w, &layers, fd, false);
}

/* The way down to a path: what the component reached last was. */
typedef struct Way {
        Layers layers;
        int fd;
        const char *rest; /* components still to go */
} Way;

static void way_done(Way *way) {
        layers_done(&way->layers);
        safe_close(way->fd);
}

/* 1, 0 when there was no root, -errno. */
static int way_begin(Walk *w, const char *path, usec_t at, Way *way) {
        int r;

        path_truncate(w, 0);
        way->rest = path;
        r = layers_root(w->pair, at, &way->layers);
        if (r < 0)
                return r;
        way->fd = layers_open(w->pair, &way->layers, "");
        return way->fd == -ENOENT ? 0 : way->fd < 0 ? way->fd : 1;
}

/* Goes on to the next component, an entry of the directory whose layers PARENT are. 1, 0 when there
 * was none, -errno. */
static int way_next(Walk *w, const Layers *parent, Way *way) {
        size_t length = strcspn(way->rest, "/");
        Layers layers = LAYERS_NULL;
        int r;

        r = path_append(w, way->rest, length);
        if (r < 0)
                return r;
        way->fd = safe_close(way->fd);
        r = layers_child(w->pair, parent, w->path.text, &layers, &way->fd);
        if (r <= 0)
                return r;
        layers_done(&way->layers);
        way->layers = layers;
        way->rest += length + (way->rest[length] == '/');
        return 1;
}

/* Whether PATH was there. */
static int find(Walk *w, const char *path, usec_t at) {
        _cleanup_(way_done) Way way = { .layers = LAYERS_NULL, .fd = -EBADF };
        int r;

        r = way_begin(w, path, at, &way);
        while (r > 0 && *way.rest)
                r = way_next(w, &way.layers, &way);
        return r;
}

/* Goes down to PATH and shows it and the directories above it, unless one of them is left out. */
static int approach(Walk *w, const char *path, usec_t at) {
        _cleanup_(way_done) Way way = { .layers = LAYERS_NULL, .fd = -EBADF };
        int r;

        r = way_begin(w, path, at, &way);
        while (r > 0 && *way.rest) {
                r = show(w, &way.layers, way.fd, true);
                if (r > 0)
                        r = way_next(w, &w->levels[w->n_levels - 1].layers, &way);
        }
        return r > 0 ? show(w, &way.layers, way.fd, false) : r;
}

int walk(const RestorePair *pair, const char *path, usec_t at, const WalkHooks *hooks) {
        _cleanup_(walk_done) Walk w = { .pair = pair, .hooks = hooks };
        int r, found;

        assert(pair);
        assert(hooks);

        string_buffer_append(&w.path, "");
        if (w.path.failed)
                return -ENOMEM;
        found = find(&w, path, at);
        if (found <= 0)
                return found;
        r = approach(&w, path, at);
        if (r < 0)
                return r;
        while (w.n_levels > 0) {
                r = step(&w);
                if (r < 0)
                        return r;
        }
        return found;
}
