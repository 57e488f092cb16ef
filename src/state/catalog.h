#pragma once

/* The catalog: what the pair knows of every entry, in SQLite with a write-ahead log. Rows are keyed
 * by (directory id, name), so moving a directory changes one row. One Catalog is the writer and
 * belongs to one thread at a time (the committer); each worker has a CatalogReader of its own,
 * which sees what was committed. Writes gather in one transaction from catalog_begin to
 * catalog_commit.
 *
 * SQLite's codes become -errno in one place: BUSY→EBUSY, FULL→ENOSPC, CORRUPT and NOTADB→EBADMSG,
 * READONLY→EROFS, IOERR→EIO (EDQUOT and ENOSPC where the failed call says so), NOMEM→ENOMEM, else
 * EIO. Whoever meets -EBADMSG in use leaves word of it in the catalog, and the next catalog_open
 * refuses it. */

#include <stdbool.h>
#include <stdint.h>

#include "fs/entry.h"
#include "fs/hash.h"
#include "fs/identity.h"

/* Well-known directory ids. */
enum {
        CATALOG_NO_DIRECTORY = 0,
        CATALOG_PARKED = 1, /* the parent of displaced entries: their names are those in staging */
        CATALOG_ROOT = 2,
        CATALOG_FIRST_ID = 16,
};

typedef enum CatalogFlags {
        CATALOG_UNSTABLE = 1 << 0,   /* published although the source file never rested */
        CATALOG_MOUNT_ROOT = 1 << 1, /* another file system was mounted there */
        /* Damage that was found and could not be healed, or may not be: */
        CATALOG_SOURCE_ROTTEN = 1 << 2,
        CATALOG_REPLICA_ROTTEN = 1 << 3,
        CATALOG_UNDECIDED = 1 << 4, /* both sides differ, and no hash tells which is right */
        CATALOG_DAMAGED = CATALOG_SOURCE_ROTTEN | CATALOG_REPLICA_ROTTEN | CATALOG_UNDECIDED,
        /* What a policy keeps from being in step; such a row's hash is that of the replica's
         * content: */
        CATALOG_KEPT_OLD = 1 << 5,  /* the replica has what it got first; the source's stamp is of
                                       what was not taken over */
        CATALOG_KEPT_GONE = 1 << 6, /* the source has it no more; its stamp is catalog_gone_stamp */
        CATALOG_KEPT = CATALOG_KEPT_OLD | CATALOG_KEPT_GONE,
} CatalogFlags;

/* CatalogRow.verified of a regular file without a hash, so that it comes first. */
#define CATALOG_WITHOUT_HASH (-1)

typedef struct CatalogRow {
        int64_t parent;       /* directory id */
        char *name;           /* owned by the row; raw bytes */
        int64_t directory_id; /* of a directory itself, else 0 */
        int64_t file_system;  /* number of the source entry's, see catalog_file_system */
        Stamp source;         /* both sides when last in step */
        Stamp replica;
        Hash hash; /* of a regular file's content, or of a symbolic link's target */
        bool has_hash;
        unsigned flags;
        int64_t verified; /* when both sides were last read back and found right, CLOCK_REALTIME in
                             microseconds; 0: not yet. Of regular files; without a hash it is
                             CATALOG_WITHOUT_HASH, whatever is put */
} CatalogRow;

/* The source's stamp in the row of an entry that only the replica has, REPLICA: that of no entry,
 * so that no other one passes for it, however inode numbers are used again, nor the two sides'
 * digests for equal. The row's file system is CATALOG_NO_FILE_SYSTEM. */
#define CATALOG_NO_FILE_SYSTEM INT64_C(0)
Stamp catalog_gone_stamp(const Stamp *replica);

#define CATALOG_ROW_NULL ((CatalogRow) {})
void catalog_row_done(CatalogRow *row);

typedef struct Catalog Catalog;
typedef struct CatalogReader CatalogReader;

