#include "restore/differences.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "basic/alloc.h"
#include "basic/fd.h"
#include "basic/string-util.h"
#include "fs/confined.h"
#include "fs/identity.h"
#include "fs/listing.h"
#include "restore/both.h"
#include "restore/left-out.h"
#include "restore/linked.h"

static const char *const names[N_DIFFERENCES] = {
        "missing", "extra", "type",  "content",    "device", "mode",
        "owner",   "group", "mtime", "attributes", "acl",    "links",
};

typedef struct Search {
        const RestorePair *pair;
        const DifferencesRequest *request;
        int roots[N_SIDES];
        Copier *copier;
        Linked linked;
        char **waiting; /* directories to be gone into, the next one last; owned */
        size_t n_waiting, waiting_allocated;
        uint64_t n_entries;
} Search;

const char *difference_to_string(Difference one) {
        for (unsigned i = 0; i < N_DIFFERENCES; i++)
                if (one == 1U << i)
                        return names[i];
        return NULL;
}

static void search_done(Search *search) {
        for (size_t i = 0; i < search->n_waiting; i++)
                free(search->waiting[i]);
        free(search->waiting);
        linked_done(&search->linked);
        (void) copier_free(search->copier);
        for (size_t i = 0; i < N_SIDES; i++)
                safe_close(search->roots[i]);
}

static void tell(const Search *search, const Both *both, unsigned differences, int error) {
        const DifferenceEvent event = {
                .path = both->path,
                .differences = differences,
                .source = both->is_there[SIDE_SOURCE] ? &both->entries[SIDE_SOURCE].stamp : NULL,
                .replica = both->is_there[SIDE_REPLICA] ? &both->entries[SIDE_REPLICA].stamp : NULL,
                .error = error,
        };

        search->request->tell(&event, search->request->userdata);
}

/* Takes PATH. */
static int add_waiting(Search *search, char *path) {
        if (search->n_waiting == search->waiting_allocated) {
                size_t n = search->waiting_allocated * 2 + 64;
                char **waiting = reallocarray(search->waiting, n, sizeof *waiting);

                if (!waiting) {
                        free(path);
                        return -ENOMEM;
                }
                search->waiting = waiting;
                search->waiting_allocated = n;
        }
        search->waiting[search->n_waiting++] = path;
        return 0;
}

static int compare_links(Search *search, const Both *both, unsigned *differences) {
        int r;

        if (S_ISDIR(both->entries[SIDE_SOURCE].stamp.mode))
                return 0;
        r = linked_match(&search->linked, &both->entries[SIDE_SOURCE],
                         &both->entries[SIDE_REPLICA]);
        if (r == 0)
                *differences |= DIFFERENCE_LINKS;
        return r;
}

/* Of one type. */
static int compare_metadata_and_content(Search *search, const Both *both, unsigned *differences) {
        int r;

        r = both_compare(both, search->copier, search->request, differences);
        if (r >= 0)
                r = compare_links(search, both, differences);
        return r;
}

static int acquire(Both *both) {
        for (size_t i = 0; i < N_SIDES; i++) {
                int r = -ENOENT;

                if (both->directories[i] >= 0)
                        r = entry_acquire(both->directories[i], both->name, &both->entries[i]);
                if (r < 0 && r != -ENOENT)
                        return r;
                both->is_there[i] = r >= 0;
        }
        return 0;
}

static bool ends_search(int r) {
        return r == -ENOMEM || r == -EINTR;
}

