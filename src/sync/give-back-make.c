/* Making in the source what only the replica has: complete, under a temporary name, and flushed. */

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "basic/alloc.h"
#include "basic/fd.h"
#include "basic/macros.h"
#include "fs/confined.h"
#include "fs/metadata.h"
#include "fs/special.h"
#include "fs/writers.h"
#include "sync/bandwidth.h"
#include "sync/give-back.h"
#include "sync/tick.h"

enum { COPY_ATTEMPTS = 3 }; /* at once, before the file counts as restless */

static bool is_overdue(const Visit *visit, const Look *look) {
        usec_t now = now_usec(CLOCK_MONOTONIC);

        return look->first != 0 && now >= look->first + visit->engine->pair->config->max_delay;
}

/* Attributes */

static const unsigned ATTRIBUTE_SHORTFALLS = SHORTFALL_XATTR_USER | SHORTFALL_XATTR_TRUSTED |
                                             SHORTFALL_XATTR_SECURITY | SHORTFALL_ACL |
                                             SHORTFALL_XATTR_OTHER | SHORTFALL_XATTR_SIZE;

static int acquire(int directory_fd, const char *name, Attributes *ret) {
        _cleanup_close_ int fd = confined_open_child(directory_fd, name, O_PATH);

        return fd < 0 ? fd : attributes_acquire(fd, ret);
}

/* Those of the replica; but who saves a file by making another one mostly loses them, and where the
 * replica cannot hold them they are missing there anyway: then those of the source stay. */
static int choose_attributes(const GiveBack *back, Attributes *ret) {
        const Visit *visit = back->visit;
        const Look *look = back->look;
        bool cannot_hold = atomic_load(&visit->engine->shortfalls_reported) & ATTRIBUTE_SHORTFALLS,
             is_another = !look->has_row || look->row->replica.inode != back->replica.stamp.inode;
        int r = acquire(visit->replica_fd, look->name, ret);

        if (r < 0 || !look->has_source || strcmp(back->name, look->name) != 0 ||
            mode_type(look->source.stamp.mode) != mode_type(back->wanted.mode))
                return r;
        if (!cannot_hold && (ret->n_items > 0 || !is_another))
                return 0;
        attributes_done(ret);
        return acquire(visit->source_fd, look->name, ret);
}

static int finish_metadata(GiveBack *back) {
        Attributes attributes = ATTRIBUTES_NULL;
        unsigned shortfalls = 0;
        int r = choose_attributes(back, &attributes);

        if (r >= 0)
                r = metadata_apply(back->fd, &back->wanted, NULL, &attributes, &shortfalls);
        attributes_done(&attributes);
        return r;
}

/* Regular files */

/* A file without a name, so that a crash leaves nothing; where there are none, one with a temporary
 * name. */
