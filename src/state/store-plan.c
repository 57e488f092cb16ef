/* Where the store of a replica is. */

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "basic/alloc.h"
#include "basic/fd.h"
#include "basic/macros.h"
#include "basic/string-util.h"
#include "state/store-internal.h"
#include "state/store.h"

void store_plan_done(StorePlan *plan) {
        assert(plan);

        free(plan->path);
        *plan = (StorePlan) {};
}

int store_path_split(const char *path, char **ret_parent, char **ret_name) {
        _cleanup_free_ char *parent = NULL, *name = NULL;
        size_t end = strlen(path), start;

        if (path[0] != '/')
                return -EINVAL;

        while (end > 0 && path[end - 1] == '/')
                end--;
        for (start = end; start > 0 && path[start - 1] != '/';)
                start--;

        name = strndup(path + start, end - start);
        while (start > 1 && path[start - 1] == '/')
                start--;
        parent = start > 0 ? strndup(path, start) : strdup("/");
        if (!name || !parent)
                return -ENOMEM;
        if (streq(name, ".") || streq(name, ".."))
                return -EINVAL;

        *ret_parent = TAKE_PTR(parent);
        *ret_name = TAKE_PTR(name);
        return 0;
}

/* Where a directory is, as far as rename(2) cares: it goes neither from one device number to
 * another (which the subvolumes of one btrfs have, too) nor from one mount to another, be it of the
 * same file system. */
typedef struct Territory {
        uint64_t device, mount_id;
        uint64_t inode;
        bool is_mount_root;
} Territory;

static int territory_acquire(int fd, Territory *ret) {
        struct statx sx;

        if (statx(fd, "", AT_EMPTY_PATH | AT_NO_AUTOMOUNT, STATX_INO | STATX_MNT_ID, &sx) < 0)
                return -errno;

        *ret = (Territory) {
                .device = (uint64_t) sx.stx_dev_major << 32 | sx.stx_dev_minor,
                .mount_id = sx.stx_mask & STATX_MNT_ID ? sx.stx_mnt_id : 0,
                .inode = sx.stx_ino,
                .is_mount_root = sx.stx_attributes & STATX_ATTR_MOUNT_ROOT,
        };
        return 0;
}

static bool territory_is_same(const Territory *a, const Territory *b) {
        return a->device == b->device && a->mount_id == b->mount_id;
}

/* O_PATH needs no right to read the directory. */
static int open_directory(const char *path) {
        int fd = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);

        return fd < 0 ? -errno : fd;
}

/* The nearest directory on the way to PATH that exists. */
static int open_nearest(const char *path) {
        _cleanup_free_ char *at = strdup(path);

        if (!at)
                return -ENOMEM;

        for (;;) {
                _cleanup_free_ char *parent = NULL, *name = NULL;
                int fd, r;

                fd = open_directory(at);
                if (fd != -ENOENT || streq(at, "/"))
                        return fd;

                r = store_path_split(at, &parent, &name);
                if (r < 0)
                        return r;

                free(at);
                at = TAKE_PTR(parent);
        }
}

typedef enum Candidate {
        CANDIDATE_FREE,      /* nothing is there */
        CANDIDATE_TAKEN,     /* something that is no store of ours, or not one that we can use */
        CANDIDATE_DIRECTORY, /* a directory that could be a store */
        CANDIDATE_STORE,     /* a store */
} Candidate;

/* What is at NAME, where a store might be. Names below the replica's root come from the source: so
 * what is owned by somebody else is no store whatever it looks like. */
