/* The reading connections. Each call is one statement from its start to its reset, so that no read
 * transaction outlives it and checkpoints get through. */

#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "basic/macros.h"
#include "state/catalog-internal.h"
#include "state/catalog-schema.h"
#include "state/database.h"
#include "state/digest.h"

static const char tuning[] = "PRAGMA cache_size = -512;"
                             "PRAGMA cell_size_check = ON;"
                             "PRAGMA mmap_size = 0;"
                             "PRAGMA query_only = ON;"
                             "PRAGMA temp_store = MEMORY;"
                             "PRAGMA trusted_schema = OFF;";

typedef enum ReaderStatement {
        READER_GET,
        READER_LIST,
        READER_BY_IDENTITY,
        READER_BY_DIRECTORY,
        READER_BY_REPLICA,
        READER_SHARED,
        READER_GROUP,
        READER_GROUP_RANK,
        READER_COUNT,
        READER_ALL,
        READER_FILE_SYSTEM,
        READER_UNVERIFIED,
        READER_COVERAGE,
        READER_N_DAMAGED,
        READER_DAMAGED,
        READER_N_KEPT,
        READER_N_BELOW,
        READER_DIGESTS,
        _READER_MAX,
} ReaderStatement;

#define GROUP_CONDITION                                                \
        "source_inode = ?1 AND file_system = ?2 AND source_ctime = ?3" \
        " AND source_n_links > 1 AND directory_id = 0"

/* What is kept as it was is no part of its group in the replica. */
#define NOT_KEPT " AND flags & " SCHEMA_KEPT " = 0"

/* Rows to be skipped are counted off in the index alone. */
static const char *const texts[_READER_MAX] = {
        [READER_GET] = "SELECT " SCHEMA_ROW_COLUMNS " FROM entry WHERE parent = ?1 AND name = ?2",
        [READER_LIST] = "SELECT " SCHEMA_ROW_COLUMNS " FROM entry"
                        " WHERE parent = ?1 AND name > ?2 ORDER BY name",
        [READER_BY_IDENTITY] =
                "SELECT " SCHEMA_ROW_COLUMNS " FROM"
                " (SELECT parent AS p, name AS n FROM entry INDEXED BY entry_by_identity"
                " WHERE source_inode = ?1 AND file_system = ?2"
                " ORDER BY parent, name LIMIT ?3 OFFSET ?4)"
                " CROSS JOIN entry ON parent = p AND name = n",
        [READER_BY_DIRECTORY] = "SELECT " SCHEMA_ROW_COLUMNS
                                " FROM entry INDEXED BY entry_by_directory"
                                " WHERE directory_id = ?1 AND directory_id <> 0 LIMIT 1",
        [READER_SHARED] = "SELECT 1 FROM entry INDEXED BY entry_by_replica"
                          " WHERE replica_inode = ?1 AND replica_n_links > 1"
                          " AND (source_inode <> ?2 OR file_system <> ?3)"
                          " AND file_system <> " SCHEMA_NO_FILE_SYSTEM " LIMIT 1",
        /* Fast where catalog_index_replica was called. */
        [READER_BY_REPLICA] = "SELECT " SCHEMA_ROW_COLUMNS
                              " FROM entry WHERE replica_inode = ?1 ORDER BY parent, name LIMIT ?2",
        [READER_GROUP] = "SELECT " SCHEMA_ROW_COLUMNS " FROM"
                         " (SELECT parent AS p, name AS n FROM entry INDEXED BY entry_by_group"
                         " WHERE " GROUP_CONDITION
                         " ORDER BY replica_inode, parent, name LIMIT ?4 OFFSET ?5)"
                         " CROSS JOIN entry ON parent = p AND name = n",
        [READER_GROUP_RANK] = "SELECT (SELECT replica_inode FROM entry INDEXED BY entry_by_group"
                              " WHERE " GROUP_CONDITION NOT_KEPT " ORDER BY replica_inode LIMIT 1),"
                              " (SELECT replica_inode FROM entry INDEXED BY entry_by_group"
                              " WHERE " GROUP_CONDITION NOT_KEPT
                              " ORDER BY replica_inode DESC LIMIT 1)",
        [READER_COUNT] = "SELECT count(*) FROM entry",
        [READER_ALL] = "SELECT " SCHEMA_ROW_COLUMNS " FROM entry",
        [READER_DIGESTS] = "SELECT " SCHEMA_ROW_COLUMNS ", source_digest, replica_digest,"
                           " (" SCHEMA_HAS_DIGESTS ")"
                           " FROM entry LEFT JOIN digest ON id = directory_id"
                           " WHERE parent = ?1 AND name = ?2",
        [READER_FILE_SYSTEM] = "SELECT identity FROM file_system WHERE number = ?1",
        [READER_UNVERIFIED] = "SELECT " SCHEMA_ROW_COLUMNS
                              " FROM entry INDEXED BY entry_by_verified"
                              " WHERE verified IS NOT NULL AND verified < ?4"
                              " AND (verified, parent, name) > (?1, ?2, ?3)"
                              " ORDER BY verified, parent, name",
        [READER_COVERAGE] = "SELECT count(*), total(source_size), sum(verified < 0),"
                            " sum(verified = 0), sum(verified >= ?1),"
                            " min(iif(verified > 0, verified, NULL))"
                            " FROM entry WHERE verified IS NOT NULL",
        [READER_N_DAMAGED] = "SELECT count(*) FROM entry INDEXED BY entry_by_damage"
                             " WHERE flags & " SCHEMA_DAMAGED " <> 0",
        [READER_DAMAGED] = "SELECT " SCHEMA_ROW_COLUMNS " FROM entry INDEXED BY entry_by_damage"
                           " WHERE flags & " SCHEMA_DAMAGED " <> 0 AND (parent, name) > (?1, ?2)"
                           " ORDER BY parent, name",
        [READER_N_BELOW] =
                "WITH RECURSIVE below(id) AS (VALUES(?1) UNION SELECT directory_id FROM below"
                " CROSS JOIN entry ON parent = id WHERE directory_id <> 0)"
                " SELECT 1 + count(*) FROM below CROSS JOIN entry AS e ON e.parent = id"
                " WHERE e.directory_id <> 0 OR e.source_n_links > 1 OR e.file_system = " SCHEMA_NO_FILE_SYSTEM
                " OR NOT EXISTS (SELECT 1 FROM entry AS o INDEXED BY entry_by_identity"
                " WHERE o.source_inode = e.source_inode AND o.file_system = e.file_system"
                " AND (o.parent, o.name) <> (e.parent, e.name)"
                " AND o.replica_inode = e.replica_inode)",
        [READER_N_KEPT] = "SELECT count(*) FROM entry WHERE flags & " SCHEMA_KEPT " <> 0",
};

