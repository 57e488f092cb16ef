#pragma once

/* Where a path that an administrator wrote leads at present: the directories of it that exist,
 * symbolic links followed, and what is missing below them. Lets a directory be judged before it is
 * made, and then made exactly where it was judged. A Location belongs to one thread. */

#include <stdbool.h>
#include <sys/types.h>

typedef struct Location {
        int fd;        /* O_PATH: the deepest directory of the path that exists */
        char *missing; /* owned: what does not exist below it, without a leading slash; "" when
                          nothing is missing */
} Location;

#define LOCATION_NULL ((Location) { .fd = -EBADF })

/* Finds PATH, which is absolute and normalised. 0 or -errno of open(2): -ENOTDIR when something on
 * the way or at its end is no directory. */
int location_find(const char *path, Location *ret);
/* Makes what is missing with MODE, as "mkdir -p" does, below the directory that was found and
 * nowhere else. Afterwards nothing is missing. -errno of mkdirat(2); -ELOOP when a symbolic link
 * that leads nowhere is in the way. */
int location_make(Location *location, mode_t mode);
void location_done(Location *location);

static inline bool location_exists(const Location *location) {
        return location->missing[0] == '\0';
}

/* A descriptor of the directory that was found which can be read and asked by ioctl(2); -errno. */
int location_open(const Location *location);