/* Opens or creates PATH and checks it. PATH is usually "/proc/self/fd/N/catalog.db" with N the
 * store, which must then stay open as long as the catalog and its readers. Always checked, at a
 * cost that does not grow: whose database it is, its version, its schema, the root of every table
 * and index. After a crash, of which a fact that catalog_close clears tells, the structure of every
 * page too (PRAGMA quick_check). Returns 0, 1 when it was created (an empty file counts as none),
 * -EBADMSG when it is damaged, another program's or of a newer version: then it is as it was, log
 * included, and the caller sets it aside; -ELOOP when it is a symbolic link; -errno. */
int catalog_open(const char *path, Catalog **ret);
/* Rolls back what is not committed, marks a clean close and carries the log over. NULL is allowed.
 */
Catalog *catalog_close(Catalog *catalog);

/* Writer side. All but catalog_begin and catalog_rollback need an open transaction. The first
 * failure spoils the transaction: what follows in it, catalog_commit included, gives the same error
 * and does nothing. A commit that fails has rolled back; rolling back once more, or without a
 * transaction, does nothing. */
int catalog_begin(Catalog *catalog);
int catalog_commit(Catalog *catalog);
/* Carries the log over to the database, so that the next transaction finds the log's room free. No
 * transaction may be open. Where it fails nothing is lost. */
void catalog_restart_log(Catalog *catalog);
int catalog_rollback(Catalog *catalog);

/* Inserts ROW, or replaces the one with its parent and name. */
int catalog_put(Catalog *catalog, const CatalogRow *row);
/* 0 also when there is no such row. */
int catalog_delete(Catalog *catalog, int64_t parent, const char *name);

typedef struct CatalogPlace {
        int64_t parent;
        const char *name;
} CatalogPlace;

/* Updates only the replica's stamp (and for link groups the source's) of a row; a stamp that is
 * NULL stays. 1 done, 0 no such row. */
int catalog_set_stamps(Catalog *catalog, CatalogPlace place, const Stamp *source,
                       const Stamp *replica);
/* Deletes the row at PLACE only if its source is SOURCE_INODE: another entry may have taken the
 * place since. */
int catalog_delete_inode(Catalog *catalog, CatalogPlace place, uint64_t source_inode);
/* Updates the replica's stamp in the row of directory DIRECTORY_ID, whose mtime has become the
 * source's: that is noted of the source as well, but not the ctime, which tells of attributes too.
 */
int catalog_set_directory_replica(Catalog *catalog, int64_t directory_id, const Stamp *replica);
/* Deletes at most LIMIT rows below directory DIRECTORY_ID, at any depth, leaves first; the
 * directory's own row stays. Returns how many it deleted: fewer than LIMIT when nothing is left.
 * O(rows deleted + depth). */
int64_t catalog_delete_subtree(Catalog *catalog, int64_t directory_id, int64_t limit);

/* Deletes all rows. In a transaction of its own; 0 or -errno. */
int catalog_forget_entries(Catalog *catalog);

/* What reading a file back from the medium has shown; for all its names, as far as they are still
 * what they were then. */
typedef struct CatalogVerified {
        int64_t file_system;
        uint64_t source_inode, replica_inode;
        int64_t source_ctime;
        const Hash *hash; /* NULL: the recorded one stays */
        unsigned flags;   /* all of the rows' flags from now on */
        int64_t verified; /* see CatalogRow */
} CatalogVerified;
int catalog_set_verified(Catalog *catalog, const CatalogVerified *verified);

/* A catalog keeps digests of what it knows of each side, see digest.h, and keeps them right with
 * every change. One that was made before there were any learns them by the second call, once, at
 * the cost of a walk over all of it (some 2 µs an entry): 1 done, 0 there was nothing to do,
 * -errno. No transaction may be open. */
bool catalog_has_digests(const Catalog *catalog);
int catalog_complete_digests(Catalog *catalog);

/* Small facts: identities of the roots, counters, the pair's id. TEXT is any string, NULL to delete
 * the fact. The keys "open", "damaged" and "digests" are the catalog's own. get: 0 with a fresh
 * string, -ENOENT; needs no transaction. */
