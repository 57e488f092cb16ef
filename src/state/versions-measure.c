/* How much the versions take. The walk holds a bounded number of descriptors at any depth: what
 * lies above the deepest directories is closed, and opened again by its path on the way back. */

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>

#include "basic/alloc.h"
#include "basic/fd.h"
#include "basic/macros.h"
#include "fs/confined.h"
#include "fs/entry.h"
#include "state/versions-internal.h"

enum {
        N_OPEN_MAX = 24,
        LEVELS_MIN = 32,
        PATH_BYTES_MIN = 256,
        BLOCK_BYTES = 512,
        OPEN_FLAGS = O_RDONLY | O_DIRECTORY | O_NONBLOCK,
};

typedef struct Level {
        DIR *directory;  /* NULL while it is closed */
        long position;   /* where reading goes on then */
        size_t path_end; /* how much of the walk's path leads here */
} Level;

/* Open are the last N_OPEN of the levels. */
typedef struct Walk {
        const Versions *versions;
        Level *levels;
        size_t n_levels, n_open, levels_allocated;
        char *path;
        size_t path_allocated;
        uint64_t n_bytes;
} Walk;

static void close_level(Level *level) {
        if (level->directory)
                (void) closedir(level->directory);
        level->directory = NULL;
}

static void leave_level(Walk *walk) {
        Level *level = walk->levels + --walk->n_levels;

        if (level->directory)
                walk->n_open--;
        close_level(level);
}

static void walk_done(Walk *walk) {
        while (walk->n_levels > 0)
                leave_level(walk);
        free(walk->levels);
        free(walk->path);
}

static int reserve(Walk *walk, size_t path_bytes) {
        if (walk->n_levels == walk->levels_allocated) {
                size_t n = MAX(walk->levels_allocated * 2, (size_t) LEVELS_MIN);
                Level *levels = reallocarray(walk->levels, n, sizeof(*levels));

                if (!levels)
                        return -ENOMEM;
                walk->levels = levels;
                walk->levels_allocated = n;
        }
        if (path_bytes > walk->path_allocated) {
                size_t n = MAX(path_bytes * 2, (size_t) PATH_BYTES_MIN);
                char *path = realloc(walk->path, n);

                if (!path)
                        return -ENOMEM;
                walk->path = path;
                walk->path_allocated = n;
        }

        return 0;
}

/* Takes FD over. */
static int open_level(Walk *walk, Level *level, int fd) {
        level->directory = fdopendir(fd);
        if (!level->directory) {
                int r = -errno;

                (void) safe_close(fd);
                return r;
        }

        walk->n_open++;
        return 0;
}

static void close_highest(Walk *walk) {
        Level *level = walk->levels + walk->n_levels - walk->n_open;

        level->position = telldir(level->directory);
        close_level(level);
        walk->n_open--;
}

/* Appends the level NAME, the first one being a time. Takes FD, its descriptor, over. */
static int push(Walk *walk, int fd, const char *name) {
        size_t start = walk->n_levels > 0 ? walk->levels[walk->n_levels - 1].path_end : 0;
        size_t end = start + (start > 0) + strlen(name);
        int r;

        r = reserve(walk, end + 1);
        if (r < 0) {
                (void) safe_close(fd);
                return r;
        }

        if (walk->n_open == N_OPEN_MAX)
                close_highest(walk);
        if (start > 0)
                walk->path[start++] = '/';
        (void) strcpy(walk->path + start, name);

        walk->levels[walk->n_levels] = (Level) { .path_end = end };
        r = open_level(walk, walk->levels + walk->n_levels, fd);
        if (r >= 0)
                walk->n_levels++;

        return r;
}

/* What went or cannot be read is passed over. */
static bool is_of_entry(int r) {
        switch (r) {
        case -EACCES:
        case -EPERM:
        case -EIO:
        case -EBADMSG:
        case -EUCLEAN:
        case -ESTALE:
                return true;
        default:
                return versions_is_absence(r);
        }
}

