/* The writing connection: transactions and changes of rows. */

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "basic/macros.h"
#include "state/catalog-digests.h"
#include "state/catalog-internal.h"
#include "state/catalog-schema.h"
#include "state/database.h"

enum {
        /* Rows of one directory looked at in one go when a subtree is deleted. */
        LEAVES_CHUNK = 512,
        /* A longer chain of directories is a ring: the catalog is damaged. */
        SUBTREE_DEPTH_MAX = 65536,
};

#define STAMP_OF_PLACE                                   \
        " = (?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12)" \
        " WHERE parent = ?1 AND name = ?2"

const char *const catalog_writer_texts[_WRITER_MAX] = {
        [WRITER_BEGIN] = "BEGIN IMMEDIATE",
        [WRITER_COMMIT] = "COMMIT",
        [WRITER_ROLLBACK] = "ROLLBACK",
        [WRITER_ADD] =
                "INSERT OR IGNORE INTO entry(" SCHEMA_ROW_COLUMNS ") VALUES("
                "?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        [WRITER_REPLACE] = "UPDATE entry SET (verified, hash, directory_id, file_system, flags,"
                           " " SCHEMA_SOURCE_COLUMNS ", " SCHEMA_REPLICA_COLUMNS
                           ") = (?1, ?2, ?5, ?6, ?7,"
                           " ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17,"
                           " ?18, ?19, ?20, ?21, ?22, ?23, ?24, ?25, ?26, ?27)"
                           " WHERE parent = ?3 AND name = ?4",
        [WRITER_DELETE] = "DELETE FROM entry WHERE parent = ?1 AND name = ?2",
        [WRITER_DELETE_INODE] =
                "DELETE FROM entry WHERE parent = ?1 AND name = ?2 AND source_inode = ?3",
        [WRITER_SET_SOURCE] = "UPDATE entry SET (" SCHEMA_SOURCE_COLUMNS ")" STAMP_OF_PLACE,
        [WRITER_SET_REPLICA] = "UPDATE entry SET (" SCHEMA_REPLICA_COLUMNS ")" STAMP_OF_PLACE,
        [WRITER_SET_DIRECTORY_REPLICA] = "UPDATE entry SET (" SCHEMA_REPLICA_COLUMNS ")"
                                         " = (?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11),"
                                         " source_mtime = ?4"
                                         " WHERE directory_id = ?1 AND directory_id <> 0",
        [WRITER_SET_VERIFIED] =
                "UPDATE entry SET verified = ?5, flags = ?6,"
                " hash = ifnull(?7, hash)"
                " WHERE source_inode = ?1 AND file_system = ?2 AND source_ctime = ?3"
                " AND replica_inode = ?4 AND verified IS NOT NULL",
        [WRITER_FIRST_BELOW] =
                "SELECT directory_id FROM entry WHERE parent = ?1 ORDER BY name LIMIT 1",
        [WRITER_DELETE_LEAVES] =
                "DELETE FROM entry WHERE parent = ?1 AND directory_id = 0 AND name <="
                " (SELECT max(name) FROM (SELECT name FROM entry WHERE parent = ?1"
                " ORDER BY name LIMIT ?2)) RETURNING source_inode, file_system, source_n_links",
        [WRITER_DELETE_DIRECTORY] =
                "DELETE FROM entry WHERE directory_id = ?1 AND directory_id <> 0"
                " AND parent = ?2",
        [WRITER_SET_FACT] = "INSERT OR REPLACE INTO fact(key, value) VALUES(?1, ?2)",
        [WRITER_DELETE_FACT] = "DELETE FROM fact WHERE key = ?1",
        [WRITER_GET_FACT] = "SELECT value FROM fact WHERE key = ?1",
        [WRITER_ADD_FILE_SYSTEM] = "INSERT INTO file_system(identity) VALUES(?1)",
        [WRITER_GET_FILE_SYSTEM] = "SELECT number FROM file_system WHERE identity = ?1",
        /* From one parent to the next in the primary key, whatever is below each. */
        [WRITER_NEXT_ORPHAN] =
                "WITH RECURSIVE parents(id) AS (SELECT min(parent) FROM entry WHERE parent > ?1"
                " UNION ALL SELECT (SELECT min(parent) FROM entry WHERE parent > id) FROM parents"
                " WHERE id IS NOT NULL)"
                " SELECT id FROM parents WHERE id IS NOT NULL AND NOT EXISTS (SELECT 1 FROM entry"
                " INDEXED BY entry_by_directory WHERE directory_id = id AND directory_id <> 0)"
                " LIMIT 1",
        [WRITER_GET_DIGEST] = "SELECT n_entries, source_digest, replica_digest, source_sum,"
                              " replica_sum FROM digest WHERE id = ?1",
        [WRITER_SET_DIGEST] =
                "INSERT OR REPLACE INTO digest(id, n_entries, source_digest, replica_digest,"
                " source_sum, replica_sum) VALUES(?1, ?2, ?3, ?4, ?5, ?6)",
        [WRITER_DELETE_DIGEST] = "DELETE FROM digest WHERE id = ?1",
        [WRITER_GET_PARENTS] = "SELECT parent FROM entry INDEXED BY entry_by_directory"
                               " WHERE directory_id = ?1 AND directory_id <> 0 AND parent <> 0",
        [WRITER_RENOTE] = "SELECT " SCHEMA_NOTE("-1", "entry", "?2, ?3") ", " SCHEMA_NOTE(
                "1", "entry",
                "?4, ?5") " FROM entry INDEXED BY entry_by_directory"
                          " WHERE directory_id = ?1 AND directory_id <> 0 AND parent <> 0",
        [WRITER_NOTE_ALL] = "SELECT count(" SCHEMA_NOTE(
                "1", "entry", "NULL, NULL") ") FROM entry WHERE parent = ?1",
        [WRITER_NEXT_PARENT] = "SELECT min(parent) FROM entry WHERE parent > ?1",
        [WRITER_GET_SIZE] = "SELECT page_count * page_size FROM pragma_page_count,"
                            " pragma_page_size",
        [WRITER_GET_MAX_DIRECTORY_ID] = "SELECT max((SELECT ifnull(max(directory_id), 0) FROM entry"
                                        " INDEXED BY entry_by_directory WHERE directory_id <> 0),"
                                        " (SELECT ifnull(max(parent), 0) FROM entry))",
};

int catalog_note_failure(Catalog *catalog, int r) {
        if (catalog->in_transaction && catalog->failure == 0)
                catalog->failure = r;

        return r;
}

int catalog_fail(Catalog *catalog, int code) {
        int r = database_errno(catalog->db, code);

        if (r == -EBADMSG)
                catalog->damaged = true;

        return catalog_note_failure(catalog, r);
}

int catalog_run(Catalog *catalog, sqlite3_stmt *statement, int code) {
        int r = catalog->failure < 0 ? 0 : digests_relieve(catalog);

        return r < 0 ? catalog_note_failure(catalog, r) : catalog_step(catalog, statement, code);
}

int catalog_step(Catalog *catalog, sqlite3_stmt *statement, int code) {
        assert(catalog->in_transaction);

        if (catalog->failure < 0)
                return catalog->failure;

        if (code == SQLITE_OK)
                code = sqlite3_step(statement);
        if (code != SQLITE_DONE) {
                int r = catalog_fail(catalog, code);

                (void) sqlite3_reset(statement);
                return r;
        }

        (void) sqlite3_reset(statement);
        return 0;
}

int catalog_begin(Catalog *catalog) {
        sqlite3_stmt *statement = catalog->statements[WRITER_BEGIN];
        int code, r = 0;

        assert(!catalog->in_transaction);

        code = sqlite3_step(statement);
        if (code != SQLITE_DONE)
                r = catalog_fail(catalog, code);
        (void) sqlite3_reset(statement);
        if (r < 0)
                return r;

        catalog->in_transaction = true;
        catalog->failure = 0;
        return 0;
}

int catalog_rollback(Catalog *catalog) {
        sqlite3_stmt *statement = catalog->statements[WRITER_ROLLBACK];
        int code, r = 0;

        if (!catalog->in_transaction)
                return 0;

        catalog->in_transaction = false;
        digests_forget(catalog);
        catalog->reserved = 0; /* a checkpoint may give back what is not used */

        /* After some errors SQLite has rolled back by itself. */
        if (sqlite3_get_autocommit(catalog->db))
                return 0;

        code = sqlite3_step(statement);
        if (code != SQLITE_DONE)
                r = catalog_fail(catalog, code);
        (void) sqlite3_reset(statement);
        return r;
}

/* Sees to it that the database has room for what the log is about to promise: on a disk that is
 * full the log could not be carried over, and would have to grow for ever. */
static int reserve(Catalog *catalog) {
        sqlite3_stmt *statement = catalog->statements[WRITER_GET_SIZE];
        sqlite3_int64 size;
        int code;

        if (catalog->flags & DATABASE_MEMORY)
                return 0;

        code = sqlite3_step(statement);
        size = code == SQLITE_ROW ? sqlite3_column_int64(statement, 0) : 0;
        (void) sqlite3_reset(statement);
        if (size <= catalog->reserved)
                return 0;
        /* It does not tell why, which is of little interest but where the disk is full. */
        if (sqlite3_file_control(catalog->db, NULL, SQLITE_FCNTL_SIZE_HINT, &size) != SQLITE_OK) {
                catalog->failure = -ENOSPC;
                return -ENOSPC;
        }
        catalog->reserved = size;
        return 0;
}

int catalog_commit(Catalog *catalog) {
        int r;

        r = catalog->failure < 0 ? catalog->failure : digests_settle(catalog);
        if (r >= 0)
                r = reserve(catalog);
        if (r >= 0)
                r = catalog_run(catalog, catalog->statements[WRITER_COMMIT], SQLITE_OK);
        if (r < 0) {
                (void) catalog_rollback(catalog);
                return r;
        }

        catalog->in_transaction = false;
        return 0;
}

void catalog_restart_log(Catalog *catalog) {
        assert(!catalog->in_transaction);

        (void) sqlite3_wal_checkpoint_v2(catalog->db, NULL, SQLITE_CHECKPOINT_RESTART, NULL, NULL);
}

/* The binders return SQLite's codes. Texts are borrowed until the statement has run. */
static int bind_place(sqlite3_stmt *statement, int first, CatalogPlace place) {
        int code;

        assert(place.name);

        code = sqlite3_bind_int64(statement, first, place.parent);
        if (code != SQLITE_OK)
                return code;

        return sqlite3_bind_text(statement, first + 1, place.name, -1, SQLITE_STATIC);
}

static int bind_integers(sqlite3_stmt *statement, int first, const int64_t *values, int n) {
        for (int i = 0; i < n; i++) {
                int code = sqlite3_bind_int64(statement, first + i, values[i]);

                if (code != SQLITE_OK)
                        return code;
        }

        return SQLITE_OK;
}

static int bind_stamp(sqlite3_stmt *statement, int first, const Stamp *stamp) {
        const int64_t values[N_STAMP_COLUMNS] = {
                (int64_t) stamp->inode,
                (int64_t) stamp->size,
                stamp->mtime,
                stamp->ctime,
                stamp->btime,
                (int64_t) stamp->rdev,
                stamp->mode,
                stamp->uid,
                stamp->gid,
                stamp->n_links,
        };

        return bind_integers(statement, first, values, N_STAMP_COLUMNS);
}

static int bind_hash(sqlite3_stmt *statement, int i, const CatalogRow *row) {
        if (!row->has_hash)
                return sqlite3_bind_null(statement, i);

        return sqlite3_bind_blob(statement, i, row->hash.bytes, HASH_BYTES, SQLITE_STATIC);
}

/* Only regular files are read back. One without a hash waits for it before all others. */
static int bind_verified(sqlite3_stmt *statement, int i, const CatalogRow *row) {
        if (mode_type(row->source.mode) != S_IFREG)
                return sqlite3_bind_null(statement, i);

        return sqlite3_bind_int64(statement, i,
                                  row->has_hash ? MAX(row->verified, (int64_t) 0)
                                                : CATALOG_WITHOUT_HASH);
}

static int bind_row(sqlite3_stmt *statement, const CatalogRow *row) {
        const int64_t values[] = { row->directory_id, row->file_system, row->flags };
        int code;

        code = bind_place(statement, ROW_PARENT + 1, (CatalogPlace) { row->parent, row->name });
        if (code == SQLITE_OK)
                code = bind_integers(statement, ROW_DIRECTORY_ID + 1, values, ELEMENTSOF(values));
        if (code == SQLITE_OK)
                code = bind_stamp(statement, ROW_SOURCE + 1, &row->source);
        if (code == SQLITE_OK)
                code = bind_stamp(statement, ROW_REPLICA + 1, &row->replica);
        if (code == SQLITE_OK)
                code = bind_hash(statement, ROW_HASH + 1, row);
        if (code == SQLITE_OK)
                code = bind_verified(statement, ROW_VERIFIED + 1, row);

        return code;
}

/* Mostly there is no such row yet. Were rows replaced instead, telling of those that go by a
 * trigger would cost each that comes half as much again. */
int catalog_put(Catalog *catalog, const CatalogRow *row) {
        sqlite3_stmt *add = catalog->statements[WRITER_ADD];
        sqlite3_stmt *replace = catalog->statements[WRITER_REPLACE];
        int r;

        assert(row);

        r = catalog_run(catalog, add, bind_row(add, row));
        if (r >= 0 && sqlite3_changes(catalog->db) > 0)
                return digests_note_added(catalog, row);
        return r < 0 ? r : catalog_run(catalog, replace, bind_row(replace, row));
}

int catalog_delete(Catalog *catalog, int64_t parent, const char *name) {
        sqlite3_stmt *statement = catalog->statements[WRITER_DELETE];

        return catalog_run(catalog, statement,
                           bind_place(statement, 1, (CatalogPlace) { parent, name }));
}

int catalog_delete_inode(Catalog *catalog, CatalogPlace place, uint64_t source_inode) {
        sqlite3_stmt *statement = catalog->statements[WRITER_DELETE_INODE];
        int code = bind_place(statement, 1, place), r;

        if (code == SQLITE_OK)
                code = sqlite3_bind_int64(statement, 3, (int64_t) source_inode);

        r = catalog_run(catalog, statement, code);
        return r < 0 ? r : sqlite3_changes(catalog->db) > 0;
}

static int set_stamp(Catalog *catalog, WriterStatement which, CatalogPlace place,
                     const Stamp *stamp) {
        sqlite3_stmt *statement = catalog->statements[which];
        int code, r;

        code = bind_place(statement, 1, place);
        if (code == SQLITE_OK)
                code = bind_stamp(statement, 3, stamp);

        r = catalog_run(catalog, statement, code);
        return r < 0 ? r : sqlite3_changes(catalog->db) > 0;
}

int catalog_set_stamps(Catalog *catalog, CatalogPlace place, const Stamp *source,
                       const Stamp *replica) {
        int r = 0;

        if (source)
                r = set_stamp(catalog, WRITER_SET_SOURCE, place, source);
        if (r >= 0 && replica)
                r = set_stamp(catalog, WRITER_SET_REPLICA, place, replica);

        return r;
}

int catalog_set_verified(Catalog *catalog, const CatalogVerified *verified) {
        sqlite3_stmt *statement = catalog->statements[WRITER_SET_VERIFIED];
        const int64_t values[] = {
                (int64_t) verified->source_inode,  verified->file_system, verified->source_ctime,
                (int64_t) verified->replica_inode, verified->verified,    verified->flags,
        };
        int code = bind_integers(statement, 1, values, ELEMENTSOF(values));

        if (code == SQLITE_OK)
                code = verified->hash ? sqlite3_bind_blob(statement, ELEMENTSOF(values) + 1,
                                                          verified->hash->bytes, HASH_BYTES,
                                                          SQLITE_TRANSIENT)
                                      : sqlite3_bind_null(statement, ELEMENTSOF(values) + 1);

        return catalog_run(catalog, statement, code);
}

int catalog_set_directory_replica(Catalog *catalog, int64_t directory_id, const Stamp *replica) {
        sqlite3_stmt *statement = catalog->statements[WRITER_SET_DIRECTORY_REPLICA];
        int code = sqlite3_bind_int64(statement, 1, directory_id);

        if (code == SQLITE_OK)
                code = bind_stamp(statement, 2, replica);

        return catalog_run(catalog, statement, code);
}

/* The directories on the way down from the one whose subtree is deleted. */
typedef struct Descent {
        int64_t *ids;
        size_t n_ids, n_allocated;
} Descent;

static void descent_done(Descent *descent) {
        free(descent->ids);
}

static int descend(Catalog *catalog, Descent *descent, int64_t directory_id) {
        if (descent->n_ids >= SUBTREE_DEPTH_MAX)
                return catalog_fail(catalog, SQLITE_CORRUPT);

        if (descent->n_ids == descent->n_allocated) {
                size_t n = descent->n_allocated > 0 ? 2 * descent->n_allocated : 64;
                int64_t *ids = reallocarray(descent->ids, n, sizeof *ids);

                if (!ids)
                        return -ENOMEM;

                descent->ids = ids;
                descent->n_allocated = n;
        }

        descent->ids[descent->n_ids++] = directory_id;
        return 0;
}

/* What comes first in PARENT: 1 a directory with an id, 0 something else, -ENOENT nothing. */
static int first_below(Catalog *catalog, int64_t parent, int64_t *ret_id) {
        sqlite3_stmt *statement = catalog->statements[WRITER_FIRST_BELOW];
        int64_t id = 0;
        int code, r;

        code = sqlite3_bind_int64(statement, 1, parent);
        if (code == SQLITE_OK)
                code = sqlite3_step(statement);
        if (code == SQLITE_ROW) {
                id = sqlite3_column_int64(statement, 0);
                r = id != 0;
        } else
                r = code == SQLITE_DONE ? -ENOENT : catalog_fail(catalog, code);

        (void) sqlite3_reset(statement);
        if (r > 0)
                *ret_id = id;
        return r;
}

/* Runs a deletion of rows that are known to be there, with two numbers. Returns how many it
 * deleted: never none, unless table and indexes disagree. */
static int64_t delete_rows(Catalog *catalog, WriterStatement which, int64_t a, int64_t b) {
        sqlite3_stmt *statement = catalog->statements[which];
        const int64_t values[] = { a, b };
        int64_t n;
        int r;

        r = catalog_run(catalog, statement,
                        bind_integers(statement, 1, values, ELEMENTSOF(values)));
        if (r < 0)
                return r;

        n = sqlite3_changes64(catalog->db);
        return n > 0 ? n : catalog_fail(catalog, SQLITE_CORRUPT);
}

static void tell_linked(const Catalog *catalog, sqlite3_stmt *statement) {
        CatalogIdentity identity = {
                .source_inode = (uint64_t) sqlite3_column_int64(statement, 0),
                .file_system = sqlite3_column_int64(statement, 1),
        };

        if (catalog->on_linked && sqlite3_column_int64(statement, 2) > 1)
                catalog->on_linked(identity, catalog->on_linked_userdata);
}

/* Returns how many of the first N_MAX rows in PARENT, none of them a directory's, it deleted. */
static int64_t delete_leaves(Catalog *catalog, int64_t parent, int64_t n_max) {
        sqlite3_stmt *statement = catalog->statements[WRITER_DELETE_LEAVES];
        const int64_t values[] = { parent, n_max };
        int64_t n = 0;
        int code;

        code = bind_integers(statement, 1, values, ELEMENTSOF(values));
        if (code == SQLITE_OK)
                while ((code = sqlite3_step(statement)) == SQLITE_ROW) {
                        tell_linked(catalog, statement);
                        n++;
                }
        (void) sqlite3_reset(statement);
        if (code != SQLITE_DONE)
                return catalog_fail(catalog, code);
        return n > 0 ? n : catalog_fail(catalog, SQLITE_CORRUPT);
}

void catalog_on_linked(Catalog *catalog, CatalogLinked handler, void *userdata) {
        catalog->on_linked = handler;
        catalog->on_linked_userdata = userdata;
}

/* One step at the end of DESCENT: into the first directory there, or its leaves deleted as far as a
 * chunk reaches, or, when it is empty, its own row and back to its parent. The rows looked at are
 * those deleted and, once, the directories among them. Returns the rows deleted; -ENOENT when the
 * whole subtree is. */
static int64_t delete_step(Catalog *catalog, Descent *descent, int64_t limit) {
        int64_t here = descent->ids[descent->n_ids - 1], child;
        int r;

        r = first_below(catalog, here, &child);
        if (r > 0)
                return descend(catalog, descent, child);
        if (r == 0)
                return delete_leaves(catalog, here, MIN(limit, (int64_t) LEAVES_CHUNK));
        if (r != -ENOENT || descent->n_ids == 1)
                return r;

        descent->n_ids--;
        return delete_rows(catalog, WRITER_DELETE_DIRECTORY, here,
                           descent->ids[descent->n_ids - 1]);
}

int64_t catalog_delete_subtree(Catalog *catalog, int64_t directory_id, int64_t limit) {
        _cleanup_(descent_done) Descent descent = {};
        int64_t n_deleted = 0;
        int r;

        assert(catalog->in_transaction);
        assert(directory_id != CATALOG_NO_DIRECTORY);

        if (catalog->failure < 0)
                return catalog->failure;

        r = descend(catalog, &descent, directory_id);
        if (r < 0)
                return r;

        while (n_deleted < limit) {
                int64_t n = delete_step(catalog, &descent, limit - n_deleted);

                if (n == -ENOENT)
                        break;
                if (n < 0)
                        return n;

                n_deleted += n;
        }

        return n_deleted;
}

int catalog_forget_entries(Catalog *catalog) {
        int64_t n;
        int r = catalog_begin(catalog);

        if (r < 0)
                return r;
        n = catalog_delete_subtree(catalog, CATALOG_ROOT, INT64_MAX);
        r = n < 0 ? (int) n : catalog_delete(catalog, CATALOG_NO_DIRECTORY, "");
        return r < 0 ? (catalog_rollback(catalog), r) : catalog_commit(catalog);
}
