#include "state/statistics-file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "basic/alloc.h"
#include "basic/fd.h"
#include "basic/macros.h"
#include "state/statistics-text.h"

#define NEW_NAME "statistics.new"
/* Some ten times as much as there ever is. */
#define FILE_BYTES_MAX (64 * 1024 * 1024)

static int open_directory(const char *directory) {
        int fd = open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

        return fd < 0 ? -errno : fd;
}

static int open_file(int directory_fd, const char *name, int flags, struct stat *ret) {
        _cleanup_close_ int fd = -EBADF;

        fd = openat(directory_fd, name, flags | O_NOFOLLOW | O_CLOEXEC | O_NOCTTY | O_NONBLOCK,
                    0600);
        if (fd < 0 || fstat(fd, ret) < 0)
                return -errno;
        if (!S_ISREG(ret->st_mode))
                return -EBADMSG;
        return TAKE_FD(fd);
}

static int take_line(Statistics *statistics, StatisticsCondition *condition, char *line) {
        int r = 0;

        if (condition->n_lines++ > 0)
                r = statistics_read_line(statistics, line);
        else if (!streq(line, STATISTICS_HEADER))
                r = -EBADMSG;
        if (r == -EBADMSG) {
                condition->n_bad++;
                r = 0;
        }
        return r;
}

static int read_lines(FILE *file, Statistics *statistics, StatisticsCondition *condition) {
        _cleanup_free_ char *line = NULL;
        size_t allocated = 0;
        ssize_t n;
        int r = 0;

        while (r >= 0 && (n = getline(&line, &allocated, file)) > 0) {
                if (line[n - 1] != '\n') {
                        condition->is_torn = true;
                        return 0;
                }
                if (condition->n_lines > 0)
                        line[n - 1] = '\0';
                r = take_line(statistics, condition, line);
        }
        if (r >= 0 && ferror(file))
                return -EIO;
        return r;
}

static int load(int fd, Statistics *ret, StatisticsCondition *ret_condition) {
        _cleanup_(statistics_done) Statistics statistics = STATISTICS_NULL;
        StatisticsCondition condition = {};
        FILE *file = fdopen(fd, "r");
        int r;

        if (!file) {
                (void) close(fd);
                return -ENOMEM;
        }
        r = read_lines(file, &statistics, &condition);
        (void) fclose(file);
        if (r < 0)
                return r;
        *ret = statistics;
        *ret_condition = condition;
        statistics = STATISTICS_NULL;
        return 0;
}

int statistics_load(const char *directory, Statistics *ret, StatisticsCondition *ret_condition) {
        _cleanup_close_ int directory_fd = -EBADF, fd = -EBADF;
        struct stat st;

        directory_fd = open_directory(directory);
        if (directory_fd < 0)
                return directory_fd;
        fd = open_file(directory_fd, STATISTICS_NAME, O_RDONLY, &st);
        if (fd < 0 && fd != -EBADMSG && fd != -ELOOP)
                return fd;
        if (fd < 0 || st.st_size > FILE_BYTES_MAX) {
                *ret = STATISTICS_NULL;
                *ret_condition = (StatisticsCondition) { .n_lines = 1, .n_bad = 1 };
                return 0;
        }
        return load(TAKE_FD(fd), ret, ret_condition);
}

int statistics_append(const char *directory, const char *lines) {
        _cleanup_close_ int directory_fd = -EBADF, fd = -EBADF;
        struct stat st;
        int r = 0;

        directory_fd = open_directory(directory);
        if (directory_fd < 0)
                return directory_fd;
        fd = open_file(directory_fd, STATISTICS_NAME, O_WRONLY | O_APPEND | O_CREAT, &st);
        if (fd < 0)
                return fd;
        if (st.st_size == 0)
                r = loop_write(fd, STATISTICS_HEADER, strlen(STATISTICS_HEADER));
        if (r >= 0)
                r = loop_write(fd, lines, strlen(lines));
        if (r < 0 && ftruncate(fd, st.st_size) < 0)
                return -errno;
        return r;
}

static char *format(const Statistics *statistics) {
        StringBuffer text = STRING_BUFFER_NULL;

        string_buffer_append(&text, STATISTICS_HEADER);
        for (size_t i = 0; i < statistics->n_buckets; i++)
                statistics_write_bucket(&text, &statistics->buckets[i]);
        for (size_t i = 0; i < statistics->n_days; i++)
                for (size_t k = 0; k < statistics->days[i].n_items; k++)
                        statistics_write_slow(&text, &statistics->days[i].items[k]);
        if (statistics->reported > 0) {
                statistics_write_reported(&text, statistics->reported);
                statistics_write_unreported(&text, statistics);
        }
        return string_buffer_take(&text);
}

/* Flushed, or a power cut after the renaming could leave nothing at all. */
static int write_new(int directory_fd, const char *text) {
        _cleanup_close_ int fd = -EBADF;
        struct stat st;
        int r;

        if (unlinkat(directory_fd, NEW_NAME, 0) < 0 && errno != ENOENT)
                return -errno;
        fd = open_file(directory_fd, NEW_NAME, O_WRONLY | O_CREAT | O_EXCL, &st);
        if (fd < 0)
                return fd;
        r = loop_write(fd, text, strlen(text));
        return r >= 0 && fsync(fd) < 0 ? -errno : r;
}

int statistics_replace(const char *directory, const Statistics *statistics, bool damaged) {
        _cleanup_free_ char *text = format(statistics);
        _cleanup_close_ int fd = -EBADF;
        int r;

        if (!text)
                return -ENOMEM;
        fd = open_directory(directory);
        if (fd < 0)
                return fd;
        r = write_new(fd, text);
        if (r >= 0 && damaged && renameat(fd, STATISTICS_NAME, fd, STATISTICS_DAMAGED_NAME) < 0)
                r = -errno;
        if (r >= 0 && renameat(fd, NEW_NAME, fd, STATISTICS_NAME) < 0)
                r = -errno;
        if (r < 0)
                (void) unlinkat(fd, NEW_NAME, 0);
        return r;
}
