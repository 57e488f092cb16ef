/* Opening and closing the catalog, and what it keeps beside the entries: facts and file systems. */

#include "state/catalog.h"

#include <assert.h>
#include <errno.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "basic/alloc.h"
#include "basic/macros.h"
#include "state/catalog-digests.h"
#include "state/catalog-internal.h"
#include "state/catalog-schema.h"
#include "state/database.h"

/* Sizes of the write-ahead log in pages of 4 KiB. The first is where its content is carried over to
 * the database when that disturbs nobody; the second where readers are waited for, so that it ends
 * somewhere. The file is cut back to WAL_KEEP_BYTES. */
enum {
        PAGE_BYTES = 4096,
        WAL_CHECKPOINT_PAGES = 2048,
        WAL_RESTART_PAGES = 4 * WAL_CHECKPOINT_PAGES,
};
#define WAL_KEEP_BYTES "8388608"

static const char tuning[] = "PRAGMA cache_size = -4096;"
                             "PRAGMA cell_size_check = ON;"
                             "PRAGMA foreign_keys = OFF;"
                             "PRAGMA journal_size_limit = " WAL_KEEP_BYTES ";"
                             "PRAGMA mmap_size = 0;"
                             "PRAGMA secure_delete = OFF;"
                             "PRAGMA temp_store = MEMORY;"
                             "PRAGMA trusted_schema = OFF;";

DEFINE_TRIVIAL_CLEANUP_FUNC(Catalog *, catalog_close)

/* Called after each commit. A checkpoint that fails loses nothing and is tried again after the next
 * one; a full disk is told by the commit that finds no room in the log. */
static int checkpoint_if_long(void *userdata, sqlite3 *db, const char *schema, int n_pages) {
        (void) userdata;

        if (n_pages >= WAL_CHECKPOINT_PAGES)
                (void) sqlite3_wal_checkpoint_v2(db, schema,
                                                 n_pages >= WAL_RESTART_PAGES
                                                         ? SQLITE_CHECKPOINT_TRUNCATE
                                                         : SQLITE_CHECKPOINT_PASSIVE,
                                                 NULL, NULL);
        return SQLITE_OK;
}

/* With a write-ahead log NORMAL is safe against power cuts: what is lost are the last commits,
 * never their order or the structure. A database in memory has no such log, and loses everything
 * anyway. */
static int set_journal(sqlite3 *db) {
        _cleanup_free_ char *mode = NULL;
        int page_bytes = PAGE_BYTES, r;

        r = database_get_text(db, "PRAGMA journal_mode = WAL", &mode);
        if (r < 0)
                return r;

        /* By that much the file grows when room is reserved for it. */
        (void) sqlite3_file_control(db, NULL, SQLITE_FCNTL_CHUNK_SIZE, &page_bytes);
        (void) sqlite3_wal_hook(db, checkpoint_if_long, NULL);
        return database_execute(db, "PRAGMA synchronous = NORMAL");
}

static int has_fact(sqlite3 *db, const char *query) {
        int64_t one;
        int r = database_get_integer(db, query, &one);

        return r == -ENOENT ? 0 : r < 0 ? r : 1;
}

/* Whether the database can be trusted. The whole is read only when it was not closed by us the last
 * time. That mark need not survive a power cut: if it is lost, so is every later change. */
static int check(sqlite3 *db) {
        int r;

        r = catalog_schema_check_roots(db);
        if (r < 0)
                return r;

        r = has_fact(db, "SELECT 1 FROM fact WHERE key = '" SCHEMA_FACT_DAMAGED "'");
        if (r != 0)
                return r < 0 ? r : -EBADMSG;

        r = has_fact(db, "SELECT 1 FROM fact WHERE key = '" SCHEMA_FACT_OPEN "'");
        return r > 0 ? catalog_schema_check_pages(db) : r;
}

int catalog_index_replica(Catalog *catalog) {
        return database_execute(catalog->db, "CREATE INDEX IF NOT EXISTS entry_by_replica_inode"
                                             " ON entry(replica_inode)");
}