struct CatalogReader {
        sqlite3 *db;
        sqlite3_stmt *statements[_READER_MAX];
        DigestMaker *maker; /* made when it is needed */
};

int catalog_reader_open(const Catalog *catalog, CatalogReader **ret) {
        CatalogReader *reader;
        int r;

        assert(catalog);
        assert(ret);

        reader = calloc(1, sizeof *reader);
        if (!reader)
                return -ENOMEM;

        r = database_open(catalog->path, catalog->flags, &reader->db);
        if (r >= 0)
                r = database_execute(reader->db, tuning);
        if (r >= 0)
                r = database_prepare(reader->db, texts, _READER_MAX, reader->statements);
        if (r < 0) {
                (void) catalog_reader_close(reader);
                return r;
        }

        *ret = reader;
        return 0;
}

CatalogReader *catalog_reader_close(CatalogReader *reader) {
        if (!reader)
                return NULL;

        database_finalize(reader->statements, _READER_MAX);
        (void) database_close(reader->db);
        (void) digest_maker_free(reader->maker);
        free(reader);
        return NULL;
}

/* Leaves word of damage for the next opening, which reads the whole database only when it has a
 * reason. If that cannot be written either, nothing more can be done here. */
static void mark_damaged(sqlite3 *db) {
        (void) database_execute(db, "PRAGMA query_only = OFF");
        (void) database_execute(db, "INSERT OR IGNORE INTO fact VALUES('" SCHEMA_FACT_DAMAGED
                                    "', '1')");
        (void) database_execute(db, "PRAGMA query_only = ON");
}

