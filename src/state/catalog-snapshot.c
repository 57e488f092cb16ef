/* Reading a catalog without touching its directory. SQLite makes files beside a database only to
 * read it, so the database and its log are copied into a private directory and opened there. */

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <unistd.h>

#include "basic/alloc.h"
#include "basic/fd.h"
#include "basic/macros.h"
#include "fs/entry.h"
#include "state/catalog-internal.h"

enum { ATTEMPTS_MAX = 20 };

static const char *const file_names[] = { "catalog.db", "catalog.db-wal" };
enum { FILE_DATABASE, FILE_LOG, _FILE_MAX };

/* The files as they stand. A missing log has an empty stamp. */
static int acquire_stamps(int directory_fd, Stamp *stamps) {
        for (int i = 0; i < _FILE_MAX; i++) {
                Entry entry = {};
                int r;

                r = entry_acquire(directory_fd, file_names[i], &entry);
                if (r < 0 && (r != -ENOENT || i == FILE_DATABASE))
                        return r;

                stamps[i] = entry.stamp;
        }

        return 0;
}

static int open_quietly(int directory_fd, const char *name) {
        const int flags = O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NOCTTY | O_NONBLOCK;
        int fd;

        fd = openat(directory_fd, name, flags | O_NOATIME);
        if (fd < 0 && errno == EPERM)
                fd = openat(directory_fd, name, flags);

        return fd < 0 ? -errno : fd;
}

static int copy_file(int directory_fd, const char *name, const char *directory, uint64_t size) {
        _cleanup_close_ int from = -EBADF, to = -EBADF;
        _cleanup_free_ char *path = NULL;

        from = open_quietly(directory_fd, name);
        if (from < 0)
                return from;

        if (asprintf(&path, "%s/%s", directory, name) < 0)
                return -ENOMEM;
        to = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600);
        if (to < 0)
                return -errno;

        while (size > 0) {
                ssize_t n = sendfile(to, from, NULL, MIN(size, (uint64_t) INT_MAX));

                if (n < 0)
                        return -errno;
                if (n == 0)
                        return -EAGAIN; /* cut off while it was copied */

                size -= (uint64_t) n;
        }

        return 0;
}

static bool stamps_equal(const Stamp *a, const Stamp *b) {
        for (int i = 0; i < _FILE_MAX; i++)
                if (!stamp_equal(&a[i], &b[i]))
                        return false;

        return true;
}

/* One try: -EAGAIN when somebody wrote to the catalog meanwhile. */
static int copy_once(int directory_fd, const char *directory) {
        Stamp before[_FILE_MAX], after[_FILE_MAX];
        int r;

        r = acquire_stamps(directory_fd, before);
        if (r < 0)
                return r;

        for (int i = 0; i < _FILE_MAX; i++) {
                if (before[i].mode == 0)
                        continue;
                if (!S_ISREG(before[i].mode))
                        return -EBADMSG;

                r = copy_file(directory_fd, file_names[i], directory, before[i].size);
                if (r == -ENOENT)
                        return -EAGAIN;
                if (r < 0)
                        return r;
        }

        r = acquire_stamps(directory_fd, after);
        if (r < 0)
                return r;

        return stamps_equal(before, after) ? 0 : -EAGAIN;
}

static void remove_files(const char *directory) {
        static const char *const suffixes[] = { "/catalog.db", "/catalog.db-wal",
                                                "/catalog.db-shm" };

        for (size_t i = 0; i < ELEMENTSOF(suffixes); i++) {
                _cleanup_free_ char *path = NULL;

                if (asprintf(&path, "%s%s", directory, suffixes[i]) >= 0)
                        (void) unlink(path);
        }
}

void catalog_remove_temporary(const char *directory) {
        remove_files(directory);
        (void) rmdir(directory);
}

static int make_temporary(char **ret) {
        const char *base = secure_getenv("TMPDIR");
        char *path;

        if (asprintf(&path, "%s/rebackup-XXXXXX", base && base[0] == '/' ? base : "/var/tmp") < 0)
                return -ENOMEM;
        if (!mkdtemp(path)) {
                int r = -errno;

                free(path);
                return r;
        }

        *ret = path;
        return 0;
}

static int open_copy(int directory_fd, const char *directory, Catalog **ret) {
        _cleanup_free_ char *path = NULL;
        int r = -EAGAIN;

        for (int i = 0; i < ATTEMPTS_MAX && r == -EAGAIN; i++) {
                remove_files(directory);
                r = copy_once(directory_fd, directory);
        }
        if (r < 0)
                return r == -EAGAIN ? -EBUSY : r;

        if (asprintf(&path, "%s/%s", directory, file_names[FILE_DATABASE]) < 0)
                return -ENOMEM;

        r = catalog_open_with(path, CATALOG_OPEN_PRIVATE, ret);
        return r < 0 ? r : 0;
}

int catalog_open_snapshot(int directory_fd, Catalog **ret) {
        _cleanup_free_ char *directory = NULL;
        Catalog *catalog = NULL;
        int r;

        r = make_temporary(&directory);
        if (r < 0)
                return r;

        r = open_copy(directory_fd, directory, &catalog);
        if (r < 0) {
                catalog_remove_temporary(directory);
                return r;
        }

        catalog->temporary = TAKE_PTR(directory);
        *ret = catalog;
        return 0;
}
