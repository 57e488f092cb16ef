#pragma once

/* What the pair's catalog has recorded, read from a copy of it, so that a running service is not
 * disturbed and nothing in the store changes. */

#include "restore/pair.h"
#include "state/catalog.h"

typedef struct Recorded {
        Catalog *catalog;
        CatalogReader *reader; /* NULL: there is no catalog */
} Recorded;

#define RECORDED_NULL ((Recorded) {})

/* 0; -ENOENT there is none, -EBUSY somebody keeps writing to it, -EBADMSG it is damaged, -errno. */
int recorded_open(const RestorePair *pair, Recorded *ret);
void recorded_close(Recorded *recorded);

/* The row of PATH, relative to the pair's root ("" for that itself): 0, -ENOENT or -errno. *RET as
 * for catalog_reader_get. */
int recorded_find(const Recorded *recorded, const char *path, CatalogRow *ret);

typedef struct RecordedProof {
        CatalogDigests digests; /* of PATH with all that is below it */
        bool is_identical;
        uint64_t n_kept;          /* in all of the pair: see CATALOG_KEPT */
        usec_t proven;            /* when a full pass last found all of the pair equal; 0: never */
        CatalogCoverage coverage; /* of all of the pair: what was read back from both disks */
} RecordedProof;

/* 0; -ENOENT nothing is recorded of PATH, -ENODATA there are no digests; -errno. */
int recorded_proof(const Recorded *recorded, const char *path, RecordedProof *ret);
