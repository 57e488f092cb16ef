#include "daemon/confine.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "basic/alloc.h"
#include "basic/log.h"
#include "basic/macros.h"
#include "basic/path-util.h"
#include "basic/string-util.h"
#include "config/config-search.h"
#include "config/lasting-place.h"
#include "daemon/confined-places.h"
#include "daemon/runtime-directory.h"
#include "fs/hash.h"
#include "fs/landlock.h"

typedef struct Confinement {
        const Manager *manager;
        Landlock landlock;
        MountTable mounts;
} Confinement;

static const char *const words[] = {
        [LANDLOCK_LIST] = "listing",
        [LANDLOCK_READ] = "reading",
        [LANDLOCK_WRITE] = "writing",
};

/* Opens PATH or, while it does not exist, the directory in which it would be made. */
static int allow(const Confinement *confinement, const char *path, LandlockRights rights) {
        _cleanup_free_ char *at = path ? strdup(path) : NULL;
        int r;

        while (at && (r = landlock_allow(&confinement->landlock, at, rights)) == -ENOENT &&
               !streq(at, "/")) {
                char *parent = path_parent(at);

                free(at);
                at = parent;
        }
        if (!at)
                return -ENOMEM;
        if (r < 0)
                return log_debug_errno(r, "cannot allow %s below %s: %m", words[rights], at);
        log_debug("confined to %s below %s", words[rights], at);
        return 0;
}

static int allow_place(const Confinement *confinement, const char *path, LandlockRights rights) {
        _cleanup_free_ char *resolved = mount_path_resolve(path), *place = NULL;

        if (resolved)
                place = confined_place(&confinement->mounts, resolved);
        return place ? allow(confinement, place, rights) : -ENOMEM;
}

/* A dry run writes nothing but a copy of the catalog, for which the manual names these. */
static int allow_dry_run(const Confinement *confinement) {
        const char *temporary = secure_getenv("TMPDIR");

        return allow(confinement, temporary && temporary[0] == '/' ? temporary : "/var/tmp",
                     LANDLOCK_WRITE);
}

/* Its directory as well as the file may be deleted, and is made again. */
static int allow_state(const Confinement *confinement) {
        const char *directory = confinement->manager->pair->state_directory;
        _cleanup_free_ char *parent = directory ? path_parent(directory) : NULL;

        if (!directory)
                return 0;
        return parent ? allow(confinement, parent, LANDLOCK_WRITE) : -ENOMEM;
}

static int allow_log(const Confinement *confinement) {
        const char *path = confinement->manager->sinks->file.path;
        _cleanup_free_ char *resolved = NULL, *place = NULL;

        if (!path)
                return 0;
        resolved = mount_path_resolve(path);
        if (resolved)
                place = lasting_place_of_log(resolved);
        return place ? allow(confinement, place, LANDLOCK_WRITE) : -ENOMEM;
}

static int allow_runtime(const Confinement *confinement) {
        _cleanup_free_ char *directory = NULL;
        int r;

        r = runtime_directory(&directory);
        if (r < 0 || !directory)
                return r;
        return allow(confinement, directory, LANDLOCK_WRITE);
}

/* A reload reads it again. A file may be a link to another place, whose directory is opened then,
 * as files are replaced by editors. */
static int allow_config_file(const Confinement *confinement, const char *path) {
        _cleanup_free_ char *resolved = realpath(path, NULL), *parent = NULL;

        if (!resolved)
                return errno == ENOMEM ? -ENOMEM : 0;
        if (startswith(resolved, "/dev/"))
                return allow(confinement, resolved, LANDLOCK_READ);
        parent = path_parent(resolved);
        return parent ? allow(confinement, parent, LANDLOCK_READ) : -ENOMEM;
}

static int allow_config(const Confinement *confinement) {
        const Options *options = confinement->manager->options;
        _cleanup_(config_paths_freep) char **directories = NULL, **paths = NULL;
        _cleanup_free_ char *failed = NULL;
        const char *root = options->config_root ?: "";
        size_t n_own;
        int r;

        if (!options->instance)
                return 0;
        r = config_directories(root, &directories);
        for (size_t i = 0; r >= 0 && directories[i]; i++)
                r = allow(confinement, directories[i], LANDLOCK_READ);
        if (r >= 0)
                r = config_search(root, options->instance, &paths, &n_own, &failed);
        for (size_t i = 0; r >= 0 && paths[i]; i++)
                r = allow_config_file(confinement, paths[i]);
        return r;
}

static int allow_written(const Confinement *confinement) {
        const Manager *manager = confinement->manager;
        int r;

        if (manager->options->dry_run)
                return allow_dry_run(confinement);
        r = allow_place(confinement, manager->config->replica, LANDLOCK_WRITE);
        if (r >= 0)
                r = allow_place(confinement, manager->pair->store.path, LANDLOCK_WRITE);
        return r < 0 ? r : allow_state(confinement);
}

/* Directories can be listed everywhere, so that the guards see what lies at a root now, and say so.
 * /proc: mounts, limits, and the way to what is open. */
static int allow_all(const Confinement *confinement) {
        const Config *config = confinement->manager->config;
        int r;

        r = allow(confinement, "/", LANDLOCK_LIST);
        if (r >= 0)
                r = allow(confinement, "/proc", LANDLOCK_READ);
        if (r >= 0)
                r = allow_place(confinement, config->source,
                                config_writes_source(config) ? LANDLOCK_WRITE : LANDLOCK_READ);
        if (r >= 0)
                r = allow_place(confinement, config->replica, LANDLOCK_READ);
        if (r >= 0)
                r = allow_written(confinement);
        if (r >= 0)
                r = allow_log(confinement);
        if (r >= 0)
                r = allow_runtime(confinement);
        return r < 0 ? r : allow_config(confinement);
}

/* What libraries read once, of their own, when they are first used. */
static int read_beforehand(void) {
        Hasher *hasher;
        int r;

        tzset();
        r = hasher_new(&hasher);
        if (r >= 0)
                hasher_free(hasher);
        return r;
}

static int set_up(Confinement *confinement) {
        int r;

        r = read_beforehand();
        if (r >= 0)
                r = mount_table_load(&confinement->mounts);
        if (r >= 0)
                r = landlock_begin(&confinement->landlock);
        if (r >= 0)
                r = allow_all(confinement);
        return r < 0 ? r : landlock_enforce(&confinement->landlock);
}

void confine(const Manager *manager) {
        Confinement confinement = { .manager = manager, .landlock = LANDLOCK_NULL };
        int r;

        r = set_up(&confinement);
        if (r == -EOPNOTSUPP)
                log_debug("this kernel has no Landlock: going on unconfined");
        else if (r < 0)
                (void) log_warning_errno(r, "cannot confine the service, going on without: %m");
        landlock_done(&confinement.landlock);
        mount_table_done(&confinement.mounts);
}
