#include "restore/pair.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "basic/alloc.h"
#include "basic/fd.h"
#include "basic/string-util.h"
#include "config/config.h"
#include "fs/confined.h"
#include "fs/entry.h"

#define STORE_SUFFIX ".rebackup"

void restore_pair_close(RestorePair *pair) {
        assert(pair);

        pair->versions = versions_close(pair->versions);
        free(pair->times);
        exclude_list_free(pair->exclude);
        free(pair->source);
        free(pair->replica);
        free(pair->store);
        safe_close(pair->replica_fd);
        safe_close(pair->store_fd);
        store_identity_done(&pair->identity);
        *pair = RESTORE_PAIR_NULL;
}

static int set_string(char **to, const char *text) {
        char *copy = strdup(text);

        if (!copy)
                return -ENOMEM;
        free(*to);
        *to = copy;
        return 0;
}

static int refuse_directory(char **ret_error, int r, const char *what, const char *path) {
        int result = r == -ENOENT || r == -ENOTDIR || r == -ELOOP ? (int) RESTORE_NOT_FOUND : r;

        return problem_set(
                ret_error, result, "cannot open the %s %s: %s%s", what, path, strerror(-r),
                r == -ENOENT ? "; is its disk mounted?" : (r == -EACCES ? "; try as root" : ""));
}

/* The last component of the path, behind the last slash. */
static const char *last_name(const char *path) {
        const char *slash = strrchr(path, '/');

        return slash ? slash + 1 : path;
}

static bool is_store_name(const char *path) {
        const char *name = last_name(path);
        size_t length = strlen(name);

        return name[0] == '.' && length >= strlen(STORE_SUFFIX) &&
               streq(name + length - strlen(STORE_SUFFIX), STORE_SUFFIX);
}

/* Opens what is below PAIR->store_fd, and learns what the store says of the pair. A damaged
 * identity is done without. */
static int load_store(RestorePair *pair, char **ret_error) {
        int r;

        r = store_identity_load(pair->store_fd, "identity", &pair->identity);
        pair->has_identity = r >= 0;
        if (pair->has_identity && !pair->source) {
                r = set_string(&pair->source, pair->identity.source);
                if (r < 0)
                        return r;
        }

        r = versions_open(pair->store_fd, false, &pair->versions);
        if (r == -ENOENT)
                return 0;
        if (r >= 0)
                r = versions_list(pair->versions, &pair->times, &pair->n_times);
        if (r < 0)
                return refuse_directory(ret_error, r, "versions in", pair->store);
        return 0;
}

