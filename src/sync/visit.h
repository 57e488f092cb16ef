#pragma once

/* One directory being looked at: what all files share that handle its entries. A Visit lives on its
 * worker's stack. */

#include <sys/stat.h>

#include "sync/engine-internal.h"
#include "sync/exclusion.h"

typedef struct Visit {
        Worker *worker;
        Engine *engine;
        Pass *pass;
        Job *job;
        Node *node;
        CatalogReader *reader;
        int64_t directory_id;
        int64_t file_system; /* the catalog's number of the source directory's */
        int source_fd;
        int replica_fd; /* -EBADF when the replica has no such directory (dry run) */
        Entry source_directory;
        Exclusions exclusions;
        bool removing; /* only removals are carried out */
        bool counting; /* they are only counted */
        bool recursive;
        bool staged; /* replica_fd is a new directory that nobody sees yet: entries are made under
                        their names */
        char stage[STAGE_NAME_MAX]; /* its name in the staging directory */
        bool foreign;   /* another directory than the catalog's lies where the node has its own */
        bool put_off;   /* the job comes back in the next round of the pass */
        bool restamped; /* the directory's mtime moved since it was last seen */
        ItemList held;  /* rows of what was staged in it: they go with the directory itself */
        Job *children;  /* created directories below it, which must follow it */
        Job *gone;      /* names to be removed at the end of the pass */
} Visit;

/* One entry as seen in a visit. */
typedef struct Look {
        const char *name; /* "" for the directory itself */
        bool has_source, has_replica, has_row;
        Entry source, replica;
        CatalogRow *row; /* borrowed; valid if has_row */
        EntryState source_state, replica_state;
        usec_t first; /* since when it is known to have changed: see DirtyName */
        unsigned n_attempts;
        int64_t directory_id; /* of a directory, once it is known */
        int64_t file_system;  /* the source entry's: the directory's but for mount points */
        bool regroup;         /* see Job */
        bool is_listed;       /* the replica's listing has this very name */
        bool kept;            /* as the row says, a policy keeps it from being in step */
        bool is_dropped;      /* it is excluded, in the replica alone, and to go from there */
        bool unlinkable;      /* the replica refused to link it to its group */
        bool whole;           /* all below the directory must be looked at, watched or not */
        bool succeeds;        /* the directory takes the place of the one that the row is of */
        int64_t former_id;    /* of that one, when it is in the replica no more; else 0 */
        bool is_returned;  /* the source has just taken it over from the replica, which was told */
        bool is_kept;      /* what the source has is kept under another name */
        const char *aside; /* the source's entry gets this name when it loses its own */
        bool is_rotten; /* the source's content changed although nobody wrote it; the replica keeps
                           the good one, whose hash is HASH */
        bool has_hash;  /* of the source's content, when an examination gave it */
        bool is_closed; /* something is mounted there, and the pair keeps to one file system */
        Hash hash;
        bool claimed; /* its identity is claimed in Pending by this look; an item that is handed
                         over takes the claim along */
        bool replica_claimed; /* likewise the replica's inode */
} Look;

static inline bool look_is_directory(const Look *look) {
        return mode_type(look->source.stamp.mode) == S_IFDIR;
}

static inline void node_unrefp(Node **node) {
        (void) node_unref(*node);
}

/* look.c */
void look_classify(Look *look);
/* Has what a policy keeps as it was stand for in step, as long as the policy and both sides are
 * what they were. */
void look_apply_policy(Look *look, Policy policy);
/* Other names share the replica's inode, and not the source's. */
bool look_is_shared(const Look *look);
/* The same for a two-way pair: each side by itself is held against the catalog. */
void look_classify_two_way(Look *look);
/* What can be said of the contents without reading them. */
Evidence look_evidence(const Look *look);
/* The entry's identity in the source. */
static inline CatalogIdentity look_identity(const Look *look) {
        return (CatalogIdentity) { .file_system = look->file_system,
                                   .source_inode = look->source.stamp.inode };
}

/* Whether the replica's entry is another than the catalog has there: after a crash nothing but its
 * name in staging could tell where it belongs. Of a replica that is being adopted all is kept. */
static inline bool look_finds_foreign(const Visit *visit, const Look *look) {
        return look->has_replica && !visit->engine->pair->adopting &&
               !(look->has_row && look->row->replica.inode == look->replica.stamp.inode);
}

/* examine.c: compares the contents of both sides. Positive: EVIDENCE_EQUAL or EVIDENCE_DIFFERENT;
 * -errno. The source's hash is kept in LOOK when it was learnt. */
