#include "fs/remove-tree.h"

#include <assert.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "basic/fd.h"
#include "basic/macros.h"
#include "fs/confined.h"
#include "fs/entry.h"
#include "fs/listing.h"

enum {
        N_LEVELS_MAX = 24, /* descriptors held at once */
        NAME_RAISED_MAX = 32,
};

/* One directory that is being emptied. */
typedef struct Level {
        int fd;
        Listing listing;
        size_t next; /* entry of the listing to look at */
} Level;

typedef struct Removal {
        Level levels[N_LEVELS_MAX];
        size_t n_levels;
        uint64_t n_removed;
        uint64_t n_raised;
        bool raised; /* something was moved up into the top level since it was listed */
        int error;   /* the first one */
} Removal;

static void note(Removal *removal, int r) {
        if (r < 0 && removal->error == 0)
                removal->error = r;
}

static void level_done(Level *level) {
        listing_done(&level->listing);
        level->fd = safe_close(level->fd);
}

static void removal_done(Removal *removal) {
        while (removal->n_levels > 0)
                level_done(removal->levels + --removal->n_levels);
}

/* Gives us, its owner, all rights on the directory NAME, which is not opened for that. */
static int make_accessible(int parent_fd, const char *name) {
        _cleanup_close_ int fd = -EBADF;
        char path[PROC_FD_PATH_MAX];

        fd = confined_open_child(parent_fd, name, O_PATH | O_DIRECTORY);
        if (fd < 0)
                return fd;

        return chmod(proc_fd_path(fd, path), S_IRWXU) < 0 ? -EACCES : 0;
}

static int open_directory(int parent_fd, const char *name) {
        const int flags = O_RDONLY | O_DIRECTORY | O_NONBLOCK;
        int fd, r;

        fd = confined_open_child(parent_fd, name, flags);
        if (fd != -EACCES)
                return fd;

        r = make_accessible(parent_fd, name);
        return r < 0 ? r : confined_open_child(parent_fd, name, flags);
}

static int unlink_at(int parent_fd, const char *name, int flags) {
        return unlinkat(parent_fd, name, flags) < 0 ? -errno : 0;
}

/* Counts a removal; what somebody else removed meanwhile is no error. */
static int count(Removal *removal, int r) {
        if (r >= 0)
                removal->n_removed++;

        return r == -ENOENT ? 0 : r;
}

static int remove_entry(Removal *removal, const Level *level, const char *name, int flags) {
        int r;

        r = unlink_at(level->fd, name, flags);
        if (r == -EACCES && fchmod(level->fd, S_IRWXU) >= 0)
                r = unlink_at(level->fd, name, flags);

        return count(removal, r);
}

static int enter(Removal *removal, int parent_fd, const char *name) {
        _cleanup_close_ int fd = -EBADF;
        Level *level = removal->levels + removal->n_levels;
        Entry entry;
        int r;

        assert(removal->n_levels < N_LEVELS_MAX);

        fd = open_directory(parent_fd, name);
        if (fd < 0)
                return fd;

        r = entry_acquire(fd, "", &entry);
        if (r < 0)
                return r;
        if (entry.is_mount_root)
                return -EBUSY;

        *level = (Level) { .fd = -EBADF, .listing = LISTING_NULL };
        r = listing_read(&level->listing, fd);
        if (r < 0) {
                listing_done(&level->listing);
                return r;
        }

        level->fd = TAKE_FD(fd);
        removal->n_levels++;
        return 0;
}

/* Moves the directory NAME of the deepest level into the topmost one under a name that is free
 * there. */
static int rename_to_top(Removal *removal, const Level *level, const char *name) {
        for (;;) {
                char raised[NAME_RAISED_MAX];

                (void) snprintf(raised, sizeof(raised), ".raised-%ju",
                                (uintmax_t) removal->n_raised++);
                if (renameat(level->fd, name, removal->levels[0].fd, raised) >= 0)
                        return 0;
                if (errno != EEXIST && errno != ENOTEMPTY && errno != ENOTDIR)
                        return -errno;
        }
}

static int raise_directory(Removal *removal, const Level *level, const char *name) {
        int r;

        r = rename_to_top(removal, level, name);
        if (r == -EACCES) {
                /* Moving a directory writes into it, too. */
                (void) fchmod(level->fd, S_IRWXU);
                (void) fchmod(removal->levels[0].fd, S_IRWXU);
                (void) make_accessible(level->fd, name);
                r = rename_to_top(removal, level, name);
        }
        if (r >= 0)
                removal->raised = true;

        return r;
}

static int remove_directory(Removal *removal, const Level *level, const char *name) {
        int r;

        if (removal->n_levels < N_LEVELS_MAX)
                return enter(removal, level->fd, name);

        r = remove_entry(removal, level, name, AT_REMOVEDIR);
        if (r == -ENOTEMPTY || r == -EEXIST)
                r = raise_directory(removal, level, name);

        return r;
}

static void step_into_entry(Removal *removal, Level *level) {
        size_t i = level->next++;
        const char *name = listing_name(&level->listing, i);
        int r = -EISDIR;

        if (listing_type(&level->listing, i) != DT_DIR)
                r = remove_entry(removal, level, name, 0);
        if (r == -EISDIR)
                r = remove_directory(removal, level, name);

        note(removal, r == -ENOENT ? 0 : r);
}

/* The deepest level is empty as far as can be: removes it from the one above. */
static void leave_level(Removal *removal) {
        Level *level = removal->levels + --removal->n_levels, *above = level - 1;

        level_done(level);
        note(removal, remove_entry(removal, above, listing_name(&above->listing, above->next - 1),
                                   AT_REMOVEDIR));
}

/* Lists the top level again if something came into it. */
static int list_top_again(Removal *removal) {
        Level *top = removal->levels;

        if (!removal->raised)
                return 0;

        removal->raised = false;
        top->next = 0;
        return listing_read(&top->listing, top->fd);
}

static void empty_top(Removal *removal) {
        for (;;) {
                Level *level = removal->levels + removal->n_levels - 1;

                if (level->next < level->listing.n_entries)
                        step_into_entry(removal, level);
                else if (removal->n_levels > 1)
                        leave_level(removal);
                else if (!removal->raised)
                        return;
                else
                        note(removal, list_top_again(removal));
        }
}

/* The directory DIRECTORY_FD is the caller's: its mode is left alone. */
static int remove_top(Removal *removal, int directory_fd, const char *name) {
        int r;

        r = count(removal, unlink_at(directory_fd, name, 0));
        if (r != -EISDIR)
                return r;

        r = enter(removal, directory_fd, name);
        if (r < 0)
                return r == -ENOENT ? 0 : r;

        empty_top(removal);
        note(removal, count(removal, unlink_at(directory_fd, name, AT_REMOVEDIR)));
        return removal->error;
}

int remove_tree(int directory_fd, const char *name, uint64_t *ret_n_removed) {
        _cleanup_(removal_done) Removal removal = {};
        int r;

        assert(directory_fd >= 0);
        assert(name);

        if (!name_is_valid(name))
                return -EINVAL;

        r = remove_top(&removal, directory_fd, name);
        if (ret_n_removed)
                *ret_n_removed += removal.n_removed;

        return r;
}
