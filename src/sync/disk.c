#include "sync/disk.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "basic/macros.h"
#include "sync/disk-error.h"
#include "sync/tell.h"

static int tell_mounts(const Pair *pair, char **ret_error) {
        return tell_error(ret_error, -EXDEV,
                          "replica %s and store %s are reached by different mounts, from one to "
                          "the other of which nothing can be renamed: something was mounted over "
                          "one of them; unmount it, or let Store= name a directory on the "
                          "replica's mount",
                          pair->config->replica, pair->store.path);
}

static bool are_on_different_mounts(int a, int b) {
        struct statx x, y;

        if (statx(a, "", AT_EMPTY_PATH, STATX_MNT_ID, &x) < 0 ||
            statx(b, "", AT_EMPTY_PATH, STATX_MNT_ID, &y) < 0)
                return false;
        return (x.stx_mask & y.stx_mask & STATX_MNT_ID) && x.stx_mnt_id != y.stx_mnt_id;
}

/* Only writing tells: some file systems that are dead look well from memory. A disk that is full is
 * none that is gone. */
static int try_writing(Engine *engine) {
        int fd = engine->pair->store.staging_fd;
        char name[STAGE_NAME_MAX];

        engine_stage_name(engine, name);
        if (mkdirat(fd, name, 0700) < 0)
                return disk_error_is_general(-errno) ? -errno : 0;
        if (unlinkat(fd, name, AT_REMOVEDIR) < 0)
                return disk_error_is_general(-errno) ? -errno : 0;
        return 0;
}

int disk_check(Engine *engine, char **ret_error) {
        const Pair *pair = engine->pair;
        int r = 0;

        if (pair->dry_run)
                return 0;
        if (are_on_different_mounts(pair->replica_fd, pair->store.staging_fd))
                return tell_mounts(pair, ret_error);
        if (faccessat(pair->store.staging_fd, ".", W_OK, AT_EACCESS) < 0 &&
            disk_error_is_general(-errno))
                r = -errno;
        if (r == 0 && engine->disk_failed)
                r = try_writing(engine);
        if (r < 0) {
                engine->disk_failed = true;
                return disk_tell(pair->config->replica, r, ret_error);
        }
        if (atomic_exchange(&engine->disk_failed, false))
                tell_notice(NULL, "replica %s can be written again", pair->config->replica);
        return 0;
}

static bool pass_is_aborted(Pass *pass) {
        bool result;

        (void) pthread_mutex_lock(&pass->engine->mutex);
        result = pass->result.result < 0;
        (void) pthread_mutex_unlock(&pass->engine->mutex);
        return result;
}

/* 0 when the failure says nothing of the whole. */
static int examine(Engine *engine, int error, char **ret_error) {
        const Pair *pair = engine->pair;
        int r;

        if (error == -EXDEV && are_on_different_mounts(pair->replica_fd, pair->store.staging_fd))
                return tell_mounts(pair, ret_error);
        if (!disk_error_is_general(error))
                return 0;
        r = try_writing(engine);
        if (r == 0)
                return 0;
        engine->disk_failed = true;
        return disk_tell(pair->config->replica, r, ret_error);
}

bool disk_ended_pass(Pass *pass, int error) {
        char *text = NULL;
        int r;

        if (pass->engine->pair->dry_run || (error != -EXDEV && !disk_error_is_general(error)))
                return false;
        if (pass_is_aborted(pass) && pass->engine->disk_failed)
                return true;
        r = examine(pass->engine, error, &text);
        if (r < 0)
                pass_abort(pass, r, text);
        return r < 0;
}

Room disk_room(const Engine *engine) {
        struct statvfs s;

        if (engine->pair->dry_run || fstatvfs(engine->pair->store.staging_fd, &s) < 0)
                return (Room) {};
        return (Room) { .n_bytes = (uint64_t) s.f_bavail * s.f_frsize, .n_files = s.f_favail };
}
