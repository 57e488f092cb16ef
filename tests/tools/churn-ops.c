/* The operations of the storm. Each draws what it works on, does it and keeps the model in step. */

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/un.h>
#include <unistd.h>

#include "churn-ops.h"

static char content[CONTENT_MAX];
size_t arg_entries = 2000;
bool arg_steady_links = false, arg_watched_links = false;

const char *random_name(Tree *t, const Node *dir) {
        static const char *const odd[] = {
                "new\nline",   "esc\033[31m", "\xff\xfe", "-rf", " ",
                "back\\slash", "tmp.",        "\xc3\xa9", "..",  "*?[",
        };
        static char name[256];

        do {
                unsigned number = tree_random(t, 10000), kind = tree_random(t, 100);

                if (kind == 20)
                        (void) snprintf(name, sizeof(name), "%0255u", number);
                else if (kind < sizeof(odd) / sizeof(odd[0]))
                        (void) snprintf(name, sizeof(name), "%s%u", odd[kind], number);
                else
                        (void) snprintf(name, sizeof(name), "%c%u", 'a' + kind % 26, number);
        } while (tree_find(dir, name));
        return name;
}

size_t random_size(Tree *t) {
        static const size_t limits[] = { 1, 100, 100, 4096, 4097, 20000, 65536, CONTENT_MAX };

        return tree_random(t, limits[tree_random(t, sizeof(limits) / sizeof(limits[0]))]);
}

int finish_call(int fd, int result) {
        int r = result < 0 ? -errno : 0;

        (void) close(fd);
        return r;
}

int write_at(Tree *t, int fd, off_t offset, size_t size) {
        tree_fill(t, content, size);
        for (size_t done = 0; done < size;) {
                ssize_t n = pwrite(fd, content + done, size - done, offset + (off_t) done);

                if (n < 0)
                        return -errno;
                done += n;
        }
        return 0;
}

int open_two_dirs(const Tree *t, const Node *a, const Node *b, int ret_fds[2]) {
        int first = tree_open_dir(t, a), second;

        if (first < 0)
                return first;
        second = tree_open_dir(t, b);
        if (second < 0) {
                (void) close(first);
                return second;
        }
        ret_fds[0] = first;
        ret_fds[1] = second;
        return 0;
}

int finish_two(const int fds[2], int result) {
        int r = result < 0 ? -errno : 0;

        (void) close(fds[0]);
        (void) close(fds[1]);
        return r;
}

int open_file(Tree *t, int flags, Node **ret_node) {
        Node *n = tree_pick(t, TYPE(S_IFREG));
        int dir, fd, r;

        if (!n)
                return NOT_NOW;
        dir = tree_open_dir(t, n->parent);
        if (dir < 0)
                return dir;
        fd = openat(dir, n->name, flags | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK);
        r = fd < 0 ? -errno : fd;
        (void) close(dir);
        if (r >= 0 && ret_node)
                *ret_node = n;
        return r;
}

static bool is_linked(const Tree *t, const Node *n) {
        struct stat st;
        int dir = tree_open_dir(t, n->parent), r;

        if (dir < 0)
                return false;
        r = fstatat(dir, n->name, &st, AT_SYMLINK_NOFOLLOW);
        (void) close(dir);
        return r == 0 && st.st_nlink > 1;
}

bool must_stay(const Tree *t, const Node *n) {
        if (!arg_steady_links && !arg_watched_links)
                return false;
        if (n->type != S_IFDIR)
                return (arg_steady_links || !n->parent->settled) && is_linked(t, n);
        for (size_t i = 0; i < n->n_children; i++)
                if (must_stay(t, n->children[i]))
                        return true;
        return false;
}

bool must_not_be_replaced(const Tree *t, const Node *n) {
        return (arg_steady_links || arg_watched_links) && is_linked(t, n);
}

Node *pick_home(Tree *t) {
        Node *dir = tree_pick_dir(t);

        return t->n_nodes >= arg_entries || tree_depth(dir) >= DEPTH_MAX ? NULL : dir;
}

int create_file(Tree *t, Node *dir, const char *name) {
        int dir_fd = tree_open_dir(t, dir), fd, r;

        if (dir_fd < 0)
                return dir_fd;
        fd = openat(dir_fd, name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0644);
        r = fd < 0 ? -errno : write_at(t, fd, 0, random_size(t));
        if (fd >= 0) {
                (void) close(fd);
                (void) tree_add(t, dir, name, S_IFREG);
        }
        (void) close(dir_fd);
        return r;
}

