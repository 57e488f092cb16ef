#include "state/catalog-schema.h"

#include <errno.h>
#include <stdint.h>

#include "basic/alloc.h"
#include "basic/macros.h"
#include "basic/string-util.h"
#include "state/database.h"

/* "RBKP". */
#define APPLICATION_ID "1380076368"
#define USER_VERSION "2"
#define EARLIER_VERSION "1"

/* clang-format off */

/* Columns are plain integers, so that sqlite3(1) shows the catalog as it is; times are nanoseconds
 * since the epoch, unsigned values of 64 bits their two's complement. Names are the bytes of the
 * file system, valid as UTF-8 or not, compared as memcmp(3) does. */
#define STAMP_DEFINITIONS(side) \
        side "_inode INTEGER NOT NULL," \
        side "_size INTEGER NOT NULL," \
        side "_mtime INTEGER NOT NULL," \
        side "_ctime INTEGER NOT NULL," \
        side "_btime INTEGER NOT NULL," \
        side "_rdev INTEGER NOT NULL," \
        side "_mode INTEGER NOT NULL," \
        side "_uid INTEGER NOT NULL," \
        side "_gid INTEGER NOT NULL," \
        side "_n_links INTEGER NOT NULL,"

/* Regular files alone have a time at which they were read back, so that they alone are in the index
 * that gives them oldest first. It has the primary key for its own order as well: a walk along it
 * goes on behind any row. */
#define VERIFIED_INDEXES \
        "CREATE INDEX entry_by_verified ON entry(verified, parent, name)" \
        " WHERE verified IS NOT NULL;" \
        "CREATE INDEX entry_by_damage ON entry(parent, name) WHERE flags & " SCHEMA_DAMAGED " <> 0;"

/* What is NULL of the replica is as the source's. */
#define DIGEST_TABLE \
        "CREATE TABLE digest(" \
        "id INTEGER PRIMARY KEY," \
        "n_entries INTEGER NOT NULL," \
        "source_digest BLOB NOT NULL," \
        "replica_digest BLOB," \
        "source_sum BLOB NOT NULL," \
        "replica_sum BLOB);"

/* Directory ids are not declared unique: while directories change places two may have the same one for a
 * moment, and INSERT OR REPLACE would then take away a row at another place. */
static const char schema[] =
        "BEGIN IMMEDIATE;"
        "CREATE TABLE entry("
        "parent INTEGER NOT NULL,"
        "name TEXT NOT NULL,"
        "directory_id INTEGER NOT NULL,"
        "file_system INTEGER NOT NULL,"
        "flags INTEGER NOT NULL,"
        STAMP_DEFINITIONS("source")
        STAMP_DEFINITIONS("replica")
        "hash BLOB,"
        "verified INTEGER,"
        "PRIMARY KEY(parent, name)"
        ") WITHOUT ROWID;"
        "CREATE INDEX entry_by_identity ON entry(source_inode, file_system);"
        "CREATE INDEX entry_by_group ON entry(source_inode, file_system, source_ctime,"
        " replica_inode) WHERE source_n_links > 1 AND directory_id = 0;"
        "CREATE INDEX entry_by_directory ON entry(directory_id) WHERE directory_id <> 0;"
        "CREATE INDEX entry_by_replica ON entry(replica_inode) WHERE replica_n_links > 1;"
        VERIFIED_INDEXES
        "CREATE TABLE file_system(number INTEGER PRIMARY KEY, identity TEXT NOT NULL UNIQUE);"
        "CREATE TABLE fact(key TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;"
        DIGEST_TABLE
        "INSERT INTO fact VALUES('" SCHEMA_FACT_DIGESTS "', '1');"
        "PRAGMA application_id = " APPLICATION_ID ";"
        "PRAGMA user_version = " USER_VERSION ";"
        "COMMIT;";

/* Files of which it is not known have never been read back: those without a hash first. */
static const char upgrade[] =
        "BEGIN IMMEDIATE;"
        "ALTER TABLE entry ADD COLUMN verified INTEGER;"
        "UPDATE entry SET verified = iif(hash IS NULL, -1, 0)"
        " WHERE source_mode & 61440 = 32768;"
        VERIFIED_INDEXES
        DIGEST_TABLE
        "PRAGMA user_version = " USER_VERSION ";"
        "COMMIT;";

