#include "watch/tree-pack.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "basic/alloc.h"
#include "basic/macros.h"
#include "basic/string-util.h"

/* Some file systems have names longer than NAME_MAX. */
enum { NAME_LENGTH_MAX = 1024 };

/* Each node stands behind its depth; the root's is 1, and 0 ends the tree. */

/* Saving */

static void save_fields(const Node *node, Packer *packer) {
        pack_number(packer, (uint64_t) node->directory_id);
        pack_number(packer, (uint64_t) node->mtime);
        pack_number(packer, node->source_inode);
}

/* What comes after NODE and all that is below it; *DEPTH is that of NODE, and then of the next. */
static const Node *next_beside(const Node *node, uint64_t *depth) {
        while (node && !node->next_sibling) {
                node = node->parent;
                --*depth;
        }
        return node ? node->next_sibling : NULL;
}

bool tree_save(Tree *tree, NodeSave more, Packer *packer, void *userdata) {
        Node *root = tree_root(tree);
        const Node *node = root;
        uint64_t depth = 1;
        bool complete = true;

        while (node) {
                bool settled = node->place == NODE_IN_PARENT;

                complete = complete && settled;
                if (settled) {
                        pack_number(packer, depth);
                        if (node->parent)
                                pack_bytes(packer, node->name, node->name_length);
                        save_fields(node, packer);
                        more(node, packer, userdata);
                }
                if (settled && node->first_child) {
                        node = node->first_child;
                        depth++;
                } else
                        node = next_beside(node, &depth);
        }
        pack_number(packer, 0);
        node_unref(root);
        return complete;
}

/* Loading */

/* The nodes on the way to the last one, by their depth less one; borrowed from the tree. */
typedef struct Way {
        Node **nodes;
        size_t n, n_allocated;
} Way;

static int way_push(Way *way, Node *node) {
        if (way->n == way->n_allocated) {
                size_t n = MAX(2 * way->n_allocated, (size_t) 32);
                Node **nodes = reallocarray(way->nodes, n, sizeof *nodes);

                if (!nodes)
                        return -ENOMEM;
                way->nodes = nodes;
                way->n_allocated = n;
        }
        way->nodes[way->n++] = node;
        return 0;
}

static int load_name(Unpacker *unpacker, char name[static NAME_LENGTH_MAX + 1]) {
        const char *bytes;
        size_t length;

        bytes = unpack_bytes(unpacker, NAME_LENGTH_MAX, &length);
        if (!bytes || length == 0 || memchr(bytes, '\0', length) || memchr(bytes, '/', length))
                return unpack_refuse(unpacker);
        memcpy(name, bytes, length);
        name[length] = '\0';
        return streq(name, ".") || streq(name, "..") ? unpack_refuse(unpacker) : 0;
}

static int load_child(Tree *tree, Node *parent, Unpacker *unpacker, Node **ret) {
        char name[NAME_LENGTH_MAX + 1];
        Node *node;
        int r;

        r = load_name(unpacker, name);
        if (r < 0)
                return r;
        r = tree_child(tree, parent, name, &node);
        if (r < 0)
                return r;
        node_unref(node); /* the tree keeps it */
        if (r == 0)
                return unpack_refuse(unpacker); /* twice the same name */
        *ret = node;
        return 0;
}

static int load_fields(Tree *tree, Node *node, Unpacker *unpacker) {
        int64_t id = (int64_t) unpack_number(unpacker, INT64_MAX);

        node->mtime = (int64_t) unpack_number(unpacker, UINT64_MAX);
        node->source_inode = unpack_number(unpacker, UINT64_MAX);
        return unpacker->error < 0 ? unpacker->error : tree_set_id(tree, node, id);
}

/* The node at DEPTH that comes next. */
static int load_node(Tree *tree, Way *way, uint64_t depth, Unpacker *unpacker, Node **ret) {
        if (depth > 1)
                return load_child(tree, way->nodes[depth - 2], unpacker, ret);
        if (way->n > 0)
                return unpack_refuse(unpacker); /* two roots */
        *ret = tree_root(tree);
        node_unref(*ret);
        return 0;
}

static int load_nodes(Tree *tree, Way *way, NodeLoad more, Unpacker *unpacker, void *userdata) {
        uint64_t depth;
        int r;

        while ((depth = unpack_number(unpacker, way->n + 1)) > 0) {
                Node *node;

                r = load_node(tree, way, depth, unpacker, &node);
                if (r < 0)
                        return r;
                way->n = depth - 1;
                r = way_push(way, node);
                if (r >= 0)
                        r = load_fields(tree, node, unpacker);
                if (r >= 0)
                        r = more(node, unpacker, userdata);
                if (r < 0)
                        return r;
        }
        return way->n > 0 ? unpacker->error : unpack_refuse(unpacker);
}

int tree_load(Tree *tree, NodeLoad more, Unpacker *unpacker, void *userdata) {
        Way way = {};
        int r;

        r = load_nodes(tree, &way, more, unpacker, userdata);
        free(way.nodes);
        return r;
}
