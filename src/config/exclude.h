#pragma once

/* What a pair leaves out: a list of patterns, of which the last that matches decides, as in a
 * .gitignore at the top of the source. Made once, never changed, read by any thread. A list that is
 * NULL excludes nothing. Paths are relative to the top and without slashes at either end. */

#include <stdbool.h>
#include <stddef.h>

#include "config/exclude-pattern.h"

typedef struct ExcludeList {
        ExcludePattern **patterns;
        size_t n_patterns;
        bool needs_paths; /* names alone do not tell */
} ExcludeList;

/* What a name stands for is not always known when it is asked about. */
typedef struct Exclusion {
        const char *as_file, *as_directory; /* the pattern that excludes it, the list's; or NULL */
} Exclusion;

/* Appends TEXT. 0, a PatternOutcome, or -ENOMEM. */
int exclude_list_add(ExcludeList **list, const char *text);
ExcludeList *exclude_list_free(ExcludeList *list);

bool exclude_list_equal(const ExcludeList *a, const ExcludeList *b);

/* What the patterns say of PATH itself, whose directories are not excluded. Where the list does not
 * need paths a name does for one. */
Exclusion exclude_list_judge(const ExcludeList *list, const char *path);

/* Whether PATH, or a directory that it is in, is excluded. The pattern, the list's, or NULL. *RET_N
 * (may be NULL) is set to the length of the part of PATH that the pattern matches. */
const char *exclude_list_find(const ExcludeList *list, const char *path, bool is_directory,
                              size_t *ret_n);

/* Whether anything below the directory PATH may be excluded, or not, because of where that
 * directory is. True in doubt. */
bool exclude_list_reaches(const ExcludeList *list, const char *path);