/* Opens the level I by its name from the one above, or by its path where that one is closed. */
static int open_closed(Walk *walk, size_t i) {
        Level *level = walk->levels + i, *above = i > 0 ? level - 1 : NULL;
        bool from_above = above && above->directory;
        size_t start = from_above ? above->path_end + 1 : 0;
        char kept;
        int fd, r;

        kept = walk->path[level->path_end];
        walk->path[level->path_end] = '\0';
        fd = confined_open(from_above ? dirfd(above->directory) : walk->versions->fd,
                           walk->path + start, OPEN_FLAGS);
        walk->path[level->path_end] = kept;
        if (fd < 0)
                return fd;

        r = open_level(walk, level, fd);
        if (r >= 0)
                seekdir(level->directory, level->position);

        return r;
}

/* The deepest level is closed: opens it and those above it again. What is not there any more is
 * left. */
static int open_deepest(Walk *walk) {
        while (walk->n_levels > 0 && walk->n_open == 0) {
                size_t n = walk->n_levels, i = n - MIN(n, (size_t) N_OPEN_MAX);

                for (; i < n; i++) {
                        int r = open_closed(walk, i);

                        if (r < 0 && !is_of_entry(r))
                                return r;
                        if (r < 0)
                                break;
                }
                walk->n_levels = i;
        }

        return 0;
}

static int enter(Walk *walk, int parent_fd, const char *name) {
        int fd;

        fd = confined_open_child(parent_fd, name, OPEN_FLAGS);
        if (fd < 0)
                return is_of_entry(fd) ? 0 : fd;

        return push(walk, fd, name);
}

static int count(Walk *walk, int parent_fd, const char *name) {
        bool is_directory;
        Entry entry;
        int r;

        r = entry_acquire(parent_fd, name, &entry);
        if (r < 0)
                return is_of_entry(r) ? 0 : r;
        if (entry.is_mount_root)
                return 0;

        is_directory = mode_type(entry.stamp.mode) == S_IFDIR;
        if (is_directory || entry.stamp.n_links <= 1)
                walk->n_bytes += entry.n_blocks * BLOCK_BYTES;

        return is_directory ? enter(walk, parent_fd, name) : 0;
}

/* One entry of the deepest level, or its end. */
static int step(Walk *walk) {
        DIR *directory = walk->levels[walk->n_levels - 1].directory;
        const struct dirent *entry;

        errno = 0;
        entry = readdir(directory);
        if (entry)
                return name_is_valid(entry->d_name) ? count(walk, dirfd(directory), entry->d_name)
                                                    : 0;
        if (errno != 0 && !is_of_entry(-errno))
                return -errno;

        leave_level(walk);
        return open_deepest(walk);
}

static int measure_time(Versions *versions, const char *name, uint64_t *n_bytes) {
        _cleanup_(walk_done) Walk walk = { .versions = versions };
        int r;

        r = count(&walk, versions->fd, name);
        while (r >= 0 && walk.n_levels > 0) {
                if (atomic_load_explicit(&versions->cancelled, memory_order_relaxed))
                        return -ECANCELED;
                r = step(&walk);
        }

        *n_bytes += walk.n_bytes;
        return r;
}

static int measure(Versions *versions, uint64_t *n_bytes) {
        _cleanup_(closedirp) DIR *directory = NULL;
        bool dropped;
        usec_t at;
        int r;

        r = versions_refresh(versions);
        if (r >= 0)
                r = versions_begin_times(versions, &directory);
        if (r < 0)
                return r;

        while ((r = versions_next_time(directory, &at, &dropped)) > 0) {
                char name[VERSIONS_NAME_BYTES];

                r = measure_time(versions, versions_time_name(versions, at, dropped, name),
                                 n_bytes);
                if (r < 0)
                        break;
        }

        return r;
}

int versions_measure(Versions *versions, uint64_t *ret_bytes) {
        uint64_t n_bytes = 0;
        int r;

        assert(versions);
        assert(ret_bytes);

        r = measure(versions, &n_bytes);
        if (r < 0 && r != -ENOENT)
                return r;

        *ret_bytes = n_bytes;
        return 0;
}

void versions_cancel(Versions *versions) {
        assert(versions);

        atomic_store_explicit(&versions->cancelled, true, memory_order_relaxed);
}