int look_examine(Visit *visit, Look *look);
/* A symbolic link's content is its target: LOOK gets its hash, if hashes are wanted. 0 or -errno.
 */
int look_hash_target(const Visit *visit, Look *look, const char *target);
/* After the source's content was copied, whose hash is in LOOK: whether it is another one than the
 * catalog has although nothing else of the file moved, while the replica has the recorded one: then
 * LOOK tells of that. 1, 0, -errno. */
int look_find_rot(Visit *visit, Look *look);

/* visit-look.c */
/* Samples both sides of the name LOOK, takes out what is left out, and brings the rest into step.
 */
void visit_look_at(Visit *visit, Look *look);
/* Learns the file system of the source entry LOOK, and whether it is entered. 0 or -errno. */
int visit_sample_file_system(Visit *visit, Look *look);

/* visit.c */
/* Opens what JOB's directory has on both sides, for a survey on one, and has BODY look at it. */
void visit_run(Worker *worker, Job *job, void (*body)(Visit *visit));
/* visit-look.c */
/* Samples both sides of the name LOOK, takes out what is left out, and brings the rest into step.
 */
void visit_look_at(Visit *visit, Look *look);
/* Learns the file system of the source entry LOOK, and whether it is entered. 0 or -errno. */
int visit_sample_file_system(Visit *visit, Look *look);
/* The store inside a replica is no part of the mirrored tree on either side. */
bool visit_is_store(const Visit *visit, const char *name);
/* WATCH (may be NULL) watches its side's directory, open as DIRECTORY_FD. */
void visit_watch(Visit *visit, Watch *watch, int directory_fd);

/* visit-entry.c: brings one entry into step. */
void visit_entry(Visit *visit, Look *look);
/* What may be done about LOOK; the configuration's word, and what follows from it. */
Policy visit_policy(const Visit *visit, const Look *look);

/* keep-back.c: what a policy keeps in the replica. */
/* Leaves LOOK as it is, and has the catalog know. 0 or -errno. */
int visit_keep(Visit *visit, Look *look);
/* Goes on into a directory that was kept before, in a pass that looks at everything. 0 or -errno.
 */
int visit_descend_kept(Visit *visit, Look *look);
/* Why: for messages. */
const char *keep_reason(bool has_source);
/* One replica inode must not stand for two groups of the source: *RET tells whether it does. 1: put
 * off until who else looks at the inode has committed; 0; -errno. */
int visit_check_shared(Visit *visit, Look *look, bool *ret);

/* large.c: leaves what has to be done about the content of a large file to a job of its own. 1 left
 * to it, or already another's work; 0 go on; -errno. */
int visit_large(Visit *visit, Look *look, Evidence evidence);

/* left-out.c: what is excluded. */
/* Takes what EXCLUSION hides out of LOOK, whose sides were sampled, as if it were not there. False:
 * nothing is left of it, nor a row to be forgotten. */
bool visit_hide(Visit *visit, Look *look, Exclusion exclusion);
/* LOOK is a directory that is not entered any more: forgets what is watched there and below. */
void visit_close_off(Visit *visit, const Look *look);
/* Nothing of the name is mirrored: forgets what is watched there. */
void visit_leave_out(Visit *visit, const char *name);
/* Whether anything below the directory that the replica has under the name is excluded, and so has
 * to stay. 1, 0, -errno. */
int visit_spares(Visit *visit, const Look *look);
/* Removes everything from the replica's directory LOOK, which the source lacks, but what is
 * excluded. 0 or -errno. */
int visit_strip(Visit *visit, Look *look);

/* held.c: whether the entry's replica must be left as it is, because a file system that was mounted
 * there is missing, was exchanged, or hides what was there; says so once. */
bool visit_hold(Visit *visit, Look *look);

/* perform.c: carries out ACTION. 0 done or put off; -errno. */
int perform(Visit *visit, Look *look, Action action);
/* An O_PATH descriptor of an entry, or of the directory itself (NAME empty); -errno. */
int visit_open_object(int directory_fd, const char *name);
/* Makes a job for the directory LOOK and queues it now or, when VISIT's directory is not published
 * yet, behind it. */
typedef struct Descent {
        bool created, heal;
        bool kept; /* the source has no such directory */
} Descent;
/* The node of the subdirectory LOOK, with its catalog id, which LOOK gets. */
int visit_know_directory(Visit *visit, Look *look, Node **ret);
/* Whether the entry, gone from where its row is, was found under another name, which had the
 * replica's inode then. */
bool visit_was_moved(Visit *visit, const Look *look);
int visit_descend(Visit *visit, Look *look, Descent descent);

