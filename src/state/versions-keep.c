/* Moving what left the replica to its place under versions/. */

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "basic/alloc.h"
#include "basic/fd.h"
#include "basic/macros.h"
#include "fs/confined.h"
#include "fs/durability.h"
#include "fs/rename.h"
#include "state/versions-internal.h"

enum {
        N_ATTEMPTS_MAX = 1000, /* against somebody who drops as fast as we make directories */
        N_TWINS_MAX = 1000,
        NAME_BYTES = NAME_MAX + 1,
        TWIN_STEM_MAX = 240, /* what a name is cut to before ".NUMBER" */
        FRAME_NAME_BYTES = 32,
        MODE_BITS = 07777,
        OPEN_FLAGS = O_RDONLY | O_DIRECTORY | O_NONBLOCK,
};

static void flush_directory(Versions *versions, int fd) {
        int r;

        if (!versions->flush_each || fd < 0)
                return;

        r = directory_fsync(fd);
        if (versions->flush_error == 0)
                versions->flush_error = r;
}

void versions_flush_each(Versions *versions) {
        assert(versions);

        versions->flush_each = true;
}

int versions_flush(Versions *versions) {
        int r;

        assert(versions);

        flush_directory(versions, versions->kept_fd);
        r = versions->flush_error;
        versions->flush_error = 0;
        return r;
}

void versions_forget_kept(Versions *versions) {
        flush_directory(versions, versions->kept_fd);
        versions->time_fd = safe_close(versions->time_fd);
        versions->kept_fd = safe_close(versions->kept_fd);
        versions->kept_directory = mfree(versions->kept_directory);
}

static bool exists(int fd, const char *name) {
        struct stat st;

        return fstatat(fd, name, &st, AT_SYMLINK_NOFOLLOW | AT_NO_AUTOMOUNT) >= 0;
}

/* NAME itself, or the I-th name beside it. */
static const char *twin_name(char *buffer, const char *name, unsigned i) {
        if (i == 0)
                return name;

        (void) snprintf(buffer, NAME_BYTES, "%.*s.%u", TWIN_STEM_MAX, name, i);
        return buffer;
}

int versions_rename(int from_fd, const char *from, int to_fd, const char *to) {
        int r;

        r = rename_new(from_fd, from, to_fd, to);
        return r == -ENOTEMPTY ? -EEXIST : r;
}

/* The same from staging. Moving a directory elsewhere writes into it, so its mode may forbid that
 * to those without privileges: it is lifted for the moment. */
static int move_staged(int staging_fd, const char *name, int to_fd, const char *to) {
        _cleanup_close_ int fd = -EBADF;
        char path[PROC_FD_PATH_MAX];
        struct stat st;
        int r;

        r = versions_rename(staging_fd, name, to_fd, to);
        if (r != -EACCES)
                return r;

        fd = confined_open_child(staging_fd, name, O_PATH | O_DIRECTORY);
        if (fd < 0 || fstat(fd, &st) < 0 || chmod(proc_fd_path(fd, path), S_IRWXU) < 0)
                return -EACCES;
        r = versions_rename(staging_fd, name, to_fd, to);
        (void) chmod(path, st.st_mode & MODE_BITS);
        return r;
}

/* Frames */

/* Whether something can be put into the directory FD: 1, 0 or -errno. */
static int is_usable(Versions *versions, int fd) {
        int r;

        if (!versions->frames_unmarked) {
                r = versions_is_frame(versions, fd);
                if (r != -EOPNOTSUPP)
                        return r;
                versions->frames_unmarked = true;
        }

        return versions_may_be_frame(versions, fd);
}

static int mark(Versions *versions, int fd) {
        if (versions->frames_unmarked ||
            fsetxattr(fd, VERSIONS_FRAME_ATTRIBUTE, VERSIONS_FRAME_VALUE,
                      strlen(VERSIONS_FRAME_VALUE), 0) >= 0)
                return 0;
        /* Not supported, or not for the likes of us. */
        if (errno != EOPNOTSUPP && errno != EPERM && errno != EACCES)
                return -errno;

        versions->frames_unmarked = true;
        return 0;
}

static int make_staged_frame(Versions *versions, int staging_fd, const char *name) {
        _cleanup_close_ int fd = -EBADF;
        int r;

        /* One may be left of a crash. */
        if (mkdirat(staging_fd, name, S_IRWXU) < 0 && errno != EEXIST)
                return -errno;
        fd = confined_open_child(staging_fd, name, OPEN_FLAGS);
        if (fd < 0)
                return fd;

        r = mark(versions, fd);
        return r < 0 ? r : TAKE_FD(fd);
}

