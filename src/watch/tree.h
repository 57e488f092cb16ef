#pragma once

/* The directories of a pair, as nodes with parent pointers: the one thing that watches, the dirty
 * set and passes name places by. A node is keyed by where it hangs and not by a path string, so a
 * renamed directory takes its whole subtree, watches and pending work along in O(1). Files have no
 * nodes: memory grows with directories (about 170 bytes each, indexes included).
 *
 * One Tree is shared by the event loop, the workers and the committer. Its mutex guards structure
 * (parents, children, names, location); every function here takes it itself, and nothing else is
 * locked under it. A node that hangs in the tree is kept by the tree; besides, whoever keeps a
 * pointer keeps a reference. A node that was taken out ("detached") has neither parent nor
 * children, never comes back, and goes with its last reference, which may outlive the tree.
 *
 * Fields marked (atomic) are written under the mutex and may be read at any time. Fields marked
 * (pass) belong to the sync layer and are guarded by what is said there. The others are the tree's
 * own. */

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct Node Node;
typedef struct Tree Tree;

/* Whose directories a Watch sees; a node has room for one watch on each side. */
typedef enum WatchSide {
        WATCH_SOURCE,
        WATCH_REPLICA,
        _WATCH_SIDE_MAX,
} WatchSide;

/* Where the replica's directory of a node is at present. */
typedef enum NodePlace {
        NODE_IN_PARENT, /* under its name in the parent's replica directory */
        NODE_STAGED,    /* new and not published yet: under stage_name in the staging directory */
        NODE_ABSENT,    /* no replica directory (dry run, or it could not be made) */
} NodePlace;

struct Node {
        Node *parent; /* NULL for the root and for detached nodes */
        Node *first_child;
        Node *next_sibling;
        Node *previous_sibling;
        const char *name;              /* inline_name, or owned when that is too small */
        char *stage_name;              /* owned; for NODE_STAGED */
        _Atomic(int64_t) directory_id; /* (atomic) the catalog's; 0 while unknown */
        /* (pass) The source directory's when it was last seen; 0 before. */
        _Atomic(int64_t) mtime;
        _Atomic(uint64_t) source_inode; /* (pass) of the directory last seen here; 0: unknown */
        atomic_uint n_references;
        uint64_t watch_slots[_WATCH_SIDE_MAX]; /* the Watches', under their mutexes: watch-slot.h */
        _Atomic(NodePlace) place;              /* (atomic) */
        atomic_bool detached; /* (atomic) whatever is still pending for it is void */
        bool visiting;        /* (pass) a worker is inside */
        bool wanted;          /* (pass) another one passed over a job in it meanwhile */
        bool late;            /* (pass) it is to be visited again as a whole */
        bool touched;         /* (pass) its replica directory's mtime must be restored */
        bool strange;         /* (pass) somebody else was at that directory before it was touched */
        uint16_t name_length;
        uint16_t inline_size; /* of inline_name, with its NUL */
        char inline_name[];
};

typedef void (*NodeDetached)(Node *node, void *userdata);

int tree_new(Tree **ret);
/* Detaches every node and frees the tree; returns NULL. Nothing else may use it any more. */
Tree *tree_free(Tree *tree);

Node *node_ref(Node *node);
Node *node_unref(Node *node); /* NULL is fine; returns NULL */

/* The root; a new reference. */
Node *tree_root(Tree *tree);

/* Finds the child NAME of PARENT or makes one, kept by the tree until it is detached. New reference
 * in *ret. 1 made, 0 found, -ESTALE when PARENT is detached, -ENAMETOOLONG, -ENOMEM. */
int tree_child(Tree *tree, Node *parent, const char *name, Node **ret);
/* Finds only: 0 with a new reference, or -ENOENT. */
int tree_find(Tree *tree, Node *parent, const char *name, Node **ret);
/* Finds the node of a directory id: O(1). 0 with a new reference, or -ENOENT. */
int tree_find_by_id(Tree *tree, int64_t directory_id, Node **ret);
/* Gives a node its catalog id, taking it from a node that had it; 0 takes the node's id away.
 * 0, -ESTALE when NODE is detached, -ENOMEM. */
int tree_set_id(Tree *tree, Node *node, int64_t directory_id);

/* Moves NODE under PARENT as NAME. Another node that is already there is detached with all below
 * it, save NODE itself. 0, -EINVAL when NODE is the root or PARENT lies in NODE, -ESTALE when one
 * of them is detached, -ENAMETOOLONG, -ENOMEM. */
int tree_move(Tree *tree, Node *node, Node *parent, const char *name);
/* Takes NODE (not the root) and all below it out of the tree and drops the tree's references;
 * nothing happens when it is out already. CALLBACK (may be NULL) is called for each node before it
 * goes, children first, with the mutex held: it must be short and call nothing of the tree but
 * node_ref and node_unref. */
void tree_detach(Tree *tree, Node *node, NodeDetached callback, void *userdata);
/* Says where NODE's replica is. STAGE_NAME for NODE_STAGED, else NULL. 0 or -ENOMEM. */
int tree_set_place(Tree *tree, Node *node, NodePlace place, const char *stage_name);

/* The path of NODE (and NAME below it, may be NULL or empty) in the source, relative to its root,
 * "" for the root: a fresh string. May be longer than PATH_MAX. 0, -ESTALE when detached, -ENOMEM.
 */
int tree_source_path(Tree *tree, Node *node, const char *name, char **ret);

/* Where the replica of NODE is now: *ret_staged tells the root (false: the replica's root, true:
 * the store's staging directory), *ret_path, a fresh string, is relative to it. The walk goes up to
 * the first staged ancestor (the node itself included). 0, -ESTALE when detached, -ENOENT when it
 * or an ancestor on that walk is absent, -ENOMEM. */
int tree_replica_path(Tree *tree, Node *node, bool *ret_staged, char **ret_path);

/* The parent, a new reference; NULL for the root and for detached nodes. */
Node *tree_parent(Tree *tree, Node *node);
/* A copy of the name; NULL when memory is short. */
char *tree_name(Tree *tree, Node *node);

/* How many nodes hang in the tree, the root included. */
size_t tree_n_nodes(Tree *tree);
