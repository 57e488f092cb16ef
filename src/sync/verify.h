#pragma once

/* Verifying: files that are in step by their metadata are read back from the medium, both sides,
 * and held against the recorded hash; what rotted is told, and healed through the engine's ordinary
 * way. A PASS_VERIFY: a worker opens the roots (JOB_BEGIN), then threads of its own take one
 * catalog row after the other. Internal to the engine. Logs.
 *
 * Locks: verify->mutex guards the rows to come and the marks; it is taken by itself, or before
 * engine->catalog_mutex. */

#include "fs/read-back.h"
#include "sync/judge.h"
#include "sync/visit.h"

enum {
        VERIFY_THREADS_MAX = 8,
        VERIFY_ROWS_CHUNK = 64,
        VERIFY_MARKS_MAX = 256,
};

typedef struct Verify Verify;

/* One thread's own things. */
typedef struct VerifyThread {
        Verify *verify;
        pthread_t thread;
        int64_t parent; /* the directory of the last file, kept open: its neighbours mostly follow
                         */
        Node *node;     /* counted; NULL: none */
        int directory_fds[2];
        Worker worker;           /* its reader and its copier */
        ReadBack *read_backs[2]; /* of each side, so that both can be read at once */
} VerifyThread;

/* What comes next: along the index of verified times, or down a subtree. */
typedef struct VerifyRows {
        CatalogRow rows[VERIFY_ROWS_CHUNK];
        int n, i;
        CatalogRow after; /* its place alone counts */
        int64_t before;   /* what was verified since the beginning is done */
        bool ended;
        bool by_place;        /* below one path instead of oldest first */
        int64_t *directories; /* that are still to be listed; owned */
        size_t n_directories, n_allocated;
        uint64_t n_bytes_left; /* patrol: of the share */
        int64_t overdue;       /* patrol: what was verified before is read whatever the share */
} VerifyRows;

struct Verify {
        Engine *engine;
        Pass *pass;
        VerifyRequest request;
        char *path; /* owned */
        VerifyThread threads[VERIFY_THREADS_MAX];
        unsigned n_threads;
        pthread_mutex_t mutex;
        VerifyRows rows;
        CatalogVerified marks[VERIFY_MARKS_MAX];
        Hash hashes[VERIFY_MARKS_MAX];
        unsigned n_marks;
        usec_t first_mark;          /* CLOCK_MONOTONIC; of the marks that wait */
        Pending linked;             /* files of several names that are being read */
        pthread_mutex_t heal_mutex; /* one file at a time is handed over */
        atomic_uint_fast64_t n_files_expected, n_bytes_expected;
        atomic_uint_fast64_t n_moved, n_news;
        VerifyFindings findings; /* guarded by the mutex */
        atomic_uint_fast64_t
                paid;    /* patrol: until when what was read is paid for; CLOCK_MONOTONIC */
        usec_t deadline; /* patrol: when the share is cut off */
        atomic_bool stop, is_cut_short;
};

enum { SOURCE, REPLICA, N_SIDES };

/* One file being verified; lives on its thread's stack. */
typedef struct VerifyFile {
        Verify *verify;
        VerifyThread *thread;
        CatalogRow *row;
        Node *node; /* the thread's, as are the directories */
        int directory_fds[N_SIDES], fds[N_SIDES];
        Findings findings;
        Reading readings[N_SIDES]; /* until they are findings */
        Hash hashes[N_SIDES];
        int errors[N_SIDES]; /* of a reading that failed */
        bool has_damage;
        Damage damage;
        uint32_t choice; /* BOTH_ROT: of which runs the replica has the good content */
        bool has_choice;
        bool again;       /* it was healed in part just now */
        bool half_healed; /* the replica is on its way, the source is still to come */
} VerifyFile;

/* Whether the source has nothing that the replica's content could be held against. */
static inline bool verify_is_kept(const VerifyFile *file) {
        return file->row->flags & CATALOG_KEPT;
}

/* verify.c */
int verify_begin(Engine *engine);
/* After the pass: joins the threads and frees what is left. */
void verify_end(Engine *engine, VerifyResult *ret);
/* Whether to go on; a CopyTick as well, whose USERDATA is the VerifyThread. */
bool verify_must_end(const Verify *verify);
int verify_tick(uint64_t n_bytes, void *userdata);

/* verify-rows.c: 1 and the next row, which is moved into *RET; 0 there is none; -errno. */
int verify_rows_begin(Verify *verify, Worker *worker);
int verify_next_row(VerifyThread *thread, CatalogRow *ret);
void verify_rows_done(VerifyRows *rows);

/* verify-mark.c: notes what reading FILE has shown, HASH (may be NULL) and FLAGS, to be committed
 * with others. */
void verify_mark(VerifyFile *file, const Hash *hash, unsigned flags);
void verify_flush_marks(Verify *verify);

/* verify-file.c */
void verify_leave_directory(VerifyThread *thread);
void verify_row(VerifyThread *thread, CatalogRow *row);

/* verify-heal.c: hands the good content over to the committer. 1 handed over, 0 somebody is at the
 * file, -errno. */
int verify_heal_replica(VerifyFile *file, Verdict verdict);
/* Whether both sides' good blocks make up the recorded content: fills CHOICE. 1, 0, -errno. */
int verify_find_choice(VerifyFile *file);
/* verify-heal-source.c: likewise for the source. */
int verify_heal_source(VerifyFile *file);

/* verify-report.c */
void verify_report(const VerifyFile *file, Verdict verdict);
void verify_report_failure(const VerifyFile *file, const char *what, int error);
/* Names what is known to be damaged and stays so. */
void verify_report_known(Worker *worker);
