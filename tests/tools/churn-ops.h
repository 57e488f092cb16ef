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

#define DEPTH_MAX 12
#define CONTENT_MAX (256 * 1024)

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

/* churn-content.c */
int op_write_in_place(Tree *t);
int op_append(Tree *t);
int op_truncate(Tree *t);
int op_overwrite(Tree *t);
int op_replace(Tree *t);
int op_sparse(Tree *t);
int op_punch(Tree *t);
int op_write_and_set_back(Tree *t);

/* churn-moves.c */
int op_rename_here(Tree *t);
int op_rename_away(Tree *t);
int op_rename_over(Tree *t);
int op_rename_over_directory(Tree *t);
int op_exchange(Tree *t);
int op_swap_directories(Tree *t);
int op_swap_in_steps(Tree *t);
int op_move_out(Tree *t);
int op_move_in(Tree *t);

/* churn-oblique.c */
int op_mapped(Tree *t);
int op_unnamed_written_first(Tree *t);
int op_unnamed_written_last(Tree *t);
int op_fleeting_link(Tree *t);

/* The directory a new entry goes to: not too deep; NULL while the tree is full. */
Node *pick_home(Tree *t);
/* Mostly short plain names, now and then what file names are allowed to be; free in DIR. Valid
 * until the next call. */
const char *random_name(Tree *t, const Node *dir);
size_t random_size(Tree *t);
/* Opens a random regular file. Returns fd, NOT_NOW, or -errno. */
int open_file(Tree *t, int flags, Node **ret_node);
/* Random content, of up to CONTENT_MAX. */
int write_at(Tree *t, int fd, off_t offset, size_t size);
/* Appended to DIR's children. */
int create_file(Tree *t, Node *dir, const char *name);
int create_directory(Tree *t, Node *dir, const char *name, mode_t mode);
int remove_recursively(Tree *t, Node *n);

int open_two_dirs(const Tree *t, const Node *a, const Node *b, int ret_fds[2]);
/* As finish_call. */
int finish_two(const int fds[2], int result);
/* Whether removing N would take a name from a hard-link group that is to keep all it has. */
bool must_stay(const Tree *t, const Node *n);

/* The same for a name that becomes another file's in one step. */
bool must_not_be_replaced(const Tree *t, const Node *n);

/* Closes what a call was made on, and returns that call's outcome. */
int finish_call(int fd, int result);

/* No operation adds to a tree of this many entries. */
extern size_t arg_entries;
/* No operation takes a name from an entry that has several. A change through a name that comes and
 * goes between two looks leaves no trace at the names that stay: inotify(7) reports names, not
 * inodes. */
extern bool arg_steady_links;
/* The same in directories that were not where they are when the storm began, and for names that are
 * renamed over: with marks on directories nothing is told of a directory before somebody has looked
 * into it. */
extern bool arg_watched_links;
/* Where things are moved out to and come back from, on the same file system; NULL: nowhere. */
extern Tree *arg_outside;
