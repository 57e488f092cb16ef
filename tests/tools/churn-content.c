/* Operations on the content of files. */

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "churn-ops.h"

int op_write_in_place(Tree *t) {
        int fd = open_file(t, O_WRONLY, NULL), r;

        if (fd < 0)
                return fd;
        r = write_at(t, fd, tree_random(t, 100000), tree_random(t, 5000));
        (void) close(fd);
        return r;
}

int op_append(Tree *t) {
        int fd = open_file(t, O_WRONLY, NULL), r;
        off_t end;

        if (fd < 0)
                return fd;
        end = lseek(fd, 0, SEEK_END);
        r = end < 0 ? -errno : write_at(t, fd, end, random_size(t) / 8);
        (void) close(fd);
        return r;
}

int op_truncate(Tree *t) {
        int fd = open_file(t, O_WRONLY, NULL);

        return fd < 0 ? fd : finish_call(fd, ftruncate(fd, tree_random(t, 70000)));
}

int op_overwrite(Tree *t) {
        int fd = open_file(t, O_WRONLY | O_TRUNC, NULL), r;

        if (fd < 0)
                return fd;
        r = write_at(t, fd, 0, random_size(t));
        (void) close(fd);
        return r;
}

int op_replace(Tree *t) {
        Node *n = tree_pick(t, TYPE(S_IFREG)), *temporary;
        int fd, r;

        if (!n || must_not_be_replaced(t, n))
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

int op_sparse(Tree *t) {
        int fd = open_file(t, O_WRONLY, NULL), r;
        off_t size;

        if (fd < 0)
                return fd;
        size = (off_t) (tree_random(t, 64) + 1) << 20;
        r = ftruncate(fd, size) < 0 ? -errno : write_at(t, fd, tree_random(t, size), 4096);
        (void) close(fd);
        return r;
}

int op_punch(Tree *t) {
        int fd = open_file(t, O_WRONLY, NULL), r;

        if (fd < 0)
                return fd;
        r = fallocate(fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, tree_random(t, 100000),
                      tree_random(t, 100000) + 1);
        r = finish_call(fd, r);
        return r == -EOPNOTSUPP ? 0 : r;
}

/* Other content of the same size under the same mtime: only the ctime tells. */
int op_write_and_set_back(Tree *t) {
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
