/* Operations on what an entry has besides its content: mode, owner, times, extended attributes. */

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "churn-ops.h"

int op_chmod(Tree *t) {
        Node *n = tree_pick(t, ANY_TYPE & ~TYPE(S_IFLNK));
        int fd;

        if (!n)
                return NOT_NOW;
        fd = tree_open_dir(t, n->parent);
        if (fd < 0)
                return fd;
        /* Directories stay usable for an unprivileged storm. */
        return finish_call(fd, fchmodat(fd, n->name,
                                        tree_random(t, 010000) | (n->type == S_IFDIR ? 0700 : 0600),
                                        0));
}

int op_chown(Tree *t) {
        Node *n = tree_pick(t, ANY_TYPE);
        int fd;

        if (!n || geteuid() != 0)
                return NOT_NOW;
        fd = tree_open_dir(t, n->parent);
        if (fd < 0)
                return fd;
        return finish_call(fd, fchownat(fd, n->name, tree_random(t, 70000), tree_random(t, 70000),
                                        AT_SYMLINK_NOFOLLOW));
}

int op_utimens(Tree *t) {
        Node *n = tree_pick(t, ANY_TYPE);
        struct timespec times[2];
        int fd;

        if (!n)
                return NOT_NOW;
        times[0] = times[1] = (struct timespec) { tree_random(t, 2000000000),
                                                  tree_random(t, 1000000000) };
        fd = tree_open_dir(t, n->parent);
        if (fd < 0)
                return fd;
        return finish_call(fd, utimensat(fd, n->name, times, AT_SYMLINK_NOFOLLOW));
}

/* Opens a random file or directory for a change of its attributes. */
static int open_for_attributes(Tree *t, Node **ret_node) {
        Node *n = tree_pick(t, TYPE(S_IFREG) | TYPE(S_IFDIR));
        int dir, fd, r;

        if (!n)
                return NOT_NOW;
        dir = tree_open_dir(t, n->parent);
        if (dir < 0)
                return dir;
        fd = openat(dir, n->name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
        r = fd < 0 ? -errno : fd;
        (void) close(dir);
        if (r >= 0)
                *ret_node = n;
        return r;
}

int op_xattr(Tree *t) {
        Node *n;
        int fd = open_for_attributes(t, &n), r;
        char key[32], value[200];

        if (fd < 0)
                return fd;
        (void) snprintf(key, sizeof(key), "user.k%u", (unsigned) tree_random(t, 3));
        if (tree_random(t, 4) == 0) {
                r = fremovexattr(fd, key);
                if (r < 0 && errno == ENODATA)
                        r = 0;
        } else {
                size_t size = tree_random(t, 200);

                tree_fill(t, value, size);
                r = fsetxattr(fd, key, value, size, 0);
        }
        return finish_call(fd, r);
}

/* In the kernel's own layout: version, then (tag, permissions, id) in the prescribed order. */
int op_acl(Tree *t) {
        struct {
                uint32_t version;
                struct {
                        uint16_t tag, permissions;
                        uint32_t id;
                } entries[5];
        } acl = { 2,
                  {
                          { 0x01, 7, -1 },
                          { 0x02, tree_random(t, 8), 1 + tree_random(t, 60000) },
                          { 0x04, tree_random(t, 8), -1 },
                          { 0x10, tree_random(t, 8), -1 },
                          { 0x20, tree_random(t, 8), -1 },
                  } };
        Node *n;
        int fd = open_for_attributes(t, &n);
        const char *key;

        if (fd < 0)
                return fd;
        key = n->type == S_IFDIR && tree_random(t, 2) ? "system.posix_acl_default"
                                                      : "system.posix_acl_access";
        return finish_call(fd, fsetxattr(fd, key, &acl, sizeof(acl), 0));
}
