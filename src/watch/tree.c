#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "basic/alloc.h"
#include "basic/macros.h"
#include "watch/hash-index.h"
#include "watch/lock.h"
#include "watch/tree.h"

struct Tree {
        pthread_mutex_t mutex;
        Node *root;
        HashIndex by_name; /* all but the root, by parent and name */
        HashIndex by_id;   /* those with a catalog id */
};

/* Indexes */

static uint64_t name_hash(const void *item, uint64_t seed) {
        const Node *node = item;

        return hash_fold_bytes(hash_fold(seed, (uintptr_t) node->parent), node->name,
                               node->name_length);
}

static bool name_equal(const void *a, const void *b) {
        const Node *x = a, *y = b;

        return x->parent == y->parent && x->name_length == y->name_length &&
               memcmp(x->name, y->name, x->name_length) == 0;
}

static uint64_t id_hash(const void *item, uint64_t seed) {
        const Node *node = item;

        return hash_fold(seed, (uint64_t) node->directory_id);
}

static bool id_equal(const void *a, const void *b) {
        const Node *x = a, *y = b;

        return x->directory_id == y->directory_id;
}

static const HashIndexType name_index = { .hash = name_hash, .equal = name_equal };
static const HashIndexType id_index = { .hash = id_hash, .equal = id_equal };

static Node *find_child(Tree *tree, Node *parent, const char *name) {
        size_t length = strlen(name);

        if (length > UINT16_MAX)
                return NULL;
        return hash_index_find(&tree->by_name,
                               &(Node) { .parent = parent, .name = name, .name_length = length });
}

/* Nodes */

static int node_new(const char *name, Node **ret) {
        size_t length = strlen(name);
        Node *node;

        if (length >= UINT16_MAX)
                return -ENAMETOOLONG;

        node = malloc(MAX(sizeof(Node), offsetof(Node, inline_name) + length + 1));
        if (!node)
                return -ENOMEM;
        *node = (Node) {
                .n_references = 1,
                .name_length = length,
                .inline_size = length + 1,
        };
        memcpy(node->inline_name, name, length + 1);
        node->name = node->inline_name;
        *ret = node;
        return 0;
}

static void node_free_name(Node *node) {
        if (node->name != node->inline_name)
                free((char *) node->name);
}

static void node_free(Node *node) {
        assert(node->detached);

        node_free_name(node);
        free(node->stage_name);
        free(node);
}

Node *node_ref(Node *node) {
        (void) atomic_fetch_add_explicit(&node->n_references, 1, memory_order_relaxed);
        return node;
}

Node *node_unref(Node *node) {
        if (node && atomic_fetch_sub_explicit(&node->n_references, 1, memory_order_acq_rel) == 1)
                node_free(node);
        return NULL;
}

/* Makes NAME, an allocated string that is taken over, the name of NODE, now in no index. */
static void node_set_name(Node *node, char *name) {
        size_t length = strlen(name);

        node_free_name(node);
        node->name_length = length;
        node->name = name;
        if (length < node->inline_size) {
                memcpy(node->inline_name, name, length + 1);
                node->name = node->inline_name;
                free(name);
        }
}

static bool node_lies_in(const Node *node, const Node *ancestor) {
        while (node && node != ancestor)
                node = node->parent;
        return node;
}

/* Structure: all of it with the mutex held */

/* Hangs NODE under PARENT by the name it has; the name index has room. */
static void attach(Tree *tree, Node *node, Node *parent) {
        node->parent = parent;
        node->previous_sibling = NULL;
        node->next_sibling = parent->first_child;
        if (node->next_sibling)
                node->next_sibling->previous_sibling = node;
        parent->first_child = node;
        hash_index_insert(&tree->by_name, node);
}

/* Undoes attach: for NODE to be hung elsewhere, or to go. */
static void take_off(Tree *tree, Node *node) {
        hash_index_remove(&tree->by_name, node);
        if (node->previous_sibling)
                node->previous_sibling->next_sibling = node->next_sibling;
        else
                node->parent->first_child = node->next_sibling;
        if (node->next_sibling)
                node->next_sibling->previous_sibling = node->previous_sibling;
        node->parent = node->next_sibling = node->previous_sibling = NULL;
}