/* Makes the frame NAME of PARENT_FD. Returns a descriptor of it or -errno, such as -EEXIST. */
static int make_frame(Versions *versions, int staging_fd, int parent_fd, const char *name) {
        _cleanup_close_ int fd = -EBADF;
        char staged[FRAME_NAME_BYTES];
        int r;

        (void) snprintf(staged, sizeof(staged), ".frame-%ju", (uintmax_t) gettid());

        fd = make_staged_frame(versions, staging_fd, staged);
        r = fd < 0 ? fd : versions_rename(staging_fd, staged, parent_fd, name);
        if (r < 0) {
                (void) unlinkat(staging_fd, staged, AT_REMOVEDIR);
                return r;
        }
        flush_directory(versions, parent_fd);

        return TAKE_FD(fd);
}

/* The frame NAME of PARENT_FD: one that is there, or a new one. -EEXIST when something else is. */
static int open_frame(Versions *versions, int staging_fd, int parent_fd, const char *name) {
        _cleanup_close_ int fd = -EBADF;
        int r;

        fd = confined_open_child(parent_fd, name, OPEN_FLAGS);
        if (fd == -ENOENT)
                return make_frame(versions, staging_fd, parent_fd, name);
        if (fd == -ENOTDIR || fd == -ELOOP || fd == -EACCES)
                return -EEXIST;
        if (fd < 0)
                return fd;

        r = is_usable(versions, fd);
        if (r <= 0)
                return r < 0 ? r : -EEXIST;

        return TAKE_FD(fd);
}

/* Enters the frame NAME of *FD, or the first one beside it. */
static int descend(Versions *versions, int staging_fd, int *fd, const char *name) {
        for (unsigned i = 0; i <= N_TWINS_MAX; i++) {
                char buffer[NAME_BYTES];
                int next;

                next = open_frame(versions, staging_fd, *fd, twin_name(buffer, name, i));
                if (next == -EEXIST)
                        continue;
                if (next < 0)
                        return next;

                (void) safe_close(*fd);
                *fd = next;
                return 0;
        }

        return -EEXIST;
}

/* Opens the longest leading part of the path DIRECTORY that can be used, at least the time itself.
 * *RET_REST: what is left of it. */
static int open_leading(Versions *versions, char *directory, char **ret_rest) {
        char *end = directory + strlen(directory);

        for (;;) {
                _cleanup_close_ int fd = -EBADF;
                char *slash, kept = *end;
                int r;

                *end = '\0';
                fd = confined_open(versions->time_fd, directory, OPEN_FLAGS);
                slash = strrchr(directory, '/');
                *end = kept;

                r = fd >= 0 && end > directory ? is_usable(versions, fd) : fd;
                if (r > 0 || (fd >= 0 && end == directory)) {
                        *ret_rest = *end == '/' ? end + 1 : end;
                        return TAKE_FD(fd);
                }
                if (r < 0 && r != -EACCES && (!versions_is_absence(r) || end == directory))
                        return r;

                end = slash ?: directory;
        }
}

static int open_directory(Versions *versions, int staging_fd, const char *directory) {
        _cleanup_close_ int fd = -EBADF;
        _cleanup_free_ char *copy = NULL;
        char *name, *slash;
        int r;

        copy = strdup(directory);
        if (!copy)
                return -ENOMEM;
        fd = open_leading(versions, copy, &name);
        if (fd < 0)
                return fd;

        for (; *name; name = slash ? slash + 1 : strchr(name, '\0')) {
                slash = strchr(name, '/');
                if (slash)
                        *slash = '\0';
                r = descend(versions, staging_fd, &fd, name);
                if (r < 0)
                        return r;
        }

        return TAKE_FD(fd);
}

/* Places */

/* Whether ERROR may mean that the file system does not take the name; each has an error of its own
 * for that. */
static bool refuses_name(int error) {
        return error == EINVAL || error == ENOENT || error == EPERM || error == EILSEQ ||
               error == EIO;
}

