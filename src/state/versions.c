/* Opening versions/, its times, and finding what there is of a path. */

#include "state/versions.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "basic/alloc.h"
#include "basic/fd.h"
#include "basic/macros.h"
#include "basic/string-util.h"
#include "fs/confined.h"
#include "state/store-internal.h"
#include "state/versions-internal.h"

enum { TIMES_MIN = 64, FOR_OTHERS = 077, WRITABLE_BY_OTHERS = 022 };

/* Makes sure that what versions/ is used for is ours, and closed to others. */
static int claim(int fd, struct stat *st) {
        int r;

        r = store_is_ours(fd, st);
        if (r <= 0)
                return r < 0 ? r : -EPERM;
        if (!(st->st_mode & FOR_OTHERS))
                return 0;

        /* Where there are no modes, those of the mount hold. */
        (void) fchmod(fd, S_IRWXU);
        return fstat(fd, st) < 0 ? -errno : 0;
}

static int open_again(Versions *versions) {
        _cleanup_close_ int fd = -EBADF;
        struct stat st;
        int r;

        versions_forget_kept(versions);
        versions->fd = safe_close(versions->fd);
        versions->n_oldest = versions->next_oldest = 0;

        if (versions->create && mkdirat(versions->store_fd, VERSIONS_DIRECTORY, S_IRWXU) < 0 &&
            errno != EEXIST)
                return -errno;

        fd = confined_open_child(versions->store_fd, VERSIONS_DIRECTORY, O_RDONLY | O_DIRECTORY);
        if (fd < 0)
                return fd;
        if (fstat(fd, &st) < 0)
                return -errno;
        if (versions->create) {
                r = claim(fd, &st);
                if (r < 0)
                        return r;
        }

        versions->fd = TAKE_FD(fd);
        versions->device = st.st_dev;
        versions->inode = st.st_ino;
        versions->owner = st.st_uid;
        versions->mode = st.st_mode;
        return 0;
}

int versions_refresh(Versions *versions) {
        struct stat st;

        /* Somebody may put versions/ away, to keep it or to be rid of it: nothing is added to or
         * dropped from what is not in its place. */
        if (versions->fd >= 0 &&
            fstatat(versions->store_fd, VERSIONS_DIRECTORY, &st,
                    AT_SYMLINK_NOFOLLOW | AT_NO_AUTOMOUNT) >= 0 &&
            st.st_dev == versions->device && st.st_ino == versions->inode)
                return 0;

        return open_again(versions);
}

int versions_open(int store_fd, bool create, Versions **ret) {
        _cleanup_(versions_closep) Versions *versions = NULL;
        int r;

        assert(store_fd >= 0);
        assert(ret);

        versions = new0(Versions, 1);
        if (!versions)
                return -ENOMEM;
        versions->create = create;
        versions->fd = versions->time_fd = versions->kept_fd = -EBADF;

        versions->store_fd = fcntl(store_fd, F_DUPFD_CLOEXEC, 3);
        if (versions->store_fd < 0)
                return -errno;
        r = versions_refresh(versions);
        if (r < 0)
                return r;

        *ret = TAKE_PTR(versions);
        return 0;
}

Versions *versions_close(Versions *versions) {
        if (!versions)
                return NULL;

        versions_forget_kept(versions);
        (void) safe_close(versions->fd);
        (void) safe_close(versions->store_fd);
        return mfree(versions);
}

/* Times */

int versions_begin_times(Versions *versions, DIR **ret) {
        _cleanup_close_ int fd = -EBADF;
        DIR *directory;

        fd = confined_open(versions->fd, "", O_RDONLY | O_DIRECTORY);
        if (fd < 0)
                return fd;
        directory = fdopendir(fd);
        if (!directory)
                return -errno;

        TAKE_FD(fd);
        *ret = directory;
        return 0;
}

static bool is_directory(int fd, const struct dirent *entry) {
        struct stat st;

        if (entry->d_type != DT_UNKNOWN)
                return entry->d_type == DT_DIR;

        return fstatat(fd, entry->d_name, &st, AT_SYMLINK_NOFOLLOW | AT_NO_AUTOMOUNT) >= 0 &&
               S_ISDIR(st.st_mode);
}

