#pragma once

/* What the files of the engine share: the engine itself, its passes, jobs and workers. Not for
 * users of the engine.
 *
 * Locks, in the order in which they may be taken: engine->roots_mutex, engine->structure,
 * engine->mutex, batch.mutex; the tree's and the watch's own mutexes are leaves.
 * - engine->mutex guards passes, jobs, results and what is said beside each field.
 * - engine->structure (read/write) keeps the shape of the replica and the tree's idea of it
 * together: whoever looks up where a node's replica is and opens it holds it for reading, whoever
 * renames a replica directory and moves its node holds it for writing. Never held while copying.
 * - engine->catalog_mutex guards the writing connection: the committer's, and now and then a
 * worker's that meets a new file system. */

#include <pthread.h>

#include "fs/copy.h"
#include "fs/listing.h"
#include "state/recent-paths.h"
#include "sync/batch.h"
#include "sync/decide.h"
#include "sync/engine.h"
#include "sync/pending.h"
#include "sync/phase.h"

enum {
        ROWS_CHUNK = 64,         /* catalog rows read ahead of the merge */
        LATE_MAX = 16384,        /* jobs that wait for the next round of a pass */
        LATE_ROUNDS_MAX = 256,   /* then what is left is handed back for a retry */
        HELD_BACK_MAX = 8192,    /* items held back for the next round of a pass */
        RETRIES_MAX = 4096,      /* directories handed back; beyond that the rescan covers them */
        REMOVAL_ROUNDS_MAX = 16, /* in which two-way removals wait for all else */
        STAGED_ENTRIES_MAX =
                2048, /* entries of a new directory that are published together with it */
        FILE_SYSTEMS_MAX = 64,
        LARGE_JOBS_MAX =
                256, /* that wait in a pass; beyond that, directories wait for their files */
        LARGE_COPIES_MAX = 2, /* at a time, each on a thread of its own */
};
#define LARGE_FILE_BYTES (UINT64_C(64) * 1024 * 1024)
#define STAGED_BYTES_MAX (UINT64_C(128) * 1024 * 1024)

typedef enum JobKind {
        JOB_BEGIN,  /* open the roots, start the walk */
        JOB_ARM,    /* watch a directory and those below it */
        JOB_SURVEY, /* hold one side of a directory, and of those below it, against the catalog */
        JOB_DIRECTORY, /* merge a directory's three listings */
        JOB_NAMES,     /* look at some names of a directory */
        JOB_GROUP,     /* look at all names of a hard-link group */
        JOB_LARGE,     /* bring one large file into step */
        JOB_FILES,     /* look for the names of files that are known by identity alone */
        JOB_PUBLISH,   /* hand over what was held back until the rest of it was committed */
        JOB_RECHECK,   /* before removals: are the roots still the same? */
        JOB_LIMIT,     /* may that much be removed? */
        JOB_REMOVE, /* look again, at some names or at a whole directory, and carry out the removals
                     */
        JOB_PARKED, /* remove displaced directories that nobody claimed */
} JobKind;

