#include "ctl/tree-size.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "basic/string-util.h"
#include "fs/confined.h"

/* Deeper trees are measured this far: each level keeps a directory open. */
enum { DEPTH_MAX = 256, CLOCK_EVERY = 1024 };

typedef struct Walk {
        TreeSize *size;
        usec_t due;
        bool late;
} Walk;

static bool is_late(Walk *walk) {
        if (!walk->late && walk->size->n_entries % CLOCK_EVERY == 0)
                walk->late = now_usec(CLOCK_MONOTONIC) >= walk->due;
        return walk->late;
}

static void measure_directory(Walk *walk, int fd, unsigned depth);

static void measure_entry(Walk *walk, int directory_fd, const char *name, unsigned depth) {
        struct stat st;
        int fd;

        if (fstatat(directory_fd, name, &st, AT_SYMLINK_NOFOLLOW | AT_NO_AUTOMOUNT) < 0)
                return;
        walk->size->n_entries++;
        walk->size->n_bytes += (uint64_t) st.st_blocks * 512;
        if (!S_ISDIR(st.st_mode))
                return;
        walk->size->n_directories++;
        fd = confined_open_directory(directory_fd, name);
        if (fd < 0)
                walk->size->n_unreadable++;
        else
                measure_directory(walk, fd, depth + 1);
}

/* Closes FD. */
static void measure_directory(Walk *walk, int fd, unsigned depth) {
        DIR *directory = depth < DEPTH_MAX ? fdopendir(fd) : NULL;
        const struct dirent *entry;

        if (!directory) {
                (void) close(fd);
                walk->late = true;
                return;
        }
        while (!is_late(walk) && (entry = readdir(directory)))
                if (!streq(entry->d_name, ".") && !streq(entry->d_name, ".."))
                        measure_entry(walk, dirfd(directory), entry->d_name, depth);
        (void) closedir(directory);
}

void tree_size_measure(int fd, usec_t due, TreeSize *ret) {
        Walk walk = { .size = ret, .due = due };
        int copy = openat(fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);

        *ret = (TreeSize) { .n_entries = 1, .n_directories = 1 };
        if (copy >= 0)
                measure_directory(&walk, copy, 0);
        ret->is_whole = copy >= 0 && !walk.late;
}
