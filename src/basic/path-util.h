#pragma once

/* Absolute, normalised paths as texts; nothing is looked up. Fresh strings are the caller's, and
 * NULL when memory is short. */

#include <stdbool.h>

/* What PATH is in; "/" for "/" itself. */
char *path_parent(const char *path);

/* The first N components of PATH, or all of it when it has fewer; "/" for none. */
char *path_head(const char *path, unsigned n);

/* The longest path that both A and B are in or equal to. */
char *path_common(const char *a, const char *b);

/* Whether PATH is DIRECTORY or below it. */
bool path_is_within(const char *path, const char *directory);