/* The store that belongs to PAIR->replica. */
static int find_store(RestorePair *pair, const char *configured, char **ret_error) {
        _cleanup_(store_plan_done) StorePlan plan = {};
        int r;

        r = store_plan(pair->replica, pair->replica_fd, configured, &plan);
        if (r < 0)
                return r == -ENOMEM ? r
                                    : refuse_directory(ret_error, r, "store of",
                                                       configured ? configured : pair->replica);
        if (!plan.exists)
                return problem_set(ret_error, RESTORE_NOT_FOUND,
                                   "%s has no store: nothing is at %s; give the store's path if it "
                                   "is elsewhere",
                                   pair->replica, plan.path);

        pair->store = TAKE_PTR(plan.path);
        pair->store_inside_replica = plan.inside_replica;
        pair->store_fd = open(pair->store, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
        if (pair->store_fd < 0)
                return refuse_directory(ret_error, -errno, "store", pair->store);
        return load_store(pair, ret_error);
}

static int open_instance(RestorePair *pair, const char *name, const char *config_root,
                         char **ret_error) {
        _cleanup_(config_freep) Config *config = NULL;
        int r;

        r = config_load_instance(config_root, name, NULL, &config, ret_error);
        if (r < 0)
                return r == -ENOMEM ? r : (int) RESTORE_BAD_CONFIG;
        r = set_string(&pair->source, config->source);
        if (r >= 0)
                r = set_string(&pair->replica, config->replica);
        if (r < 0)
                return r;
        pair->exclude = TAKE_PTR(config->exclude);
        pair->one_file_system = config->one_file_system;

        pair->replica_fd = confined_open_root(pair->replica);
        if (pair->replica_fd < 0)
                return refuse_directory(ret_error, pair->replica_fd, "replica", pair->replica);
        return find_store(pair, config->store, ret_error);
}

/* Where the replica of a store should be by the store's own place; NULL when it does not tell. */
static int replica_beside(const char *store, char **ret) {
        const char *name = last_name(store);
        int directory = (int) (name - store), length;

        length = (int) strlen(name) - 1 - (int) strlen(STORE_SUFFIX);
        *ret = NULL;
        if (!is_store_name(store))
                return 0;
        if (length < 0)
                *ret = strndup(store, (size_t) (directory > 1 ? directory - 1 : 1));
        else if (asprintf(ret, "%.*s%.*s", directory, store, length, name + 1) < 0)
                *ret = NULL;
        return *ret ? 0 : -ENOMEM;
}

/* The replica that belongs to the store: versions can be had without it. */
static int find_replica(RestorePair *pair) {
        int r;

        r = replica_beside(pair->store, &pair->replica);
        if (r < 0)
                return r;
        if (pair->replica)
                pair->replica_fd = confined_open_root(pair->replica);
        pair->store_inside_replica = pair->replica_fd >= 0 &&
                                     streq(last_name(pair->store), STORE_NAME_INSIDE);
        if (pair->replica_fd >= 0)
                return 0;

        pair->replica = mfree(pair->replica);
        if (!pair->has_identity)
                return 0;
        pair->replica_fd = confined_open_root(pair->identity.replica);
        return pair->replica_fd >= 0 ? set_string(&pair->replica, pair->identity.replica) : 0;
}

static int open_path(RestorePair *pair, const char *path, char **ret_error) {
        _cleanup_(store_identity_done) StoreIdentity identity = {};
        _cleanup_close_ int fd = -EBADF;
        _cleanup_free_ char *real = NULL;
        int r;

        real = realpath(path, NULL);
        if (!real)
                return refuse_directory(ret_error, -errno, "replica or store", path);
        fd = confined_open_root(real);
        if (fd < 0)
                return refuse_directory(ret_error, fd, "replica or store", path);

        if (store_identity_load(fd, "identity", &identity) < 0 && !is_store_name(real)) {
                pair->replica = TAKE_PTR(real);
                pair->replica_fd = TAKE_FD(fd);
                return find_store(pair, NULL, ret_error);
        }

        pair->store = TAKE_PTR(real);
        pair->store_fd = TAKE_FD(fd);
        r = load_store(pair, ret_error);
        return r == 0 ? find_replica(pair) : r;
}

int restore_pair_open(const char *name, const char *config_root, RestorePair *ret,
                      char **ret_error) {
        _cleanup_(restore_pair_close) RestorePair pair = RESTORE_PAIR_NULL;
        int r;

        assert(name);
        assert(ret);

        r = strchr(name, '/') ? open_path(&pair, name, ret_error)
                              : open_instance(&pair, name, config_root, ret_error);
        if (r != 0)
                return r;
        *ret = pair;
        pair = RESTORE_PAIR_NULL;
        return 0;
}

/* Takes out empty and "." components, in place. -EINVAL for "..". */
static int clean(char *path) {
        char *to = path, *p = path;

        while (*p) {
                size_t length = strcspn(p, "/");

                if (length == 2 && p[0] == '.' && p[1] == '.')
                        return -EINVAL;
                if (length > 0 && !(length == 1 && p[0] == '.')) {
                        if (to > path)
                                *to++ = '/';
                        (void) memmove(to, p, length);
                        to += length;
                }
                p += length;
                p += strspn(p, "/");
        }
        *to = '\0';
        return 0;
}

/* What is left of PATH, clean and absolute but for its first slash, below ROOT; NULL: it is not. */
static const char *below_root(const char *path, const char *root) {
        const char *rest;

        if (!root)
                return NULL;
        root += strspn(root, "/");
        if (*root == '\0')
                return path;
        rest = startswith(path, root);
        return !rest || (*rest && *rest != '/') ? NULL : rest + (*rest == '/');
}

int restore_pair_path(const RestorePair *pair, const char *path, char **ret, char **ret_error) {
        _cleanup_free_ char *copy = strdup(path);
        const char *rest;

        if (!copy)
                return -ENOMEM;
        if (clean(copy) < 0)
                return problem_set(ret_error, RESTORE_BAD_REQUEST,
                                   "%s: a path may not contain '..'; write it without", path);
        rest = copy;
        if (path[0] == '/') {
                rest = below_root(copy, pair->source);
                if (!rest)
                        rest = below_root(copy, pair->replica);
                if (!rest)
                        return problem_set(ret_error, RESTORE_BAD_REQUEST,
                                           "%s is neither below the source %s nor below the "
                                           "replica %s; give the path relative to them",
                                           path, pair->source ? pair->source : "(unknown)",
                                           pair->replica ? pair->replica : "(none)");
        }
        if (pair->store_inside_replica && below_root(rest, STORE_NAME_INSIDE))
                return problem_set(ret_error, RESTORE_BAD_REQUEST,
                                   "%s is the pair's store, which is no part of the pair", path);
        *ret = strdup(rest);
        return *ret ? 0 : -ENOMEM;
}
