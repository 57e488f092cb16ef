#pragma once

/* What has changed in which directories since their digests were right, gathered by directory. Not
 * for users of the catalog. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define HASH_NONFATAL_OOM 1
#include <uthash.h>

#include "state/digest.h"

typedef struct DigestChange DigestChange;
struct DigestChange {
        int64_t id;        /* of the directory */
        int64_t n_entries; /* to be added, as are the sums */
        DigestSum
                *sums[2]; /* source, replica; NULL: nothing, or for the replica: as the source's */
        bool is_stale;    /* the directory's digest is not that of what is in it */
        bool is_carried;  /* it was so before this transaction */
        bool is_ordered;
        DigestChange *parent; /* one of those that depend on it; NULL: none */
        unsigned depth;
        UT_hash_handle hh;
};

typedef struct DigestChanges {
        DigestChange *first; /* a uthash by id; goes on by hh.next */
        size_t n_sums;
} DigestChanges;

void digest_changes_done(DigestChanges *changes);

/* The change of directory ID, made if there is none. 0 or -ENOMEM. */
int digest_changes_get(DigestChanges *changes, int64_t id, DigestChange **ret);

/* An entry came to directory ID (SIGN 1) or went (-1). REPLICA is NULL when it is as SOURCE. 0 or
 * -ENOMEM. */
int digest_changes_note(DigestChanges *changes, int64_t id, int sign, const DigestSum *source,
                        const DigestSum *replica);

/* Nothing is to be added any more; stale it stays. */
void digest_change_clear(DigestChanges *changes, DigestChange *change);

/* All of them, the deepest first as far as `parent` tells. Returns how many; *RET is the caller's.
 */
int digest_changes_order(DigestChanges *changes, DigestChange ***ret);

bool digest_changes_are_stale(const DigestChanges *changes);

/* At the end of a transaction: what is stale still is carried over to the next, the rest goes. */
void digest_changes_carry(DigestChanges *changes);
/* After one that failed: what it brought goes. */
void digest_changes_forget(DigestChanges *changes);