/* Ends STATEMENT, whose last step gave CODE; RESULT when that is no error. */
static int finish(CatalogReader *reader, sqlite3_stmt *statement, int code, int result) {
        if (code != SQLITE_OK && code != SQLITE_ROW && code != SQLITE_DONE)
                result = database_errno(reader->db, code);

        (void) sqlite3_reset(statement);
        if (result == -EBADMSG)
                mark_damaged(reader->db);

        return result;
}

Stamp catalog_gone_stamp(const Stamp *replica) {
        Stamp gone = *replica;

        gone.inode = ~replica->inode;
        gone.ctime = gone.btime = 0;
        gone.uid = gone.gid = UINT32_MAX;
        gone.n_links = 0;
        return gone;
}

void catalog_row_done(CatalogRow *row) {
        assert(row);

        free(row->name);
        *row = CATALOG_ROW_NULL;
}

static int64_t column(sqlite3_stmt *statement, int i) {
        return sqlite3_column_int64(statement, i);
}

static void read_stamp(sqlite3_stmt *statement, int first, Stamp *ret) {
        ret->inode = (uint64_t) column(statement, first);
        ret->size = (uint64_t) column(statement, first + 1);
        ret->mtime = column(statement, first + 2);
        ret->ctime = column(statement, first + 3);
        ret->btime = column(statement, first + 4);
        ret->rdev = (uint64_t) column(statement, first + 5);
        ret->mode = (uint32_t) column(statement, first + 6);
        ret->uid = (uint32_t) column(statement, first + 7);
        ret->gid = (uint32_t) column(statement, first + 8);
        ret->n_links = (uint32_t) column(statement, first + 9);
}

/* The name's memory is used again: asking for few different sizes lets realloc(3) return at once
 * for most. */
static int read_name(sqlite3_stmt *statement, CatalogRow *row) {
        const unsigned char *text = sqlite3_column_text(statement, ROW_NAME);
        size_t size = (size_t) sqlite3_column_bytes(statement, ROW_NAME);
        char *name;

        if (!text)
                return -EBADMSG;

        name = realloc(row->name, (size | 31) + 1);
        if (!name)
                return -ENOMEM;

        *(char *) mempcpy(name, text, size) = '\0';
        row->name = name;
        return 0;
}

static bool read_hash(sqlite3_stmt *statement, int i, Hash *ret) {
        const void *hash = sqlite3_column_blob(statement, i);

        if (!hash || sqlite3_column_bytes(statement, i) != HASH_BYTES)
                return false;
        memcpy(ret->bytes, hash, HASH_BYTES);
        return true;
}

/* The present row of STATEMENT into ROW. */
static int read_row(sqlite3_stmt *statement, CatalogRow *row) {
        int r;

        r = read_name(statement, row);
        if (r < 0)
                return r;

        row->parent = column(statement, ROW_PARENT);
        row->directory_id = column(statement, ROW_DIRECTORY_ID);
        row->file_system = column(statement, ROW_FILE_SYSTEM);
        row->flags = (unsigned) column(statement, ROW_FLAGS);
        row->verified = column(statement, ROW_VERIFIED);
        read_stamp(statement, ROW_SOURCE, &row->source);
        read_stamp(statement, ROW_REPLICA, &row->replica);

        row->has_hash = read_hash(statement, ROW_HASH, &row->hash);
        if (!row->has_hash)
                row->hash = (Hash) {};

        return 0;
}

/* Up to N_MAX rows of STATEMENT. CODE is what binding its parameters gave. */
static int read_rows(CatalogReader *reader, sqlite3_stmt *statement, int code, CatalogRow *rows,
                     int n_max) {
        int n = 0, r;

        while (n < n_max && (code == SQLITE_OK || code == SQLITE_ROW)) {
                code = sqlite3_step(statement);
                if (code != SQLITE_ROW)
                        break;

                r = read_row(statement, &rows[n]);
                if (r < 0)
                        return finish(reader, statement, SQLITE_OK, r);

                n++;
        }

        return finish(reader, statement, code, n);
}

/* The one row that STATEMENT has, or -ENOENT. */
static int read_one(CatalogReader *reader, sqlite3_stmt *statement, int code, CatalogRow *ret) {
        int r = read_rows(reader, statement, code, ret, 1);

        return r == 0 ? -ENOENT : r < 0 ? r : 0;
}