static int open_target(GiveBack *back) {
        int directory_fd = back->visit->source_fd;

        back->fd = openat(directory_fd, ".", O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
        if (back->fd >= 0)
                return 0;
        if (errno != EOPNOTSUPP && errno != EISDIR && errno != ENOENT && errno != EINVAL)
                return -errno;
        give_back_temporary_name(back->visit->engine, back->temporary);
        back->fd = openat(directory_fd, back->temporary,
                          O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC | O_NOCTTY, 0600);
        if (back->fd >= 0)
                return 0;
        back->temporary[0] = '\0';
        return -errno;
}

/* 1: the replica's stood still, 0: it changed meanwhile, -errno. */
static int copy_once(GiveBack *back, int replica_fd) {
        Visit *visit = back->visit;
        CopyResult result;
        Entry before, after;
        int r;

        r = entry_acquire(replica_fd, "", &before);
        if (r < 0)
                return r;
        if (before.stamp.inode != back->look->replica.stamp.inode)
                return -EBUSY;
        content_await_write(replica_fd);
        CopyJob job = {
                .source_fd = replica_fd,
                .target_fd = back->fd,
                .size = before.stamp.size,
                .want_hash = visit->engine->pair->config->checksum,
                .same_device = before.device == visit->source_directory.device,
                .maybe_sparse = copy_may_be_sparse(before.stamp.size, before.n_blocks),
                .abilities = &visit->engine->return_abilities,
                .tick = tick,
                .pace = bandwidth_pace,
                .userdata = visit,
        };
        r = copier_copy(visit->worker->copier, &job, &result, NULL);
        if (r >= 0)
                r = entry_acquire(replica_fd, "", &after);
        if (r < 0)
                return r;
        back->has_hash = result.has_hash;
        back->hash = result.hash;
        back->replica = before;
        return stamp_equal(&before.stamp, &after.stamp) && result.n_bytes == before.stamp.size;
}

static int copy_content(GiveBack *back, int replica_fd) {
        int r = 0;

        /* Stores through a mapping move the time with the next one only. */
        if (content_settle_mapped(replica_fd) > 0 && !is_overdue(back->visit, back->look))
                return -EAGAIN;
        for (int i = 0; i < COPY_ATTEMPTS; i++) {
                if (i > 0 && ftruncate(back->fd, 0) < 0)
                        return -errno;
                r = copy_once(back, replica_fd);
                if (r != 0)
                        return MIN(r, 0);
        }
        back->restless = is_overdue(back->visit, back->look);
        return back->restless ? 0 : -EAGAIN;
}

static int give_name(GiveBack *back) {
        char path[PROC_FD_PATH_MAX];

        if (back->temporary[0])
                return 0;
        give_back_temporary_name(back->visit->engine, back->temporary);
        if (linkat(AT_FDCWD, proc_fd_path(back->fd, path), back->visit->source_fd, back->temporary,
                   AT_SYMLINK_FOLLOW) >= 0)
                return 0;
        back->temporary[0] = '\0';
        return -errno;
}

static int make_regular(GiveBack *back) {
        _cleanup_close_ int replica_fd = -EBADF;
        int64_t looked_at = back->look->replica.stamp.mtime;
        int r;

        replica_fd = confined_open_content(back->visit->replica_fd, back->look->name);
        if (replica_fd < 0)
                return replica_fd;
        r = open_target(back);
        if (r >= 0)
                r = copy_content(back, replica_fd);
        if (r < 0)
                return r;
        if (back->wanted.mtime == looked_at)
                back->wanted.mtime = back->replica.stamp.mtime;
        r = finish_metadata(back);
        if (r >= 0 && fsync(back->fd) < 0)
                r = -errno;
        return r < 0 ? r : give_name(back);
}

/* All others */

static int make_entry(GiveBack *back) {
        Visit *visit = back->visit;
        _cleanup_free_ char *target = NULL;
        unsigned shortfalls = 0;
        int r = 0;

        if (S_ISDIR(back->wanted.mode))
                return mkdirat(visit->source_fd, back->temporary, 0700) < 0 ? -errno : 0;
        if (S_ISLNK(back->wanted.mode))
                r = symlink_read(visit->replica_fd, back->look->name, &target);
        if (r >= 0 && target) {
                r = look_hash_target(visit, back->look, target);
                back->has_hash = back->look->has_hash;
                back->hash = back->look->hash;
        }
        return r < 0 ? r
                     : special_create(visit->source_fd, back->temporary, &back->wanted, target,
                                      &shortfalls);
}

static int make_special(GiveBack *back) {
        Visit *visit = back->visit;
        int r;

        give_back_temporary_name(visit->engine, back->temporary);
        r = make_entry(back);
        if (r < 0) {
                back->temporary[0] = '\0';
                return r;
        }
        back->fd = S_ISDIR(back->wanted.mode)
                           ? confined_open_directory(visit->source_fd, back->temporary)
                           : confined_open_child(visit->source_fd, back->temporary, O_PATH);
        return back->fd < 0 ? back->fd : finish_metadata(back);
}

int give_back_make(GiveBack *back) {
        back->replica = back->look->replica;
        return S_ISREG(back->wanted.mode) ? make_regular(back) : make_special(back);
}

void give_back_done(GiveBack *back) {
        if (back->temporary[0])
                (void) unlinkat(back->visit->source_fd, back->temporary,
                                S_ISDIR(back->wanted.mode) ? AT_REMOVEDIR : 0);
        back->fd = safe_close(back->fd);
        back->temporary[0] = '\0';
}
