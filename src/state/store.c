/* Opening the store. */

#include "state/store.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "basic/alloc.h"
#include "basic/fd.h"
#include "basic/macros.h"
#include "state/store-internal.h"

enum { DAMAGED_NAME_MAX = 64, PATH_BUFFER = 64 };

#define STORE_NULL ((Store) { .fd = -EBADF, .staging_fd = -EBADF, .lock_fd = -EBADF })

int store_is_ours(int fd, const struct stat *st) {
        FileSystemKind kind;
        int r;

        if (st->st_uid == geteuid())
                return 1;

        r = file_system_kind(fd, &kind);
        return r < 0 ? r : kind == FILE_SYSTEM_FAT;
}

/* Opens the directory NAME, made if it is missing, and sees to it that it is ours and closed to
 * others. */
static int open_own_directory(int parent_fd, const char *name, bool *ret_created) {
        _cleanup_close_ int fd = -EBADF;
        struct stat st;
        bool created;
        int r;

        created = mkdirat(parent_fd, name, 0700) >= 0;
        if (!created && errno != EEXIST)
                return -errno;

        fd = openat(parent_fd, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
        if (fd < 0) {
                r = -errno;
                if (fstatat(parent_fd, name, &st, AT_SYMLINK_NOFOLLOW) >= 0 && S_ISLNK(st.st_mode))
                        return -EPERM;
                return r;
        }

        if (fstat(fd, &st) < 0)
                return -errno;
        if (!created) {
                r = store_is_ours(fd, &st);
                if (r <= 0)
                        return r < 0 ? r : -EPERM;
        }

        /* Where there are no modes, those of the mount hold. */
        if (st.st_mode & 077)
                (void) fchmod(fd, 0700);

        if (ret_created)
                *ret_created = created;
        return TAKE_FD(fd);
}

/* A file of its own, because the identity file is replaced while the store is open. */
static int lock(int fd) {
        _cleanup_close_ int lock_fd = -EBADF;

        lock_fd = openat(fd, "lock",
                         O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW | O_NOCTTY | O_NONBLOCK, 0600);
        if (lock_fd < 0)
                return -errno;
        if (flock(lock_fd, LOCK_EX | LOCK_NB) < 0)
                return errno == EWOULDBLOCK ? -EBUSY : -errno;

        return TAKE_FD(lock_fd);
}

static bool exists(int fd, const char *name) {
        return faccessat(fd, name, F_OK, AT_SYMLINK_NOFOLLOW) >= 0;
}

/* A name for a damaged catalog that nothing has yet: two can be set aside within one second. */
static void damaged_name(int fd, char *buffer) {
        char stamp[32];
        struct tm tm;
        time_t now = time(NULL);

        (void) strftime(stamp, sizeof stamp, "%Y%m%dT%H%M%SZ", gmtime_r(&now, &tm));
        (void) snprintf(buffer, DAMAGED_NAME_MAX, STORE_CATALOG_NAME ".damaged-%s", stamp);
        for (int i = 1; exists(fd, buffer); i++)
                (void) snprintf(buffer, DAMAGED_NAME_MAX, STORE_CATALOG_NAME ".damaged-%s.%d",
                                stamp, i);
}

/* Renames the catalog so that sqlite3(1) still finds its log. The log goes first: without its
 * database it means nothing, but a log that is left behind would be taken for the next catalog's.
 */
static int set_aside(int fd) {
        static const char *const suffixes[] = { "-wal", "-shm", "" };
        char name[DAMAGED_NAME_MAX];

        damaged_name(fd, name);

        for (size_t i = 0; i < ELEMENTSOF(suffixes); i++) {
                char from[DAMAGED_NAME_MAX], to[DAMAGED_NAME_MAX + 8];

                (void) snprintf(from, sizeof from, STORE_CATALOG_NAME "%s", suffixes[i]);
                (void) snprintf(to, sizeof to, "%s%s", name, suffixes[i]);
                if (renameat(fd, from, fd, to) < 0 && errno != ENOENT)
                        return -errno;
        }

        return 0;
}

static int open_catalog(Store *store) {
        char path[PATH_BUFFER];
        int r;

        (void) snprintf(path, sizeof path, "/proc/self/fd/%d/" STORE_CATALOG_NAME, store->fd);

        r = catalog_open(path, &store->catalog);
        if (r == -EBADMSG) {
                r = set_aside(store->fd);
                if (r < 0)
                        return r;
                store->catalog_was_set_aside = true;
                r = catalog_open(path, &store->catalog);
        }

        /* Another program's SQLite left it, and nobody can use it while the catalog is open. */
        if (r >= 0)
                (void) unlinkat(store->fd, STORE_CATALOG_NAME "-shm", 0);
        return r;
}

static int open_in(const StorePlan *plan, Store *store) {
        _cleanup_free_ char *parent = NULL, *name = NULL;
        _cleanup_close_ int parent_fd = -EBADF;
        int r;

        r = store_path_split(plan->path, &parent, &name);
        if (r < 0)
                return r;
        store->path = strdup(plan->path);
        if (!store->path)
                return -ENOMEM;

        parent_fd = open(parent, O_PATH | O_DIRECTORY | O_CLOEXEC);
        if (parent_fd < 0)
                return -errno;

        r = store->fd = open_own_directory(parent_fd, name, &store->created);
        if (r < 0)
                return r;
        r = store->lock_fd = lock(store->fd);
        if (r < 0)
                return r;
        r = store->staging_fd = open_own_directory(store->fd, "staging", NULL);
        if (r < 0)
                return r;

        return open_catalog(store);
}

int store_open(const StorePlan *plan, Store *ret) {
        Store store = STORE_NULL;
        int r;

        assert(plan);
        assert(ret);

        store.inside_replica = plan->inside_replica;
        r = open_in(plan, &store);
        if (r < 0) {
                store_close(&store);
                return r;
        }

        *ret = store;
        return 0;
}

void store_close(Store *store) {
        assert(store);

        /* First: it still works below the directory. */
        store->catalog = catalog_close(store->catalog);
        store->staging_fd = safe_close(store->staging_fd);
        store->lock_fd = safe_close(store->lock_fd);
        store->fd = safe_close(store->fd);
        store->path = mfree(store->path);
}

static bool is_same_directory(const struct statx *a, const struct statx *b) {
        return a->stx_dev_major == b->stx_dev_major && a->stx_dev_minor == b->stx_dev_minor &&
               a->stx_ino == b->stx_ino;
}

/* Nothing can be renamed from one mount of a file system to another. Before Linux 5.8 the kernel
 * does not tell them apart. */
static bool is_same_mount(const struct statx *a, const struct statx *b) {
        return !(a->stx_mask & b->stx_mask & STATX_MNT_ID) || a->stx_mnt_id == b->stx_mnt_id;
}

/* Whether somebody has removed what is in the store, and left its directory. */
static bool is_emptied(const Store *store) {
        static const char *const names[] = { "lock", "staging", STORE_CATALOG_NAME };
        struct stat st;

        for (size_t i = 0; i < ELEMENTSOF(names); i++)
                if (fstatat(store->fd, names[i], &st, AT_SYMLINK_NOFOLLOW) < 0 && errno == ENOENT)
                        return true;
        return false;
}

int store_is_present(const Store *store) {
        struct statx ours, there;

        if (statx(store->fd, "", AT_EMPTY_PATH, STATX_INO | STATX_MNT_ID, &ours) < 0)
                return -errno;
        if (statx(AT_FDCWD, store->path, AT_SYMLINK_NOFOLLOW, STATX_INO | STATX_MNT_ID, &there) < 0)
                return errno == ENOENT || errno == ENOTDIR ? 0 : -errno;

        return is_same_directory(&ours, &there) && is_same_mount(&ours, &there) &&
               !is_emptied(store);
}
