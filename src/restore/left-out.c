#include "restore/left-out.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "basic/alloc.h"
#include "basic/fd.h"
#include "basic/string-util.h"
#include "fs/confined.h"
#include "fs/listing.h"

/* Directories of the replica still to be looked into, relative to its root; owned. */
typedef struct Waiting {
        char **paths;
        size_t n_paths;
} Waiting;

static void waiting_done(Waiting *waiting) {
        for (size_t i = 0; i < waiting->n_paths; i++)
                free(waiting->paths[i]);
        free(waiting->paths);
}

/* Takes PATH. */
static int waiting_add(Waiting *waiting, char *path) {
        char **paths = reallocarray(waiting->paths, waiting->n_paths + 1, sizeof *paths);

        if (!paths) {
                free(path);
                return -ENOMEM;
        }
        waiting->paths = paths;
        paths[waiting->n_paths++] = path;
        return 0;
}

static bool is_hidden(const RestorePair *pair, const char *path, const Entry *entry) {
        Exclusion exclusion = exclude_list_judge(pair->exclude, path);

        return S_ISDIR(entry->stamp.mode) ? exclusion.as_directory : exclusion.as_file;
}

/* 1: NAME is not excluded, nor a directory to be looked into later. */
static int look_at(const RestorePair *pair, Waiting *waiting, int fd, const char *directory,
                   const char *name) {
        _cleanup_(string_buffer_done) StringBuffer path = STRING_BUFFER_NULL;
        Entry entry;

        string_buffer_appendf(&path, "%s/%s", directory, name);
        if (path.failed)
                return -ENOMEM;
        if (entry_acquire(fd, name, &entry) < 0 || is_hidden(pair, path.text, &entry))
                return 0;
        return S_ISDIR(entry.stamp.mode) ? waiting_add(waiting, string_buffer_take(&path)) : 1;
}

/* Nothing in it is not excluded. 1, 0, -errno. A directory that is empty is not left over. */
static int holds_nothing_else(const RestorePair *pair, Waiting *waiting, int replica_fd,
                              const char *directory) {
        _cleanup_(listing_done) Listing listing = LISTING_NULL;
        _cleanup_close_ int fd = confined_open_directory(replica_fd, directory);
        int r;

        r = fd < 0 ? fd : listing_read(&listing, fd);
        if (r < 0)
                return r;
        for (size_t i = 0; i < listing.n_entries; i++) {
                r = look_at(pair, waiting, fd, directory, listing_name(&listing, i));
                if (r != 0)
                        return r < 0 ? r : 0;
        }
        return listing.n_entries > 0;
}

static int is_left_over(const RestorePair *pair, int replica_fd, const char *path) {
        _cleanup_(waiting_done) Waiting waiting = {};
        char *copy = strdup(path);
        int r = copy ? waiting_add(&waiting, copy) : -ENOMEM;

        r = r < 0 ? r : 1;
        while (r > 0 && waiting.n_paths > 0) {
                _cleanup_free_ char *directory = waiting.paths[--waiting.n_paths];

                r = holds_nothing_else(pair, &waiting, replica_fd, directory);
        }
        return r;
}

int left_out_hide(const RestorePair *pair, Both *both, int replica_fd) {
        int r = 0;

        if (!pair->exclude || !*both->path)
                return 0;
        for (size_t i = 0; i < N_SIDES; i++)
                both->is_there[i] = both->is_there[i] &&
                                    !is_hidden(pair, both->path, &both->entries[i]);
        if (!both->is_there[SIDE_SOURCE] && both->is_there[SIDE_REPLICA] &&
            S_ISDIR(both->entries[SIDE_REPLICA].stamp.mode))
                r = is_left_over(pair, replica_fd, both->path);
        if (r > 0)
                both->is_there[SIDE_REPLICA] = false;
        return MIN(r, 0);
}

bool left_out_is_closed(const RestorePair *pair, const Both *both) {
        const Entry *entry = &both->entries[SIDE_SOURCE];
        Entry above;

        if (!pair->one_file_system || !*both->path || !S_ISDIR(entry->stamp.mode))
                return false;
        return entry->is_mount_root ||
               (entry_acquire(both->directories[SIDE_SOURCE], "", &above) >= 0 &&
                above.device != entry->device);
}