int catalog_reader_get(CatalogReader *reader, int64_t parent, const char *name, CatalogRow *ret) {
        sqlite3_stmt *statement = reader->statements[READER_GET];
        int code;

        assert(name);
        assert(ret);

        code = sqlite3_bind_int64(statement, 1, parent);
        if (code == SQLITE_OK)
                code = sqlite3_bind_text(statement, 2, name, -1, SQLITE_STATIC);

        return read_one(reader, statement, code, ret);
}

int catalog_reader_list(CatalogReader *reader, int64_t parent, const char *after, CatalogRow *rows,
                        int n_max) {
        sqlite3_stmt *statement = reader->statements[READER_LIST];
        int code;

        assert(after);
        assert(rows || n_max == 0);

        /* Copied: AFTER may well be the name in the last of ROWS. */
        code = sqlite3_bind_int64(statement, 1, parent);
        if (code == SQLITE_OK)
                code = sqlite3_bind_text(statement, 2, after, -1, SQLITE_TRANSIENT);

        return read_rows(reader, statement, code, rows, n_max);
}

int catalog_reader_by_identity(CatalogReader *reader, CatalogIdentity identity, int n_skip,
                               CatalogRow *rows, int n_max) {
        sqlite3_stmt *statement = reader->statements[READER_BY_IDENTITY];
        const int64_t values[] = {
                (int64_t) identity.source_inode,
                identity.file_system,
                n_max,
                n_skip,
        };
        int code = SQLITE_OK;

        assert(rows || n_max == 0);
        assert(n_max >= 0);
        assert(n_skip >= 0);

        for (int i = 0; i < (int) ELEMENTSOF(values) && code == SQLITE_OK; i++)
                code = sqlite3_bind_int64(statement, i + 1, values[i]);

        return read_rows(reader, statement, code, rows, n_max);
}

int catalog_reader_by_replica(CatalogReader *reader, uint64_t replica_inode, CatalogRow *rows,
                              int n_max) {
        sqlite3_stmt *statement = reader->statements[READER_BY_REPLICA];
        int code = sqlite3_bind_int64(statement, 1, (int64_t) replica_inode);

        assert(n_max >= 0);

        if (code == SQLITE_OK)
                code = sqlite3_bind_int64(statement, 2, n_max);
        return read_rows(reader, statement, code, rows, n_max);
}

int catalog_reader_by_directory(CatalogReader *reader, int64_t directory_id, CatalogRow *ret) {
        sqlite3_stmt *statement = reader->statements[READER_BY_DIRECTORY];

        assert(ret);

        return read_one(reader, statement, sqlite3_bind_int64(statement, 1, directory_id), ret);
}

int catalog_reader_is_shared(CatalogReader *reader, uint64_t replica_inode,
                             CatalogIdentity identity) {
        sqlite3_stmt *statement = reader->statements[READER_SHARED];
        int code;

        code = sqlite3_bind_int64(statement, 1, (int64_t) replica_inode);
        if (code == SQLITE_OK)
                code = sqlite3_bind_int64(statement, 2, (int64_t) identity.source_inode);
        if (code == SQLITE_OK)
                code = sqlite3_bind_int64(statement, 3, identity.file_system);
        if (code == SQLITE_OK)
                code = sqlite3_step(statement);

        return finish(reader, statement, code, code == SQLITE_ROW);
}

static int bind_group(sqlite3_stmt *statement, CatalogIdentity identity, int64_t ctime) {
        int code = sqlite3_bind_int64(statement, 1, (int64_t) identity.source_inode);

        if (code == SQLITE_OK)
                code = sqlite3_bind_int64(statement, 2, identity.file_system);
        if (code == SQLITE_OK)
                code = sqlite3_bind_int64(statement, 3, ctime);
        return code;
}

int catalog_reader_group(CatalogReader *reader, CatalogIdentity identity, int64_t ctime, int n_skip,
                         CatalogRow *rows, int n_max) {
        sqlite3_stmt *statement = reader->statements[READER_GROUP];
        int code = bind_group(statement, identity, ctime);

        assert(rows || n_max == 0);

        if (code == SQLITE_OK)
                code = sqlite3_bind_int(statement, 4, n_max);
        if (code == SQLITE_OK)
                code = sqlite3_bind_int(statement, 5, n_skip);
        return read_rows(reader, statement, code, rows, n_max);
}

