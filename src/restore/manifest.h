#pragma once

/* The contents of a replica, file by file, with their hashes: those that the catalog recorded,
 * where a file is as it was then, else computed now. Reads only. */

#include "fs/copy.h"
#include "restore/recorded.h"

typedef enum ManifestHow {
        MANIFEST_RECORDED,
        MANIFEST_NEW,     /* there was no hash of it */
        MANIFEST_CHANGED, /* since it was recorded */
        MANIFEST_FAILED,
} ManifestHow;

typedef struct ManifestEvent {
        const char *path; /* below the replica */
        ManifestHow how;
        Hash hash; /* unless it failed */
        int error; /* if it did: -errno; -ESTALE it changed whenever it was read */
} ManifestEvent;

typedef struct ManifestRequest {
        const char *path; /* below the pair's root */
        /* For each regular file, in the order of their paths as memcmp(3) sorts them, and for each
         * directory that cannot be read. A negative return ends the work. */
        int (*tell)(const ManifestEvent *event, void *userdata);
        CopyTick tick; /* ends the work when it returns an error; may be NULL */
        void *userdata;
} ManifestRequest;

/* RECORDED may be empty: then everything is hashed. 0, a RestoreProblem or -errno; all but -ENOMEM
 * with *RET_ERROR, the caller's. */
int manifest_make(const RestorePair *pair, const Recorded *recorded, const ManifestRequest *request,
                  char **ret_error);

/* The line of sha256sum(1) for a file, with its line end; names as GNU coreutils escapes them. A
 * fresh string or NULL. */
char *manifest_line(const Hash *hash, const char *path);