typedef struct Job Job;
struct Job {
        Job *next;
        JobKind kind;
        Pass *pass;
        Node *node;   /* counted */
        Node *parent; /* counted; of a created directory, as are the next three */
        int64_t parent_id;
        char *name; /* owned */
        int64_t file_system;
        DirtyName *names; /* JOB_NAMES, JOB_REMOVE: owned; "" is the directory itself */
        size_t n_names;
        CatalogIdentity identity; /* JOB_GROUP */
        WatchFile *files;         /* JOB_FILES: owned */
        size_t n_files;
        WatchSide side;           /* JOB_SURVEY */
        bool created;             /* the replica's directory is new: it is staged by this job */
        bool recursive;           /* go on into all subdirectories */
        Entry source;             /* of a created directory: what its parent's visit saw */
        CatalogRow displaced_row; /* of the directory whose place a created one takes; see Item */
        bool has_displaced_row;
        ItemList *publication;  /* JOB_PUBLISH: owned; a staged directory first */
        bool regroup;           /* JOB_NAMES: all names of the hard-link group are looked at */
        bool claimed;           /* in Pending: the created directory's identity, or a JOB_GROUP's */
        bool heal;              /* the replica had lost it */
        bool kept;              /* the replica alone has the directory: see keep-back.c */
        bool misplaced;         /* its directory was not where the tree has it, once already */
        usec_t first;           /* of a created directory, for retries */
        unsigned n_attempts;    /* failures in a row; of JOB_FILES, rounds that it was put off */
        bool displaces_foreign; /* of a created directory: see Item */
        int64_t former_id;      /* of a created directory: see Item */
        bool is_orphan;         /* JOB_REMOVE: the source has no such directory any more */
        bool is_stripped;       /* JOB_REMOVE of a name: the round before removed what it could */
        uint64_t replica_inode; /* of the directory, as its parent's visit saw it; 0: any */
        bool is_seen;           /* likewise: see SEEN of Item */
        Stamp seen;
        usec_t noticed; /* when the change that it is about was, CLOCK_MONOTONIC; 0: unknown */
        bool is_closed; /* another file system is mounted there, which is not entered */
};

/* One pass. Lists are guarded by the engine's mutex. */
struct Pass {
        Engine *engine;
        PassKind kind;
        PassPhase phase;
        WatchSide side;   /* of PASS_SURVEY */
        DirtyBatch dirty; /* what a dirty pass was asked for */
        Job *jobs;        /* a stack, so that the walk goes deep first and stays small */
        Job *large;       /* likewise, a queue of JOB_LARGEs */
        size_t n_large;
        size_t n_begun;     /* jobs that it began with */
        size_t n_in_flight; /* jobs being done */
        size_t n_items;     /* items pushed and not committed yet */
        Job *late;
        size_t n_late;
        unsigned n_late_rounds;
        size_t n_held_back; /* items in JOB_PUBLISHes among the late */
        Job *removals;      /* where something was found gone from the source */
        unsigned n_removal_rounds;
        atomic_bool removals_due; /* two-way: all else is done by now, and whatever was renamed is
                                     found */
        atomic_bool parked; /* something was displaced in this pass, or left by the one before */
        atomic_bool foreign_links;        /* see PassResult */
        atomic_bool short_of_room;        /* likewise */
        atomic_uint_fast64_t n_deviating; /* likewise */
        atomic_uint_fast64_t n_removable; /* entries that it would remove, once that is counted */
        atomic_uint_fast64_t n_removed;   /* of these */
        atomic_uint_fast64_t n_refused;   /* below directories that were not to be replaced */
        bool approved;                    /* it may remove however many there are */
        bool holds_removals;              /* it removes nothing */
        bool drops_excluded;              /* what is excluded is removed from the replica */
        uint64_t first_stage; /* names in staging from this number on are of this pass or later */
        bool roots_open;
        PassResult result;
        usec_t started; /* CLOCK_MONOTONIC */
        int64_t n_expected;
        atomic_uint_fast64_t n_bytes_read; /* copied or compared, whatever becomes of it */
        uint64_t failures_mark;            /* see failures.h; 0: the pass did not begin */
};

/* How much was removed, see limit.h; guarded by the engine's mutex. */
enum { LIMIT_PARTS = 6 };
typedef struct Limit {
        uint64_t parts[LIMIT_PARTS]; /* of the last hour, a ring */
        size_t part;                 /* the present one */
        usec_t part_began;           /* CLOCK_MONOTONIC */
        uint64_t n_held;             /* removals on hold */
        atomic_bool approved;        /* for the next full pass */
} Limit;

/* One worker thread's own things. */
typedef struct Worker {
        Engine *engine;
        pthread_t thread;
        Copier *copier;
        CatalogReader *reader;
        Listing source_listing, replica_listing;
        CatalogRow rows[ROWS_CHUNK];
        CatalogRow moved_row; /* of the directory that was just renamed */
        Pass *pass;           /* whose job it is doing */
} Worker;

/* A file system met in the source: device numbers are not stable, the catalog's numbers are. */
typedef struct KnownFileSystem {
        uint64_t device;
        int64_t number;
} KnownFileSystem;

