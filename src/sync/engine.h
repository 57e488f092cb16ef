#pragma once

/* The engine brings the replica into step: a pool of workers walks directories and stages what must
 * change, one committer flushes, publishes and commits in batches. Passes run beside the event
 * loop, which starts them, is told through an eventfd when one has ended, and collects the result.
 * At most one full pass (or survey) and one dirty pass run at a time; the dirty pass has precedence
 * in the pool. Large files are copied beside them: no directory and no dirty pass waits for one.
 *
 * All functions are called from the event-loop thread only. */

#include <stdbool.h>
#include <stdint.h>

#include "state/catalog.h"
#include "state/slowest.h"
#include "sync/counters.h"
#include "sync/pair.h"
#include "watch/dirty.h"
#include "watch/tree.h"
#include "watch/watch.h"

typedef struct Engine Engine;

typedef enum PassKind {
        PASS_ARM, /* walks the source's directories, watches them and counts what they hold; no file
                     is looked at */
        PASS_FULL,   /* everything */
        PASS_DIRTY,  /* the dirty places alone */
        PASS_LARGE,  /* large files that dirty passes met, for as long as there are any: never
                        started from outside */
        PASS_VERIFY, /* nothing is mirrored: files in step are read back from the medium and held
                       against their hashes */
        PASS_SURVEY, /* one side is held against the catalog; what is not as it was is looked at as
                        in a dirty pass */
        _PASS_KIND_MAX,
} PassKind;

/* What a file system has free. */
typedef struct Room {
        uint64_t n_bytes, n_files;
} Room;

/* Something that reading back found wrong. */
typedef struct VerifyFinding {
        char *path;                    /* owned; relative to the source, raw bytes */
        char *message;                 /* owned; a line for a person, without control characters */
        const char *kind;              /* "replica-rot", "failed", …: see verify-findings.h */
        uint64_t first_byte, n_blocks; /* of the damage; no blocks: where it is is not known */
} VerifyFinding;

typedef struct VerifyFindings {
        VerifyFinding *items; /* owned */
        size_t n_items;
        uint64_t n_unlisted; /* more that were only counted */
} VerifyFindings;

/* What a PASS_VERIFY leaves to be said beyond its counters. */
typedef struct VerifyResult {
        CatalogCoverage coverage; /* afterwards; SINCE is one VerifyInterval ago */
        bool is_cut_short;        /* it was stopped, or its time was up, with more to do */
        uint64_t n_news;          /* files found damaged of which it was not known */
        uint64_t n_moved;         /* files that somebody was at: the next look handles them */
        VerifyFindings findings;  /* not the patrol's, which logs them */
} VerifyResult;

typedef struct PassResult {
        PassKind kind;
        int result;  /* 0; a GuardOutcome > 0; -ECANCELED; -errno of a failure that ended the pass
                        (catalog, flush) */
        char *error; /* owned; for results other than 0 and -ECANCELED: one line for a person */
        Counters counters;
        Slowest slowest; /* of its operations on content */
        usec_t duration;
        int64_t n_entries;  /* in the catalog afterwards */
        DirtyBatch retries; /* paths that failed or would not rest; to be tried again. n_attempts >
                               0: failed */
        bool retries_dropped; /* more failed than the list holds: the rescan covers them */
        bool rebuilt; /* the replica or store had been deleted and was made again: a dirty pass that
                         meets this asks for a full one */
        bool drops_excluded; /* as it was started */
        bool foreign_links;  /* somebody made hard links in the replica: through them any file may
                                have been changed, which a full pass alone can tell */
        bool proven;         /* a full one that found or made everything equal: see Proof */
        bool short_of_room;  /* something failed because the replica's disk was full */
        Room room;           /* there, when the pass began */
        VerifyResult verify;
        WatchSide side;       /* of a survey */
        uint64_t n_deviating; /* directories in which a survey found something to look at */
} PassResult;
void pass_result_done(PassResult *result);

