#include "model-hook.h"

#include <fcntl.h>
#include <stdatomic.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sys/types.h>
#include <unistd.h>

static atomic_uint n_calls, stop_at;
static void (*stop_handler)(void);

void hook_arm(unsigned at, void (*handler)(void)) {
        stop_handler = handler;
        atomic_store(&n_calls, 0);
        atomic_store(&stop_at, at);
}

unsigned hook_disarm(void) {
        atomic_store(&stop_at, 0);
        return atomic_load(&n_calls);
}

static void count(void) {
        unsigned n = atomic_fetch_add(&n_calls, 1) + 1;

        if (n == atomic_load(&stop_at))
                stop_handler();
}

/* TYPE NAME(PARAMETERS), called with ARGUMENTS. */
#define WRAP(type, name, parameters, arguments) \
        type __real_##name parameters;          \
        type __wrap_##name parameters;          \
        type __wrap_##name parameters {         \
                count();                        \
                return __real_##name arguments; \
        }

WRAP(int, fchmod, (int fd, mode_t mode), (fd, mode))
WRAP(int, fchmodat, (int fd, const char *path, mode_t mode, int flags), (fd, path, mode, flags))
WRAP(int, fdatasync, (int fd), (fd))
WRAP(int, fstatat64, (int fd, const char *restrict path, struct stat *restrict st, int flags),
     (fd, path, st, flags))
WRAP(int, fsync, (int fd), (fd))
WRAP(ssize_t, getdents64, (int fd, void *buffer, size_t size), (fd, buffer, size))
WRAP(int, linkat, (int from_fd, const char *from, int to_fd, const char *to, int flags),
     (from_fd, from, to_fd, to, flags))
WRAP(int, mkdirat, (int fd, const char *path, mode_t mode), (fd, path, mode))
WRAP(int, mknodat, (int fd, const char *path, mode_t mode, dev_t device), (fd, path, mode, device))
WRAP(ssize_t, pwrite64, (int fd, const void *data, size_t size, off_t at), (fd, data, size, at))
WRAP(int, renameat, (int from_fd, const char *from, int to_fd, const char *to),
     (from_fd, from, to_fd, to))
WRAP(int, renameat2, (int from_fd, const char *from, int to_fd, const char *to, unsigned flags),
     (from_fd, from, to_fd, to, flags))
WRAP(int, statx,
     (int fd, const char *restrict path, int flags, unsigned mask, struct statx *restrict sx),
     (fd, path, flags, mask, sx))
WRAP(int, symlinkat, (const char *target, int fd, const char *path), (target, fd, path))
WRAP(int, syncfs, (int fd), (fd))
WRAP(int, unlinkat, (int fd, const char *path, int flags), (fd, path, flags))
WRAP(int, utimensat, (int fd, const char *path, const struct timespec times[2], int flags),
     (fd, path, times, flags))
WRAP(long, syscall, (long number, long a, long b, long c, long d, long e, long f),
     (number, a, b, c, d, e, f))
