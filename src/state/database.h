#pragma once

/* One connection to an SQLite database as the catalog uses it: opened without SQLite's own locking,
 * so that it belongs to one thread at a time; statements prepared once; SQLite's codes become
 * -errno here and nowhere else. Not for users of the catalog. */

#include <stddef.h>
#include <stdint.h>

#include <sqlite3.h>

typedef enum DatabaseFlags {
        DATABASE_CREATE = 1 << 0, /* make the file when it is missing */
        DATABASE_MEMORY = 1 << 1, /* PATH is a "file:" URI of a database in memory */
} DatabaseFlags;

/* Opens PATH for reading and writing. PATH is handed to the kernel as it is: SQLite by itself would
 * resolve the links of "/proc/self/fd/N/…" and go by the absolute path from then on, which a rename
 * above it breaks and which it takes only up to 512 bytes. The last component is never followed. */
int database_open(const char *path, unsigned flags, sqlite3 **ret);
sqlite3 *database_close(sqlite3 *db);

/* The one place where SQLite's codes become errors: BUSY and LOCKED→EBUSY, FULL→ENOSPC, CORRUPT and
 * NOTADB→EBADMSG, READONLY→EROFS, NOMEM→ENOMEM; IOERR and CANTOPEN by the failed system call where
 * it tells of a disk that is full, read-only or gone, or of something that cannot be opened, else
 * EIO. So EBADMSG always means damage, and what merely cannot be read is none. CODE is not a
 * success. */
int database_errno(sqlite3 *db, int code);

/* Runs statements that give no rows. */
int database_execute(sqlite3 *db, const char *sql);
/* The first column of the first row: 0, or -ENOENT when there is no row. */
int database_get_integer(sqlite3 *db, const char *sql, int64_t *ret);
int database_get_text(sqlite3 *db, const char *sql, char **ret);

/* Prepares N statements into STATEMENTS. -EBADMSG when the schema does not know what they name. */
int database_prepare(sqlite3 *db, const char *const *texts, size_t n, sqlite3_stmt **statements);
void database_finalize(sqlite3_stmt **statements, size_t n);