/* A look at a running pass, for progress lines and the watchdog. */
typedef struct EngineProgress {
        bool running;
        PassKind kind;
        usec_t started; /* CLOCK_MONOTONIC */
        uint64_t n_entries, n_directories, n_operations, n_failed;
        uint64_t n_bytes;   /* copied, or compared by content */
        int64_t n_expected; /* entries known from earlier passes, 0 when unknown */
        uint64_t heartbeat; /* moves whenever a worker or the committer got something done: the
                               watchdog is fed while it moves or nothing runs */
} EngineProgress;

/* Whether both sides are the same, as far as is recorded, and since when that is proven. */
typedef struct Proof {
        bool is_known;        /* the next three are */
        bool is_identical;    /* both digests are the same */
        uint64_t n_kept;      /* entries that a policy keeps in the replica as they are, changed or
                                 gone in the source */
        Hash source, replica; /* digests of the roots with all that is below them */
        usec_t at;            /* CLOCK_REALTIME: the end of the last full pass that found everything
                                 equal and nothing left undone; 0: none has yet */
        usec_t oldest_verified; /* of all contents, when the one was read back that was not for the
                                   longest time; 0: some were never */
} Proof;

/* Whether the catalog has no directories yet: how much a first pass has to do only PASS_ARM finds
 * out. */
bool engine_is_fresh(const Engine *engine);

/* TREE and the watches are shared and outlive the engine; each watch may be NULL (that side is not
 * watched). The configuration is the pair's. */
int engine_new(Pair *pair, Tree *tree, Watch *watch, Watch *replica_watch, Engine **ret);
/* Cancels what runs, waits for it, ends the threads. */
Engine *engine_free(Engine *engine);

/* Readable (eventfd) when a pass has ended. */
int engine_fd(const Engine *engine);

/* Each returns 0, -EBUSY when such a pass already runs. The batch's content is taken. */
int engine_start(Engine *engine, PassKind kind);
int engine_start_dirty(Engine *engine, DirtyBatch *batch);
/* A full pass that also removes from the replica what is excluded. */
int engine_start_dropping(Engine *engine);
/* Also -EBUSY while a full pass runs, which sees both sides but may have been to a place before. */
int engine_start_survey(Engine *engine, WatchSide side);

/* Takes the result of an ended pass: 1 there is one, 0 none (and the eventfd is drained). */
int engine_collect(Engine *engine, PassResult *ret);

/* Takes what became known of files that had several names, of which some went with a directory: a
 * change through one of those may show at the others alone. *RET is the caller's. 0, or -ENOBUFS
 * when there were more: then a full pass is due. The descriptor is readable when there are any. */
int engine_take_linked(Engine *engine, WatchFile **ret, size_t *ret_n);

bool engine_is_running(const Engine *engine, PassKind kind);

/* What is to be read back. */
typedef struct VerifyRequest {
        const char *path; /* a file or directory relative to the source; NULL: everything. Copied */
        bool patrol;      /* a share of what is due, oldest first, by one thread of idle priority
                             that keeps to VerifyBandwidthMax and waits while anything is mirrored;
                             else all of it, as fast as it goes */
        usec_t elapsed;   /* patrol: since the last share was begun */
        usec_t since; /* CLOCK_REALTIME: what was read back since then is not read again, as when
                         a reading that was stopped goes on; 0: now */
} VerifyRequest;

/* Begins a PASS_VERIFY, of which there is at most one, beside other passes: 0; -EBUSY; -EOPNOTSUPP
 * when there are no hashes (Integrity.Checksum=off); -errno. A PATH that the catalog does not know
 * makes the pass end with -ENOENT. */
int engine_verify_start(Engine *engine, const VerifyRequest *request);
/* Asks it to end soon; what was read back stays known. */
void engine_verify_stop(Engine *engine);

typedef struct VerifyProgress {
        bool running, patrol;
        uint64_t n_files, n_bytes;                   /* read back; bytes of both sides */
        uint64_t n_files_expected, n_bytes_expected; /* 0: unknown */
        uint64_t n_damaged;
        usec_t started; /* CLOCK_MONOTONIC */
} VerifyProgress;
void engine_get_verify_progress(Engine *engine, VerifyProgress *ret);