int catalog_set_fact(Catalog *catalog, const char *key, const char *text);
/* The same in a transaction of its own. */
int catalog_commit_fact(Catalog *catalog, const char *key, const char *text);
int catalog_get_fact(Catalog *catalog, const char *key, char **ret);

/* The small number that stands for a file system in rows; made at need (a transaction is needed
 * only then). */
int catalog_file_system(Catalog *catalog, const FileSystemId *id, int64_t *ret);

/* The least directory id above AFTER under which there are rows while none is the directory's own:
 * what a removed directory left behind that was not purged before the end. 0 or -ENOENT. */
int catalog_next_orphan(Catalog *catalog, int64_t after, int64_t *ret);

/* The greatest directory id in use, at least CATALOG_FIRST_ID: ids are given out from here by the
 * sync layer. */
int catalog_max_directory_id(Catalog *catalog, int64_t *ret);

/* Reader side. A reader belongs to one thread at a time and may be opened in any while the writer
 * is at work. It never holds a read transaction between calls, so that checkpoints get through; so
 * what several calls return together need never have been in the catalog at one time. A row that is
 * filled must be CATALOG_ROW_NULL or have been filled before: what it held is released, its name's
 * memory used again. */
int catalog_reader_open(const Catalog *catalog, CatalogReader **ret);
CatalogReader *catalog_reader_close(CatalogReader *reader);

/* One row by place: 0 or -ENOENT. */
int catalog_reader_get(CatalogReader *reader, int64_t parent, const char *name, CatalogRow *ret);

/* Up to N_MAX rows of directory PARENT with names greater than AFTER ("" for the first), in strcmp
 * order, into ROWS. AFTER may be the name in one of ROWS. Returns the number; rows beyond it are
 * left as they are. Served in chunks so that no statement stays open while the caller copies. The
 * fast path of rescans: well under 1 µs a row. */
int catalog_reader_list(CatalogReader *reader, int64_t parent, const char *after, CatalogRow *rows,
                        int n_max);

typedef struct CatalogIdentity {
        int64_t file_system;
        uint64_t source_inode;
} CatalogIdentity;

/* HANDLER is called for each row that catalog_delete_subtree deletes of a file that had other names
 * as well; it must call nothing of the catalog. */
typedef void (*CatalogLinked)(CatalogIdentity identity, void *userdata);
void catalog_on_linked(Catalog *catalog, CatalogLinked handler, void *userdata);

/* Rows whose source is inode SOURCE_INODE on FILE_SYSTEM: names of a hard-link group, or where a
 * moved entry was. Up to N_MAX after skipping N_SKIP, ordered by place; returns the number. */
int catalog_reader_by_identity(CatalogReader *reader, CatalogIdentity identity, int n_skip,
                               CatalogRow *rows, int n_max);

/* For two-way pairs, once: entries of the replica are looked up by their inode as well. Without it
 * catalog_reader_by_replica is right, and slow. No transaction may be open. 0 or -errno. */
int catalog_index_replica(Catalog *catalog);
/* Up to N_MAX rows whose replica is inode REPLICA_INODE, ordered by place; returns the number. */
int catalog_reader_by_replica(CatalogReader *reader, uint64_t replica_inode, CatalogRow *rows,
                              int n_max);

/* Those of IDENTITY's rows that were in step with its inode when that had CTIME and several names,
 * ordered by the replica's inode and then by place. Up to N_MAX after skipping N_SKIP; returns the
 * number. */
int catalog_reader_group(CatalogReader *reader, CatalogIdentity identity, int64_t ctime, int n_skip,
                         CatalogRow *rows, int n_max);

/* Whether some of those rows have another replica inode than REPLICA_INODE. One of these, or
 * -errno. */
enum {
        CATALOG_GROUP_WHOLE = 0, /* none */
        CATALOG_GROUP_FOLLOWER,  /* some come before it in that order */
        CATALOG_GROUP_LEADER,    /* some have, and all of them come after */
};
int catalog_reader_group_rank(CatalogReader *reader, CatalogIdentity identity, int64_t ctime,
                              uint64_t replica_inode);

/* Calls VISITOR for every row, which it must not keep, until it returns a negative number; returns
 * that, 0 or -errno. For recovery: costs a walk over the whole catalog. */