/* 1: both are directories to be gone into, 0: that was all, -errno to end the search. */
static int compare(Search *search, Both *both) {
        unsigned differences = 0;
        int r;

        r = acquire(both);
        if (r < 0) {
                tell(search, both, 0, r);
                return 0;
        }
        r = left_out_hide(search->pair, both, search->roots[SIDE_REPLICA]);
        if (ends_search(r))
                return r;
        if (!both->is_there[SIDE_SOURCE] && !both->is_there[SIDE_REPLICA])
                return 0;
        search->n_entries++;
        if (!both->is_there[SIDE_SOURCE] || !both->is_there[SIDE_REPLICA]) {
                tell(search, both,
                     both->is_there[SIDE_SOURCE] ? DIFFERENCE_MISSING : DIFFERENCE_EXTRA, 0);
                return 0;
        }
        if (mode_type(both->entries[SIDE_SOURCE].stamp.mode) !=
            mode_type(both->entries[SIDE_REPLICA].stamp.mode)) {
                tell(search, both, DIFFERENCE_TYPE, 0);
                return 0;
        }
        r = compare_metadata_and_content(search, both, &differences);
        if (ends_search(r))
                return r;
        /* What went in between is seen to be gone by the next look at it, if there is one. */
        if (r < 0 && r != -ENOENT)
                tell(search, both, differences, r);
        else if (differences != 0)
                tell(search, both, differences, 0);
        return S_ISDIR(both->entries[SIDE_SOURCE].stamp.mode) &&
               !left_out_is_closed(search->pair, both);
}

/* The store may be in the replica's root: then neither side has anything of that name. */
static bool is_store(const Search *search, const char *directory, const char *name) {
        return search->pair->store_inside_replica && !*directory && streq(name, STORE_NAME_INSIDE);
}

static char *join(const char *directory, const char *name) {
        char *path;

        return asprintf(&path, "%s%s%s", directory, *directory ? "/" : "", name) < 0 ? NULL : path;
}

/* The name NAME of DIRECTORY, whose descriptors BOTH has. */
static int compare_name(Search *search, Both *both, const char *directory, const char *name) {
        char *path;
        int r;

        if (is_store(search, directory, name))
                return 0;
        path = join(directory, name);
        if (!path)
                return -ENOMEM;
        both->name = name;
        both->path = path;
        r = compare(search, both);
        if (r > 0)
                return add_waiting(search, path);
        free(path);
        return r;
}

static int merge(Search *search, Both *both, const char *directory, const Listing *listings) {
        size_t i = 0, j = 0;
        int r = 0;

        while (r >= 0 && (i < listings[0].n_entries || j < listings[1].n_entries)) {
                const char *a = i < listings[0].n_entries ? listing_name(&listings[0], i) : NULL;
                const char *b = j < listings[1].n_entries ? listing_name(&listings[1], j) : NULL;
                int order = !a ? 1 : !b ? -1 : strcmp(a, b);

                r = compare_name(search, both, directory, order <= 0 ? a : b);
                i += order <= 0;
                j += order >= 0;
                if (r >= 0 && search->request->tick)
                        r = search->request->tick(0, search->request->userdata);
        }
        return r;
}

/* So that they are taken in order of their names. */
static void reverse(char **paths, size_t n) {
        for (size_t i = 0; i < n / 2; i++) {
                char *path = paths[i];

                paths[i] = paths[n - 1 - i];
                paths[n - 1 - i] = path;
        }
}

static int open_both(const Search *search, const char *directory, int *fds) {
        for (size_t i = 0; i < N_SIDES; i++) {
                fds[i] = confined_open_directory(search->roots[i], directory);
                if (fds[i] < 0)
                        return fds[i];
        }
        return 0;
}

static int compare_directory(Search *search, const char *directory) {
        Listing listings[N_SIDES] = { LISTING_NULL, LISTING_NULL };
        Both both = { .directories = { -EBADF, -EBADF }, .path = directory, .name = "" };
        size_t n_before = search->n_waiting;
        int r;

        r = open_both(search, directory, both.directories);
        for (size_t i = 0; r >= 0 && i < N_SIDES; i++)
                r = listing_read(&listings[i], both.directories[i]);
        if (r == -ENOENT)
                r = 0; /* gone since it was seen */
        else if (r < 0 && !ends_search(r)) {
                tell(search, &both, 0, r);
                r = 0;
        } else if (r >= 0) {
                r = merge(search, &both, directory, listings);
                reverse(search->waiting + n_before, search->n_waiting - n_before);
        }
        for (size_t i = 0; i < N_SIDES; i++) {
                listing_done(&listings[i]);
                safe_close(both.directories[i]);
        }
        return r;
}

