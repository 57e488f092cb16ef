#pragma once

/* By what means a side is watched. Marks on directories are the best that there is for most
 * sources: no limit, half the events of inotify, and they tell which file it was and who did it.
 * One mark on a whole file system costs nothing to set and keeps no directory in memory, but
 * whoever writes anywhere on that file system pays for it. inotify works for everybody. */

#include <stdbool.h>
#include <stdint.h>

#include "config/config.h"
#include "state/catalog.h"
#include "watch/watch.h"

/* What the choice depends on; 0 where it is not known. */
typedef struct WatchFacts {
        bool may_mark;          /* this process has the rights for fanotify as a whole */
        bool is_whole;          /* the directory is the top of its file system */
        uint64_t n_used;        /* inodes in use on that file system */
        uint64_t n_entries;     /* of the pair, when it was last in step */
        uint64_t n_directories; /* of these; counted only when there are many entries */
} WatchFacts;

typedef struct WatchAttempt {
        WatchBackend backend;
        const char *reason; /* behind the backend's name; may be empty */
} WatchAttempt;

/* What is tried, in this order. */
typedef struct WatchPlan {
        WatchAttempt attempts[_WATCH_BACKEND_MAX];
        unsigned n_attempts;
} WatchPlan;

/* Pure. MODE is not WATCH_OFF. */
WatchPlan watch_plan(WatchMode mode, const WatchFacts *facts);

/* The outcome in a few words: "inotify", "fanotify on the whole file system, which the source
 * fills", or, when attempts before it failed with ERROR (else 0), "inotify (fanotify: Operation not
 * permitted)". A fresh string, or NULL. Pure. */
char *watch_attempt_format(const WatchAttempt *attempt, int error);

typedef struct WatchRequest {
        WatchMode mode;   /* not WATCH_OFF */
        const char *path; /* of the directory to be watched */
        WatchSide side;
        bool skip_own;
        const Catalog *catalog; /* may be NULL; no transaction is open on it */
} WatchRequest;

/* Samples the facts and opens what is chosen. *RET_TEXT is the outcome in words. 0, 1 when the
 * configured means could not be had and *RET is another, -errno. */
int watch_choose(const WatchRequest *request, Watch **ret, char **ret_text);