/* Of the time's plain name, or that of a time that is being dropped. */
static int parse_name(const char *name, usec_t *ret, bool *ret_dropped) {
        const char *plain = startswith(name, VERSIONS_DROPPED_PREFIX);
        int r;

        r = version_time_parse(plain ?: name, ret);
        if (r >= 0)
                *ret_dropped = plain;

        return r;
}

int versions_next_time(DIR *directory, usec_t *ret, bool *ret_dropped) {
        for (;;) {
                const struct dirent *entry;
                bool dropped;

                errno = 0;
                entry = readdir(directory);
                /* -ENOENT: it was removed while it was read. */
                if (!entry)
                        return errno == ENOENT ? 0 : -errno;
                if (parse_name(entry->d_name, ret, &dropped) < 0 || (dropped && !ret_dropped) ||
                    !is_directory(dirfd(directory), entry))
                        continue;

                if (ret_dropped)
                        *ret_dropped = dropped;
                return 1;
        }
}

const char *versions_time_name(const Versions *versions, usec_t at, bool dropped,
                               char buffer[VERSIONS_NAME_BYTES]) {
        const char *prefix = dropped ? VERSIONS_DROPPED_PREFIX : "";
        char text[VERSION_TIME_BYTES];
        struct stat st;

        version_time_format_plain(at, text);
        (void) snprintf(buffer, VERSIONS_NAME_BYTES, "%s%s", prefix, text);
        if (fstatat(versions->fd, buffer, &st, AT_SYMLINK_NOFOLLOW | AT_NO_AUTOMOUNT) >= 0)
                return buffer;

        version_time_format(at, text);
        (void) snprintf(buffer, VERSIONS_NAME_BYTES, "%s%s", prefix, text);
        return buffer;
}

int versions_open_time(int versions_fd, usec_t at) {
        char text[VERSION_TIME_BYTES];
        int fd;

        version_time_format(at, text);
        fd = confined_open_child(versions_fd, text, O_PATH | O_DIRECTORY);
        if (fd >= 0)
                return fd;

        version_time_format_plain(at, text);
        return confined_open_child(versions_fd, text, O_PATH | O_DIRECTORY);
}

int versions_compare_times(const void *a, const void *b) {
        const usec_t *x = a, *y = b;

        return (*x > *y) - (*x < *y);
}

static size_t drop_duplicates(usec_t *times, size_t n_times) {
        size_t n = 0;

        for (size_t i = 0; i < n_times; i++)
                if (n == 0 || times[n - 1] != times[i])
                        times[n++] = times[i];

        return n;
}

static int read_times(Versions *versions, usec_t **ret, size_t *ret_n) {
        _cleanup_(closedirp) DIR *directory = NULL;
        _cleanup_free_ usec_t *times = NULL;
        size_t n_times = 0, n_allocated = 0;
        usec_t at;
        int r;

        r = versions_begin_times(versions, &directory);
        if (r < 0)
                return r;

        while ((r = versions_next_time(directory, &at, NULL)) > 0) {
                if (n_times == n_allocated) {
                        usec_t *grown;

                        n_allocated = MAX(n_allocated * 2, (size_t) TIMES_MIN);
                        grown = reallocarray(times, n_allocated, sizeof(*times));
                        if (!grown)
                                return -ENOMEM;
                        times = grown;
                }
                times[n_times++] = at;
        }
        if (r < 0)
                return r;

        if (n_times > 0)
                qsort(times, n_times, sizeof(*times), versions_compare_times);
        *ret_n = drop_duplicates(times, n_times);
        *ret = TAKE_PTR(times);
        return 0;
}

int versions_list(Versions *versions, usec_t **ret, size_t *ret_n) {
        int r;

        assert(versions);
        assert(ret);
        assert(ret_n);

        r = versions_refresh(versions);
        if (r >= 0)
                return read_times(versions, ret, ret_n);
        if (r != -ENOENT)
                return r;

        *ret = NULL;
        *ret_n = 0;
        return 0;
}

/* What there is of a path */

bool versions_is_absence(int r) {
        return r == -ENOENT || r == -ENOTDIR || r == -ELOOP || r == -ENAMETOOLONG;
}