struct Engine {
        Pair *pair;
        Tree *tree;
        Watch *watch, *replica_watch; /* either may be NULL */
        int event_fd;

        pthread_mutex_t mutex;
        pthread_cond_t work;                          /* waited for by workers */
        pthread_cond_t pass_ended;                    /* waited for by engine_free */
        Pass *dirty_pass, *full_pass, *large_pass;    /* running, or NULL */
        Pass *ended_dirty, *ended_full, *ended_large; /* whose results wait to be collected */
        Pass *verify_pass, *ended_verify;             /* likewise */
        struct Verify *verify;                        /* what that pass does; see verify.h */
        unsigned n_large_copies;                      /* JOB_LARGEs being done */
        bool stopping;
        atomic_bool cancelled;

        Worker *workers;
        unsigned n_workers_wanted;
        unsigned n_workers; /* those and as many as large files needed; guarded by mutex */
        pthread_t committer;
        bool committer_runs;
        Worker committer_worker;     /* the committer's own reader */
        struct Purge *purge;         /* see purge.h */
        struct Keep *keep;           /* see keep.h */
        struct Prune *prune;         /* see prune.h */
        struct ReadBack *read_back;  /* see verify-copies.h; made when it is needed */
        struct Bandwidth *bandwidth; /* see bandwidth.h */
        struct Held *held;           /* see held.h */
        Limit limit;
        Proof proof;               /* see proof.h; guarded by mutex */
        struct Failures *failures; /* see failures.h */
        pthread_t retirer;
        bool retirer_runs;

        pthread_mutex_t roots_mutex;
        unsigned n_root_users;

        pthread_rwlock_t structure;
        pthread_mutex_t catalog_mutex;
        KnownFileSystem file_systems[FILE_SYSTEMS_MAX];
        size_t n_file_systems;          /* guarded by catalog_mutex */
        atomic_bool file_systems_stale; /* the mounts changed since they were learnt */

        Batch batch;
        Pending pending;
        struct Retire *retire; /* see retire.h */

        atomic_bool disk_failed;  /* the replica's, as a whole, when it was last written to */
        atomic_bool parked_left;  /* by a dirty pass, for the next one */
        atomic_bool source_moved; /* names of the source were changed, two-way, since it was last
                                     flushed */
        uint64_t first_stage;     /* the least of next_stage */
        CopyAbilities return_abilities; /* from the replica to the source */
        atomic_int_fast64_t next_directory_id;
        atomic_uint_fast64_t n_listed; /* by PASS_ARM; the pass that follows expects as many */
        atomic_uint_fast64_t next_stage;
        atomic_uint_fast64_t heartbeat;
        atomic_uint shortfalls_reported;
        atomic_uint n_unwatched_told;
        RecentPaths *foreign_told; /* guarded by mutex; made when it is needed */
        atomic_bool refuses_names; /* the replica was seen not to take some name */
        atomic_uint_fast64_t n_entries_known;
};

/* pass.c: the life of a pass. Functions that end in _locked need the engine's mutex. */
Pass *pass_new(Engine *engine, PassKind kind);
Pass *pass_free(Pass *pass);
Job *job_new(JobKind kind, Pass *pass, Node *node);
Job *job_free(Job *job);
/* Gives up what the job has claimed, if anything. */
void job_release_claim(Job *job);
void pass_push_job(Pass *pass, Job *job);
/* The same for a job that the calling worker takes itself as its next one: nobody is woken. */
void pass_push_own_job(Pass *pass, Job *job);
/* Puts a job off until everything that was staged so far is committed. Takes the job. False when
 * the list is full: then the caller puts off the directory as a whole, so that memory stays by
 * directory. */
bool pass_push_late(Pass *pass, Job *job);
/* What would not come to rest in that many rounds is handed back for a later pass. */
bool pass_is_out_of_rounds(Pass *pass);
void pass_push_late_directory(Pass *pass, Node *node);
/* Whether N_ITEMS more can be held back for the next round. */
bool pass_may_hold_back(Pass *pass, size_t n_items);
/* Puts off what must not get lost, a JOB_PUBLISH or the pass's one JOB_FILES, until the next round,
 * however many wait. */
