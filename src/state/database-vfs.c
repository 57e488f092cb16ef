#include "state/database-vfs.h"

#include <assert.h>
#include <errno.h>
#include <pthread.h>
#include <stdbool.h>
#include <string.h>

#include <sqlite3.h>

#include "basic/macros.h"

/* SQLite's own for databases of a single process, with all its connections: it locks the whole
 * database and keeps the log's index on the heap. */
#define BASE_NAME "unix-excl"

/* The log never has less room than that, however full the disk becomes: enough to note, bit by bit,
 * what is removed to make room. What lies behind its last frame is ignored. */
enum { LOG_RESERVE_BYTES = 256 * 1024 };

/* The files of one kind (the database, its log, what else lies beside it) share their methods. */
enum { METHODS_MAX = 4 };

typedef struct Methods {
        sqlite3_io_methods ours;
        const sqlite3_io_methods *base;
        bool of_log;
} Methods;

static sqlite3_vfs vfs;
static sqlite3_vfs *base_vfs;
static pthread_mutex_t methods_mutex = PTHREAD_MUTEX_INITIALIZER;
static Methods methods[METHODS_MAX];

/* Of the last call that failed: by the time somebody asks, errno may speak of another. */
static _Thread_local int last_errno;

static int note(int code) {
        if (code != SQLITE_OK)
                last_errno = errno;
        return code;
}

static int get_last_error(sqlite3_vfs *self, int size, char *text) {
        (void) self, (void) size, (void) text;
        return last_errno;
}

static const sqlite3_io_methods *base_of(sqlite3_file *file) {
        return CONTAINER_OF(file->pMethods, Methods, ours)->base;
}

/* A disk that cannot be read says nothing about what is on it, while SQLite calls some failures
 * damage. */
static int read_file(sqlite3_file *file, void *buffer, int size, sqlite3_int64 offset) {
        int code = base_of(file)->xRead(file, buffer, size, offset);

        if (code == SQLITE_IOERR_SHORT_READ)
                return code;
        return note(code == SQLITE_IOERR_CORRUPTFS ? SQLITE_IOERR_READ : code);
}

static int write_file(sqlite3_file *file, const void *buffer, int size, sqlite3_int64 offset) {
        return note(base_of(file)->xWrite(file, buffer, size, offset));
}

static int truncate_file(sqlite3_file *file, sqlite3_int64 size) {
        return note(base_of(file)->xTruncate(file, size));
}

/* Where there is no room already, the log takes what it needs when it needs it. */
static void reserve(sqlite3_file *file, const sqlite3_io_methods *base) {
        sqlite3_int64 size = LOG_RESERVE_BYTES;

        (void) base->xFileControl(file, SQLITE_FCNTL_SIZE_HINT, &size);
}

static int truncate_log(sqlite3_file *file, sqlite3_int64 size) {
        int code = truncate_file(file, size);

        if (code == SQLITE_OK)
                reserve(file, base_of(file));
        return code;
}

static int sync_file(sqlite3_file *file, int flags) {
        return note(base_of(file)->xSync(file, flags));
}

static int get_file_size(sqlite3_file *file, sqlite3_int64 *ret) {
        return note(base_of(file)->xFileSize(file, ret));
}

static int lock_file(sqlite3_file *file, int level) {
        return note(base_of(file)->xLock(file, level));
}

static void wrap(Methods *entry, const sqlite3_io_methods *base, bool of_log) {
        entry->ours = *base;
        entry->ours.xRead = read_file;
        entry->ours.xWrite = write_file;
        entry->ours.xTruncate = of_log ? truncate_log : truncate_file;
        entry->ours.xSync = sync_file;
        entry->ours.xFileSize = get_file_size;
        entry->ours.xLock = lock_file;
        entry->base = base;
        entry->of_log = of_log;
}

/* Ours in the place of BASE; BASE itself for more kinds of files than there are. */
static const sqlite3_io_methods *find_methods(const sqlite3_io_methods *base, bool of_log) {
        const sqlite3_io_methods *found = base;

        (void) pthread_mutex_lock(&methods_mutex);
        for (size_t i = 0; i < ELEMENTSOF(methods) && found == base; i++) {
                if (!methods[i].base)
                        wrap(&methods[i], base, of_log);
                if (methods[i].base == base && methods[i].of_log == of_log)
                        found = &methods[i].ours;
        }
        (void) pthread_mutex_unlock(&methods_mutex);
        return found;
}

/* Called with the base's own VFS: it goes by its name. */
static int open_file(sqlite3_vfs *self, const char *path, sqlite3_file *file, int flags,
                     int *ret_flags) {
        bool of_log = flags & SQLITE_OPEN_WAL;
        int code;

        (void) self;

        code = note(base_vfs->xOpen(base_vfs, path, file, flags, ret_flags));
        if (code != SQLITE_OK || !file->pMethods)
                return code;

        if (of_log) {
                int chunk = LOG_RESERVE_BYTES;

                (void) file->pMethods->xFileControl(file, SQLITE_FCNTL_CHUNK_SIZE, &chunk);
                reserve(file, file->pMethods);
        }
        file->pMethods = find_methods(file->pMethods, of_log);
        return SQLITE_OK;
}

static int delete_file(sqlite3_vfs *self, const char *path, int sync) {
        (void) self;
        return note(base_vfs->xDelete(base_vfs, path, sync));
}

/* SQLite by itself would resolve the links of "/proc/self/fd/N/…" and go by the absolute path from
 * then on. */
static int keep_path(sqlite3_vfs *self, const char *path, int size, char *buffer) {
        size_t n = strlen(path) + 1;

        (void) self;

        if (n > (size_t) size)
                return SQLITE_CANTOPEN;

        memcpy(buffer, path, n);
        return SQLITE_OK;
}

static int vfs_code;

static void register_vfs(void) {
        base_vfs = sqlite3_vfs_find(BASE_NAME);
        if (!base_vfs) {
                vfs_code = SQLITE_NOTFOUND;
                return;
        }

        vfs = *base_vfs;
        vfs.zName = DATABASE_VFS_NAME;
        vfs.pNext = NULL;
        vfs.xOpen = open_file;
        vfs.xDelete = delete_file;
        vfs.xFullPathname = keep_path;
        vfs.xGetLastError = get_last_error;
        vfs_code = sqlite3_vfs_register(&vfs, 0);
}

int database_vfs_register(void) {
        static pthread_once_t once = PTHREAD_ONCE_INIT;
        int r = pthread_once(&once, register_vfs);

        return r == 0 ? vfs_code : SQLITE_NOMEM;
}