int versions_may_be_frame(const Versions *versions, int fd) {
        struct stat st;

        if (fstat(fd, &st) < 0)
                return -errno;

        return st.st_uid == versions->owner &&
               (st.st_mode & WRITABLE_BY_OTHERS & ~versions->mode) == 0;
}

int versions_is_frame(const Versions *versions, int fd) {
        char value[sizeof(VERSIONS_FRAME_VALUE)];
        ssize_t n;
        int r;

        /* The mark alone proves nothing: whoever owns a retired directory can have given it one,
         * and so can anybody who may write into it. */
        r = versions_may_be_frame(versions, fd);
        if (r <= 0)
                return r;

        n = fgetxattr(fd, VERSIONS_FRAME_ATTRIBUTE, value, sizeof(value));
        if (n < 0)
                return errno == ENODATA || errno == ERANGE ? 0 : -errno;

        return (size_t) n == strlen(VERSIONS_FRAME_VALUE) &&
               memcmp(value, VERSIONS_FRAME_VALUE, (size_t) n) == 0;
}

/* The same of any descriptor of a directory; what cannot be told is none. */
static int is_known_frame(const Versions *versions, int path_fd) {
        _cleanup_close_ int fd = -EBADF;
        int r;

        fd = confined_open(path_fd, "", O_RDONLY | O_DIRECTORY | O_NONBLOCK);
        if (fd < 0)
                return fd == -EACCES ? 0 : fd;

        r = versions_is_frame(versions, fd);
        return r == -EOPNOTSUPP ? 0 : r;
}

/* Whether all directories above PATH are frames, too: a directory that was retired as a whole may
 * hold frames of another store. */
static int is_below_frames(const Versions *versions, int time_fd, const char *path) {
        _cleanup_close_ int fd = -EBADF;
        _cleanup_free_ char *copy = NULL;
        char *name, *slash;

        copy = strdup(path);
        if (!copy)
                return -ENOMEM;

        for (name = copy; (slash = strchr(name, '/')); name = slash + 1) {
                int next, r;

                *slash = '\0';
                next = confined_open_child(fd < 0 ? time_fd : fd, name, O_PATH | O_DIRECTORY);
                if (next < 0)
                        return versions_is_absence(next) ? 0 : next;
                (void) safe_close(fd);
                fd = next;

                r = is_known_frame(versions, fd);
                if (r <= 0)
                        return r;
        }

        return 1;
}

static int kind_of(const Versions *versions, int time_fd, const char *path, int fd) {
        struct stat st;
        int r;

        if (path[0] == '\0')
                return VERSION_FRAME;
        if (fstat(fd, &st) < 0)
                return -errno;
        if (!S_ISDIR(st.st_mode))
                return VERSION_ENTRY;

        r = is_known_frame(versions, fd);
        if (r > 0)
                r = is_below_frames(versions, time_fd, path);
        if (r < 0)
                return r;

        return r > 0 ? VERSION_FRAME : VERSION_ENTRY;
}

/* An O_PATH descriptor, or -errno. */
static int open_path(Versions *versions, usec_t at, const char *path, int *ret_time_fd) {
        _cleanup_close_ int time_fd = -EBADF;
        int fd, r;

        r = versions_refresh(versions);
        if (r < 0)
                return r;

        time_fd = versions_open_time(versions->fd, at);
        if (time_fd < 0)
                return time_fd;
        fd = confined_open(time_fd, path, O_PATH);
        if (fd >= 0)
                *ret_time_fd = TAKE_FD(time_fd);

        return fd;
}

int versions_find(Versions *versions, usec_t at, const char *path, int *ret_fd) {
        _cleanup_close_ int time_fd = -EBADF, fd = -EBADF;
        int r;

        assert(versions);
        assert(path);

        fd = open_path(versions, at, path, &time_fd);
        if (fd < 0 && !versions_is_absence(fd))
                return fd;

        r = fd < 0 ? VERSION_NONE : kind_of(versions, time_fd, path, fd);
        if (r < 0)
                return r;

        if (ret_fd)
                *ret_fd = r == VERSION_NONE ? -EBADF : TAKE_FD(fd);
        return r;
}
