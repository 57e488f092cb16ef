#pragma once

/* A catalog row of the same source inode as an entry being looked at: another name of its group, or
 * where it was before it moved. Here it is found out what is there now. */

#include "sync/stage.h"

typedef struct Candidate {
        CatalogRow *row; /* borrowed */
        Node *node;      /* counted; the directory it is in; NULL for a parked one */
        int replica_fd;  /* the replica's directory it is in, or the staging directory */
        bool in_source;  /* the source has this very inode there still */
        bool in_replica; /* the replica has what the row says there still */
        Entry source, replica;
} Candidate;

#define CANDIDATE_NULL ((Candidate) { .replica_fd = -EBADF })

/* 0, -ENOENT when its directory is unknown now, -errno when it cannot be told (then nothing may be
 * concluded). */
int candidate_open(Visit *visit, CatalogRow *row, Candidate *ret);
void candidate_done(Candidate *candidate);

/* Makes one more name of the candidate's replica inode for ITEM. 1 made, 0 the file system or the
 * inode cannot take one more, -errno. */
int candidate_link(Visit *visit, const Candidate *candidate, StagePlace place);

/* Source path of the candidate for messages, or NULL. */
char *candidate_path(Visit *visit, const Candidate *candidate);