int catalog_commit_fact(Catalog *catalog, const char *key, const char *text) {
        int r;

        r = catalog_begin(catalog);
        if (r >= 0)
                r = catalog_set_fact(catalog, key, text);

        return r < 0 ? (catalog_rollback(catalog), r) : catalog_commit(catalog);
}

/* Everything that follows the opening of the file. 1 when the database was empty, else as
 * catalog_open. */
static int begin_use(Catalog *catalog, unsigned flags) {
        bool empty;
        int r;

        r = database_execute(catalog->db, tuning);
        if (r < 0)
                return r;

        r = catalog_schema_identify(catalog->db);
        if (r < 0)
                return r;
        empty = r == 0;

        r = set_journal(catalog->db);
        if (r < 0)
                return r;

        if (empty)
                r = catalog_schema_create(catalog->db);
        else {
                r = catalog_schema_upgrade(catalog->db);
                if (r >= 0)
                        r = check(catalog->db);
        }
        if (r < 0)
                return r;
        catalog_schema_add_index(catalog->db);

        r = digests_open(catalog);
        if (r < 0)
                return r;

        r = database_prepare(catalog->db, catalog_writer_texts, _WRITER_MAX, catalog->statements);
        if (r < 0)
                return r;

        if (!(flags & CATALOG_OPEN_PRIVATE)) {
                r = catalog_commit_fact(catalog, SCHEMA_FACT_OPEN, "1");
                if (r < 0)
                        return r;
        }

        return empty;
}

/* Gives up a database that could not be taken into use, and leaves its log for whoever looks into
 * it. */
static void abandon(Catalog *catalog) {
        if (catalog->db)
                (void) sqlite3_db_config(catalog->db, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, NULL);
        database_finalize(catalog->statements, _WRITER_MAX);
        digests_close(catalog);
        (void) database_close(catalog->db);
        free(catalog->path);
        free(catalog);
}

int catalog_open_with(const char *path, unsigned flags, Catalog **ret) {
        Catalog *catalog;
        int r;

        assert(path);
        assert(ret);

        catalog = calloc(1, sizeof *catalog);
        if (!catalog)
                return -ENOMEM;

        catalog->flags = flags & CATALOG_OPEN_MEMORY ? DATABASE_MEMORY : 0;
        catalog->path = strdup(path);
        r = catalog->path ? database_open(path, catalog->flags | DATABASE_CREATE, &catalog->db)
                          : -ENOMEM;
        if (r >= 0)
                r = begin_use(catalog, flags);

        /* The file can be written: it is a damaged header that says otherwise. */
        if (r == -EROFS && catalog->db && sqlite3_errcode(catalog->db) == SQLITE_READONLY)
                r = -EBADMSG;

        if (r < 0) {
                abandon(catalog);
                return r;
        }

        *ret = catalog;
        return r;
}

int catalog_open(const char *path, Catalog **ret) {
        return catalog_open_with(path, 0, ret);
}

int catalog_open_empty(Catalog **ret) {
        static atomic_uint counter;
        char uri[64];
        int r;

        /* All connections to one name within the process share the database. */
        (void) snprintf(uri, sizeof uri, "file:/rebackup-%u?vfs=memdb",
                        atomic_fetch_add(&counter, 1));
        r = catalog_open_with(uri, CATALOG_OPEN_MEMORY | CATALOG_OPEN_PRIVATE, ret);
        return r < 0 ? r : 0;
}

Catalog *catalog_close(Catalog *catalog) {
        if (!catalog)
                return NULL;

        (void) catalog_rollback(catalog);
        if (catalog->damaged)
                (void) catalog_commit_fact(catalog, SCHEMA_FACT_DAMAGED, "1");
        else
                (void) catalog_commit_fact(catalog, SCHEMA_FACT_OPEN, NULL);

        database_finalize(catalog->statements, _WRITER_MAX);
        (void) sqlite3_wal_checkpoint_v2(catalog->db, NULL, SQLITE_CHECKPOINT_TRUNCATE, NULL, NULL);
        digests_close(catalog);
        (void) database_close(catalog->db);

        if (catalog->temporary)
                catalog_remove_temporary(catalog->temporary);

        free(catalog->temporary);
        free(catalog->path);
        free(catalog);
        return NULL;
}

