#pragma once

/* A dirty set with some nodes for it to be about. */

#include "watch/dirty.h"

enum { SETTLE = 20, MAX_DELAY = 5000, N_NODES = 6 };

extern Tree *tree;
extern Node *nodes[N_NODES]; /* the root and children of it */
extern DirtySet *set;

void setup(void);
/* Checks that no reference was left behind, too. */
void teardown(void);

int compare_names(const void *a, const void *b); /* DirtyNames, for qsort(3) */

/* What is due at NOW, as text: a directory's number, "L" and "S" for listing and self, the names;
 * all in order of name. Fresh string. */
char *take(usec_t now);
