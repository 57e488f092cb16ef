#pragma once

/* Giving up what of the file systems is not needed, for good and for all threads that the caller
 * begins later. A rule holds for a directory and what is below it, also on file systems that are
 * mounted there later; it goes with the directory's inode. What is open already stays open, and
 * what needs no opening (stat, chmod, chown, attributes) is not covered. Source: landlock(7). */

#include <stdint.h>

typedef enum LandlockRights {
        LANDLOCK_LIST,  /* open and list directories */
        LANDLOCK_READ,  /* that, and read files */
        LANDLOCK_WRITE, /* that, and write, make, rename and remove whatever there may be */
} LandlockRights;

typedef struct Landlock {
        int fd;           /* the rules */
        uint64_t handled; /* what is forbidden unless a rule allows it */
} Landlock;

#define LANDLOCK_NULL ((Landlock) { .fd = -EBADF })

/* Begins a set of rules that allows nothing but what the kernel cannot forbid; connections by TCP
 * and signals to others are forbidden with it. 0, -EOPNOTSUPP when the kernel has no Landlock, or
 * one before Linux 5.19, which would forbid to rename across directories; -errno. */
int landlock_begin(Landlock *ret);
/* Allows RIGHTS for PATH, through symbolic links, and all below it. 0 or -errno of open(2). */
int landlock_allow(const Landlock *landlock, const char *path, LandlockRights rights);
/* From here on the rules hold for the calling thread, which also gains no more rights by executing
 * anything. 0 or -errno. */
int landlock_enforce(const Landlock *landlock);
void landlock_done(Landlock *landlock);