static int op_create(Tree *t) {
        Node *dir = pick_home(t);

        return dir ? create_file(t, dir, random_name(t, dir)) : NOT_NOW;
}

int create_directory(Tree *t, Node *dir, const char *name, mode_t mode) {
        int fd = tree_open_dir(t, dir), r;

        if (fd < 0)
                return fd;
        r = finish_call(fd, mkdirat(fd, name, mode));
        if (r >= 0)
                (void) tree_add(t, dir, name, S_IFDIR);
        return r;
}

static int op_mkdir(Tree *t) {
        Node *dir = pick_home(t);

        return dir ? create_directory(t, dir, random_name(t, dir), 0755) : NOT_NOW;
}

/* A chain of directories with files in it at once: the classic race of watchers. */
static int op_mkdir_deep(Tree *t) {
        Node *dir = pick_home(t);

        if (!dir)
                return NOT_NOW;
        for (unsigned i = 0; i < 4; i++) {
                int r = create_directory(t, dir, random_name(t, dir), 0755);

                if (r < 0)
                        return r;
                dir = dir->children[dir->n_children - 1];
                r = create_file(t, dir, random_name(t, dir));
                if (r < 0)
                        return r;
        }
        return 0;
}

static int op_symlink(Tree *t) {
        static const char *const targets[] = {
                "..", "/etc/passwd", "nowhere", "../../x y", ".", "/"
        };
        Node *dir = pick_home(t);
        const char *name;
        int fd, r;

        if (!dir)
                return NOT_NOW;
        name = random_name(t, dir);
        fd = tree_open_dir(t, dir);
        if (fd < 0)
                return fd;
        r = finish_call(fd, symlinkat(targets[tree_random(t, 6)], fd, name));
        if (r >= 0)
                (void) tree_add(t, dir, name, S_IFLNK);
        return r;
}

/* As a server does: made by bind(). */
static int op_socket(Tree *t) {
        struct sockaddr_un address = { .sun_family = AF_UNIX };
        Node *dir = pick_home(t);
        const char *name;
        int dir_fd, fd, r;

        if (!dir)
                return NOT_NOW;
        name = random_name(t, dir);
        if (strlen(name) > 60)
                return NOT_NOW;
        dir_fd = tree_open_dir(t, dir);
        if (dir_fd < 0)
                return dir_fd;
        (void) snprintf(address.sun_path, sizeof(address.sun_path), "/proc/self/fd/%d/%s", dir_fd,
                        name);
        fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
        r = fd < 0 ? -errno : 0;
        if (r >= 0)
                r = finish_call(fd, bind(fd, (struct sockaddr *) &address, sizeof(address)));
        if (r >= 0)
                (void) tree_add(t, dir, name, S_IFSOCK);
        (void) close(dir_fd);
        return r;
}

static int op_link(Tree *t) {
        Node *dir = pick_home(t), *n = tree_pick(t, ANY_TYPE & ~TYPE(S_IFDIR));
        const char *name;
        int fds[2], r;

        if (!dir || !n)
                return NOT_NOW;
        name = random_name(t, dir);
        r = open_two_dirs(t, n->parent, dir, fds);
        if (r < 0)
                return r;
        r = finish_two(fds, linkat(fds[0], n->name, fds[1], name, 0));
        if (r >= 0)
                (void) tree_add(t, dir, name, n->type);
        return r;
}

static int op_special(Tree *t) {
        static const mode_t types[] = { S_IFIFO, S_IFSOCK, S_IFCHR, S_IFBLK };
        unsigned kind = tree_random(t, geteuid() == 0 ? 4 : 2);
        Node *dir = pick_home(t);
        const char *name;
        int fd, r;

        if (!dir)
                return NOT_NOW;
        name = random_name(t, dir);
        fd = tree_open_dir(t, dir);
        if (fd < 0)
                return fd;
        r = finish_call(fd, mknodat(fd, name, types[kind] | 0640,
                                    kind < 2 ? 0 : makedev(7, tree_random(t, 200))));
        if (r >= 0)
                (void) tree_add(t, dir, name, types[kind]);
        return r;
}