typedef int (*CatalogRowVisitor)(const CatalogRow *row, void *userdata);
int catalog_reader_each(CatalogReader *reader, CatalogRowVisitor visitor, void *userdata);

/* Whether a row of another source inode than IDENTITY's stands for the replica's inode
 * REPLICA_INODE, which has several names: 1 yes, 0 no. */
int catalog_reader_is_shared(CatalogReader *reader, uint64_t replica_inode,
                             CatalogIdentity identity);

/* The row of a directory by its own id: 0 or -ENOENT. */
int catalog_reader_by_directory(CatalogReader *reader, int64_t directory_id, CatalogRow *ret);

typedef struct CatalogDigests {
        Hash source, replica; /* equal where the recorded states of both sides are */
} CatalogDigests;

/* A fact of the sync layer that others read as well: when the last full pass ended that found both
 * sides equal, in microseconds since the epoch. */
#define CATALOG_FACT_PROVEN "proven"
/* Another one: there while removals are on hold. Rows then have what the source has lost. */
#define CATALOG_FACT_HELD_REMOVALS "held-removals"

/* The digests of one entry, of a directory with all that is below it: 0, -ENOENT no such row,
 * -ENODATA the catalog has no digests. */
int catalog_reader_digests(CatalogReader *reader, int64_t parent, const char *name,
                           CatalogDigests *ret);

/* What the number of a file system in rows stands for: 0 or -ENOENT. */
int catalog_reader_file_system(CatalogReader *reader, int64_t number, FileSystemId *ret);

/* Up to N_MAX rows of regular files that come behind AFTER in the order of (verified, parent, name)
 * and were verified before BEFORE: those without a hash first, then those never verified, then the
 * oldest. AFTER may be one of ROWS; its verified, parent and name alone count. Returns the number.
 */
int catalog_reader_unverified(CatalogReader *reader, const CatalogRow *after, int64_t before,
                              CatalogRow *rows, int n_max);

/* How much of the pair was read back. */
typedef struct CatalogCoverage {
        uint64_t n_files; /* regular ones, each name counted */
        uint64_t n_bytes; /* of their content, on one side */
        uint64_t n_without_hash;
        uint64_t n_never;   /* with a hash, and not read back yet */
        uint64_t n_since;   /* verified at SINCE or later */
        uint64_t n_damaged; /* see CATALOG_DAMAGED */
        int64_t oldest;     /* the earliest time of those that were verified; 0: none was */
} CatalogCoverage;
/* O(entries), some 100 ns each. 0 or -errno. */
int catalog_reader_coverage(CatalogReader *reader, int64_t since, CatalogCoverage *ret);

/* Up to N_MAX rows known to be damaged, in the order of (parent, name) behind AFTER. Returns the
 * number. */
int catalog_reader_damaged(CatalogReader *reader, CatalogPlace after, CatalogRow *rows, int n_max);

/* Number of rows below directory DIRECTORY_ID and of that itself, without those of files that are
 * known under another name as well because they were renamed. O(as many), some 1 µs each. 0 or
 * -errno. */
int catalog_reader_count_below(CatalogReader *reader, int64_t directory_id, uint64_t *ret);

/* Number of rows with one of CATALOG_KEPT: O(as many), some 10 ns each. 0 or -errno. */
int catalog_reader_count_kept(CatalogReader *reader, uint64_t *ret);

/* Number of entries, or -errno. O(entries), some 10 ns each. */
int64_t catalog_reader_count(CatalogReader *reader);

/* For a dry run: opens a copy of the catalog in the store DIRECTORY_FD without changing a byte of
 * that directory. The copy lies in a private directory below $TMPDIR (else /var/tmp) that
 * catalog_close removes; what is written to it is lost then. -ENOENT when there is no catalog:
 * catalog_open_empty takes its place. -EBUSY when somebody keeps writing to it, -EBADMSG when it is
 * damaged. */
int catalog_open_snapshot(int directory_fd, Catalog **ret);
/* An empty catalog in memory. */
int catalog_open_empty(Catalog **ret);
