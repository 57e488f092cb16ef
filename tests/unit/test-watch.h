#pragma once

/* A watch on a directory of the test's own, and what was heard of it as text. */

#include <stdbool.h>
#include <stddef.h>

#include "watch/tree.h"
#include "watch/watch.h"

enum { TEST_TMPFS, TEST_TMP, TEST_N_BASES }; /* what /dev/shm and /tmp are on */

/* Every backend on every base: by backend first. */
enum { TEST_N_PLACES = TEST_N_BASES * _WATCH_BACKEND_MAX };

extern char base[64];
extern int base_fd;
extern Tree *tree;
extern Node *root;
extern Watch *watch;
extern WatchOptions options; /* of the watch */

/* Makes and removes the directory, open as base_fd, with a tree and a watch; nothing is watched.
 * PLACE: below TEST_N_PLACES. False when its backend cannot be had here, which is told. */
bool test_begin(int place);
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
        size_t n_files; /* events that knew a file alone; files elsewhere may be among them */
        WatchFile file; /* of the last event */
        bool overflow;
} Heard;

/* Hears everything that waits. */
void drain(Heard *heard);
/* Hears of what was done so far: a mark on a file system reports that too. */
void discard(void);
/* What was heard, as text: "directory/name=letters", merged by directory and name in the order of
 * their first event. C changed, c closed, S self, G gone, M unmounted, O overflow, U unnamed, L
 * left.
 */
void assert_heard(const char *title, const char *expected);
