#include "sync/roots.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "basic/fd.h"
#include "basic/macros.h"
#include "fs/confined.h"
#include "sync/disk-error.h"
#include "sync/pair.h"
#include "sync/tell.h"

/* Whether R says that nothing of the source can be reached at its path: it is not there, or its
 * disk or server went away. */
static bool error_means_gone(int r) {
        return r == -ENOENT || r == -ENOTDIR || r == -ENODEV || r == -ENXIO || r == -ENOTCONN ||
               r == -ESTALE || r == -ESHUTDOWN || r == -EHOSTDOWN;
}

static int refuse_source(const char *path, int r, char **ret_error) {
        if (error_means_gone(r))
                return tell_error(
                        ret_error, GUARD_SOURCE_GONE,
                        "source %s is not there: %s; nothing is removed from the "
                        "replica; mount its disk, or put the right directory in its place",
                        path, r == -ENOTDIR ? "it is not a directory" : strerror(-r));
        return tell_error(ret_error, r, "cannot read source %s: %s", path, strerror(-r));
}

/* Acquires what is known of the root open as FD. */
static int sample(int fd, Entry *ret_entry, FileSystemId *ret_id) {
        int r = entry_acquire(fd, "", ret_entry);

        return r < 0 ? r : file_system_id_acquire(fd, ret_id);
}

static int open_source(const Config *config, Roots *roots, char **ret_error) {
        int r;

        r = roots->source_fd = confined_open_root(config->source);
        /* A directory that may be listed but not searched shows names of which nothing can be
         * known. */
        if (r >= 0 && faccessat(r, ".", X_OK, AT_EACCESS) < 0)
                r = -errno;
        if (r >= 0)
                r = sample(roots->source_fd, &roots->source, &roots->source_id);
        return r < 0 ? refuse_source(config->source, r, ret_error) : 0;
}

/* Opens the replica, or else the directory in which it would be made, which tells the file system.
 */
static int open_replica(const Config *config, Roots *roots, char **ret_error) {
        _cleanup_close_ int fd = -EBADF;
        Entry entry;
        int r;

        r = location_find(config->replica, &roots->replica_location);
        if (r >= 0)
                r = fd = location_open(&roots->replica_location);
        if (r >= 0)
                r = sample(fd, &entry, &roots->replica_id);
        if (disk_error_is_general(r))
                return disk_tell(config->replica, r, ret_error);
        if (r < 0)
                return tell_error(ret_error, r, "cannot open replica %s: %s", config->replica,
                                  strerror(-r));

        if (location_exists(&roots->replica_location)) {
                roots->replica_fd = TAKE_FD(fd);
                roots->replica = entry;
        }
        return 0;
}

int roots_open(const Config *config, Roots *ret, char **ret_error) {
        _cleanup_(roots_done) Roots roots = ROOTS_NULL;
        int r;

        r = open_source(config, &roots, ret_error);
        if (r == 0)
                r = open_replica(config, &roots, ret_error);
        if (r != 0)
                return r;

        *ret = roots;
        roots = ROOTS_NULL;
        return 0;
}

int roots_make_replica(const Config *config, Roots *roots, char **ret_error) {
        int r;

        r = location_make(&roots->replica_location, 0755);
        if (r >= 0)
                r = roots->replica_fd = location_open(&roots->replica_location);
        if (r >= 0)
                r = sample(roots->replica_fd, &roots->replica, &roots->replica_id);
        if (r < 0)
                return tell_error(ret_error, r, "cannot create replica %s: %s", config->replica,
                                  strerror(-r));
        return 0;
}

void roots_done(Roots *roots) {
        safe_close(roots->source_fd);
        safe_close(roots->replica_fd);
        location_done(&roots->replica_location);
        *roots = ROOTS_NULL;
}
