/* The tree that churn believes it has made: a model in memory, so that one seed always yields the
 * same storm whatever order the file system lists names in. Owns all nodes; single-threaded. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

typedef struct Node {
        struct Node *parent; /* NULL for the root */
        char *name;
        mode_t type;     /* S_IFMT bits */
        size_t position; /* in tree.nodes */
        bool settled;    /* where it was when the storm began */
        struct Node **children;
        size_t n_children, n_allocated;
} Node;

typedef struct Tree {
        int root_fd;
        Node *root;
        Node **nodes; /* all but the root */
        size_t n_nodes, n_allocated;
        uint64_t random_state;
} Tree;

/* Reads what is below root_fd already. Ends the program on failure. */
void tree_init(Tree *t, int root_fd, uint64_t seed);
void tree_done(Tree *t);

/* Adds all that is in a directory of which nothing is known. Ends the program on failure. */
void tree_read(Tree *t, Node *dir);

/* 0 <= result < limit */
uint64_t tree_random(Tree *t, uint64_t limit);
/* Bytes that are different in every call and compress badly. */
void tree_fill(Tree *t, char *data, size_t size);

Node *tree_add(Tree *t, Node *parent, const char *name, mode_t type);
void tree_remove(Tree *t, Node *n);

/* Takes n with all below it to another place and name. What has that name there must be gone. */
void tree_move(Tree *t, Node *n, Node *parent, const char *name);

/* Exchanges the places and names of two nodes, neither an ancestor of the other. */
void tree_exchange(Tree *t, Node *a, Node *b);

Node *tree_find(const Node *dir, const char *name);
bool tree_is_inside(const Node *n, const Node *ancestor);
unsigned tree_depth(const Node *n);

/* A random node of one of the types (bits 1 << (type >> 12)), or NULL. */
Node *tree_pick(Tree *t, unsigned types);

/* A random directory, the root included. */
Node *tree_pick_dir(Tree *t);

/* Opens the directory component by component without following links. Returns fd or -errno. */
int tree_open_dir(const Tree *t, const Node *dir);
