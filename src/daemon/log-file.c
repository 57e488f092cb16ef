#include "daemon/log-file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

#include "basic/alloc.h"
#include "basic/fd.h"
#include "basic/macros.h"

enum {
        FILE_MODE = 0640,
        DIRECTORY_MODE = 0750,
        STAMP_TEXT_MAX = 64,
};

void log_file_init(LogFile *file) {
        *file = (LogFile) { .mutex = PTHREAD_MUTEX_INITIALIZER, .fd = -EBADF };
}

/* Makes the directories above PATH that are missing. */
static int make_parents(const char *path) {
        _cleanup_free_ char *directory = strdup(path);

        if (!directory)
                return -ENOMEM;
        for (char *slash = strchr(directory + 1, '/'); slash; slash = strchr(slash + 1, '/')) {
                *slash = 0;
                if (mkdir(directory, DIRECTORY_MODE) < 0 && errno != EEXIST)
                        return -errno;
                *slash = '/';
        }
        return 0;
}

static int open_path(const char *path) {
        int fd = open(path,
                      O_WRONLY | O_APPEND | O_CREAT | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC |
                              O_NOCTTY,
                      FILE_MODE);

        return fd < 0 ? -errno : fd;
}

static int open_file(LogFile *file) {
        _cleanup_close_ int fd = -EBADF;
        struct stat st;
        int r;

        fd = open_path(file->path);
        if (fd == -ENOENT) {
                r = make_parents(file->path);
                if (r < 0)
                        return r;
                fd = open_path(file->path);
        }
        if (fd < 0)
                return fd;
        if (fstat(fd, &st) < 0)
                return -errno;
        if (!S_ISREG(st.st_mode))
                return -EMEDIUMTYPE;
        file->device = st.st_dev;
        file->inode = st.st_ino;
        file->fd = TAKE_FD(fd);
        return 0;
}

/* Whether the path still leads to the file that is open. */
static bool is_in_place(const LogFile *file) {
        struct stat st;

        return lstat(file->path, &st) >= 0 && st.st_dev == file->device && st.st_ino == file->inode;
}

static int write_out(void *userdata, const void *data, size_t size) {
        LogFile *file = ASSERT_PTR(userdata);
        int r = 0;

        if (file->fd >= 0 && !is_in_place(file))
                file->fd = safe_close(file->fd);
        if (file->fd < 0)
                r = open_file(file);
        if (r >= 0)
                r = loop_write(file->fd, data, size);
        file->error = MIN(r, 0);
        if (r >= 0)
                file->error_told = false;
        return r;
}

static void flush(LogFile *file) {
        if (file->path)
                (void) log_buffer_flush(&file->buffer, write_out, file);
}

int log_file_set_path(LogFile *file, const char *path, const char *name) {
        char *full = NULL;
        struct stat st;

        if (path) {
                bool is_directory = stat(path, &st) >= 0 && S_ISDIR(st.st_mode);

                if (asprintf(&full, is_directory ? "%s/%s.log" : "%s", path, name) < 0)
                        return -ENOMEM;
        }
        (void) pthread_mutex_lock(&file->mutex);
        flush(file);
        file->fd = safe_close(file->fd);
        file->buffer.used = 0;
        file->error = 0;
        file->error_told = false;
        free(file->path);
        file->path = full;
        (void) pthread_mutex_unlock(&file->mutex);
        return 0;
}

void log_file_reopen(LogFile *file) {
        (void) pthread_mutex_lock(&file->mutex);
        flush(file);
        file->fd = safe_close(file->fd);
        (void) pthread_mutex_unlock(&file->mutex);
}

static void put_stamp(char *buffer, size_t size) {
        usec_t now = now_usec(CLOCK_REALTIME);
        time_t seconds = (time_t) (now / USEC_PER_SEC);
        struct tm tm = {};
        size_t n;

        (void) gmtime_r(&seconds, &tm);
        n = strftime(buffer, size, "%Y-%m-%dT%H:%M:%S", &tm);
        (void) snprintf(buffer + n, size - n, ".%03uZ",
                        (unsigned) (now % USEC_PER_SEC / USEC_PER_MSEC));
}

static void put(LogFile *file, const char *text) {
        (void) log_buffer_append(&file->buffer, text, write_out, file);
}

void log_file_sink(const LogRecord *record, void *userdata) {
        LogFile *file = ASSERT_PTR(userdata);
        char stamp[STAMP_TEXT_MAX];

        (void) pthread_mutex_lock(&file->mutex);
        if (file->path) {
                put_stamp(stamp, sizeof stamp);
                put(file, stamp);
                put(file, " ");
                put(file, log_level_to_string(record->level) ?: "info");
                put(file, " ");
                put(file, record->message);
                put(file, "\n");
                if (log_buffer_is_due(&file->buffer, record->level, now_usec(CLOCK_MONOTONIC)))
                        flush(file);
        }
        (void) pthread_mutex_unlock(&file->mutex);
}

void log_file_flush(LogFile *file) {
        (void) pthread_mutex_lock(&file->mutex);
        flush(file);
        (void) pthread_mutex_unlock(&file->mutex);
}

int log_file_take_error(LogFile *file) {
        int error = 0;

        (void) pthread_mutex_lock(&file->mutex);
        if (file->error < 0 && !file->error_told) {
                error = file->error;
                file->error_told = true;
        }
        (void) pthread_mutex_unlock(&file->mutex);
        return error;
}

void log_file_done(LogFile *file) {
        log_file_flush(file);
        (void) safe_close(file->fd);
        free(file->path);
        log_buffer_done(&file->buffer);
        (void) pthread_mutex_destroy(&file->mutex);
}
