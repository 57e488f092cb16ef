#pragma once

/* The sorted names of one directory, held compactly: name bytes in one arena and an array of
 * offsets, so that a directory of a million entries costs some 20 MiB and not a structure per
 * entry. */

#include <stddef.h>
#include <stdint.h>

typedef struct Listing {
        char *arena;       /* per entry: one byte of d_type, the name, NUL */
        uint32_t *offsets; /* of each entry's d_type byte, sorted by name as memcmp(3)/strcmp(3)
                              sorts unsigned bytes */
        size_t n_entries;
        size_t arena_bytes, arena_allocated, offsets_allocated;
} Listing;

#define LISTING_NULL ((Listing) {})

/* Reads all entries but "." and ".." of DIRECTORY_FD (rewound first) with getdents64(2), sorted.
 * The arrays of a used Listing are reused. Returns 0 or -errno; on an error in the middle nothing
 * may be concluded from what is missing, so the listing is emptied. */
int listing_read(Listing *listing, int directory_fd);
void listing_done(Listing *listing);

static inline const char *listing_name(const Listing *listing, size_t i) {
        return listing->arena + listing->offsets[i] + 1;
}

/* DT_* of the entry; DT_UNKNOWN where the file system does not tell. */
static inline unsigned char listing_type(const Listing *listing, size_t i) {
        return (unsigned char) listing->arena[listing->offsets[i]];
}