/* The entry that is asked for itself. */
static int begin(Search *search) {
        const char *path = search->request->path, *slash = strrchr(path, '/');
        _cleanup_free_ char *parent = slash ? strndup(path, (size_t) (slash - path)) : strdup("");
        Both both = { .name = slash ? slash + 1 : path, .path = path };
        int r;

        if (!parent)
                return -ENOMEM;
        for (size_t i = 0; i < N_SIDES; i++) {
                both.directories[i] = confined_open(search->roots[i], parent, O_PATH | O_DIRECTORY);
                if (!*path) {
                        safe_close(both.directories[i]);
                        both.directories[i] = confined_open_directory(search->roots[i], "");
                }
        }
        r = compare(search, &both);
        for (size_t i = 0; i < N_SIDES; i++)
                safe_close(both.directories[i]);
        if (r > 0) {
                char *copy = strdup(path);

                r = copy ? add_waiting(search, copy) : -ENOMEM;
        }
        return r;
}

static int refuse(char **ret_error, int r, const char *path) {
        int result = r == -ENOENT || r == -ENOTDIR ? (int) RESTORE_NOT_FOUND : r;

        return problem_set(ret_error, result, "cannot open the source %s: %s%s", path, strerror(-r),
                           r == -ENOENT ? "; is its disk mounted?"
                                        : (r == -EACCES ? "; try as root" : ""));
}

/* An empty directory where the source's disk should be mounted is not the source. */
static int open_source(const RestorePair *pair, int *ret, char **ret_error) {
        _cleanup_close_ int fd = -EBADF;
        FileSystemId id;
        int r;

        if (!pair->source)
                return problem_set(ret_error, RESTORE_NOT_FOUND,
                                   "the store %s does not tell where the source is; give the name "
                                   "of the instance",
                                   pair->store);
        fd = confined_open_root(pair->source);
        if (fd < 0)
                return refuse(ret_error, fd, pair->source);
        r = file_system_id_acquire(fd, &id);
        if (r < 0)
                return refuse(ret_error, r, pair->source);
        if (pair->has_identity && !file_system_id_equal(&id, &pair->identity.source_file_system))
                return problem_set(ret_error, RESTORE_NOT_FOUND,
                                   "%s is on %s, but the source of the pair was on %s: is its disk "
                                   "mounted?",
                                   pair->source, id.text, pair->identity.source_file_system.text);
        *ret = TAKE_FD(fd);
        return 0;
}

static int open_roots(Search *search, char **ret_error) {
        const RestorePair *pair = search->pair;

        if (pair->replica_fd < 0)
                return problem_set(ret_error, RESTORE_NOT_FOUND,
                                   "the store %s has no replica beside it; give the replica's path",
                                   pair->store);
        search->roots[SIDE_REPLICA] = fcntl(pair->replica_fd, F_DUPFD_CLOEXEC, 3);
        if (search->roots[SIDE_REPLICA] < 0)
                return problem_set(ret_error, -errno, "cannot use the replica %s: %s",
                                   pair->replica, strerror(errno));
        return open_source(pair, &search->roots[SIDE_SOURCE], ret_error);
}

static int search_all(Search *search) {
        int r;

        r = copier_new(&search->copier);
        if (r >= 0)
                r = begin(search);
        while (r >= 0 && search->n_waiting > 0) {
                _cleanup_free_ char *directory = search->waiting[--search->n_waiting];

                r = compare_directory(search, directory);
        }
        return MIN(r, 0);
}

int differences_find(const RestorePair *pair, const DifferencesRequest *request,
                     uint64_t *ret_n_entries, char **ret_error) {
        _cleanup_(search_done) Search search = {
                .pair = pair,
                .request = request,
                .roots = { -EBADF, -EBADF },
        };
        int r;

        assert(pair);
        assert(request);

        r = open_roots(&search, ret_error);
        if (r != 0)
                return r;
        r = search_all(&search);
        if (r == -ENOMEM)
                return r;
        if (r < 0)
                return problem_set(ret_error, r, "given up: %s", strerror(-r));
        if (search.n_entries == 0)
                return problem_set(ret_error, RESTORE_NOT_FOUND,
                                   "%s is neither in the source nor in the replica; a path is "
                                   "relative to the pair's root",
                                   request->path);
        *ret_n_entries = search.n_entries;
        return 0;
}
