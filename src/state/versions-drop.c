/* Dropping the oldest versions, in bounded steps. */

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "basic/macros.h"
#include "fs/remove-tree.h"
#include "state/versions-internal.h"

/* Sorts the N times and leaves the oldest of them in the window. */
static size_t keep_oldest(usec_t *times, size_t n) {
        qsort(times, n, sizeof(*times), versions_compare_times);
        return MIN(n, (size_t) VERSIONS_WINDOW);
}

/* Reads the oldest times there are. Later ones come to their turn when these are gone; so does what
 * is kept meanwhile, as a clock only rises. */
static int fill_window(Versions *versions) {
        _cleanup_(closedirp) DIR *directory = NULL;
        usec_t times[2 * VERSIONS_WINDOW], at;
        size_t n = 0;
        bool dropped;
        int r;

        r = versions_begin_times(versions, &directory);
        if (r < 0)
                return r;

        while ((r = versions_next_time(directory, &at, &dropped)) > 0) {
                if (at <= versions->passed_over)
                        continue;
                if (n == ELEMENTSOF(times))
                        n = keep_oldest(times, n);
                times[n++] = at;
        }
        if (r < 0)
                return r;

        n = keep_oldest(times, n);
        memcpy(versions->oldest, times, n * sizeof(*times));
        versions->n_oldest = n;
        versions->next_oldest = 0;
        return 0;
}

static bool is_there(const Versions *versions, usec_t at, bool dropped) {
        char name[VERSIONS_NAME_BYTES];
        struct stat st;

        return fstatat(versions->fd, versions_time_name(versions, at, dropped, name), &st,
                       AT_SYMLINK_NOFOLLOW | AT_NO_AUTOMOUNT) >= 0 &&
               S_ISDIR(st.st_mode);
}

/* The first time of the window that is still there: 1 or 0. */
static int next_of_window(Versions *versions, usec_t *ret) {
        for (; versions->next_oldest < versions->n_oldest; versions->next_oldest++) {
                usec_t at = versions->oldest[versions->next_oldest];

                if (at > versions->passed_over &&
                    (is_there(versions, at, false) || is_there(versions, at, true))) {
                        *ret = at;
                        return 1;
                }
        }

        return 0;
}

int versions_oldest(Versions *versions, usec_t *ret) {
        int r;

        assert(versions);
        assert(ret);

        r = versions_refresh(versions);
        while (r >= 0) {
                if (next_of_window(versions, ret))
                        return 0;

                r = fill_window(versions);
                if (r >= 0 && versions->n_oldest == 0)
                        return -ENOENT;
        }

        return r;
}

/* Whether R speaks of what was to be removed, and not of the whole file system or of us. */
static bool is_of_entry(int r) {
        switch (r) {
        case -EBUSY:
        case -EPERM:
        case -EACCES:
        case -ENOTEMPTY:
        case -EEXIST:
        case -EIO:
        case -EBADMSG:
        case -EUCLEAN:
                return true;
        default:
                return false;
        }
}

static void pass_over(Versions *versions, usec_t at, int r) {
        versions->passed_over = at;
        if (versions->error == 0)
                versions->error = r;
}

/* Drops some of the time AT, which from then on counts as dropped. As remove_tree_some(). */
static int drop_some(Versions *versions, usec_t at, uint64_t limit, uint64_t *ret_n_removed,
                     uint64_t *ret_bytes) {
        char plain[VERSIONS_NAME_BYTES], dropped[VERSIONS_NAME_BYTES];
        int r;

        (void) versions_time_name(versions, at, false, plain);
        (void) versions_time_name(versions, at, true, dropped);

        if (!is_there(versions, at, true)) {
                (void) snprintf(dropped, sizeof(dropped), VERSIONS_DROPPED_PREFIX "%.*s",
                                VERSION_TIME_BYTES - 1, plain);
                r = versions_rename(versions->fd, plain, versions->fd, dropped);
                if (r == -ENOENT)
                        return 0;
                if (r < 0 && r != -EEXIST)
                        return r;
        }

        return remove_tree_some(versions->fd, dropped, limit, ret_n_removed, ret_bytes);
}

int versions_drop_oldest(Versions *versions, uint64_t limit, uint64_t *ret_bytes) {
        assert(versions);
        assert(limit > 0);

        for (;;) {
                uint64_t n_removed = 0;
                usec_t at;
                int r;

                r = versions_oldest(versions, &at);
                if (r < 0)
                        return r == -ENOENT ? versions->error : r;

                r = drop_some(versions, at, limit, &n_removed, ret_bytes);
                if (r < 0 && !is_of_entry(r))
                        return r;
                /* Something may have been put in while it was removed. */
                if (r < 0 && (r != -ENOTEMPTY || n_removed == 0))
                        pass_over(versions, at, r);
                if (r > 0 || n_removed > 0)
                        return 1;
        }
}
