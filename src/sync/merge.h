#pragma once

/* Which metadata an entry of a two-way pair shall have on both sides: of each property the value of
 * the side that changed it since the catalog was last told. Pure. */

#include <stdbool.h>

#include "fs/entry.h"

typedef struct MergeSides {
        const Stamp *source, *replica;
        const Stamp *was_source, *was_replica; /* NULL: nothing is known of earlier */
        bool is_replicas_content; /* the replica's content is the one that stays: so are its type
                                     and time */
} MergeSides;

/* Permission bits, owner, group and mtime of the result count, and what goes with the content.
 * Where both sides changed the same property the one whose ctime is newer wins. Where nothing is
 * known of earlier they go with the content. The times of directories are the source's. */
Stamp merge_stamps(const MergeSides *sides);
