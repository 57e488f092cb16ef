#pragma once

/* Descriptors that the service manager keeps for the next process of the service: sd_notify(3),
 * FDSTORE=1; sd_listen_fds_with_names(3). */

#include <stdbool.h>
#include <stddef.h>

typedef struct InheritedFd {
        int fd;     /* owned; -EBADF when it was taken */
        char *name; /* owned */
} InheritedFd;

typedef struct InheritedFds {
        InheritedFd *items;
        size_t n_items;
} InheritedFds;

#define INHERITED_FDS_NULL ((InheritedFds) {})

/* Takes over all that this process was started with, and has the manager forget them: after a crash
 * they would be of no use. 0; -ENOMEM or -errno when there are none for that reason. */
int inherited_fds_receive(InheritedFds *ret);
/* The one called NAME, which is the caller's from now on. -EBADF when there is none, or several. */
int inherited_fds_take(InheritedFds *fds, const char *name);
/* Closes those that were not taken. */
void inherited_fds_done(InheritedFds *fds);

/* Waits for a moment until the manager has closed those that it was to forget: what they stand for
 * may count against a limit. */
void fd_store_settle(void);

/* Gives the manager FD to keep as NAME. Whether it does is not known. 0 or -errno. */
int fd_store_push(const char *name, int fd);
