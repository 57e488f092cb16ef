#pragma once

/* A tree of nodes that outlives its process: written down from the root, each directory before what
 * is in it. For when no thread but the caller's uses the tree. */

#include "basic/pack.h"
#include "watch/tree.h"

typedef void (*NodeSave)(const Node *node, Packer *packer, void *userdata);
typedef int (*NodeLoad)(Node *node, Unpacker *unpacker, void *userdata);

/* MORE writes what others know of each node. True: all of it was written; false: without
 * directories that have no replica in its place, and what is below those. */
bool tree_save(Tree *tree, NodeSave more, Packer *packer, void *userdata);

/* Fills TREE, which has a root alone. MORE reads what others wrote of a node. 0, -EBADMSG, -ENOMEM,
 * what MORE returned. */
int tree_load(Tree *tree, NodeLoad more, Unpacker *unpacker, void *userdata);
