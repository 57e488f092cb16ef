#include "fs/metadata.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/types.h>
#include <unistd.h>

#include "fs/confined.h"

enum { PERMISSION_BITS = 07777, SET_ID_BITS = S_ISUID | S_ISGID };

/* Whether the error R means that rights or the file system do not let it be. */
static bool is_refusal(int r) {
        return r == -EPERM || r == -EINVAL || r == -EOPNOTSUPP || r == -ENOSYS;
}

static int change_owner(int fd, uid_t uid, gid_t gid) {
        return fchownat(fd, "", uid, gid, AT_EMPTY_PATH) < 0 ? -errno : 0;
}

static int change_mode(int fd, mode_t mode) {
        char path[PROC_FD_PATH_MAX];

        if (fchmod(fd, mode) >= 0)
                return 0;
        if (errno != EBADF)
                return -errno;

        /* O_PATH */
        return chmod(proc_fd_path(fd, path), mode) < 0 ? -errno : 0;
}

int metadata_set_mtime(int fd, int64_t mtime_nsec) {
        const int64_t second = NSEC_PER_SEC; /* signed */
        struct stat st;
        struct timespec times[2] = {
                {},
                { .tv_sec = mtime_nsec / second, .tv_nsec = mtime_nsec % second },
        };

        assert(fd >= 0);

        if (times[1].tv_nsec < 0) {
                times[1].tv_sec--;
                times[1].tv_nsec += second;
        }

        /* Its own, and not UTIME_OMIT: the FUSE library 2 drops a request for one of the two in
         * silence. */
        if (fstat(fd, &st) < 0)
                return -errno;
        times[0] = st.st_atim;

        return utimensat(fd, "", times, AT_EMPTY_PATH) < 0 ? -errno : 0;
}

/* What the steps of one application tell each other. */
typedef struct Application {
        int fd;
        const Stamp *wanted, *have;
        unsigned *shortfalls;
        bool owner_missing; /* could not be given */
        bool mode_touched;  /* is no longer have->mode for sure */
} Application;

static int apply_owner(Application *a) {
        bool uid_differs = a->wanted->uid != a->have->uid;
        bool gid_differs = a->wanted->gid != a->have->gid;
        int r;

        if (!uid_differs && !gid_differs)
                return 0;

        /* Takes setuid and setgid bits away. */
        a->mode_touched = true;

        r = change_owner(a->fd, uid_differs ? a->wanted->uid : (uid_t) -1,
                         gid_differs ? a->wanted->gid : (gid_t) -1);
        if (!is_refusal(r))
                return r;

        *a->shortfalls |= SHORTFALL_OWNER;
        a->owner_missing = true;

        if (uid_differs && gid_differs) {
                r = change_owner(a->fd, (uid_t) -1, a->wanted->gid);
                if (!is_refusal(r))
                        return r;
        }

        return 0;
}

static int apply_attributes(Application *a, const Attributes *attributes) {
        int r;

        r = attributes_apply(a->fd, attributes, a->shortfalls);
        if (r == -EACCES) {
                /* User attributes need write permission, of the owner too. The mode is put right
                 * after this. */
                r = change_mode(a->fd, (a->have->mode & PERMISSION_BITS) | S_IRUSR | S_IWUSR);
                if (r < 0 && !is_refusal(r))
                        return r;

                a->mode_touched = true;
                r = attributes_apply(a->fd, attributes, a->shortfalls);
        }
        if (r == -EACCES) {
                *a->shortfalls |= SHORTFALL_XATTR_USER;
                return 0;
        }

        /* An access ACL brings permission bits along. */
        if (r > 0)
                a->mode_touched = true;

        return r;
}

static mode_t permitted_mode(const Application *a) {
        mode_t mode = a->wanted->mode & PERMISSION_BITS;

        return a->owner_missing && !S_ISDIR(a->wanted->mode) ? mode & ~(mode_t) SET_ID_BITS : mode;
}

static int apply_mode(Application *a) {
        mode_t mode = permitted_mode(a);
        int r;

        if (S_ISLNK(a->wanted->mode))
                return 0;

        if (mode != (a->wanted->mode & PERMISSION_BITS))
                *a->shortfalls |= SHORTFALL_MODE;
        if (!a->mode_touched && mode == (a->have->mode & PERMISSION_BITS))
                return 0;

        r = change_mode(a->fd, mode);
        if (!is_refusal(r))
                return r;

        *a->shortfalls |= SHORTFALL_MODE;
        return 0;
}

static int apply_times(Application *a) {
        int r;

        if (a->wanted->mtime == a->have->mtime)
                return 0;

        r = metadata_set_mtime(a->fd, a->wanted->mtime);
        if (!is_refusal(r))
                return r;

        *a->shortfalls |= SHORTFALL_TIMES;
        return 0;
}

int metadata_apply(int fd, const Stamp *wanted, const Stamp *have, const Attributes *attributes,
                   unsigned *shortfalls) {
        Application a = { .fd = fd, .wanted = wanted, .have = have, .shortfalls = shortfalls };
        Entry entry;
        int r;

        assert(fd >= 0);
        assert(wanted);
        assert(shortfalls);

        if (!have) {
                r = entry_acquire(fd, "", &entry);
                if (r < 0)
                        return r;
                a.have = &entry.stamp;
        }

        r = apply_owner(&a);
        if (r < 0)
                return r;

        r = attributes ? apply_attributes(&a, attributes) : 0;
        if (r < 0)
                return r;

        r = apply_mode(&a);
        if (r < 0)
                return r;

        return apply_times(&a);
}
