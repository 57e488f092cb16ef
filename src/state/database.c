#include "state/database.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "basic/macros.h"
#include "state/database-vfs.h"

enum { BUSY_TIMEOUT_MSEC = 5 * 1000 };

/* What a file system answers that has no room, may not be written, or is gone. */
static bool tells_of_file_system(int error) {
        switch (error) {
        case EDQUOT:
        case EFBIG:
        case ENODEV:
        case ENOMEM:
        case ENOSPC:
        case ENOTCONN:
        case ENXIO:
        case EROFS:
        case ESHUTDOWN:
        case ESTALE:
                return true;
        default:
                return false;
        }
}

static int io_errno(sqlite3 *db, int code) {
        int error = db ? sqlite3_system_errno(db) : 0;

        if (code == SQLITE_IOERR_NOMEM)
                return -ENOMEM;
        if (tells_of_file_system(error))
                return -error;
        if ((code & 0xff) == SQLITE_CANTOPEN && error > 0 && error != EBADMSG)
                return -error;

        return -EIO;
}

int database_errno(sqlite3 *db, int code) {
        switch (code & 0xff) {
        case SQLITE_BUSY:
        case SQLITE_LOCKED:
                return -EBUSY;

        case SQLITE_FULL:
                return -ENOSPC;

        case SQLITE_CORRUPT:
        case SQLITE_NOTADB:
                return -EBADMSG;

        case SQLITE_READONLY:
                return -EROFS;

        case SQLITE_NOMEM:
                return -ENOMEM;

        case SQLITE_IOERR:
        case SQLITE_CANTOPEN:
                return io_errno(db, code);

        default:
                return -EIO;
        }
}

/* What SQLite calls a plain error in one of our own statements is the schema's fault: a table,
 * column or index that is missing, or a format it does not know. */
static int statement_errno(sqlite3 *db, int code) {
        return (code & 0xff) == SQLITE_ERROR ? -EBADMSG : database_errno(db, code);
}

/* Makes the file, if it is missing: SQLite hides why it could not. An existing one is not opened,
 * since closing it would give up the locks of its other connections in this process. Source:
 * fcntl(2). */
static int create_file(const char *path) {
        int fd = open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);

        if (fd < 0)
                return errno == EEXIST ? 0 : -errno;

        (void) close(fd);
        return 0;
}

/* What it may not write SQLite opens for reading alone. */
static int check_writable(sqlite3 *db, const char *path) {
        if (sqlite3_db_readonly(db, "main") <= 0)
                return 0;

        return faccessat(AT_FDCWD, path, W_OK, AT_EACCESS) < 0 ? -errno : -EROFS;
}

int database_open(const char *path, unsigned flags, sqlite3 **ret) {
        int open_flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_EXRESCODE;
        sqlite3 *db = NULL;
        int code, r;

        assert(path);
        assert(ret);

        code = database_vfs_register();
        if (code != SQLITE_OK)
                return database_errno(NULL, code);

        if (flags & DATABASE_MEMORY)
                open_flags |= SQLITE_OPEN_URI | SQLITE_OPEN_CREATE;
        else if (flags & DATABASE_CREATE) {
                r = create_file(path);
                if (r < 0)
                        return r;
        }

        code = sqlite3_open_v2(path, &db, open_flags,
                               flags & DATABASE_MEMORY ? NULL : DATABASE_VFS_NAME);
        if (code == SQLITE_OK)
                code = sqlite3_busy_timeout(db, BUSY_TIMEOUT_MSEC);

        r = code == SQLITE_OK ? check_writable(db, path) : database_errno(db, code);
        if (r < 0) {
                (void) database_close(db);
                return r;
        }

        *ret = db;
        return 0;
}

sqlite3 *database_close(sqlite3 *db) {
        int code = sqlite3_close(db);

        /* A statement that was not finalized would keep the connection. */
        assert(code == SQLITE_OK);
        (void) code;
        return NULL;
}

int database_execute(sqlite3 *db, const char *sql) {
        int code = sqlite3_exec(db, sql, NULL, NULL, NULL);

        return code == SQLITE_OK ? 0 : statement_errno(db, code);
}

/* Runs SQL up to its first row. */
static int first_row(sqlite3 *db, const char *sql, sqlite3_stmt **ret) {
        sqlite3_stmt *statement;
        int code, r;

        code = sqlite3_prepare_v2(db, sql, -1, &statement, NULL);
        if (code != SQLITE_OK)
                return statement_errno(db, code);

        code = sqlite3_step(statement);
        if (code == SQLITE_ROW) {
                *ret = statement;
                return 0;
        }

        r = code == SQLITE_DONE ? -ENOENT : statement_errno(db, code);
        (void) sqlite3_finalize(statement);
        return r;
}

int database_get_integer(sqlite3 *db, const char *sql, int64_t *ret) {
        sqlite3_stmt *statement;
        int r;

        r = first_row(db, sql, &statement);
        if (r < 0)
                return r;

        *ret = sqlite3_column_int64(statement, 0);
        (void) sqlite3_finalize(statement);
        return 0;
}

int database_get_text(sqlite3 *db, const char *sql, char **ret) {
        const char *text;
        sqlite3_stmt *statement;
        char *copy;
        int r;

        r = first_row(db, sql, &statement);
        if (r < 0)
                return r;

        text = (const char *) sqlite3_column_text(statement, 0);
        copy = text ? strdup(text) : NULL;
        (void) sqlite3_finalize(statement);
        if (!copy)
                return -ENOMEM;

        *ret = copy;
        return 0;
}

int database_prepare(sqlite3 *db, const char *const *texts, size_t n, sqlite3_stmt **statements) {
        for (size_t i = 0; i < n; i++) {
                int code = sqlite3_prepare_v3(db, texts[i], -1, SQLITE_PREPARE_PERSISTENT,
                                              &statements[i], NULL);
                if (code != SQLITE_OK)
                        return statement_errno(db, code);
        }

        return 0;
}

void database_finalize(sqlite3_stmt **statements, size_t n) {
        for (size_t i = 0; i < n; i++) {
                (void) sqlite3_finalize(statements[i]);
                statements[i] = NULL;
        }
}