int catalog_reader_group_rank(CatalogReader *reader, CatalogIdentity identity, int64_t ctime,
                              uint64_t replica_inode) {
        sqlite3_stmt *statement = reader->statements[READER_GROUP_RANK];
        int64_t inode = (int64_t) replica_inode;
        int code = bind_group(statement, identity, ctime), r = CATALOG_GROUP_WHOLE;

        if (code == SQLITE_OK)
                code = sqlite3_step(statement);
        if (code == SQLITE_ROW && sqlite3_column_type(statement, 0) == SQLITE_INTEGER) {
                if (sqlite3_column_int64(statement, 0) < inode)
                        r = CATALOG_GROUP_FOLLOWER;
                else if (sqlite3_column_int64(statement, 1) > inode)
                        r = CATALOG_GROUP_LEADER;
        }

        return finish(reader, statement, code, r);
}

static int row_digest(CatalogReader *reader, const CatalogRow *row, const Stamp *stamp,
                      const Hash *content, Hash *ret) {
        const DigestEntry entry = {
                .name = row->name,
                .name_bytes = strlen(row->name),
                .stamp = stamp,
                .content = content,
        };

        return digest_entry(reader->maker, &entry, ret);
}

/* Of the present row of READER_DIGESTS. */
static int read_digests(CatalogReader *reader, sqlite3_stmt *statement, CatalogDigests *ret) {
        _cleanup_(catalog_row_done) CatalogRow row = CATALOG_ROW_NULL;
        Hash contents[2], *content = NULL;
        const DigestSum zero = {};
        int r;

        if (sqlite3_column_type(statement, ROW_END + 2) == SQLITE_NULL)
                return -ENODATA;
        r = read_row(statement, &row);
        if (r >= 0 && !reader->maker)
                r = digest_maker_new(&reader->maker);
        if (r >= 0)
                r = digest_content(reader->maker, 0, &zero, &contents[0]);
        if (r < 0)
                return r;
        if (row.directory_id == 0) {
                content = row.has_hash ? &row.hash : NULL;
                /* As catalog-digests.c has it: nothing is known of the source's. */
                r = row_digest(reader, &row, &row.source,
                               row.flags & CATALOG_KEPT ? &contents[0] : content, &ret->source);
                return r < 0 ? r : row_digest(reader, &row, &row.replica, content, &ret->replica);
        }
        (void) read_hash(statement, ROW_END, &contents[0]);
        contents[1] = contents[0];
        (void) read_hash(statement, ROW_END + 1, &contents[1]);
        r = row_digest(reader, &row, &row.source, &contents[0], &ret->source);
        return r < 0 ? r : row_digest(reader, &row, &row.replica, &contents[1], &ret->replica);
}

int catalog_reader_digests(CatalogReader *reader, int64_t parent, const char *name,
                           CatalogDigests *ret) {
        sqlite3_stmt *statement = reader->statements[READER_DIGESTS];
        int code, r = -ENOENT;

        assert(name);
        assert(ret);

        code = sqlite3_bind_int64(statement, 1, parent);
        if (code == SQLITE_OK)
                code = sqlite3_bind_text(statement, 2, name, -1, SQLITE_STATIC);
        if (code == SQLITE_OK)
                code = sqlite3_step(statement);
        if (code == SQLITE_ROW)
                r = read_digests(reader, statement, ret);
        return finish(reader, statement, code, r);
}

int64_t catalog_reader_count(CatalogReader *reader) {
        sqlite3_stmt *statement = reader->statements[READER_COUNT];
        int64_t n = 0;
        int code, r;

        code = sqlite3_step(statement);
        if (code == SQLITE_ROW)
                n = sqlite3_column_int64(statement, 0);

        r = finish(reader, statement, code, 0);
        return r < 0 ? r : n;
}

int catalog_reader_each(CatalogReader *reader, CatalogRowVisitor visitor, void *userdata) {
        sqlite3_stmt *statement = reader->statements[READER_ALL];
        _cleanup_(catalog_row_done) CatalogRow row = CATALOG_ROW_NULL;
        int code, r = 0;

        while ((code = sqlite3_step(statement)) == SQLITE_ROW && r >= 0) {
                r = read_row(statement, &row);
                if (r >= 0)
                        r = visitor(&row, userdata);
        }
        return finish(reader, statement, r < 0 ? SQLITE_OK : code, MIN(r, 0));
}

