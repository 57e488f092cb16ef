/* Preloaded into a program: lets the first REBACKUP_BAD_READS readings past the page cache of files
 * of REBACKUP_BAD_SIZE bytes in a staging directory show another content than was written, as a
 * disk does that wrote something else. With REBACKUP_SLOW_READS each reading past the page cache
 * takes so many microseconds more, and with REBACKUP_SLOW_FILES
 * each setting of a file's times. */

#define _GNU_SOURCE
#include <dlfcn.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static atomic_int n_bad;

static long setting(const char *name) {
        const char *text = getenv(name);

        return text ? atol(text) : 0;
}

static int is_meant(int fd) {
        char link[64], path[4096];
        struct stat st;
        ssize_t n;

        if (!(fcntl(fd, F_GETFL) & O_DIRECT) || fstat(fd, &st) < 0 ||
            st.st_size != setting("REBACKUP_BAD_SIZE"))
                return 0;
        (void) snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
        n = readlink(link, path, sizeof(path) - 1);
        if (n < 0)
                return 0;
        path[n] = '\0';
        return strstr(path, ".rebackup/staging/") &&
               atomic_fetch_add(&n_bad, 1) < setting("REBACKUP_BAD_READS");
}

ssize_t pread(int fd, void *buffer, size_t size, off_t offset) {
        static ssize_t (*next)(int, void *, size_t, off_t);
        ssize_t n;

        if (!next)
                *(void **) &next = dlsym(RTLD_NEXT, "pread");
        if (setting("REBACKUP_SLOW_READS") > 0 && fcntl(fd, F_GETFL) & O_DIRECT)
                (void) usleep((useconds_t) setting("REBACKUP_SLOW_READS"));
        n = next(fd, buffer, size, offset);
        if (n > 0 && offset == 0 && is_meant(fd))
                ((char *) buffer)[0] ^= 1;
        return n;
}

int utimensat(int directory_fd, const char *path, const struct timespec *times, int flags) {
        static int (*next)(int, const char *, const struct timespec *, int);

        if (!next)
                *(void **) &next = dlsym(RTLD_NEXT, "utimensat");
        if (setting("REBACKUP_SLOW_FILES") > 0)
                (void) usleep((useconds_t) setting("REBACKUP_SLOW_FILES"));
        return next(directory_fd, path, times, flags);
}

ssize_t pread64(int fd, void *buffer, size_t size, off_t offset) {
        return pread(fd, buffer, size, offset);
}