static void drop_id(Tree *tree, Node *node) {
        if (node->directory_id == 0)
                return;
        hash_index_remove(&tree->by_id, node);
        node->directory_id = 0;
}

static void detach_one(Tree *tree, Node *node) {
        drop_id(tree, node);
        if (node->parent)
                take_off(tree, node);
        node->detached = true;
        node_unref(node);
}

/* Leaves first and without recursion: a tree may be deeper than a stack is long. */
static void detach_subtree(Tree *tree, Node *top, NodeDetached callback, void *userdata) {
        Node *node = top;

        for (bool done = false; !done;) {
                Node *parent;

                while (node->first_child)
                        node = node->first_child;
                parent = node->parent;
                done = node == top;
                if (callback)
                        callback(node, userdata);
                detach_one(tree, node);
                node = parent;
        }
}

/* Life */

int tree_new(Tree **ret) {
        _cleanup_free_ Tree *tree = NULL;
        int r;

        tree = new0(Tree, 1);
        if (!tree)
                return -ENOMEM;
        r = node_new("", &tree->root);
        if (r < 0)
                return r;

        (void) pthread_mutex_init(&tree->mutex, NULL); /* cannot fail with glibc or musl */
        hash_index_init(&tree->by_name, &name_index);
        hash_index_init(&tree->by_id, &id_index);
        *ret = TAKE_PTR(tree);
        return 0;
}

Tree *tree_free(Tree *tree) {
        if (!tree)
                return NULL;

        detach_subtree(tree, tree->root, NULL, NULL);
        hash_index_done(&tree->by_name);
        hash_index_done(&tree->by_id);
        (void) pthread_mutex_destroy(&tree->mutex);
        free(tree);
        return NULL;
}

Node *tree_root(Tree *tree) {
        return node_ref(tree->root);
}

size_t tree_n_nodes(Tree *tree) {
        _cleanup_unlock_ pthread_mutex_t *lock = mutex_acquire(&tree->mutex);

        return tree->by_name.n_items + 1;
}

Node *tree_parent(Tree *tree, Node *node) {
        _cleanup_unlock_ pthread_mutex_t *lock = mutex_acquire(&tree->mutex);

        return node->parent ? node_ref(node->parent) : NULL;
}

char *tree_name(Tree *tree, Node *node) {
        _cleanup_unlock_ pthread_mutex_t *lock = mutex_acquire(&tree->mutex);

        return strdup(node->name);
}

/* Finding and making */

int tree_child(Tree *tree, Node *parent, const char *name, Node **ret) {
        _cleanup_unlock_ pthread_mutex_t *lock = mutex_acquire(&tree->mutex);
        Node *node;
        int r;

        assert(*name && !strchr(name, '/'));

        if (parent->detached)
                return -ESTALE;
        node = find_child(tree, parent, name);
        if (node) {
                *ret = node_ref(node);
                return 0;
        }

        r = hash_index_reserve(&tree->by_name, 1);
        if (r < 0)
                return r;
        r = node_new(name, &node);
        if (r < 0)
                return r;
        attach(tree, node, parent);
        *ret = node_ref(node);
        return 1;
}

int tree_find(Tree *tree, Node *parent, const char *name, Node **ret) {
        _cleanup_unlock_ pthread_mutex_t *lock = mutex_acquire(&tree->mutex);
        Node *node = find_child(tree, parent, name);

        if (!node)
                return -ENOENT;
        *ret = node_ref(node);
        return 0;
}

static Node *find_id(Tree *tree, int64_t directory_id) {
        return hash_index_find(&tree->by_id, &(Node) { .directory_id = directory_id });
}

int tree_find_by_id(Tree *tree, int64_t directory_id, Node **ret) {
        _cleanup_unlock_ pthread_mutex_t *lock = mutex_acquire(&tree->mutex);
        Node *node = find_id(tree, directory_id);

        if (!node)
                return -ENOENT;
        *ret = node_ref(node);
        return 0;
}

int tree_set_id(Tree *tree, Node *node, int64_t directory_id) {
        _cleanup_unlock_ pthread_mutex_t *lock = mutex_acquire(&tree->mutex);
        Node *holder;
        int r;

        if (node->detached)
                return -ESTALE;
        if (node->directory_id == directory_id)
                return 0;
        r = hash_index_reserve(&tree->by_id, 1);
        if (r < 0)
                return r;

        drop_id(tree, node);
        if (directory_id == 0)
                return 0;
        holder = find_id(tree, directory_id);
        if (holder)
                drop_id(tree, holder);
        node->directory_id = directory_id;
        hash_index_insert(&tree->by_id, node);
        return 0;
}

