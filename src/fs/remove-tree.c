#include "fs/remove-tree.h"

#include <assert.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

#include "basic/fd.h"
#include "basic/macros.h"
#include "basic/time-span.h"
#include "fs/confined.h"
#include "fs/entry.h"

enum {
        N_LEVELS_MAX = 24, /* descriptors held at once */
        N_VAIN_MAX = 8,
        NAME_RAISED_MAX = 40,
        BLOCK_BYTES = 512,
        WRITABLE_BY_OTHERS = 022,
};

/* One directory that is being emptied while it is read. */
typedef struct Level {
        DIR *directory;
        const struct dirent *entry; /* the last one read */
        bool thinned;               /* an entry went since reading began */
        bool stuck;                 /* an entry cannot be removed */
        unsigned n_vain;            /* readings in a row that found nothing */
} Level;

typedef struct Removal {
        Level levels[N_LEVELS_MAX];
        size_t n_levels;
        uint64_t n_allowed; /* entries that may still be removed or moved up */
        uint64_t n_removed;
        uint64_t n_bytes; /* freed, if MEASURED */
        uint64_t next_raised;
        bool measured;
        bool raised; /* something was moved up into the top level since its reading began */
        int error;   /* the first one */
} Removal;

static void note(Removal *removal, int r) {
        if (r < 0 && removal->error == 0)
                removal->error = r;
}

static void level_done(Level *level) {
        if (level->directory)
                (void) closedir(level->directory);
        level->directory = NULL;
}

static void removal_done(Removal *removal) {
        while (removal->n_levels > 0)
                level_done(removal->levels + --removal->n_levels);
}

