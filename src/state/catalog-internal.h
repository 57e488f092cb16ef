#pragma once

/* What the files of the catalog share: the two kinds of connection and the columns of a row. Not
 * for users of the catalog. */

#include <stdbool.h>

#include <sqlite3.h>

#include "state/catalog.h"

enum { N_STAMP_COLUMNS = 10 };

/* The columns of SCHEMA_ROW_COLUMNS. Counted from 0 where a row is read, from 1 where it is bound.
 */
typedef enum RowColumn {
        ROW_VERIFIED,
        ROW_HASH,
        ROW_PARENT,
        ROW_NAME,
        ROW_DIRECTORY_ID,
        ROW_FILE_SYSTEM,
        ROW_FLAGS,
        ROW_SOURCE,
        ROW_REPLICA = ROW_SOURCE + N_STAMP_COLUMNS,
        ROW_END = ROW_REPLICA + N_STAMP_COLUMNS,
} RowColumn;

typedef enum WriterStatement {
        WRITER_BEGIN,
        WRITER_COMMIT,
        WRITER_ROLLBACK,
        WRITER_ADD,
        WRITER_REPLACE,
        WRITER_DELETE,
        WRITER_DELETE_INODE,
        WRITER_SET_SOURCE,
        WRITER_SET_REPLICA,
        WRITER_SET_DIRECTORY_REPLICA,
        WRITER_SET_VERIFIED,
        WRITER_FIRST_BELOW,
        WRITER_DELETE_LEAVES,
        WRITER_DELETE_DIRECTORY,
        WRITER_SET_FACT,
        WRITER_DELETE_FACT,
        WRITER_GET_FACT,
        WRITER_ADD_FILE_SYSTEM,
        WRITER_GET_FILE_SYSTEM,
        WRITER_NEXT_ORPHAN,
        WRITER_GET_DIGEST,
        WRITER_SET_DIGEST,
        WRITER_DELETE_DIGEST,
        WRITER_GET_PARENTS,
        WRITER_RENOTE,
        WRITER_NOTE_ALL,
        WRITER_NEXT_PARENT,
        WRITER_GET_SIZE,
        WRITER_GET_MAX_DIRECTORY_ID,
        _WRITER_MAX,
} WriterStatement;

typedef struct Digests Digests;

struct Catalog {
        sqlite3 *db;
        char *path;      /* owned; readers open it too, so it and the next two do not change */
        unsigned flags;  /* DATABASE_MEMORY or 0 */
        char *temporary; /* owned: a snapshot's private directory, removed with it; else NULL */
        sqlite3_stmt *statements[_WRITER_MAX];
        int64_t reserved; /* size of the database for which there is room on the disk */
        bool in_transaction;
        bool damaged;            /* damage was met: the next opening must not trust the database */
        Digests *digests;        /* see catalog-digests.h */
        CatalogLinked on_linked; /* may be NULL */
        void *on_linked_userdata;
        int failure; /* the first of this transaction, given to everything that follows in it */
};

typedef enum CatalogOpenFlags {
        CATALOG_OPEN_MEMORY = 1 << 0,  /* PATH is a URI of a database in memory */
        CATALOG_OPEN_PRIVATE = 1 << 1, /* nobody opens it after us: no marks for the next opening */
} CatalogOpenFlags;

/* catalog.c: catalog_open with FLAGS. */
int catalog_open_with(const char *path, unsigned flags, Catalog **ret);

/* catalog-write.c. Statements of the writing connection, one after the other in this order. */
extern const char *const catalog_writer_texts[_WRITER_MAX];
/* Makes CODE an error and notes it as the transaction's. */
int catalog_fail(Catalog *catalog, int code);
/* Notes R, an error, as the transaction's, and returns it. */
int catalog_note_failure(Catalog *catalog, int r);
/* Runs a statement that gives no rows. CODE is what binding its parameters gave. */
int catalog_run(Catalog *catalog, sqlite3_stmt *statement, int code);
/* The same for one that is of the upkeep of digests. */
int catalog_step(Catalog *catalog, sqlite3_stmt *statement, int code);

/* catalog-snapshot.c: removes the directory of a snapshot, and what SQLite made in it. */
void catalog_remove_temporary(const char *path);