static int bind_place(sqlite3_stmt *statement, int first, CatalogPlace place) {
        int code = sqlite3_bind_int64(statement, first, place.parent);

        /* Copied: it may well be the name in one of the rows that are about to be filled. */
        return code != SQLITE_OK ? code
                                 : sqlite3_bind_text(statement, first + 1, place.name ?: "", -1,
                                                     SQLITE_TRANSIENT);
}

int catalog_reader_unverified(CatalogReader *reader, const CatalogRow *after, int64_t before,
                              CatalogRow *rows, int n_max) {
        sqlite3_stmt *statement = reader->statements[READER_UNVERIFIED];
        int code;

        assert(after);

        code = sqlite3_bind_int64(statement, 1, after->verified);
        if (code == SQLITE_OK)
                code = bind_place(statement, 2, (CatalogPlace) { after->parent, after->name });
        if (code == SQLITE_OK)
                code = sqlite3_bind_int64(statement, 4, before);

        return read_rows(reader, statement, code, rows, n_max);
}

int catalog_reader_damaged(CatalogReader *reader, CatalogPlace after, CatalogRow *rows, int n_max) {
        sqlite3_stmt *statement = reader->statements[READER_DAMAGED];

        return read_rows(reader, statement, bind_place(statement, 1, after), rows, n_max);
}

static int read_count(CatalogReader *reader, ReaderStatement which, uint64_t *ret) {
        sqlite3_stmt *statement = reader->statements[which];
        int code = sqlite3_step(statement);

        if (code == SQLITE_ROW)
                *ret = (uint64_t) column(statement, 0);
        return finish(reader, statement, code, 0);
}

int catalog_reader_count_kept(CatalogReader *reader, uint64_t *ret) {
        return read_count(reader, READER_N_KEPT, ret);
}

int catalog_reader_count_below(CatalogReader *reader, int64_t directory_id, uint64_t *ret) {
        sqlite3_stmt *statement = reader->statements[READER_N_BELOW];
        int code = sqlite3_bind_int64(statement, 1, directory_id);

        return code == SQLITE_OK ? read_count(reader, READER_N_BELOW, ret)
                                 : finish(reader, statement, code, 0);
}

int catalog_reader_coverage(CatalogReader *reader, int64_t since, CatalogCoverage *ret) {
        sqlite3_stmt *statement = reader->statements[READER_COVERAGE];
        CatalogCoverage coverage = {};
        int code = sqlite3_bind_int64(statement, 1, since), r;

        assert(ret);

        if (code == SQLITE_OK)
                code = sqlite3_step(statement);
        if (code == SQLITE_ROW) {
                coverage.n_files = (uint64_t) column(statement, 0);
                coverage.n_bytes = (uint64_t) sqlite3_column_double(statement, 1);
                coverage.n_without_hash = (uint64_t) column(statement, 2);
                coverage.n_never = (uint64_t) column(statement, 3);
                coverage.n_since = (uint64_t) column(statement, 4);
                coverage.oldest = column(statement, 5);
        }
        r = finish(reader, statement, code, 0);
        if (r >= 0)
                r = read_count(reader, READER_N_DAMAGED, &coverage.n_damaged);
        if (r >= 0)
                *ret = coverage;
        return r;
}

int catalog_reader_file_system(CatalogReader *reader, int64_t number, FileSystemId *ret) {
        sqlite3_stmt *statement = reader->statements[READER_FILE_SYSTEM];
        int code, r = -ENOENT;

        assert(ret);

        code = sqlite3_bind_int64(statement, 1, number);
        if (code == SQLITE_OK)
                code = sqlite3_step(statement);
        if (code == SQLITE_ROW && sqlite3_column_type(statement, 0) == SQLITE_TEXT) {
                const char *text = (const char *) sqlite3_column_text(statement, 0);

                (void) snprintf(ret->text, sizeof ret->text, "%s", text ? text : "");
                r = 0;
        }
        return finish(reader, statement, code, r);
}