int catalog_set_fact(Catalog *catalog, const char *key, const char *text) {
        sqlite3_stmt *statement = catalog->statements[text ? WRITER_SET_FACT : WRITER_DELETE_FACT];
        int code;

        assert(key);

        code = sqlite3_bind_text(statement, 1, key, -1, SQLITE_STATIC);
        if (code == SQLITE_OK && text)
                code = sqlite3_bind_text(statement, 2, text, -1, SQLITE_STATIC);

        return catalog_run(catalog, statement, code);
}

/* The text in the first column of STATEMENT's only row, copied. */
static int read_text(Catalog *catalog, sqlite3_stmt *statement, int code, char **ret) {
        const char *text;
        char *copy;
        int r;

        if (code == SQLITE_OK)
                code = sqlite3_step(statement);
        if (code != SQLITE_ROW) {
                r = code == SQLITE_DONE ? -ENOENT : catalog_fail(catalog, code);
                (void) sqlite3_reset(statement);
                return r;
        }

        text = (const char *) sqlite3_column_text(statement, 0);
        copy = text ? strdup(text) : NULL;
        (void) sqlite3_reset(statement);
        if (!copy)
                return -ENOMEM;

        *ret = copy;
        return 0;
}

static int read_integer(Catalog *catalog, sqlite3_stmt *statement, int code, int64_t *ret) {
        int r = 0;

        if (code == SQLITE_OK)
                code = sqlite3_step(statement);
        if (code == SQLITE_ROW)
                *ret = sqlite3_column_int64(statement, 0);
        else
                r = code == SQLITE_DONE ? -ENOENT : catalog_fail(catalog, code);

        (void) sqlite3_reset(statement);
        return r;
}

int catalog_get_fact(Catalog *catalog, const char *key, char **ret) {
        sqlite3_stmt *statement = catalog->statements[WRITER_GET_FACT];

        assert(key);
        assert(ret);

        return read_text(catalog, statement,
                         sqlite3_bind_text(statement, 1, key, -1, SQLITE_STATIC), ret);
}

int catalog_file_system(Catalog *catalog, const FileSystemId *id, int64_t *ret) {
        sqlite3_stmt *get = catalog->statements[WRITER_GET_FILE_SYSTEM];
        sqlite3_stmt *add = catalog->statements[WRITER_ADD_FILE_SYSTEM];
        int r;

        assert(id);
        assert(ret);

        r = read_integer(catalog, get, sqlite3_bind_text(get, 1, id->text, -1, SQLITE_STATIC), ret);
        if (r != -ENOENT)
                return r;

        r = catalog_run(catalog, add, sqlite3_bind_text(add, 1, id->text, -1, SQLITE_STATIC));
        if (r < 0)
                return r;

        *ret = sqlite3_last_insert_rowid(catalog->db);
        return 0;
}

int catalog_next_orphan(Catalog *catalog, int64_t after, int64_t *ret) {
        sqlite3_stmt *statement = catalog->statements[WRITER_NEXT_ORPHAN];

        assert(ret);

        return read_integer(
                catalog, statement,
                sqlite3_bind_int64(statement, 1, MAX(after, (int64_t) CATALOG_FIRST_ID - 1)), ret);
}

int catalog_max_directory_id(Catalog *catalog, int64_t *ret) {
        int64_t greatest = 0;
        int r;

        assert(ret);

        r = read_integer(catalog, catalog->statements[WRITER_GET_MAX_DIRECTORY_ID], SQLITE_OK,
                         &greatest);
        if (r < 0)
                return r;

        *ret = MAX(greatest, (int64_t) CATALOG_FIRST_ID);
        return 0;
}
