#include "daemon/confined-places.h"

#include <stdbool.h>
#include <stdlib.h>

#include "basic/alloc.h"
#include "basic/path-util.h"
#include "basic/string-util.h"
#include "config/lasting-place.h"

/* What is mounted last at a place hides the others. */
static const Mount *mount_at(const MountTable *mounts, const char *point) {
        for (size_t i = mounts->n_mounts; i > 0; i--)
                if (streq(mounts->mounts[i - 1].point, point))
                        return &mounts->mounts[i - 1];
        return NULL;
}

/* The innermost mount that PATH is at or in, except for "/"; *RET_POINT is its place. */
static const Mount *mount_of(const MountTable *mounts, const char *path, char **ret_point) {
        char *at = strdup(path);

        while (at && !streq(at, "/")) {
                const Mount *mount = mount_at(mounts, at);
                char *parent;

                if (mount) {
                        *ret_point = at;
                        return mount;
                }
                parent = path_parent(at);
                free(at);
                at = parent;
        }
        *ret_point = at;
        return NULL;
}

/* Whether MOUNT shows another file system than the one that it is mounted on. A directory that is
 * mounted on itself, as a service's sandbox does it, stays what it is. */
static bool is_another_file_system(const MountTable *mounts, const Mount *mount) {
        _cleanup_free_ char *parent = path_parent(mount->point), *point = NULL;
        const Mount *below;

        if (!parent)
                return true;
        below = mount_of(mounts, parent, &point);
        if (!below)
                below = mount_at(mounts, "/");
        return !below || below->device != mount->device;
}

/* "/" when PATH is on the file system of the top directory. */
static char *mount_point_of(const MountTable *mounts, const char *path) {
        char *point = NULL;
        const Mount *mount = mount_of(mounts, path, &point);

        while (mount && point && !is_another_file_system(mounts, mount)) {
                _cleanup_free_ char *parent = path_parent(point);
                _cleanup_free_ _unused_ char *former = point;

                point = NULL;
                mount = parent ? mount_of(mounts, parent, &point) : NULL;
        }
        return point;
}

char *confined_place(const MountTable *mounts, const char *path) {
        _cleanup_free_ char *point = mount_point_of(mounts, path);

        if (!point)
                return NULL;
        return streq(point, "/") ? lasting_place(path) : path_parent(point);
}
