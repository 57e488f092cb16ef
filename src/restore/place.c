/* Where things are brought back to. */

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "basic/fd.h"
#include "fs/confined.h"
#include "fs/identity.h"
#include "restore/place.h"
#include "restore/target.h"
#include "restore/when.h"

int problem_of_walk(char **ret_error, const RestoreRequest *request, int r) {
        char at[WHEN_TEXT_MAX];

        if (r > 0)
                return 0;
        if (r == 0)
                return problem_set(
                        ret_error, RESTORE_NOT_FOUND,
                        "%s was not there at %s; 'rebackupctl versions' lists what there "
                        "is of a path",
                        *request->path ? request->path : "the pair",
                        when_format(at, sizeof at, request->at));
        return r == -ENOMEM ? r : problem_set(ret_error, r, "given up: %s", strerror(-r));
}

static int run(Target *target, const RestorePair *pair, char **ret_error) {
        return problem_of_walk(ret_error, target->request, target_fill(target, pair));
}

static int refuse_target(char **ret_error, const char *path, int r) {
        return problem_set(ret_error, r == -EACCES || r == -EPERM ? r : (int) RESTORE_NO_TARGET,
                           "cannot restore to %s: %s; --to names another directory", path,
                           strerror(-r));
}

/* An empty directory where the source's disk should be mounted is not the source. */
static int check_source(const RestorePair *pair, int fd, char **ret_error) {
        FileSystemId id;
        int r;

        if (!pair->has_identity)
                return 0;
        r = file_system_id_acquire(fd, &id);
        if (r < 0)
                return refuse_target(ret_error, pair->source, r);
        if (file_system_id_equal(&id, &pair->identity.source_file_system))
                return 0;
        return problem_set(ret_error, RESTORE_NO_TARGET,
                           "%s is on %s, but the source of the pair was on %s: is its disk "
                           "mounted? To restore to where it should be, or elsewhere, name the "
                           "directory by --to",
                           pair->source, id.text, pair->identity.source_file_system.text);
}

int restore_to_source(const RestorePair *pair, const RestoreRequest *request, char **ret_error) {
        _cleanup_(target_done) Target target = TARGET_NULL;
        int r;

        target.request = request;
        target.makes_parents = true;
        if (!pair->source)
                return problem_set(ret_error, RESTORE_NO_TARGET,
                                   "the store %s does not tell where the source is; --to names a "
                                   "directory to restore to",
                                   pair->store);
        target.root_fd = confined_open_root(pair->source);
        if (target.root_fd < 0)
                return refuse_target(ret_error, pair->source, target.root_fd);
        r = check_source(pair, target.root_fd, ret_error);
        return r != 0 ? r : run(&target, pair, ret_error);
}

/* Length of PATH without its last component. */
static size_t length_above(const char *path) {
        const char *slash = strrchr(path, '/');

        return slash ? (size_t) (slash - path) + 1 : 0;
}

int restore_to_directory(const RestorePair *pair, const RestoreRequest *request, const char *path,
                         char **ret_error) {
        _cleanup_(target_done) Target target = TARGET_NULL;

        /* In a dry run there may be no target. */
        target.request = request;
        target.n_strip = length_above(request->path);
        target.root_fd = confined_open_root(path);
        if (target.root_fd == -ENOENT && !request->dry_run) {
                target.root_is_new = true;
                target.root_fd = mkdir(path, 0777) < 0 ? -errno : confined_open_root(path);
        }
        if (target.root_fd < 0 && !(target.root_fd == -ENOENT && request->dry_run))
                return refuse_target(ret_error, path, target.root_fd);
        return run(&target, pair, ret_error);
}
