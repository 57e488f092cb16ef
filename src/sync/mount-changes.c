#include "sync/mount-changes.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "basic/alloc.h"
#include "basic/macros.h"
#include "basic/string-util.h"

/* What is below BASE in PATH, without the slash between: "" for BASE itself, NULL when it is not
 * below. */
static const char *path_below(const char *path, const char *base) {
        size_t n = strlen(base);

        while (n > 0 && base[n - 1] == '/')
                n--;
        if (strncmp(path, base, n) != 0 || (path[n] != '/' && path[n] != '\0'))
                return NULL;
        return path + n + strspn(path + n, "/");
}

static bool mount_equal(const Mount *a, const Mount *b) {
        return a->id == b->id && a->device == b->device && streq(a->point, b->point) &&
               streq(a->root, b->root);
}

/* Both tables are in the kernel's order, in which an old mount keeps its place relative to others:
 * from *HINT on it is found at once as a rule. */
static bool has_mount(const MountTable *table, const Mount *mount, size_t *hint) {
        for (size_t i = 0; i < table->n_mounts; i++) {
                size_t at = (*hint + i) % table->n_mounts;

                if (mount_equal(&table->mounts[at], mount)) {
                        *hint = at + 1;
                        return true;
                }
        }
        return false;
}

static int add_point(MountChanges *changes, const char *point) {
        char **points = reallocarray(changes->points, changes->n_points + 1, sizeof *points);
        char *copy;

        if (!points)
                return -ENOMEM;
        changes->points = points;
        copy = strdup(point);
        if (!copy)
                return -ENOMEM;
        points[changes->n_points++] = copy;
        return 0;
}

static bool is_at_or_above(const char *point, const char *path) {
        return path && path_below(path, point);
}

static bool is_at_or_below(const char *point, const char *path) {
        return path && path_below(point, path);
}

static int note(const Mount *mount, const MountPaths *paths, MountChanges *changes) {
        const char *inside = path_below(mount->point, paths->source);

        if (is_at_or_above(mount->point, paths->source) ||
            is_at_or_above(mount->point, paths->replica) ||
            is_at_or_below(mount->point, paths->replica) ||
            is_at_or_above(mount->point, paths->store) ||
            is_at_or_below(mount->point, paths->store))
                changes->roots = true;
        return inside && inside[0] ? add_point(changes, inside) : 0;
}

/* Notes what is in A and not in B. */
static int note_missing(const MountTable *a, const MountTable *b, const MountPaths *paths,
                        MountChanges *changes) {
        size_t hint = 0;

        for (size_t i = 0; i < a->n_mounts; i++) {
                if (has_mount(b, &a->mounts[i], &hint))
                        continue;
                int r = note(&a->mounts[i], paths, changes);
                if (r < 0)
                        return r;
        }
        return 0;
}

int mount_changes_find(const MountTable *was, const MountTable *now, const MountPaths *paths,
                       MountChanges *ret) {
        MountChanges changes = {};
        int r;

        r = note_missing(was, now, paths, &changes);
        if (r >= 0)
                r = note_missing(now, was, paths, &changes);
        if (r < 0) {
                mount_changes_done(&changes);
                return r;
        }
        *ret = changes;
        return 0;
}

void mount_changes_done(MountChanges *changes) {
        for (size_t i = 0; i < changes->n_points; i++)
                free(changes->points[i]);
        free(changes->points);
        *changes = (MountChanges) {};
}

char *mount_path_resolve(const char *path) {
        _cleanup_free_ char *head = strdup(path), *resolved = NULL;
        char *result;

        if (!head)
                return NULL;
        while (!(resolved = realpath(head[0] ? head : "/", NULL))) {
                char *slash = strrchr(head, '/');

                if (!slash || errno == ENOMEM || !head[0])
                        return NULL;
                *slash = '\0';
        }
        /* The rest begins with a slash, or is empty. */
        const char *rest = path + strlen(head);
        if (!rest[0])
                return TAKE_PTR(resolved);
        return asprintf(&result, "%s%s", streq(resolved, "/") ? "" : resolved, rest) < 0 ? NULL
                                                                                         : result;
}
