#pragma once

/* Digests of trees. An entry's digest is the SHA-256 of what a copy of it must have in common with
 * it; a directory's covers what is in it by a sum over the digests of its entries, whose order
 * plays no part: taking an entry in or out costs the same however many there are.
 *
 * The sum is the additive hash of Bellare and Micciancio, "A New Paradigm for Collision-Free
 * Hashing: Incrementality at Reduced Cost" (EUROCRYPT 1997), in the lane-wise form that they call
 * LtHash: each digest is expanded to 48 lanes of 64 bits by ChaCha20 keyed with it, and the lanes
 * are added modulo 2^64. To find two sets of entries with one sum is the generalized birthday
 * problem (Wagner, CRYPTO 2002) in a group of 3,072 bits, which costs k * 2^(3072 / (1 + log2 k))
 * for k entries: more than 2^166 while a directory has fewer than a million entries, more than
 * 2^110 whatever it has. A name occurs once in a directory, so the coefficients are 0 and 1, for
 * which lattice reduction finds nothing cheaper. SHA-256 itself gives way at 2^128.
 *
 * Not covered: extended attributes and ACLs, which the catalog does not hold, and which names are
 * links to one file. A DigestMaker is one thread's. */

#include <stdint.h>

#include "basic/macros.h"
#include "fs/entry.h"
#include "fs/hash.h"

enum { DIGEST_LANES = 48, DIGEST_SUM_BYTES = DIGEST_LANES * 8 };

typedef struct DigestSum {
        uint64_t lanes[DIGEST_LANES];
} DigestSum;

typedef struct DigestEntry {
        const char *name;
        size_t name_bytes;
        const Stamp *stamp; /* type, mode, owner, mtime; size and device number where they count */
        const Hash
                *content; /* of a file its SHA-256, of a directory digest_content; NULL: unknown */
} DigestEntry;

typedef struct DigestMaker DigestMaker;

/* -EIO when libcrypto refuses, -ENOMEM. */
int digest_maker_new(DigestMaker **ret);
DigestMaker *digest_maker_free(DigestMaker *maker);
DEFINE_TRIVIAL_CLEANUP_FUNC(DigestMaker *, digest_maker_free)

/* The digest of one entry, name included. 0 or -EIO. */
int digest_entry(DigestMaker *maker, const DigestEntry *entry, Hash *ret);

/* What stands for a directory's content: how many entries it has, and the sum of their digests. 0
 * or -EIO. */
int digest_content(DigestMaker *maker, uint64_t n_entries, const DigestSum *sum, Hash *ret);

/* The summand that belongs to the digest of an entry. 0 or -EIO. */
int digest_expand(DigestMaker *maker, const Hash *digest, DigestSum *ret);
void digest_sum_add(DigestSum *sum, const DigestSum *other);
void digest_sum_subtract(DigestSum *sum, const DigestSum *other);

/* The sum as bytes that are the same on every machine, and back. */
void digest_sum_store(const DigestSum *sum, uint8_t bytes[DIGEST_SUM_BYTES]);
void digest_sum_load(DigestSum *ret, const uint8_t bytes[DIGEST_SUM_BYTES]);
