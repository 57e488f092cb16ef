#pragma once

/* What lies in a directory, looked at with plain system calls, and which contents there are. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

enum { MODEL_CONTENT_MAX = 96 };

/* The content of a file, "=TEXT", or the target of a symbolic link, "@TEXT"; "" for what has none
 * and for empty files. */
typedef struct Content {
        char text[MODEL_CONTENT_MAX];
} Content;

typedef struct TreeEntry {
        char *path; /* owned; relative, "" for the directory itself */
        mode_t mode;
        int64_t mtime, ctime; /* in nanoseconds */
        ino_t inode;
        nlink_t n_links;
        Content content;
        char attribute[16];
} TreeEntry;

/* In the order of paths. */
typedef struct TreeList {
        TreeEntry *entries; /* owned */
        size_t n_entries;
} TreeList;

/* A directory that is not there is an empty list. What goes while it is listed is left out. */
void tree_list(const char *directory, TreeList *ret);
void tree_list_done(TreeList *list);
const TreeEntry *tree_list_find(const TreeList *list, const char *path);

/* Whether both hold the same: names, types, contents, modes, mtimes, attributes and which names are
 * links to one file. False with the first difference in TEXT. */
bool tree_lists_equal(const TreeList *a, const TreeList *b, char *text, size_t size);
/* Whether only somebody's modes are there: no umask and no other entry's may have got in. False
 * with the first entry in TEXT that has another one. */
bool tree_list_modes_are_given(const TreeList *list, char *text, size_t size);
/* Whether nothing at all has happened between A and B, two looks at one directory: inodes and
 * ctimes as well. */
bool tree_lists_untouched(const TreeList *a, const TreeList *b, char *text, size_t size);

/* A set of contents. */
typedef struct ContentSet {
        Content *items; /* owned; sorted, each once unless COUNTING */
        size_t n_items, n_allocated;
} ContentSet;

void content_set_done(ContentSet *set);
bool content_set_has(const ContentSet *set, const Content *content);
void content_set_add(ContentSet *set, const Content *content);
void content_set_remove(ContentSet *set, const Content *content);
void content_set_add_list(ContentSet *set, const TreeList *list);
/* The contents of all files below DIRECTORY. */
void content_set_add_directory(ContentSet *set, const char *directory);

/* How many entries of LIST have it. */
size_t tree_list_count(const TreeList *list, const Content *content);