static int level_fd(const Level *level) {
        return dirfd(level->directory);
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

static uint64_t bytes_of_last_link(int parent_fd, const char *name) {
        struct stat st;

        if (fstatat(parent_fd, name, &st, AT_SYMLINK_NOFOLLOW | AT_NO_AUTOMOUNT) < 0)
                return 0;
        if (!S_ISDIR(st.st_mode) && st.st_nlink > 1)
                return 0;

        return (uint64_t) st.st_blocks * BLOCK_BYTES;
}

/* Removes one entry and counts it; what somebody else removed meanwhile is no error. */
static int remove_at(Removal *removal, int parent_fd, const char *name, int flags) {
        uint64_t n_bytes = removal->measured ? bytes_of_last_link(parent_fd, name) : 0;

        if (unlinkat(parent_fd, name, flags) < 0)
                return errno == ENOENT ? 0 : -errno;

        removal->n_allowed--;
        removal->n_removed++;
        removal->n_bytes += n_bytes;
        return 0;
}

static int remove_entry(Removal *removal, Level *level, const char *name, int flags) {
        int r;

        r = remove_at(removal, level_fd(level), name, flags);
        if (r == -EACCES && fchmod(level_fd(level), S_IRWXU) >= 0)
                r = remove_at(removal, level_fd(level), name, flags);
        if (r >= 0)
                level->thinned = true;

        return r;
}

/* Who owns a directory, or may write into it, and has it open could fill it as fast as it is
 * emptied, which would never end. */
static void shut_out(int fd, const Entry *entry) {
        if (entry->stamp.uid == geteuid() && !(entry->stamp.mode & WRITABLE_BY_OTHERS))
                return;
        if (fchown(fd, geteuid(), (gid_t) -1) < 0)
                return;

        (void) fchmod(fd, S_IRWXU);
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
        shut_out(fd, &entry);

        *level = (Level) { .directory = fdopendir(fd) };
        if (!level->directory)
                return -errno;

        TAKE_FD(fd);
        removal->n_levels++;
        return 0;
}

/* Moves the directory NAME of the deepest level into the topmost one under a name that is free
 * there. Numbers begin at random, so that neither those of an earlier step nor names that somebody
 * chose are in the way. */
static int rename_to_top(Removal *removal, const Level *level, const char *name) {
        uint64_t *next = &removal->next_raised;

        if (*next == 0 && getrandom(next, sizeof(*next), GRND_NONBLOCK) != sizeof(*next))
                *next = now_usec(CLOCK_REALTIME);

        for (;;) {
                char raised[NAME_RAISED_MAX];

                (void) snprintf(raised, sizeof(raised), ".raised-%" PRIx64, (*next)++);
                if (renameat(level_fd(level), name, level_fd(removal->levels), raised) >= 0)
                        return 0;
                if (errno != EEXIST && errno != ENOTEMPTY && errno != ENOTDIR)
                        return -errno;
        }
}

static int raise_directory(Removal *removal, Level *level, const char *name) {
        int r;

        r = rename_to_top(removal, level, name);
        if (r == -EACCES) {
                /* Moving a directory writes into it, too. */
                (void) fchmod(level_fd(level), S_IRWXU);
                (void) fchmod(level_fd(removal->levels), S_IRWXU);
                (void) make_accessible(level_fd(level), name);
                r = rename_to_top(removal, level, name);
        }
        if (r < 0)
                return r;

        removal->n_allowed--;
        removal->raised = level->thinned = true;
        return 0;
}

static int remove_directory(Removal *removal, Level *level, const char *name) {
        int r;

        if (removal->n_levels < N_LEVELS_MAX) {
                r = enter(removal, level_fd(level), name);
                if (r == -EACCES && fchmod(level_fd(level), S_IRWXU) >= 0)
                        r = enter(removal, level_fd(level), name);
                return r;
        }

        r = remove_entry(removal, level, name, AT_REMOVEDIR);
        if (r == -ENOTEMPTY || r == -EEXIST)
                r = raise_directory(removal, level, name);

        return r;
}

static void note_stuck(Removal *removal, Level *level, int r) {
        if (r >= 0 || r == -ENOENT)
                return;

        level->stuck = true;
        note(removal, r);
}

static void step_into_entry(Removal *removal, Level *level) {
        const char *name = level->entry->d_name;
        int r = -EISDIR;

        if (!name_is_valid(name))
                return;

        if (level->entry->d_type != DT_DIR)
                r = remove_entry(removal, level, name, 0);
        if (r == -EISDIR)
                r = remove_directory(removal, level, name);

        note_stuck(removal, level, r);
}

static bool next_entry(Removal *removal, Level *level) {
        errno = 0;
        level->entry = readdir(level->directory);
        if (!level->entry)
                note_stuck(removal, level, -errno);

        return level->entry;
}

/* The directory was read to its end, and still R says that it is not empty: a directory that
 * changes while it is read may have hidden entries, somebody may have put more in, or another one
 * in its place. */
static bool should_read_again(const Level *level, int r) {
        return (r == -ENOTEMPTY || r == -EEXIST) && !level->stuck &&
               (level->thinned || level->n_vain < N_VAIN_MAX);
}

/* Enters the deepest level, NAME of PARENT_FD, once more. */
static int enter_again(Removal *removal, int parent_fd, const char *name) {
        Level *level = removal->levels + removal->n_levels - 1;
        unsigned n_vain = level->thinned ? 0 : level->n_vain + 1;
        int r;

        level_done(level);
        removal->n_levels--;

        r = enter(removal, parent_fd, name);
        if (r >= 0)
                level->n_vain = n_vain;

        return r;
}

/* The deepest level, which is not the only one, was read to its end. */
static void finish_level(Removal *removal) {
        Level *level = removal->levels + removal->n_levels - 1, *above = level - 1;
        const char *name = above->entry->d_name;
        int r;

        r = remove_entry(removal, above, name, AT_REMOVEDIR);
        if (should_read_again(level, r)) {
                r = enter_again(removal, level_fd(above), name);
        } else {
                level_done(level);
                removal->n_levels--;
        }

        note_stuck(removal, above, r);
}

/* The top level was read to its end. Whether that is all there is to do. */
static bool finish_top(Removal *removal, int directory_fd, const char *name) {
        int r = -ENOTEMPTY;

        if (!removal->raised)
                r = remove_at(removal, directory_fd, name, AT_REMOVEDIR);
        if (removal->raised || should_read_again(removal->levels, r)) {
                removal->raised = false;
                r = enter_again(removal, directory_fd, name);
                if (r >= 0)
                        return false;
        }

        note(removal, r == -ENOENT ? 0 : r);
        return true;
}

/* Removes the tree below the top level and it itself, as far as allowed: 1 when there is more to
 * do. */
static int remove_levels(Removal *removal, int directory_fd, const char *name) {
        while (removal->n_allowed > 0) {
                Level *level = removal->levels + removal->n_levels - 1;

                if (next_entry(removal, level))
                        step_into_entry(removal, level);
                else if (removal->n_levels > 1)
                        finish_level(removal);
                else if (finish_top(removal, directory_fd, name))
                        return removal->error;
        }

        return 1;
}

/* The directory DIRECTORY_FD is the caller's: its mode is left alone. */
static int remove_top(Removal *removal, int directory_fd, const char *name) {
        int r;

        r = remove_at(removal, directory_fd, name, 0);
        if (r != -EISDIR)
                return r;

        r = enter(removal, directory_fd, name);
        if (r < 0)
                return r == -ENOENT ? 0 : r;

        return remove_levels(removal, directory_fd, name);
}

int remove_tree_some(int directory_fd, const char *name, uint64_t limit, uint64_t *ret_n_removed,
                     uint64_t *ret_bytes) {
        _cleanup_(removal_done) Removal removal = { .n_allowed = limit, .measured = ret_bytes };
        int r;

        assert(directory_fd >= 0);
        assert(name);
        assert(limit > 0);

        if (!name_is_valid(name))
                return -EINVAL;

        r = remove_top(&removal, directory_fd, name);
        if (ret_n_removed)
                *ret_n_removed += removal.n_removed;
        if (ret_bytes)
                *ret_bytes += removal.n_bytes;

        return r;
}

int remove_tree(int directory_fd, const char *name, uint64_t *ret_n_removed) {
        return remove_tree_some(directory_fd, name, UINT64_MAX, ret_n_removed, NULL);
}
