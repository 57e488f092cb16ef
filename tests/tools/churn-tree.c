#include <assert.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "churn-tree.h"

static void *must(void *p) {
        if (!p) {
                perror("churn");
                exit(2);
        }
        return p;
}

/* splitmix64 */
uint64_t tree_random(Tree *t, uint64_t limit) {
        uint64_t z = t->random_state += UINT64_C(0x9e3779b97f4a7c15);

        z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
        z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
        return (z ^ (z >> 31)) % limit;
}

void tree_fill(Tree *t, char *data, size_t size) {
        for (size_t i = 0; i < size; i += sizeof(uint64_t)) {
                uint64_t word = tree_random(t, UINT64_MAX);

                memcpy(data + i, &word, size - i < sizeof(word) ? size - i : sizeof(word));
        }
}

static void attach(Node *n, Node *parent) {
        n->parent = parent;
        if (parent->n_children == parent->n_allocated) {
                parent->n_allocated = parent->n_allocated ? parent->n_allocated * 2 : 8;
                parent->children = must(
                        realloc(parent->children, parent->n_allocated * sizeof(Node *)));
        }
        parent->children[parent->n_children++] = n;
}

static void detach(Node *n) {
        Node *parent = n->parent;

        for (size_t i = 0; i < parent->n_children; i++)
                if (parent->children[i] == n) {
                        parent->children[i] = parent->children[--parent->n_children];
                        return;
                }
        assert(false);
}

Node *tree_add(Tree *t, Node *parent, const char *name, mode_t type) {
        Node *n = must(calloc(1, sizeof(Node)));

        n->name = must(strdup(name));
        n->type = type & S_IFMT;
        attach(n, parent);
        if (t->n_nodes == t->n_allocated) {
                t->n_allocated = t->n_allocated ? t->n_allocated * 2 : 1024;
                t->nodes = must(realloc(t->nodes, t->n_allocated * sizeof(Node *)));
        }
        n->position = t->n_nodes;
        t->nodes[t->n_nodes++] = n;
        return n;
}

void tree_remove(Tree *t, Node *n) {
        while (n->n_children > 0)
                tree_remove(t, n->children[n->n_children - 1]);
        detach(n);
        t->nodes[n->position] = t->nodes[--t->n_nodes];
        t->nodes[n->position]->position = n->position;
        free(n->children);
        free(n->name);
        free(n);
}

/* While a directory is on its way nobody may be watching below it. */
static void unsettle(Node *n) {
        n->settled = false;
        for (size_t i = 0; i < n->n_children; i++)
                unsettle(n->children[i]);
}

void tree_move(Tree *t, Node *n, Node *parent, const char *name) {
        char *copy = must(strdup(name));

        (void) t;
        detach(n);
        free(n->name);
        n->name = copy;
        attach(n, parent);
        unsettle(n);
}

void tree_exchange(Tree *t, Node *a, Node *b) {
        Node *parent = a->parent;
        char *name = a->name;

        (void) t;
        detach(a);
        attach(a, b->parent);
        detach(b);
        attach(b, parent);
        a->name = b->name;
        b->name = name;
        unsettle(a);
        unsettle(b);
}

Node *tree_find(const Node *dir, const char *name) {
        for (size_t i = 0; i < dir->n_children; i++)
                if (strcmp(dir->children[i]->name, name) == 0)
                        return dir->children[i];
        return NULL;
}

bool tree_is_inside(const Node *n, const Node *ancestor) {
        for (; n; n = n->parent)
                if (n == ancestor)
                        return true;
        return false;
}

unsigned tree_depth(const Node *n) {
        unsigned depth = 0;

        for (; n->parent; n = n->parent)
                depth++;
        return depth;
}

Node *tree_pick(Tree *t, unsigned types) {
        for (unsigned attempt = 0; attempt < 40 && t->n_nodes > 0; attempt++) {
                Node *n = t->nodes[tree_random(t, t->n_nodes)];

                if (types & (1u << (n->type >> 12)))
                        return n;
        }
        return NULL;
}

Node *tree_pick_dir(Tree *t) {
        Node *n = tree_random(t, 8) == 0 ? NULL : tree_pick(t, 1u << (S_IFDIR >> 12));

        return n ? n : t->root;
}

int tree_open_dir(const Tree *t, const Node *dir) {
        int parent, fd, r;

        if (!dir->parent) {
                fd = fcntl(t->root_fd, F_DUPFD_CLOEXEC, 3);
                return fd < 0 ? -errno : fd;
        }
        parent = tree_open_dir(t, dir->parent);
        if (parent < 0)
                return parent;
        fd = openat(parent, dir->name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
        r = fd < 0 ? -errno : fd;
        (void) close(parent);
        return r;
}

static int filter_dots(const struct dirent *d) {
        return strcmp(d->d_name, ".") != 0 && strcmp(d->d_name, "..") != 0;
}

static int compare_names(const struct dirent **a, const struct dirent **b) {
        return strcmp((*a)->d_name, (*b)->d_name);
}

void tree_read(Tree *t, Node *dir) {
        int fd = tree_open_dir(t, dir), n;
        struct dirent **entries;
        struct stat st;

        n = fd < 0 ? -1 : scandirat(fd, ".", &entries, filter_dots, compare_names);
        if (n < 0) {
                fprintf(stderr, "churn: cannot read directory %s: %s\n", dir->name,
                        strerror(errno));
                exit(2);
        }
        for (int i = 0; i < n; i++) {
                if (fstatat(fd, entries[i]->d_name, &st, AT_SYMLINK_NOFOLLOW) == 0) {
                        Node *child = tree_add(t, dir, entries[i]->d_name, st.st_mode);

                        if (S_ISDIR(st.st_mode))
                                tree_read(t, child);
                }
                free(entries[i]);
        }
        free(entries);
        (void) close(fd);
}

void tree_init(Tree *t, int root_fd, uint64_t seed) {
        *t = (Tree) { .root_fd = root_fd, .random_state = seed };
        t->root = must(calloc(1, sizeof(Node)));
        t->root->name = must(strdup("."));
        t->root->type = S_IFDIR;
        t->root->settled = true;
        tree_read(t, t->root);
        for (size_t i = 0; i < t->n_nodes; i++)
                t->nodes[i]->settled = true;
}

void tree_done(Tree *t) {
        while (t->root->n_children > 0)
                tree_remove(t, t->root->children[t->root->n_children - 1]);
        free(t->root->children);
        free(t->root->name);
        free(t->root);
        free(t->nodes);
}
