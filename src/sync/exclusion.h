#pragma once

/* What the pair leaves out, where names enter a visit: each side is seen as if the excluded entries
 * were not there. So nothing is copied that is excluded, nothing excluded is removed, and what the
 * catalog still knows of it is forgotten. */

#include <sys/stat.h>

#include "basic/string-util.h"
#include "config/config.h"
#include "fs/entry.h"
#include "watch/tree.h"

/* The list as the entries of one directory see it. */
typedef struct Exclusions {
        const ExcludeList *list; /* borrowed; NULL: nothing is excluded */
        StringBuffer path;       /* of the directory; not set where names alone tell */
} Exclusions;

/* For the entries of NODE. 0, -ESTALE when it has left the tree, -ENOMEM. */
int exclusions_open(Exclusions *exclusions, const ExcludeList *list, Tree *tree, Node *node);
void exclusions_done(Exclusions *exclusions);

/* What the list says of the directory's entry NAME. When memory is short, nothing is excluded. */
Exclusion exclusions_judge(Exclusions *exclusions, const char *name);

static inline bool exclusion_hides(Exclusion exclusion, const Entry *entry) {
        return S_ISDIR(entry->stamp.mode) ? exclusion.as_directory : exclusion.as_file;
}

/* Whether the entry NAME, of TYPE (DT_*) in a listing of DIRECTORY_FD, is excluded. */
bool exclusions_hide(Exclusions *exclusions, int directory_fd, const char *name,
                     unsigned char type);

/* Whether NAME of NODE is excluded whatever it stands for: an event of it tells nothing. */
bool exclusions_ignore(const ExcludeList *list, Tree *tree, Node *node, const char *name);
/* Whether NODE itself, or a directory that it is in, is excluded. */
bool exclusions_cover(const ExcludeList *list, Tree *tree, Node *node);