/* Asks running passes to end soon: what is staged completely is still published and committed,
 * copies in flight are abandoned. */
void engine_cancel(Engine *engine);
/* Takes that back, once nothing runs any more: passes may be started again. */
void engine_end_cancel(Engine *engine);

void engine_get_progress(Engine *engine, EngineProgress *ret);

/* Adds to TOTAL what passes have done whose results were not collected yet: with those that were,
 * it never goes back. */
void engine_add_counters(Engine *engine, Counters *total);

void engine_get_proof(Engine *engine, Proof *ret);

/* An entry that could not be mirrored when it was last looked at. */
typedef struct Failure {
        Node *node;         /* counted; the directory that it is in */
        char *name;         /* owned; "" for the directory itself */
        char *path;         /* owned; relative to the source, raw bytes */
        const char *what;   /* the verb: "copy", … */
        int error;          /* -errno */
        usec_t first, last; /* CLOCK_REALTIME */
        unsigned n_attempts;
} Failure;
void failure_done(Failure *failure);

typedef struct FailureList {
        Failure *items; /* owned */
        size_t n_items;
        uint64_t n_unlisted; /* more that were only counted */
} FailureList;
#define FAILURE_LIST_NULL ((FailureList) {})
void failure_list_done(FailureList *list);

/* What fails at present. 0 or -ENOMEM. */
int engine_list_failures(Engine *engine, FailureList *ret);
uint64_t engine_n_failures(const Engine *engine);
/* What of it was tried N_ATTEMPTS times, or fails for as long as AGE: each failure once, until it
 * is over. 0 or -ENOMEM. */
int engine_take_lasting_failures(Engine *engine, unsigned n_attempts, usec_t age, FailureList *ret);

/* The space that the versions take, as of when they were last measured (CLOCK_REALTIME; 0: not
 * yet). That is done when some came or went, but not often. */
typedef struct VersionsUsage {
        uint64_t n_bytes;
        usec_t measured;
} VersionsUsage;
VersionsUsage engine_versions_usage(const Engine *engine);

/* How many places of the source are held: see held.h. */
size_t engine_n_held(const Engine *engine);

/* How many removals are on hold, because they are more than MaxDelete allows. */
uint64_t engine_n_held_removals(Engine *engine);
/* They are meant: the next full pass carries out whatever is to be removed. */
void engine_approve_removals(Engine *engine);

/* The mount table changed at, above or below one of the pair's directories: file systems are asked
 * who they are, and source and replica whether they overlap, once more before the next pass. */
void engine_note_mounts(Engine *engine);

/* Forgets the source's directories at and below PATH (relative to its root), with their watches:
 * the next look there finds everything new to it, and goes down to the bottom. Where that look must
 * start is stored as name *RET_NAME, fresh, of the node *RET_NODE, a new reference: the entry
 * itself, or the topmost directory on the way to it that was not known. 0 or -ENOMEM. */
int engine_forget(Engine *engine, const char *path, Node **ret_node, char **ret_name);

/* What an engine knows beyond tree and catalog, for one in another process that goes on with both.
 */
typedef struct EngineLegacy {
        int64_t next_directory_id; /* nodes may have ids that no row has yet */
} EngineLegacy;
EngineLegacy engine_bequeath(const Engine *engine);
/* Before the first pass of an engine whose tree was taken over. 0 or -errno. */
int engine_inherit(Engine *engine, const EngineLegacy *legacy);

/* Limits the bytes that are copied in a second from now on, also by what is under way; 0: not. */
void engine_set_bandwidth(Engine *engine, uint64_t rate);

/* Takes over those settings of a reloaded configuration that can change while nothing runs: called
 * between passes. CONFIG is borrowed as the pair's new one. */
void engine_set_config(Engine *engine, const Config *config);
