#pragma once

/* What the losing content of a conflict is called. Pure. */

#include <limits.h>
#include <stdbool.h>
#include <stdint.h>

typedef struct ConflictName {
        const char *name;  /* of the entry */
        const char *side;  /* "source" or "replica": whose content it is */
        int64_t mtime;     /* of that content, nanoseconds since the epoch: the same conflict has
                              the same name whenever it is met */
        unsigned n_tried;  /* above zero, a number tells it from others of the same second */
        bool is_directory; /* these have no extension */
} ConflictName;

/* "photo.conflict-20261121-062538-replica.jpg" (UTC) of "photo.jpg". What comes before is cut, at
 * the border of a character where it is UTF-8, so that it fits into a name. */
void conflict_name_format(const ConflictName *conflict, char buffer[NAME_MAX + 1]);
