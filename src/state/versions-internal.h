#pragma once

/* What the files of the versions share. Not for their users. */

#include <dirent.h>
#include <stdatomic.h>
#include <sys/types.h>

#include "state/versions.h"

#define VERSIONS_DIRECTORY "versions"
/* A time of which something was dropped already is renamed, so that nobody takes it for whole. */
#define VERSIONS_DROPPED_PREFIX ".dropping-"
#define VERSIONS_FRAME_ATTRIBUTE "user.rebackup.frame"
#define VERSIONS_FRAME_VALUE "1"

/* The oldest times, so that versions/ is not read for each of them. */
enum { VERSIONS_WINDOW = 512, VERSIONS_NAME_BYTES = VERSION_TIME_BYTES + 16 };

struct Versions {
        int store_fd;
        bool create;
        atomic_bool cancelled;

        int fd; /* versions/, or -EBADF while there is none */
        dev_t device;
        ino_t inode;
        uid_t owner;
        mode_t mode;
        bool flush_each; /* directory by itself; what that failed with first: */
        int flush_error;
        bool frames_unmarked; /* the file system has been seen to have no attributes */

        /* Where something was kept last. */
        usec_t kept_msec;
        int time_fd;
        char *kept_directory; /* below the time */
        int kept_fd;

        /* What is to be dropped. */
        usec_t oldest[VERSIONS_WINDOW]; /* rising */
        size_t n_oldest, next_oldest;
        usec_t passed_over; /* of this time and earlier ones nothing can be removed; 0: none */
        int error;          /* the first reason of that */
};

static inline void closedirp(DIR **directory) {
        if (*directory)
                (void) closedir(*directory);
}

/* Opens versions/ if another is there than is open, or none was. 0, -ENOENT, -errno. */
int versions_refresh(Versions *versions);

/* Forgets where something was kept last. */
void versions_forget_kept(Versions *versions);

/* Whether R says that there is nothing of that path, or something else than a directory above it.
 */
bool versions_is_absence(int r);

/* Whether the directory FD can be a frame by its owner and mode: 1, 0 or -errno. */
int versions_may_be_frame(const Versions *versions, int fd);
/* Whether the directory FD, readable, is a frame: 1, 0 or -errno; -EOPNOTSUPP where frames cannot
 * be told. */
int versions_is_frame(const Versions *versions, int fd);

/* renameat(2) that replaces nothing: 0, -EEXIST, -errno. Nobody else puts anything there. */
int versions_rename(int from_fd, const char *from, int to_fd, const char *to);

/* A DIR of our own to read the times from, in no order. Needs versions_refresh(). */
int versions_begin_times(Versions *versions, DIR **ret);
/* 1 with a time, which may come twice; 0 at the end; -errno. *RET_DROPPED: whether something of it
 * is gone; with NULL those are left out. */
int versions_next_time(DIR *directory, usec_t *ret, bool *ret_dropped);

/* What the time is called in versions/, or would be if it were there. Returns BUFFER. */
const char *versions_time_name(const Versions *versions, usec_t at, bool dropped,
                               char buffer[VERSIONS_NAME_BYTES]);

int versions_compare_times(const void *a, const void *b);