static int op_unlink(Tree *t) {
        Node *n = tree_pick(t, ANY_TYPE & ~TYPE(S_IFDIR));
        int fd, r;

        if (!n || must_stay(t, n))
                return NOT_NOW;
        fd = tree_open_dir(t, n->parent);
        if (fd < 0)
                return fd;
        r = finish_call(fd, unlinkat(fd, n->name, 0));
        if (r >= 0)
                tree_remove(t, n);
        return r;
}

int remove_recursively(Tree *t, Node *n) {
        int fd, r;

        while (n->n_children > 0) {
                r = remove_recursively(t, n->children[n->n_children - 1]);
                if (r < 0)
                        return r;
        }
        fd = tree_open_dir(t, n->parent);
        if (fd < 0)
                return fd;
        r = finish_call(fd, unlinkat(fd, n->name, n->type == S_IFDIR ? AT_REMOVEDIR : 0));
        if (r >= 0)
                tree_remove(t, n);
        return r;
}

static int op_remove_directory(Tree *t) {
        Node *n = tree_pick(t, TYPE(S_IFDIR));

        return n && n->n_children < 60 && !must_stay(t, n) ? remove_recursively(t, n) : NOT_NOW;
}

/* A file gives its name to a directory, or the other way round. */
static int op_change_type(Tree *t) {
        Node *n = tree_pick(t, TYPE(S_IFREG) | TYPE(S_IFDIR)), *dir;
        bool was_directory;
        char name[256];
        int r;

        if (!n || n->n_children > 10 || must_stay(t, n))
                return NOT_NOW;
        dir = n->parent;
        was_directory = n->type == S_IFDIR;
        (void) snprintf(name, sizeof(name), "%s", n->name);
        r = remove_recursively(t, n);
        if (r < 0)
                return r;
        return was_directory ? create_file(t, dir, name) : create_directory(t, dir, name, 0711);
}

/* A directory is removed, and another one made in its place before anybody can have looked. */
static int op_remake_directory(Tree *t) {
        Node *n = tree_pick(t, TYPE(S_IFDIR)), *dir;
        char name[256];
        int r;

        if (!n || n->n_children > 30 || must_stay(t, n))
                return NOT_NOW;
        dir = n->parent;
        (void) snprintf(name, sizeof(name), "%s", n->name);
        r = remove_recursively(t, n);
        if (r >= 0)
                r = create_directory(t, dir, name, 0750);
        for (unsigned i = tree_random(t, 4); r >= 0 && i > 0; i--) {
                n = dir->children[dir->n_children - 1];
                r = create_file(t, n, random_name(t, n));
        }
        return r;
}

const Operation operations[] = {
        { "create", 200, op_create },
        { "mkdir", 40, op_mkdir },
        { "mkdir-deep", 10, op_mkdir_deep },
        { "symlink", 25, op_symlink },
        { "link", 30, op_link },
        { "special", 10, op_special },
        { "socket", 4, op_socket },
        { "write-in-place", 40, op_write_in_place },
        { "append", 40, op_append },
        { "truncate", 15, op_truncate },
        { "overwrite", 40, op_overwrite },
        { "replace", 40, op_replace },
        { "sparse", 5, op_sparse },
        { "punch", 5, op_punch },
        { "write-and-set-back", 20, op_write_and_set_back },
        { "mapped", 10, op_mapped },
        { "unnamed-written-first", 8, op_unnamed_written_first },
        { "unnamed-written-last", 8, op_unnamed_written_last },
        { "fleeting-link", 15, op_fleeting_link },
        { "rename-here", 40, op_rename_here },
        { "rename-away", 50, op_rename_away },
        { "rename-over", 20, op_rename_over },
        { "rename-over-directory", 8, op_rename_over_directory },
        { "exchange", 15, op_exchange },
        { "swap-directories", 8, op_swap_directories },
        { "swap-in-steps", 8, op_swap_in_steps },
        { "move-out", 25, op_move_out },
        { "move-in", 25, op_move_in },
        { "unlink", 90, op_unlink },
        { "remove-directory", 15, op_remove_directory },
        { "change-type", 8, op_change_type },
        { "remake-directory", 8, op_remake_directory },
        { "chmod", 30, op_chmod },
        { "chown", 20, op_chown },
        { "utimens", 25, op_utimens },
        { "xattr", 25, op_xattr },
        { "acl", 10, op_acl },
};

const size_t n_operations = sizeof(operations) / sizeof(operations[0]);