/* Moving */

int tree_move(Tree *tree, Node *node, Node *parent, const char *name) {
        _cleanup_unlock_ pthread_mutex_t *lock = mutex_acquire(&tree->mutex);
        char *new_name;
        Node *there;

        assert(*name && !strchr(name, '/'));

        if (node->detached || parent->detached)
                return -ESTALE;
        if (node == tree->root || node_lies_in(parent, node))
                return -EINVAL;
        if (strlen(name) >= UINT16_MAX)
                return -ENAMETOOLONG;
        there = find_child(tree, parent, name);
        if (there == node)
                return 0;
        new_name = strdup(name);
        if (!new_name)
                return -ENOMEM;

        /* First off, then the other out: NODE may hang below the one it displaces. */
        take_off(tree, node);
        if (there)
                detach_subtree(tree, there, NULL, NULL);
        node_set_name(node, new_name);
        attach(tree, node, parent);
        return 0;
}

void tree_detach(Tree *tree, Node *node, NodeDetached callback, void *userdata) {
        _cleanup_unlock_ pthread_mutex_t *lock = mutex_acquire(&tree->mutex);

        assert(node != tree->root);

        if (!node->detached)
                detach_subtree(tree, node, callback, userdata);
}

int tree_set_place(Tree *tree, Node *node, NodePlace place, const char *stage_name) {
        _cleanup_unlock_ pthread_mutex_t *lock = mutex_acquire(&tree->mutex);
        char *copy = NULL;

        assert((place == NODE_STAGED) == (stage_name != NULL));

        if (stage_name) {
                copy = strdup(stage_name);
                if (!copy)
                        return -ENOMEM;
        }
        free(node->stage_name);
        node->stage_name = copy;
        node->place = place;
        return 0;
}

/* Paths */

static char *prepend(char *at, const char *component, size_t length) {
        if (*at)
                *--at = '/';
        at -= length;
        memcpy(at, component, length);
        return at;
}

/* PREFIX, the names below TOP down to NODE, and SUFFIX, joined by slashes; both may be NULL. */
static char *join_path(const char *prefix, const Node *top, const Node *node, const char *suffix) {
        size_t size = 1;
        char *path, *at;

        for (const Node *n = node; n != top; n = n->parent)
                size += n->name_length + 1;
        size += prefix ? strlen(prefix) + 1 : 0;
        size += suffix ? strlen(suffix) + 1 : 0;
        if (size > 1)
                size--; /* one slash fewer than components */

        path = malloc(size);
        if (!path)
                return NULL;
        at = path + size - 1;
        *at = '\0';
        if (suffix)
                at = prepend(at, suffix, strlen(suffix));
        for (; node != top; node = node->parent)
                at = prepend(at, node->name, node->name_length);
        if (prefix)
                at = prepend(at, prefix, strlen(prefix));
        assert(at == path);
        return path;
}

int tree_source_path(Tree *tree, Node *node, const char *name, char **ret) {
        _cleanup_unlock_ pthread_mutex_t *lock = mutex_acquire(&tree->mutex);
        char *path;

        if (node->detached)
                return -ESTALE;
        path = join_path(NULL, tree->root, node, name && *name ? name : NULL);
        if (!path)
                return -ENOMEM;
        *ret = path;
        return 0;
}

int tree_replica_path(Tree *tree, Node *node, bool *ret_staged, char **ret_path) {
        _cleanup_unlock_ pthread_mutex_t *lock = mutex_acquire(&tree->mutex);
        const Node *top = node;
        char *path;

        if (node->detached)
                return -ESTALE;
        while (top->place == NODE_IN_PARENT && top->parent)
                top = top->parent;
        if (top->place == NODE_ABSENT)
                return -ENOENT;

        path = join_path(top->stage_name, top, node, NULL);
        if (!path)
                return -ENOMEM;
        *ret_staged = top->place == NODE_STAGED;
        *ret_path = path;
        return 0;
}
