/* The operations of the storm. Each draws what it works on, does it and keeps the model in step. */

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "churn-ops.h"

#define DEPTH_MAX 12
#define CONTENT_MAX (256 * 1024)

static char content[CONTENT_MAX];
size_t arg_entries = 2000;
bool arg_steady_links = false;

/* Mostly short plain names, now and then what file names are allowed to be. */
static const char *random_name(Tree *t, const Node *dir) {
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

static size_t random_size(Tree *t) {
        static const size_t limits[] = { 1, 100, 100, 4096, 4097, 20000, 65536, CONTENT_MAX };

        return tree_random(t, limits[tree_random(t, sizeof(limits) / sizeof(limits[0]))]);
}

int finish_call(int fd, int result) {
        int r = result < 0 ? -errno : 0;

        (void) close(fd);
        return r;
}

static int write_at(Tree *t, int fd, off_t offset, size_t size) {
        tree_fill(t, content, size);
        for (size_t done = 0; done < size;) {
                ssize_t n = pwrite(fd, content + done, size - done, offset + (off_t) done);

                if (n < 0)
                        return -errno;
                done += n;
        }
        return 0;
}

static int open_two_dirs(const Tree *t, const Node *a, const Node *b, int ret_fds[2]) {
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

static int finish_two(const int fds[2], int result) {
        int r = result < 0 ? -errno : 0;

        (void) close(fds[0]);
        (void) close(fds[1]);
        return r;
}

/* Picks a regular file and opens it. */
static int open_file(Tree *t, int flags, Node **ret_node) {
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

/* Whether removing N would take a name from a hard-link group that is to keep all it has. */
static bool must_stay(const Tree *t, const Node *n) {
        if (!arg_steady_links)
                return false;
        if (n->type != S_IFDIR)
                return is_linked(t, n);
        for (size_t i = 0; i < n->n_children; i++)
                if (must_stay(t, n->children[i]))
                        return true;
        return false;
}

/* The directory a new entry goes to: not too deep, and none while the tree is full. */
static Node *pick_home(Tree *t) {
        Node *dir = tree_pick_dir(t);

        return t->n_nodes >= arg_entries || tree_depth(dir) >= DEPTH_MAX ? NULL : dir;
}

static int create_file(Tree *t, Node *dir, const char *name) {
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

static int create_directory(Tree *t, Node *dir, const char *name, mode_t mode) {
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

static int op_write_in_place(Tree *t) {
        int fd = open_file(t, O_WRONLY, NULL), r;

        if (fd < 0)
                return fd;
        r = write_at(t, fd, tree_random(t, 100000), tree_random(t, 5000));
        (void) close(fd);
        return r;
}

static int op_append(Tree *t) {
        int fd = open_file(t, O_WRONLY, NULL), r;
        off_t end;

        if (fd < 0)
                return fd;
        end = lseek(fd, 0, SEEK_END);
        r = end < 0 ? -errno : write_at(t, fd, end, random_size(t) / 8);
        (void) close(fd);
        return r;
}

static int op_truncate(Tree *t) {
        int fd = open_file(t, O_WRONLY, NULL);

        return fd < 0 ? fd : finish_call(fd, ftruncate(fd, tree_random(t, 70000)));
}

static int op_overwrite(Tree *t) {
        int fd = open_file(t, O_WRONLY | O_TRUNC, NULL), r;

        if (fd < 0)
                return fd;
        r = write_at(t, fd, 0, random_size(t));
        (void) close(fd);
        return r;
}

static int op_replace(Tree *t) {
        Node *n = tree_pick(t, TYPE(S_IFREG)), *temporary;
        int fd, r;

        if (!n || must_stay(t, n))
                return NOT_NOW;
        r = create_file(t, n->parent, random_name(t, n->parent));
        if (r < 0)
                return r;
        temporary = n->parent->children[n->parent->n_children - 1];
        fd = tree_open_dir(t, n->parent);
        if (fd < 0)
                return fd;
        r = finish_call(fd, renameat(fd, temporary->name, fd, n->name));
        if (r >= 0)
                tree_remove(t, temporary);
        return r;
}

static int op_sparse(Tree *t) {
        int fd = open_file(t, O_WRONLY, NULL), r;
        off_t size;

        if (fd < 0)
                return fd;
        size = (off_t) (tree_random(t, 64) + 1) << 20;
        r = ftruncate(fd, size) < 0 ? -errno : write_at(t, fd, tree_random(t, size), 4096);
        (void) close(fd);
        return r;
}

static int op_punch(Tree *t) {
        int fd = open_file(t, O_WRONLY, NULL), r;

        if (fd < 0)
                return fd;
        r = fallocate(fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, tree_random(t, 100000),
                      tree_random(t, 100000) + 1);
        r = finish_call(fd, r);
        return r == -EOPNOTSUPP ? 0 : r;
}

/* Other content of the same size under the same mtime: only the ctime tells. */
static int op_write_and_set_back(Tree *t) {
        int fd = open_file(t, O_WRONLY, NULL), r;
        struct stat st;

        if (fd < 0)
                return fd;
        r = fstat(fd, &st) < 0 ? -errno : 0;
        if (r >= 0 && st.st_size > 0 && st.st_size <= CONTENT_MAX)
                r = write_at(t, fd, 0, st.st_size);
        if (r >= 0)
                r = futimens(fd, (struct timespec[]) { st.st_atim, st.st_mtim }) < 0 ? -errno : 0;
        (void) close(fd);
        return r;
}

static int rename_node(Tree *t, Node *n, Node *dir, const char *name, Node *victim) {
        int fds[2], r = open_two_dirs(t, n->parent, dir, fds);

        if (r < 0)
                return r;
        r = finish_two(fds,
                       renameat2(fds[0], n->name, fds[1], name, victim ? 0 : RENAME_NOREPLACE));
        if (r < 0)
                return r;
        if (victim)
                tree_remove(t, victim);
        tree_move(t, n, dir, name);
        return 0;
}

static int op_rename_here(Tree *t) {
        Node *n = tree_pick(t, ANY_TYPE);

        return n ? rename_node(t, n, n->parent, random_name(t, n->parent), NULL) : NOT_NOW;
}

static int op_rename_away(Tree *t) {
        Node *n = tree_pick(t, ANY_TYPE), *dir = tree_pick_dir(t);

        if (!n || tree_is_inside(dir, n) || tree_depth(dir) >= DEPTH_MAX)
                return NOT_NOW;
        return rename_node(t, n, dir, random_name(t, dir), NULL);
}

static int op_rename_over(Tree *t) {
        Node *n = tree_pick(t, TYPE(S_IFREG)),
             *victim = tree_pick(t, TYPE(S_IFREG) | TYPE(S_IFLNK));
        struct stat a, b;
        char name[256];
        int fds[2], r;

        if (!n || !victim || n == victim || must_stay(t, victim))
                return NOT_NOW;
        r = open_two_dirs(t, n->parent, victim->parent, fds);
        if (r < 0)
                return r;
        r = finish_two(fds, fstatat(fds[0], n->name, &a, AT_SYMLINK_NOFOLLOW) |
                                    fstatat(fds[1], victim->name, &b, AT_SYMLINK_NOFOLLOW));
        if (r < 0)
                return r;
        /* Between two names of one inode rename() does nothing and reports success. */
        if (a.st_ino == b.st_ino)
                return NOT_NOW;
        (void) snprintf(name, sizeof(name), "%s", victim->name);
        return rename_node(t, n, victim->parent, name, victim);
}

static int op_exchange(Tree *t) {
        Node *a = tree_pick(t, ANY_TYPE), *b = tree_pick(t, ANY_TYPE);
        int fds[2], r;

        if (!a || !b || tree_is_inside(a, b) || tree_is_inside(b, a))
                return NOT_NOW;
        r = open_two_dirs(t, a->parent, b->parent, fds);
        if (r < 0)
                return r;
        r = finish_two(fds, renameat2(fds[0], a->name, fds[1], b->name, RENAME_EXCHANGE));
        if (r >= 0)
                tree_exchange(t, a, b);
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

static int remove_recursively(Tree *t, Node *n) {
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

const Operation operations[] = {
        { "create", 200, op_create },
        { "mkdir", 40, op_mkdir },
        { "mkdir-deep", 10, op_mkdir_deep },
        { "symlink", 25, op_symlink },
        { "link", 30, op_link },
        { "special", 10, op_special },
        { "write-in-place", 40, op_write_in_place },
        { "append", 40, op_append },
        { "truncate", 15, op_truncate },
        { "overwrite", 40, op_overwrite },
        { "replace", 40, op_replace },
        { "sparse", 5, op_sparse },
        { "punch", 5, op_punch },
        { "write-and-set-back", 20, op_write_and_set_back },
        { "rename-here", 40, op_rename_here },
        { "rename-away", 50, op_rename_away },
        { "rename-over", 20, op_rename_over },
        { "exchange", 15, op_exchange },
        { "unlink", 90, op_unlink },
        { "remove-directory", 15, op_remove_directory },
        { "change-type", 8, op_change_type },
        { "chmod", 30, op_chmod },
        { "chown", 20, op_chown },
        { "utimens", 25, op_utimens },
        { "xattr", 25, op_xattr },
        { "acl", 10, op_acl },
};

const size_t n_operations = sizeof(operations) / sizeof(operations[0]);
