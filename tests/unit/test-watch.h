#pragma once

/* A watch on a directory of the test's own, and what was heard of it as text. */

#include <stdbool.h>
#include <stddef.h>

#include "watch/tree.h"
#include "watch/watch.h"

enum { TEST_TMPFS, TEST_TMP, TEST_N_BASES }; /* what /dev/shm and /tmp are on */

extern char base[64];
extern int base_fd;
extern Tree *tree;
extern Node *root;
extern Watch *watch;

/* Makes and removes the directory, open as base_fd, with a tree and a watch; nothing is watched. */
void test_begin(int which);
void test_finish(void);

/* The node NAME of PARENT, referenced by the tree alone, watched through PATH below the base. */
Node *watched(Node *parent, const char *name, const char *path);
/* Makes the file NAME below the base, or opens and closes it for writing. */
void touch(const char *name);

enum { HEARD_MAX = 64 };

typedef struct Heard {
        struct {
                char path[64];
                unsigned flags;
        } entries[HEARD_MAX];
        size_t n_entries;
        size_t n_events;
        bool overflow;
} Heard;

/* Hears everything that waits. */
void drain(Heard *heard);
/* What was heard, as text: "directory/name=letters", merged by directory and name in the order of
 * their first event. C changed, c closed, S self, G gone, M unmounted, O overflow, U unnamed.
 */
void assert_heard(const char *title, const char *expected);
