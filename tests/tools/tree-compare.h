/* The parts of tree-compare: what a comparison of one entry needs from the walk, and the other way
 * round. */
#pragma once

#include <stdbool.h>
#include <sys/stat.h>

enum { SIDE_A, SIDE_B, SIDES };

/* What is compared under one name. */
typedef struct Entry {
        int dir[SIDES];
        const char *name;
        struct stat st[SIDES];
} Entry;

extern bool arg_blocks;

/* Prints one difference of the entry at hand, or ends the program when told to be quiet. */
void differs(const char *kind, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* Ends the program with exit status 2, naming the entry at hand and errno. */
_Noreturn void die(const char *what);

/* Returns p unless it is NULL, which ends the program. */
void *must(void *p);

/* For qsort() of strings: byte order. */
int compare_strings(const void *a, const void *b);

/* Opens without touching the access time where allowed, without following and without blocking.
 * Returns a descriptor, or -1 with errno. */
int open_entry(int dir, const char *name, int flags);

/* Extended attributes, by descriptor where one is open, else (-1) by name. */
void compare_attributes(const Entry *e, int fd_a, int fd_b);

/* Link group, attributes, size, content and holes of two regular files. */
void compare_file(const Entry *e);

/* Link group, attributes and (of symbolic links) targets of what is not to be opened. */
void compare_special(const Entry *e);