void pass_hold_back(Pass *pass, Job *job);
/* Puts off a JOB_REMOVE, or what is to be done beside these, until everything else of the pass is
 * done. Takes the job; a pass that holds removals drops it. */
void pass_push_removal(Pass *pass, Job *job);
/* Hands NAME of NODE (NULL: all of it) back for a retry. N_ATTEMPTS > 0 tells a failure (counted,
 * backed off) from a file that would not rest. */
typedef struct Retry {
        Node *node;
        const char *name;
        usec_t first;
        unsigned n_attempts;
} Retry;
void pass_retry(Pass *pass, const Retry *retry);
/* Ends the pass early with RESULT; ERROR is taken. */
void pass_abort(Pass *pass, int result, char *error);
/* Called whenever a job or an item of the pass is done: moves it on to its next phase. */
void pass_advance_locked(Pass *pass);
/* Items of the pass were committed (or given up). */
void pass_items_done(Pass *pass, size_t n_items);

/* pool.c: the workers. */
int pool_start(Engine *engine, unsigned n_workers);
void pool_stop(Engine *engine);
/* The calling worker's connection to the present catalog. */
int worker_reader(Worker *worker, CatalogReader **ret);
/* Releases what WORKER owns. */
void worker_done(Worker *worker);

/* begin.c: opening and checking the roots. */
void job_begin(Worker *worker, Job *job);
void job_recheck(Worker *worker, Job *job);
void pass_release_roots(Pass *pass);

/* arm.c */
void job_arm(Worker *worker, Job *job);

/* survey.c */
void job_survey(Worker *worker, Job *job);

/* visit.c */
void job_directory(Worker *worker, Job *job);
void job_names(Worker *worker, Job *job);
void job_group(Worker *worker, Job *job);
void job_large(Worker *worker, Job *job);
/* Has all names of a group looked at in the next round of the pass, or, when it has no more rounds,
 * one of them, NAME of NODE, in the next pass. NODE may be NULL. */
void revisit_group(Pass *pass, CatalogIdentity identity, Node *node, const char *name);
/* large.c: takes a JOB_LARGE of PASS that may be begun now, or NULL. */
Job *pass_take_large_locked(Pass *pass);
/* files.c */
void job_files(Worker *worker, Job *job);
/* succeed.c */
void job_publish(Worker *worker, Job *job);
/* Gives up what was held back, and empties LIST: its directory is not made in this pass. */
void publication_abandon(Engine *engine, ItemList *list);
/* parked.c */
void job_parked(Worker *worker, Job *job);

/* pool.c: keeps workers out of NODE, waiting for the one that is in it. No other node may be held.
 */
void pool_enter_node(Engine *engine, Node *node);
void pool_leave_node(Engine *engine, Node *node);

/* commit.c: the committer thread. */
int committer_start(Engine *engine);
void committer_stop(Engine *engine);

/* engine.c: begins PASS in *SLOT, unless there is one, or one in *ENDED that was not collected: 0,
 * -EBUSY, -ENOMEM. */
int engine_start_pass(Engine *engine, Pass *pass, Pass **slot, Pass *const *ended);

/* engine.c: tells the event loop that a pass has ended, or that there is something to take. */
void engine_signal_ended(Engine *engine);

/* Whether the pass comes for some names and not for all: what else belongs to these has to be told.
 */
static inline bool pass_is_partial(const Pass *pass) {
        return pass->kind == PASS_DIRTY || pass->kind == PASS_SURVEY;
}

static inline void engine_beat(Engine *engine) {
        atomic_fetch_add_explicit(&engine->heartbeat, 1, memory_order_relaxed);
}

static inline bool engine_is_cancelled(const Engine *engine) {
        return atomic_load_explicit(&engine->cancelled, memory_order_relaxed);
}

/* A fresh name in the staging directory. */
void engine_stage_name(Engine *engine, char *buffer);
/* One for what the catalog does not know: see STAGED_FOREIGN. */
void engine_stage_name_foreign(Engine *engine, char *buffer);