/* Makes versions/AT unless it is there; NAME: what it is called. */
static int make_time(Versions *versions, usec_t at, char name[VERSION_TIME_BYTES]) {
        int r;

        version_time_format(at, name);
        r = mkdirat(versions->fd, name, S_IRWXU);
        if (r < 0 && refuses_name(errno)) {
                version_time_format_plain(at, name);
                r = mkdirat(versions->fd, name, S_IRWXU);
        }
        if (r < 0)
                return errno == EEXIST ? 0 : -errno;

        flush_directory(versions, versions->fd);
        return 0;
}

static int enter_time(Versions *versions, usec_t at) {
        char text[VERSION_TIME_BYTES];
        int r;

        if (versions->time_fd >= 0 && versions->kept_msec == at / USEC_PER_MSEC)
                return 0;

        versions_forget_kept(versions);
        r = versions_refresh(versions);
        if (r < 0)
                return r;

        r = make_time(versions, at, text);
        if (r < 0)
                return r;
        r = confined_open_child(versions->fd, text, OPEN_FLAGS);
        if (r < 0)
                return r;

        versions->time_fd = r;
        versions->kept_msec = at / USEC_PER_MSEC;
        return 0;
}

/* Makes DIRECTORY below the time AT the one that is open. */
static int enter(Versions *versions, int staging_fd, usec_t at, const char *directory) {
        _cleanup_close_ int fd = -EBADF;
        char *copy;
        int r;

        r = enter_time(versions, at);
        if (r < 0)
                return r;
        if (versions->kept_fd >= 0 && strcmp(versions->kept_directory, directory) == 0)
                return 0;

        fd = open_directory(versions, staging_fd, directory);
        if (fd < 0)
                return fd;
        copy = strdup(directory);
        if (!copy)
                return -ENOMEM;

        flush_directory(versions, versions->kept_fd);
        (void) safe_close(versions->kept_fd);
        versions->kept_fd = TAKE_FD(fd);
        free(versions->kept_directory);
        versions->kept_directory = copy;
        return 0;
}

/* Something was kept below TO at the same time, and now TO itself is to be. It says more than a
 * frame does, which therefore makes room. 0, or -EEXIST when no frame is in the way. */
static int move_frame_aside(Versions *versions, const char *to) {
        _cleanup_close_ int fd = -EBADF;
        int r = -EEXIST;

        fd = confined_open_child(versions->kept_fd, to, OPEN_FLAGS);
        if (fd < 0 || versions_is_frame(versions, fd) <= 0)
                return -EEXIST;

        for (unsigned i = 1; r == -EEXIST && i <= N_TWINS_MAX; i++) {
                char twin[NAME_BYTES];

                r = versions_rename(versions->kept_fd, to, versions->kept_fd,
                                    twin_name(twin, to, i));
        }

        return r;
}

static int move(Versions *versions, int staging_fd, const char *name, const char *to) {
        int r;

        r = move_staged(staging_fd, name, versions->kept_fd, to);
        if (r == -EEXIST && move_frame_aside(versions, to) >= 0)
                r = move_staged(staging_fd, name, versions->kept_fd, to);

        for (unsigned i = 1; r == -EEXIST && i <= N_TWINS_MAX; i++) {
                char twin[NAME_BYTES];

                r = move_staged(staging_fd, name, versions->kept_fd, twin_name(twin, to, i));
        }

        return r;
}

static int keep(Versions *versions, int staging_fd, const char *name, const char *directory,
                const char *to, usec_t at) {
        for (unsigned i = 0;; i++) {
                int r;

                r = enter(versions, staging_fd, at, directory);
                if (r >= 0)
                        r = move(versions, staging_fd, name, to);
                if (r != -ENOENT || i >= N_ATTEMPTS_MAX || !exists(staging_fd, name))
                        return r;

                /* Not NAME is missing, so the directories are: they were dropped meanwhile. */
                versions_forget_kept(versions);
        }
}

int versions_keep(Versions *versions, int staging_fd, const char *name, const char *path,
                  usec_t at) {
        _cleanup_free_ char *directory = NULL;
        const char *slash, *to;

        assert(versions);
        assert(staging_fd >= 0);
        assert(name);
        assert(path);

        slash = strrchr(path, '/');
        to = slash ? slash + 1 : path;
        if (!name_is_valid(name) || !name_is_valid(to) || slash == path)
                return -EINVAL;

        directory = strndup(path, slash ? (size_t) (slash - path) : 0);
        if (!directory)
                return -ENOMEM;

        return keep(versions, staging_fd, name, directory, to, at);
}
