#pragma once

/* The log file of Log.File: made with its directory when it is missing, and again when it is
 * deleted or rotated while running. Lines are "2026-11-21T06:25:38.123Z info text". A file that
 * cannot be written is the daemon's to tell, once, and never a reason to stop. Any thread. */

#include <pthread.h>
#include <stdbool.h>
#include <sys/types.h>

#include "basic/log.h"
#include "daemon/log-buffer.h"

typedef struct LogFile {
        pthread_mutex_t mutex;
        char *path; /* owned; the file itself, NULL: none */
        int fd;     /* -EBADF: to be opened by the next write */
        dev_t device;
        ino_t inode;
        int error; /* -errno of the last attempt, 0 when it succeeded */
        bool error_told;
        LogBuffer buffer;
} LogFile;

void log_file_init(LogFile *file);
/* Writes what is left. */
void log_file_done(LogFile *file);

/* Logs to PATH from now on, or to NAME.log in it when it is a directory; NULL: to no file. 0 or
 * -ENOMEM. */
int log_file_set_path(LogFile *file, const char *path, const char *name);
/* Opens the file anew with the next line. */
void log_file_reopen(LogFile *file);

/* A LogSink. */
void log_file_sink(const LogRecord *record, void *userdata);
void log_file_flush(LogFile *file);

/* The failure that nobody was told of yet, -errno, once; 0: none. */
int log_file_take_error(LogFile *file);
