#include "fs/confined.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/openat2.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "basic/fd.h"
#include "basic/macros.h"

enum {
        FLAGS_ALWAYS = O_CLOEXEC | O_NOFOLLOW | O_NOCTTY,
        /* openat2(2) refuses any other flag together with O_PATH, where openat(2) ignores them. */
        FLAGS_WITH_PATH = O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC,
        N_ATTEMPTS_MAX = 64,
};

static atomic_bool fallback_forced;
static atomic_bool openat2_missing;

static atomic_int proc_directory_fd = -EBADF;
static int proc_directory_error; /* of the preparations for keeping it */

void confined_force_fallback(bool force) {
        atomic_store_explicit(&fallback_forced, force, memory_order_relaxed);
}

const char *proc_fd_path(int fd, char *buffer) {
        (void) snprintf(buffer, PROC_FD_PATH_MAX, "/proc/self/fd/%d", fd);
        return buffer;
}

static bool component_is_valid(const char *name, size_t length) {
        if (length == 0 || memchr(name, '/', length))
                return false;

        return name[0] != '.' || (length != 1 && (length != 2 || name[1] != '.'));
}

bool name_is_valid(const char *name) {
        return component_is_valid(name, strlen(name));
}

static bool path_is_valid(const char *path) {
        for (;;) {
                size_t length = strcspn(path, "/");

                if (!component_is_valid(path, length))
                        return false;
                if (path[length] == '\0')
                        return true;

                path += length + 1;
        }
}

static int flags_complete(int flags) {
        /* Nothing is created here: there is no mode to create it with. */
        assert(!(flags & O_CREAT) && (flags & O_TMPFILE) != O_TMPFILE);

        flags |= FLAGS_ALWAYS;
        return flags & O_PATH ? flags & FLAGS_WITH_PATH : flags;
}

int confined_open_root(const char *path) {
        int fd;

        assert(path);

        fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
        return fd < 0 ? -errno : fd;
}

/* With O_DIRECTORY the kernel says ENOTDIR of a symbolic link too; our callers are told which it
 * was. */
static int refine_not_directory(int directory_fd, const char *name) {
        struct stat st;

        if (fstatat(directory_fd, name, &st, AT_SYMLINK_NOFOLLOW) >= 0 && S_ISLNK(st.st_mode))
                return -ELOOP;

        return -ENOTDIR;
}

/* Opens one component. FLAGS are complete, NAME is valid or ".". */
static int open_component(int directory_fd, const char *name, int flags) {
        int fd;

        fd = openat(directory_fd, name, flags);
        if (fd >= 0)
                return fd;

        return errno == ENOTDIR ? refine_not_directory(directory_fd, name) : -errno;
}

static int openat2_confined(int directory_fd, const char *path, int flags) {
        struct open_how how = {
                .flags = (uint64_t) flags,
                .resolve = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS,
        };
        int fd;

        /* EAGAIN: something was renamed or mounted while the kernel walked. EXDEV, as our paths
         * never climb: what it arrived at was moved out of the root meanwhile. */
        for (unsigned i = 0; i < N_ATTEMPTS_MAX; i++) {
                fd = (int) syscall(SYS_openat2, directory_fd, path, &how, sizeof(how));
                if (fd >= 0)
                        return fd;
                if (errno != EAGAIN && errno != EXDEV && errno != EINTR)
                        return -errno;
        }

        return -errno;
}

/* Whether the error R of openat2(2) means that the call does not exist or is forbidden as such.
 * EPERM may also speak of the entry (O_NOATIME of a file that is not ours), so it is asked again
 * without one. */
static bool error_means_missing(int r, int directory_fd) {
        if (r != -ENOSYS && r != -EPERM)
                return false;

        if (r == -EPERM) {
                int fd = openat2_confined(directory_fd, ".", O_PATH | O_CLOEXEC);

                if (fd >= 0)
                        (void) close(fd);
                if (fd != -EPERM)
                        return false;
        }

        atomic_store_explicit(&openat2_missing, true, memory_order_relaxed);
        return true;
}

