#pragma once

/* A pair as somebody sees it who wants something back: the replica and the store, opened for
 * reading. Takes no lock and needs no catalog, so it works beside a running daemon and on a disk
 * that was carried to another machine. One thread's. */

#include <stdbool.h>
#include <stddef.h>

#include "basic/time-span.h"
#include "config/exclude.h"
#include "restore/problem.h"
#include "state/store.h"
#include "state/versions.h"

typedef struct RestorePair {
        char *source;  /* as configured, else as the store recorded it; NULL: unknown */
        char *replica; /* where it is now; NULL: there is none */
        char *store;
        int replica_fd; /* negative: there is none */
        int store_fd;
        bool store_inside_replica;
        ExcludeList *exclude; /* owned; NULL: nothing, or it is not known, where a path was given */
        bool one_file_system; /* likewise */
        bool has_identity;
        StoreIdentity identity;
        Versions *versions; /* NULL: none were ever kept */
        usec_t *times;      /* of all versions, oldest first */
        size_t n_times;
} RestorePair;

#define RESTORE_PAIR_NULL ((RestorePair) { .replica_fd = -EBADF, .store_fd = -EBADF })

/* NAME is that of an instance, whose configuration is looked for below CONFIG_ROOT (may be NULL),
 * or, if it contains a slash, the path of a replica or of a store. 0, a RestoreProblem or -errno;
 * all but -ENOMEM with *RET_ERROR, the caller's. */
int restore_pair_open(const char *name, const char *config_root, RestorePair *ret,
                      char **ret_error);
void restore_pair_close(RestorePair *pair);

/* What PATH, as a person wrote it, is called below the pair's root ("" for the root itself): it is
 * relative to that root, or absolute and below the source or the replica. *RET is the caller's. 0,
 * RESTORE_BAD_REQUEST with *RET_ERROR, -ENOMEM. */
int restore_pair_path(const RestorePair *pair, const char *path, char **ret, char **ret_error);
