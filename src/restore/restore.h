#pragma once

/* Bringing back what a path was at a point in time, to a directory or as an archive. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "fs/entry.h"
#include "restore/pair.h"

/* --- what there is ------------------------------------------------------------------------------
 */

typedef enum VersionReason {
        VERSION_REPLACED, /* there was something under this name afterwards */
        VERSION_REMOVED,
        VERSION_BELOW, /* the directory stayed; something below it was replaced or removed */
} VersionReason;

const char *version_reason_to_string(VersionReason reason);

typedef struct HistoryItem {
        usec_t at; /* until when it was in the replica */
        VersionReason reason;
        Stamp stamp;
} HistoryItem;

typedef struct History {
        HistoryItem *items; /* oldest first */
        size_t n_items;
        bool is_present; /* in the replica, as NOW */
        Stamp now;
} History;

#define HISTORY_NULL ((History) {})
void history_done(History *history);

/* All versions of PATH, which is below the pair's root. 0 or -errno. */
int history_acquire(const RestorePair *pair, const char *path, History *ret);

/* --- bringing it back ---------------------------------------------------------------------------
 */

typedef enum RestoreOutcome {
        RESTORE_DONE,
        RESTORE_REPLACED,  /* done in the place of something else */
        RESTORE_UNCHANGED, /* what is there is just that */
        RESTORE_EXISTS,    /* something else is there, and was left alone */
        RESTORE_FAILED,
        _RESTORE_OUTCOME_MAX,
} RestoreOutcome;

const char *restore_outcome_to_string(RestoreOutcome outcome);

/* What became of one entry; everything is borrowed. */
typedef struct RestoreEvent {
        RestoreOutcome outcome;
        const char *path;    /* below the pair's root */
        const Stamp *stamp;  /* NULL: unknown */
        usec_t version;      /* until when it was in the replica; 0: it is there still */
        int error;           /* -errno of RESTORE_FAILED */
        unsigned shortfalls; /* what the place it was brought to cannot hold of it */
} RestoreEvent;

typedef struct RestoreRequest {
        const char *path; /* below the pair's root */
        usec_t at;        /* versions that left the replica then or later count */
        bool force;       /* replace what is in the way */
        bool dry_run;     /* only say what would be done */
        void (*tell)(const RestoreEvent *event, void *userdata);
        /* Asked between pieces of work; -errno ends it. May be NULL. */
        int (*go_on)(void *userdata);
        void *userdata;
} RestoreRequest;

/* The newest time at which PATH, or something below it, left the replica. 0, RESTORE_NOT_FOUND with
 * *RET_ERROR, -errno. */
int restore_newest(const RestorePair *pair, const char *path, usec_t *ret, char **ret_error);

/* To where it was in the source, whose file system must be the one the store knows. Each entry is
 * made under a name nobody can guess beside its place and then renamed; directories that exist are
 * merged into, directories above the path are made when missing. Each entry is told of; entries
 * that failed or exist are no error here. 0, a RestoreProblem or -errno, with *RET_ERROR but for
 * -ENOMEM; -EINTR or what else go_on returned. */
int restore_to_source(const RestorePair *pair, const RestoreRequest *request, char **ret_error);

/* The same to TARGET under the path's last name; the content of the pair's root to TARGET itself.
 * TARGET is made when it is missing. */
int restore_to_directory(const RestorePair *pair, const RestoreRequest *request, const char *target,
                         char **ret_error);

/* Takes SIZE bytes of the archive; 0 or -errno. */
typedef int (*RestoreWrite)(const void *data, size_t size, void *userdata);

/* The same as a pax archive, with names as restore_to_directory() gives them; "." is the pair's
 * root. force and dry_run are not looked at. */
int restore_to_archive(const RestorePair *pair, const RestoreRequest *request, RestoreWrite write,
                       char **ret_error);
