#include "ctl/tree-size.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "basic/string-util.h"
#include "fs/confined.h"
#include "fs/entry.h"

/* Deeper trees are measured this far: each level keeps a directory open. */
enum { DEPTH_MAX = 256, CLOCK_EVERY = 1024 };

typedef struct Walk {
        const Config *config;
        StringBuffer path; /* of the directory at hand, with a slash at its end */
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

/* Another file system, that the pair does not enter. */
static bool is_closed(const Walk *walk, int directory_fd, const Entry *entry) {
        Entry above;

        return walk->config->one_file_system &&
               (entry->is_mount_root ||
                (entry_acquire(directory_fd, "", &above) >= 0 && above.device != entry->device));
}

/* WALK->path is the entry's. */
static bool is_excluded(const Walk *walk, const Entry *entry) {
        Exclusion exclusion = {};

        if (!walk->path.failed)
                exclusion = exclude_list_judge(walk->config->exclude, walk->path.text);
        return S_ISDIR(entry->stamp.mode) ? exclusion.as_directory : exclusion.as_file;
}

static void measure_subdirectory(Walk *walk, int directory_fd, const char *name, unsigned depth) {
        int fd;

        walk->size->n_directories++;
        fd = confined_open_directory(directory_fd, name);
        if (fd < 0) {
                walk->size->n_unreadable++;
                return;
        }
        string_buffer_append(&walk->path, "/");
        measure_directory(walk, fd, depth + 1);
}

static void measure_entry(Walk *walk, int directory_fd, const char *name, unsigned depth) {
        size_t length = walk->path.length;
        Entry entry;

        if (entry_acquire(directory_fd, name, &entry) < 0)
                return;
        string_buffer_append(&walk->path, name);
        if (!is_excluded(walk, &entry)) {
                walk->size->n_entries++;
                walk->size->n_bytes += entry.n_blocks * 512;
                if (S_ISDIR(entry.stamp.mode) && !is_closed(walk, directory_fd, &entry))
                        measure_subdirectory(walk, directory_fd, name, depth);
        }
        string_buffer_truncate(&walk->path, length);
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

void tree_size_measure(int fd, const Config *config, usec_t due, TreeSize *ret) {
        Walk walk = { .config = config, .path = STRING_BUFFER_NULL, .size = ret, .due = due };
        int copy = openat(fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);

        *ret = (TreeSize) { .n_entries = 1, .n_directories = 1 };
        if (copy >= 0)
                measure_directory(&walk, copy, 0);
        ret->is_whole = copy >= 0 && !walk.late;
        string_buffer_done(&walk.path);
}
