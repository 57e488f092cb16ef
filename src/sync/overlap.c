#include "sync/overlap.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "basic/alloc.h"
#include "basic/fd.h"
#include "basic/macros.h"
#include "fs/confined.h"
#include "sync/mount-table.h"

/* A subtree of a file system, wherever it is mounted. */
typedef struct Territory {
        uint64_t device;
        char *path; /* owned */
} Territory;

static void territory_done(Territory *territory) {
        free(territory->path);
        *territory = (Territory) {};
}

static bool stat_same_inode(const struct stat *a, const struct stat *b) {
        return a->st_dev == b->st_dev && a->st_ino == b->st_ino;
}

/* Whether INNER, or a directory above it, is OUTER: 1, 0 or -errno. */
static int is_below_by_ancestors(const Location *inner, const Location *outer) {
        _cleanup_close_ int fd = -EBADF;
        struct stat target, here, above;

        if (!location_exists(outer))
                return 0;
        if (fstat(outer->fd, &target) < 0 || fstat(inner->fd, &here) < 0)
                return -errno;
        fd = fcntl(inner->fd, F_DUPFD_CLOEXEC, 3);
        if (fd < 0)
                return -errno;

        for (;;) {
                if (stat_same_inode(&here, &target))
                        return 1;
                int up = openat(fd, "..", O_PATH | O_DIRECTORY | O_CLOEXEC);
                if (up < 0)
                        return -errno;
                safe_close(fd);
                fd = up;
                if (fstat(fd, &above) < 0)
                        return -errno;
                if (stat_same_inode(&above, &here))
                        return 0; /* the root */
                here = above;
        }
}

/* Whether the path INNER is OUTER or lies below it; both are absolute. */
static bool path_is_within(const char *inner, const char *outer) {
        size_t length = strlen(outer);

        if (length == 1)
                return true;
        return strncmp(inner, outer, length) == 0 &&
               (inner[length] == '/' || inner[length] == '\0');
}

/* PATH and what MORE adds to it, with one slash in between. */
static char *path_join(const char *path, const char *more) {
        char *joined;
        const char *slash = more[0] == '\0' || path[strlen(path) - 1] == '/' ? "" : "/";

        return asprintf(&joined, "%s%s%s", path, slash, more) < 0 ? NULL : joined;
}

/* The path at which LOCATION is seen, free of symbolic links. */
static int location_path(const Location *location, char **ret) {
        char link[PROC_FD_PATH_MAX], found[PATH_MAX];
        ssize_t n = readlink(proc_fd_path(location->fd, link), found, sizeof found - 1);

        if (n < 0)
                return -errno;
        found[n] = '\0';
        *ret = path_join(found, location->missing);
        return *ret ? 0 : -ENOMEM;
}

/* The territory of LOCATION itself, which is seen at PATH: 1, 0 when its mount cannot be told,
 * -errno. */
static int location_territory(const Location *location, const char *path, const MountTable *mounts,
                              Territory *ret) {
        const Mount *mount = mount_table_find(mounts, location->fd);
        const char *below;
        char *joined;

        if (!mount || !path_is_within(path, mount->point))
                return 0;
        below = path + strlen(mount->point);
        joined = path_join(mount->root, below + strspn(below, "/"));
        if (!joined)
                return -ENOMEM;
        *ret = (Territory) { .device = mount->device, .path = joined };
        return 1;
}

/* Whether a mount below the directory that is seen at PATH shows TERRITORY or a part of it. */
static bool mounts_below_show(const char *path, const MountTable *mounts,
                              const Territory *territory) {
        for (size_t i = 0; i < mounts->n_mounts; i++) {
                const Mount *mount = &mounts->mounts[i];

                if (strcmp(mount->point, path) == 0 || !path_is_within(mount->point, path) ||
                    mount->device != territory->device)
                        continue;
                if (path_is_within(mount->root, territory->path) ||
                    path_is_within(territory->path, mount->root))
                        return true;
        }
        return false;
}

static int compare_territories(const Territory *a, const Territory *b) {
        if (a->device != b->device)
                return OVERLAP_NONE;
        if (strcmp(a->path, b->path) == 0)
                return OVERLAP_SAME;
        if (path_is_within(a->path, b->path))
                return OVERLAP_A_IN_B;
        return path_is_within(b->path, a->path) ? OVERLAP_B_IN_A : OVERLAP_NONE;
}

static int find_by_mounts(const Location *a, const Location *b) {
        _cleanup_(mount_table_done) MountTable mounts = {};
        _cleanup_(territory_done) Territory ta = {}, tb = {};
        _cleanup_free_ char *path_a = NULL, *path_b = NULL;
        int r;

        r = mount_table_load(&mounts);
        if (r >= 0)
                r = location_path(a, &path_a);
        if (r >= 0)
                r = location_path(b, &path_b);
        if (r >= 0)
                r = location_territory(a, path_a, &mounts, &ta);
        if (r > 0)
                r = location_territory(b, path_b, &mounts, &tb);
        if (r <= 0)
                return r;

        r = compare_territories(&ta, &tb);
        if (r == OVERLAP_NONE &&
            (mounts_below_show(path_a, &mounts, &tb) || mounts_below_show(path_b, &mounts, &ta)))
                r = OVERLAP_MOUNTED;
        return r;
}

int overlap_find(const Location *a, const Location *b) {
        int a_in_b, b_in_a;

        a_in_b = is_below_by_ancestors(a, b);
        if (a_in_b < 0)
                return a_in_b;
        b_in_a = is_below_by_ancestors(b, a);
        if (b_in_a < 0)
                return b_in_a;
        if (a_in_b && b_in_a)
                return OVERLAP_SAME;
        if (a_in_b)
                return OVERLAP_A_IN_B;
        return b_in_a ? OVERLAP_B_IN_A : find_by_mounts(a, b);
}