static int examine(int parent_fd, const char *name, const Territory *replica) {
        _cleanup_close_ int fd = -EBADF;
        Territory here;
        struct stat st;
        int r;

        fd = openat(parent_fd, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
        if (fd < 0)
                return errno == ENOENT ? CANDIDATE_FREE : CANDIDATE_TAKEN;

        r = territory_acquire(fd, &here);
        if (r < 0)
                return r;
        if (!territory_is_same(&here, replica))
                return CANDIDATE_TAKEN;

        if (fstat(fd, &st) < 0)
                return -errno;
        r = store_is_ours(fd, &st);
        if (r <= 0)
                return r < 0 ? r : CANDIDATE_TAKEN;

        if (fstatat(fd, STORE_CATALOG_NAME, &st, AT_SYMLINK_NOFOLLOW) < 0)
                return errno == ENOENT ? CANDIDATE_DIRECTORY : -errno;

        return S_ISREG(st.st_mode) ? CANDIDATE_STORE : CANDIDATE_DIRECTORY;
}

/* Whether a store cannot be beside the replica. PARENT_FD may be negative. */
static int needs_inside(int parent_fd, const Territory *replica) {
        Territory parent;
        int r;

        if (parent_fd < 0 || replica->is_mount_root)
                return 1;

        r = territory_acquire(parent_fd, &parent);
        if (r < 0)
                return r;
        if (!territory_is_same(&parent, replica))
                return 1;

        return faccessat(parent_fd, ".", W_OK | X_OK, AT_EACCESS) < 0;
}

static int path_join(const char *directory, const char *name, char **ret) {
        char *path;

        if (asprintf(&path, "%s/%s", streq(directory, "/") ? "" : directory, name) < 0)
                return -ENOMEM;

        *ret = path;
        return 0;
}

/* The place by default. NAME is the name of a store beside the replica; *RET_INSIDE tells whether
 * it is the other one. Returns whether something is there. */
static int choose(int parent_fd, const char *name, int replica_fd, bool *ret_inside) {
        int beside = CANDIDATE_FREE, inside;
        Territory replica;
        int r;

        r = territory_acquire(replica_fd, &replica);
        if (r < 0)
                return r;

        if (parent_fd >= 0)
                beside = examine(parent_fd, name, &replica);
        if (beside < 0)
                return beside;
        inside = examine(replica_fd, STORE_NAME_INSIDE, &replica);
        if (inside < 0)
                return inside;

        r = beside == CANDIDATE_STORE   ? 0
            : inside == CANDIDATE_STORE ? 1
                                        : needs_inside(parent_fd, &replica);
        if (r < 0)
                return r;

        *ret_inside = r;
        return (r ? inside : beside) != CANDIDATE_FREE;
}

static int plan_default(const char *replica, int replica_fd, StorePlan *plan) {
        _cleanup_free_ char *parent = NULL, *name = NULL, *beside = NULL;
        _cleanup_close_ int parent_fd = -EBADF;
        struct stat st;
        int r;

        r = store_path_split(replica, &parent, &name);
        if (r < 0)
                return r;
        if (asprintf(&beside, ".%s.rebackup", name) < 0) {
                beside = NULL;
                return -ENOMEM;
        }

        /* A root directory has nothing beside it. */
        if (name[0] != '\0')
                parent_fd = open_directory(parent);

        if (replica_fd >= 0) {
                r = choose(parent_fd, beside, replica_fd, &plan->inside_replica);
                if (r < 0)
                        return r;
                plan->exists = r;
        } else
                plan->exists = parent_fd >= 0 &&
                               fstatat(parent_fd, beside, &st, AT_SYMLINK_NOFOLLOW) >= 0;

        if (plan->inside_replica)
                return path_join(replica, STORE_NAME_INSIDE, &plan->path);

        return path_join(parent, beside, &plan->path);
}

static int plan_configured(const char *replica, int replica_fd, const char *path, StorePlan *plan) {
        _cleanup_free_ char *parent = NULL, *name = NULL;
        _cleanup_close_ int parent_fd = -EBADF, own_fd = -EBADF, nearest_fd = -EBADF;
        Territory here, above, there;
        int r;

        r = store_path_split(path, &parent, &name);
        if (r < 0)
                return r;
        if (name[0] == '\0')
                return -EINVAL;

        parent_fd = open_directory(parent);
        if (parent_fd < 0)
                return parent_fd;
        own_fd = openat(parent_fd, name, O_PATH | O_NOFOLLOW | O_CLOEXEC);
        if (own_fd < 0 && errno != ENOENT)
                return -errno;
        if (replica_fd < 0) {
                nearest_fd = open_nearest(replica);
                if (nearest_fd < 0)
                        return nearest_fd;
        }

        r = territory_acquire(parent_fd, &above);
        if (r >= 0)
                r = territory_acquire(own_fd >= 0 ? own_fd : parent_fd, &here);
        if (r >= 0)
                r = territory_acquire(replica_fd >= 0 ? replica_fd : nearest_fd, &there);
        if (r < 0)
                return r;
        if (!territory_is_same(&here, &there))
                return -EXDEV;

        plan->exists = own_fd >= 0;
        plan->inside_replica = replica_fd >= 0 && territory_is_same(&above, &there) &&
                               above.inode == there.inode && streq(name, STORE_NAME_INSIDE);
        return path_join(parent, name, &plan->path);
}

int store_plan(const char *replica, int replica_fd, const char *configured, StorePlan *ret) {
        _cleanup_(store_plan_done) StorePlan plan = {};
        int r;

        assert(replica);
        assert(ret);

        r = configured ? plan_configured(replica, replica_fd, configured, &plan)
                       : plan_default(replica, replica_fd, &plan);
        if (r < 0)
                return r;

        *ret = plan;
        plan.path = NULL; /* handed over */
        return 0;
}