/* clang-format on */

int catalog_schema_identify(sqlite3 *db) {
        int64_t ours, empty;
        int r;

        r = database_get_integer(db,
                                 "SELECT application_id = " APPLICATION_ID
                                 " AND user_version IN (" EARLIER_VERSION ", " USER_VERSION ")"
                                 " FROM pragma_application_id, pragma_user_version",
                                 &ours);
        if (r < 0)
                return r;
        if (ours)
                return 1;

        r = database_get_integer(db,
                                 "SELECT application_id = 0 AND user_version = 0"
                                 " AND NOT EXISTS (SELECT 1 FROM sqlite_schema)"
                                 " FROM pragma_application_id, pragma_user_version",
                                 &empty);
        if (r < 0)
                return r;

        return empty ? 0 : -EBADMSG;
}

static int execute_whole(sqlite3 *db, const char *sql) {
        int r = database_execute(db, sql);

        if (r < 0 && !sqlite3_get_autocommit(db))
                (void) database_execute(db, "ROLLBACK");

        return r;
}

int catalog_schema_create(sqlite3 *db) {
        return execute_whole(db, schema);
}

int catalog_schema_upgrade(sqlite3 *db) {
        int64_t is_earlier;
        int r;

        r = database_get_integer(
                db, "SELECT user_version = " EARLIER_VERSION " FROM pragma_user_version",
                &is_earlier);
        if (r < 0)
                return r;

        return is_earlier ? execute_whole(db, upgrade) : 0;
}

void catalog_schema_add_index(sqlite3 *db) {
        (void) database_execute(db, "CREATE INDEX IF NOT EXISTS entry_by_kept ON entry(parent)"
                                    " WHERE flags & " SCHEMA_KEPT " <> 0");
}

int catalog_schema_check_roots(sqlite3 *db) {
        static const char *const queries[] = {
                "SELECT source_inode FROM entry ORDER BY parent, name LIMIT 1",
                "SELECT source_inode FROM entry INDEXED BY entry_by_identity"
                " ORDER BY source_inode LIMIT 1",
                "SELECT source_inode FROM entry INDEXED BY entry_by_group"
                " WHERE source_n_links > 1 AND directory_id = 0 ORDER BY source_inode LIMIT 1",
                "SELECT directory_id FROM entry INDEXED BY entry_by_directory"
                " WHERE directory_id <> 0 ORDER BY directory_id LIMIT 1",
                "SELECT replica_inode FROM entry INDEXED BY entry_by_replica"
                " WHERE replica_n_links > 1 ORDER BY replica_inode LIMIT 1",
                "SELECT verified FROM entry INDEXED BY entry_by_verified"
                " WHERE verified IS NOT NULL ORDER BY verified LIMIT 1",
                "SELECT parent FROM entry INDEXED BY entry_by_damage"
                " WHERE flags & " SCHEMA_DAMAGED " <> 0 ORDER BY parent LIMIT 1",
                /* May not be there yet. */
                "SELECT parent FROM entry WHERE flags & " SCHEMA_KEPT " <> 0"
                " ORDER BY parent LIMIT 1",
                "SELECT n_entries FROM digest LIMIT 1",
                "SELECT count(identity) FROM file_system",
                "SELECT count(value) FROM fact",
        };

        for (size_t i = 0; i < ELEMENTSOF(queries); i++) {
                int64_t value;
                int r = database_get_integer(db, queries[i], &value);

                if (r < 0 && r != -ENOENT)
                        return r;
        }

        return 0;
}

int catalog_schema_check_pages(sqlite3 *db) {
        _cleanup_free_ char *verdict = NULL;
        int r;

        r = database_get_text(db, "PRAGMA quick_check(1)", &verdict);
        if (r < 0)
                return r;

        return streq(verdict, "ok") ? 0 : -EBADMSG;
}
