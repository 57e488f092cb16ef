#include "alert/alert-directory.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "alert/alert-text.h"
#include "basic/alloc.h"
#include "basic/fd.h"
#include "basic/string-util.h"

/* Not in the directory itself, which somebody watches. */
#define TEMPORARY "alert.new"

static int open_directory(int runtime_fd) {
        int fd = openat(runtime_fd, ALERT_DIRECTORY,
                        O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);

        return fd < 0 ? -errno : fd;
}

static int make_directory(int runtime_fd) {
        if (mkdirat(runtime_fd, ALERT_DIRECTORY, 0700) < 0 && errno != EEXIST)
                return -errno;
        return open_directory(runtime_fd);
}

static int write_temporary(int runtime_fd, const char *text) {
        _cleanup_close_ int fd = -EBADF;

        (void) unlinkat(runtime_fd, TEMPORARY, 0);
        fd = openat(runtime_fd, TEMPORARY,
                    O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC | O_NOCTTY, 0600);
        if (fd < 0)
                return -errno;
        return loop_write(fd, text, strlen(text));
}

static int write_to(int runtime_fd, int to_fd, const char *name, const char *text) {
        int r;

        r = write_temporary(runtime_fd, text);
        if (r >= 0 && renameat(runtime_fd, TEMPORARY, to_fd, name) < 0)
                r = -errno;
        if (r < 0)
                (void) unlinkat(runtime_fd, TEMPORARY, 0);
        return r;
}

int alert_directory_write(int runtime_fd, const char *name, const char *text) {
        return write_to(runtime_fd, runtime_fd, name, text);
}

/* The number of files, and the first by name. */
static int look(int directory_fd, size_t *ret_n, char **ret_first) {
        _cleanup_free_ char *first = NULL;
        struct dirent *entry;
        DIR *directory;
        size_t n = 0;
        int fd;

        fd = openat(directory_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        directory = fd >= 0 ? fdopendir(fd) : NULL;
        if (!directory) {
                int error = -errno;

                (void) safe_close(fd);
                return error;
        }
        while ((entry = readdir(directory))) {
                if (streq(entry->d_name, ".") || streq(entry->d_name, ".."))
                        continue;
                n++;
                if (first && strcmp(entry->d_name, first) >= 0)
                        continue;
                free(first);
                first = strdup(entry->d_name);
                if (!first)
                        break;
        }
        (void) closedir(directory);
        if (n > 0 && !first)
                return -ENOMEM;
        *ret_n = n;
        *ret_first = TAKE_PTR(first);
        return 0;
}

int alert_directory_put(int runtime_fd, const char *text, usec_t now) {
        _cleanup_close_ int directory_fd = make_directory(runtime_fd);
        _cleanup_free_ char *first = NULL;
        char name[64];
        size_t n;
        int r;

        if (directory_fd < 0)
                return directory_fd;
        r = look(directory_fd, &n, &first);
        if (r < 0)
                return r;
        if (n >= ALERT_FILES_MAX)
                return -ENOSPC;
        (void) snprintf(name, sizeof name, "%020" PRIu64, now);
        return write_to(runtime_fd, directory_fd, name, text);
}

int alert_directory_read(int directory_fd, const char *name, size_t max, char **ret) {
        _cleanup_close_ int fd = -EBADF;
        _cleanup_free_ char *text = NULL;
        struct stat st;
        ssize_t n;

        fd = openat(directory_fd, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC | O_NOCTTY);
        if (fd < 0)
                return errno == ELOOP || errno == ENXIO ? -EBADMSG : -errno;
        if (fstat(fd, &st) < 0)
                return -errno;
        if (!S_ISREG(st.st_mode) || st.st_size > (off_t) max)
                return -EBADMSG;
        text = malloc(max + 1);
        if (!text)
                return -ENOMEM;
        n = loop_read(fd, text, max);
        if (n < 0)
                return (int) n;
        text[n] = 0;
        *ret = TAKE_PTR(text);
        return 0;
}

static int remove_entry(int directory_fd, const char *name) {
        if (unlinkat(directory_fd, name, 0) >= 0)
                return 0;
        if (errno == EISDIR || errno == EPERM)
                return unlinkat(directory_fd, name, AT_REMOVEDIR) < 0 ? -errno : 0;
        return -errno;
}

int alert_directory_take(int runtime_fd, char **ret_text) {
        _cleanup_close_ int directory_fd = open_directory(runtime_fd);
        _cleanup_free_ char *first = NULL, *text = NULL;
        size_t n = 0;
        int r, k;

        if (directory_fd == -ENOENT)
                return 0;
        if (directory_fd < 0)
                return directory_fd;
        r = look(directory_fd, &n, &first);
        if (r < 0 || n == 0)
                return r;
        r = alert_directory_read(directory_fd, first, ALERT_TEXT_MAX, &text);
        /* First, or what cannot be told of would be tried for ever. */
        k = remove_entry(directory_fd, first);
        if (k < 0)
                return k;
        if (r < 0)
                return r == -ENOMEM ? r : -EBADMSG;
        *ret_text = TAKE_PTR(text);
        return 1;
}