/* Opens PATH, shorter than PATH_MAX, component by component. */
static int open_piece_by_component(int root_fd, const char *path, int flags) {
        _cleanup_close_ int directory_fd = -EBADF;
        char name[NAME_MAX + 1];

        for (;;) {
                int at = directory_fd >= 0 ? directory_fd : root_fd, fd;
                size_t length = strcspn(path, "/");

                if (path[length] == '\0')
                        return open_component(at, path, flags);
                if (length > NAME_MAX)
                        return -ENAMETOOLONG;

                *(char *) mempcpy(name, path, length) = '\0';
                fd = open_component(at, name, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
                if (fd < 0)
                        return fd;

                (void) safe_close(directory_fd);
                directory_fd = fd;
                path += length + 1;
        }
}

/* Opens PATH, shorter than PATH_MAX. */
static int open_piece(int root_fd, const char *path, int flags) {
        int fd;

        if (!atomic_load_explicit(&fallback_forced, memory_order_relaxed) &&
            !atomic_load_explicit(&openat2_missing, memory_order_relaxed)) {
                fd = openat2_confined(root_fd, path, flags);
                /* Once more by component finds out whether ENOTDIR was a symbolic link. */
                if (fd != -ENOTDIR && !error_means_missing(fd, root_fd))
                        return fd;
        }

        return open_piece_by_component(root_fd, path, flags);
}

/* Length of the longest leading part of PATH, at least PATH_MAX bytes long, that ends before a
 * slash and that the kernel takes in one call. */
static size_t leading_piece(const char *path) {
        const char *slash = memrchr(path, '/', PATH_MAX);

        return slash ? (size_t) (slash - path) : 0;
}

int confined_open(int root_fd, const char *path, int flags) {
        _cleanup_close_ int directory_fd = -EBADF;
        char piece[PATH_MAX];

        assert(root_fd >= 0);
        assert(path);

        flags = flags_complete(flags);

        if (path[0] == '\0')
                return open_component(root_fd, ".", flags);
        if (!path_is_valid(path))
                return -EINVAL;

        for (;;) {
                int at = directory_fd >= 0 ? directory_fd : root_fd, fd;
                size_t length;

                if (strnlen(path, PATH_MAX) < PATH_MAX)
                        return open_piece(at, path, flags);

                length = leading_piece(path);
                if (length == 0)
                        return -ENAMETOOLONG;

                *(char *) mempcpy(piece, path, length) = '\0';
                fd = open_piece(at, piece, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
                if (fd < 0)
                        return fd;

                (void) safe_close(directory_fd);
                directory_fd = fd;
                path += length + 1;
        }
}

int confined_open_child(int directory_fd, const char *name, int flags) {
        assert(directory_fd >= 0);
        assert(name);

        if (!name_is_valid(name))
                return -EINVAL;

        return open_component(directory_fd, name, flags_complete(flags));
}

int confined_open_directory(int root_fd, const char *path) {
        const int flags = O_RDONLY | O_DIRECTORY | O_NONBLOCK;
        int fd;

        /* O_NOATIME is for the owner and CAP_FOWNER alone. */
        fd = confined_open(root_fd, path, flags | O_NOATIME);
        return fd == -EPERM ? confined_open(root_fd, path, flags) : fd;
}

/* In a child the descriptor would lead to those of its parent. */
static void proc_directory_forget(void) {
        (void) safe_close(atomic_exchange(&proc_directory_fd, -EBADF));
}

static void proc_directory_watch_forks(void) {
        proc_directory_error = -pthread_atfork(NULL, NULL, proc_directory_forget);
}

/* /proc/self/fd, opened once: the way there would be half the cost of opening a small file. */
static int proc_directory(void) {
        static pthread_once_t once = PTHREAD_ONCE_INIT;
        int fd, none = -EBADF;

        fd = atomic_load(&proc_directory_fd);
        if (fd >= 0)
                return fd;

        (void) pthread_once(&once, proc_directory_watch_forks);
        if (proc_directory_error < 0)
                return proc_directory_error;

        fd = open("/proc/self/fd", O_PATH | O_DIRECTORY | O_CLOEXEC);
        if (fd < 0)
                return -errno;
        if (atomic_compare_exchange_strong(&proc_directory_fd, &none, fd))
                return fd;

        /* Another thread was faster. */
        (void) close(fd);
        return none;
}

/* Opens the inode behind PATH_FD, which is known to be a regular file, for reading. */
static int reopen_content(int path_fd) {
        const int flags = O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC;
        char name[PROC_FD_PATH_MAX];
        int directory_fd, fd;

        /* The inode is in our hands, so what is not there is /proc: do not let it look like a
         * removed file. */
        directory_fd = proc_directory();
        if (directory_fd < 0)
                return directory_fd == -ENOENT ? -EOPNOTSUPP : directory_fd;

        (void) snprintf(name, sizeof(name), "%d", path_fd);

        fd = openat(directory_fd, name, flags | O_NOATIME);
        if (fd < 0 && errno == EPERM)
                fd = openat(directory_fd, name, flags);

        return fd < 0 ? -errno : fd;
}

int confined_open_content(int directory_fd, const char *name) {
        _cleanup_close_ int path_fd = -EBADF;
        struct stat st;

        path_fd = confined_open_child(directory_fd, name, O_PATH);
        if (path_fd < 0)
                return path_fd;

        if (fstat(path_fd, &st) < 0)
                return -errno;
        if (!S_ISREG(st.st_mode))
                return -ESTALE;

        return reopen_content(path_fd);
}
