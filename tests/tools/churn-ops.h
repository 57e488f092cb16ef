/* The operations that churn draws from. */
#pragma once

#include <errno.h>
#include <stdbool.h>

#include "churn-tree.h"

/* The operation did not fit the present tree: another one is drawn. */
#define NOT_NOW (-EAGAIN)

/* Bits for tree_pick. */
#define TYPE(t) (1u << ((t) >> 12))
#define ANY_TYPE (~0u)

typedef struct Operation {
        const char *name;
        unsigned weight;
        /* Returns 0, NOT_NOW, or -errno of the call that failed. */
        int (*run)(Tree *t);
} Operation;

extern const Operation operations[];
extern const size_t n_operations;

/* churn-attributes.c */
int op_chmod(Tree *t);
int op_chown(Tree *t);
int op_utimens(Tree *t);
int op_xattr(Tree *t);
int op_acl(Tree *t);

/* Closes what a call was made on, and returns that call's outcome. */
int finish_call(int fd, int result);

/* No operation adds to a tree of this many entries. */
extern size_t arg_entries;
/* No operation takes a name from an entry that has several. A change through a name that comes and
 * goes between two looks leaves no trace at the names that stay: inotify(7) reports names, not
 * inodes. */
extern bool arg_steady_links;