/* group.c: hard-link groups. 1 handled or put off, 0 go on as with any entry (the look holds a
 * claim then), -errno. */
int visit_group(Visit *visit, Look *look);

/* Of a two-way pair, once it is known that the replica's entry, which somebody made or changed, has
 * the same content: links it to its group. Likewise. */
int visit_group_join(Visit *visit, Look *look);

/* Whether an entry that is in step needs not follow other names of its group to their replica
 * inode: 1, 0, -errno. */
int visit_group_is_whole(Visit *visit, const Look *look);
/* The name of the row, one of a group, is gone or another entry's: the last change of the inode may
 * have been made through it, and is found at the names that stay. */
void visit_group_left(Visit *visit, const Look *look);

/* move.c: finds a known entry that turned up under another name. 1 handled or put off, 2 the
 * replica's directory was renamed to here (LOOK tells of it now), 0 it is no known entry, -errno.
 */
int visit_moved(Visit *visit, Look *look);

/* succeed.c: directories that take the place of others. */
/* Takes the directory that the row of LOOK is of out of the tree: one that is made anew has its
 * place. */
bool visit_forget_predecessor(Visit *visit, const Look *look);
/* Has LOOK, of a new directory under the name of the one that its row is of, forget that row: the
 * directory is made anew, and publishing it displaces the old one, which may still turn up
 * elsewhere. False: left as it is. */
bool visit_succeed(Visit *visit, Look *look);
/* Whether a directory that lost its name in the source may still be found under another one in this
 * pass: by the first look at that, or, when that is in a new directory, by the second. */
static inline bool visit_may_be_renamed_yet(const Visit *visit) {
        return visit->pass->n_late_rounds < 2;
}
/* The same where the old directory may not go: the new one takes over what the replica has. 1: put
 * off until whoever finds the old one's new name has renamed it; 0; -errno. */
int visit_succeed_in_place(Visit *visit, Look *look);
/* Puts off handing over LIST, of a staged directory and what is held in it, until everything below
 * it is in place, if it takes the place of another. True: LIST is taken. */
bool visit_hold_back(Visit *visit, ItemList *list);

/* handover.c: items on their way. */
Item *visit_item(Visit *visit, const Look *look, ItemKind kind);
/* Gives the item to the committer or, in a staged directory, keeps it until the directory goes.
 * Takes the item. */
void visit_push(Visit *visit, Item *item);
/* The same for a staged directory, first, and all that is held in it: committed together. Takes the
 * item. */
void visit_push_held(Visit *visit, Item *directory);
/* Hands LIST, which is taken, to the committer. */
void visit_push_list(Visit *visit, ItemList *list);
/* Looks at the entry again once everything staged so far is committed. */
void visit_defer(Visit *visit, const Look *look);
void visit_note_gone(Visit *visit, const Look *look);

/* report.c: what is told of an entry. */
void visit_fail(Visit *visit, const Look *look, const char *what, int error);
void visit_restless(Visit *visit, const Look *look);
void visit_shortfalls(Visit *visit, const Look *look, unsigned shortfalls);
/* The directory is left to rescans. */
void visit_unwatched(Visit *visit, const Watch *watch);
/* The source's content rotted. */
void visit_rotten(Visit *visit, const Look *look);
/* The replica's entry is not as it was left, and stays so. */
void visit_foreign(Visit *visit, const Look *look);
/* What the source took over from the replica, NAME of VISIT's directory. */
typedef struct Returned {
        const char *name;
        const char *from; /* the path that was renamed, or NULL */
        Operation operation;
        uint64_t n_bytes;
        usec_t duration;
} Returned;
void visit_returned(Visit *visit, const Returned *returned);
/* NAME was changed on both sides; what one of them had is called CONFLICT_NAME now. */
void visit_conflicting(Visit *visit, const char *name, const char *conflict_name, bool is_sources);
void visit_would(Visit *visit, const Look *look, Operation operation, const char *from);
void visit_would_conflict(Visit *visit, const Look *look);

/* locate.c: where a node's directories are. Each opens a descriptor or gives -errno; -ESTALE when
 * the node has left the tree. */
int locate_source(Engine *engine, Node *node);
/* Needs engine->structure. */
int locate_replica_locked(Engine *engine, Node *node);
int locate_replica(Engine *engine, Node *node);
/* The node of a directory that the catalog knows by id, made from the catalog's rows where the tree
 * does not have it yet. New reference; -ENOENT. */
int locate_by_id(Worker *worker, int64_t directory_id, Node **ret);
