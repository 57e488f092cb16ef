#pragma once

/* File descriptors: closed at the end of their scope, read and written whole. A variable that holds
 * none is -EBADF. */

#include <errno.h>
#include <sys/types.h>

#include "basic/macros.h"

/* Closes FD if it is one, keeping errno; gives -EBADF, for `fd = safe_close(fd)`. */
int safe_close(int fd);

static inline void safe_closep(int *fd) {
        (void) safe_close(*fd);
}

#define _cleanup_close_ _cleanup_(safe_closep)

/* Writes all of SIZE bytes. 0 or -errno. */
int loop_write(int fd, const void *data, size_t size);

/* Reads until SIZE bytes or end of file. The number of bytes or -errno. */
ssize_t loop_read(int fd, void *data, size_t size);

/* Raises the soft limit of open files to the hard one. 0 or -errno. Source: getrlimit(2). */
int fd_raise_limit(void);
