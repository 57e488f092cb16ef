/* Changes that reach a file by another way than the name it has afterwards: through a mapping,
 * before or after a file without a name got one, through a link that is gone again. */

#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <unistd.h>

#include "churn-ops.h"

/* On tmpfs a store through a mapping moves no time: as much as no trace. */
static bool stores_leave_trace(int fd) {
        struct statfs status;

        return fstatfs(fd, &status) >= 0 && status.f_type != TMPFS_MAGIC;
}

static int store(Tree *t, int fd) {
        struct stat status;
        size_t size, offset;
        char *map;

        if (fstat(fd, &status) < 0)
                return -errno;
        if (status.st_size == 0 || !stores_leave_trace(fd))
                return NOT_NOW;
        map = mmap(NULL, status.st_size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
        if (map == MAP_FAILED)
                return -errno;
        offset = tree_random(t, status.st_size);
        size = 1 + tree_random(t, status.st_size - offset);
        tree_fill(t, map + offset, size < 5000 ? size : 5000);
        return munmap(map, status.st_size) < 0 ? -errno : 0;
}

int op_mapped(Tree *t) {
        int fd = open_file(t, O_RDWR, NULL), r;

        if (fd < 0)
                return fd;
        r = store(t, fd);
        (void) close(fd);
        return r;
}

static int give_name(int fd, int dir_fd, const char *name) {
        char path[sizeof("/proc/self/fd/") + 3 * sizeof(int)];

        (void) snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
        return linkat(AT_FDCWD, path, dir_fd, name, AT_SYMLINK_FOLLOW) < 0 ? -errno : 0;
}

static int create_unnamed(Tree *t, bool write_first) {
        Node *dir = pick_home(t);
        const char *name;
        int dir_fd, fd, r = 0;

        if (!dir)
                return NOT_NOW;
        name = random_name(t, dir);
        dir_fd = tree_open_dir(t, dir);
        if (dir_fd < 0)
                return dir_fd;
        fd = openat(dir_fd, ".", O_TMPFILE | O_WRONLY | O_CLOEXEC, 0640);
        if (fd < 0)
                return finish_call(dir_fd, fd);
        if (write_first)
                r = write_at(t, fd, 0, random_size(t));
        if (r >= 0)
                r = give_name(fd, dir_fd, name);
        if (r >= 0)
                (void) tree_add(t, dir, name, S_IFREG);
        if (r >= 0 && !write_first)
                r = write_at(t, fd, 0, random_size(t));
        (void) close(fd);
        (void) close(dir_fd);
        return r;
}

int op_unnamed_written_first(Tree *t) {
        return create_unnamed(t, true);
}

int op_unnamed_written_last(Tree *t) {
        return create_unnamed(t, false);
}

static int change_through(Tree *t, int dir_fd, const char *name) {
        int fd, r;

        switch (tree_random(t, 3)) {
        case 0:
                return fchmodat(dir_fd, name, 0600 | tree_random(t, 01000), 0) < 0 ? -errno : 0;
        case 1:
                fd = openat(dir_fd, name, O_WRONLY | O_TRUNC | O_NOFOLLOW | O_CLOEXEC);
                break;
        default:
                fd = openat(dir_fd, name, O_WRONLY | O_NOFOLLOW | O_CLOEXEC);
        }
        if (fd < 0)
                return -errno;
        r = write_at(t, fd, tree_random(t, 5000), 1 + tree_random(t, 5000));
        (void) close(fd);
        return r;
}

/* A file changes through a name that it has for that alone. */
int op_fleeting_link(Tree *t) {
        Node *n = arg_steady_links ? NULL : tree_pick(t, TYPE(S_IFREG)), *dir = pick_home(t);
        const char *name;
        int fds[2], r;

        if (!n || !dir || (arg_watched_links && !dir->settled))
                return NOT_NOW;
        name = random_name(t, dir);
        r = open_two_dirs(t, n->parent, dir, fds);
        if (r < 0)
                return r;
        if (linkat(fds[0], n->name, fds[1], name, 0) < 0)
                return finish_two(fds, -1);
        r = change_through(t, fds[1], name);
        if (unlinkat(fds[1], name, 0) < 0 && r >= 0)
                r = -errno;
        (void) finish_two(fds, 0);
        return r;
}
