#pragma once

/* Children that may hang: each has until its deadline, and is killed with its process group then.
 */

#include <stdbool.h>
#include <sys/types.h>

#include "basic/time-span.h"

typedef struct Limited {
        pid_t pid; /* also of its process group and session; 0: none */
        int pid_fd;
        usec_t deadline; /* CLOCK_MONOTONIC */
} Limited;

#define LIMITED_NULL ((Limited) { .pid_fd = -EBADF })

/* Forks. In the child, which has the default signal handling, a session of its own and no terminal,
 * 0 is returned; in the parent 1 with *RET; -errno. */
int limited_fork(usec_t limit, Limited *ret);

/* How it ended; TIMED_OUT: it was killed. */
typedef struct LimitedEnd {
        int status; /* as waitpid(2) gives it */
        bool timed_out;
} LimitedEnd;

/* Waits until CHILD has ended, or its time is over. Then nothing of its process group is left.
 * Whatever can be read from OUTPUT_FD meanwhile (negative: nothing) is handed to TAKE. */
LimitedEnd limited_wait(Limited *child, int output_fd,
                        void (*take)(const char *data, size_t size, void *userdata),
                        void *userdata);
