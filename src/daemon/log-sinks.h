#pragma once

/* Where the messages of this process go: to the journal when standard error is a stream to it, else
 * to standard error itself, and to the log file besides. Owned by run(); functions are for the
 * event loop's thread. */

#include <stddef.h>

#include "daemon/log-file.h"
#include "daemon/log-terminal.h"

typedef struct LogSinks {
        LogTerminal terminal;
        LogFile file;
        char *pair; /* its name, for the journal; NULL until it is known */
        bool journal;
} LogSinks;

/* Installs the sinks. */
void log_sinks_init(LogSinks *sinks);
/* Writes what is left and takes the sinks away; messages go to standard error as before. */
void log_sinks_done(LogSinks *sinks);

/* PAIR is the name of what all further messages are about. */
void log_sinks_set_pair(LogSinks *sinks, const char *pair);
/* Logs to PATH as well, see log_file_set_path(); NULL: not any more. */
void log_sinks_set_file(LogSinks *sinks, const char *path);
/* Opens the log file anew. */
void log_sinks_reopen(LogSinks *sinks);
/* Writes what was gathered, and says so if the log file cannot be written. */
void log_sinks_flush(LogSinks *sinks);

/* As those of log-terminal.h; without a terminal nothing is shown. */
size_t log_sinks_width(const LogSinks *sinks);
void log_sinks_show(LogSinks *sinks, const char *line);
