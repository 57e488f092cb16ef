#pragma once

/* Whether names that are links to one file on one side are so on the other: the inodes of both are
 * paired when their first names are met. Memory by file of several names. */

#include <stdbool.h>
#include <stdint.h>

#include "fs/entry.h"

typedef struct LinkedItem LinkedItem;

typedef struct Linked {
        LinkedItem *items[2]; /* by the source's inode, by the replica's */
} Linked;

void linked_done(Linked *linked);

/* Of one name on both sides: 1 they belong to each other, 0 not, -ENOMEM. */
int linked_match(Linked *linked, const Entry *source, const Entry *replica);
