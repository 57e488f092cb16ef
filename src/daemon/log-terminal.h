#pragma once

/* Messages on standard error: lines with colours above a progress line when it is a terminal, else
 * plain text without a single control character, gathered in a buffer. Any thread. */

#include <pthread.h>
#include <stdbool.h>

#include "basic/log.h"
#include "daemon/log-buffer.h"

typedef struct LogTerminal {
        pthread_mutex_t mutex;
        int fd;           /* borrowed */
        bool is_terminal; /* and understands control sequences */
        bool has_colors;
        char *progress; /* owned; the line that stands below the messages, or NULL */
        LogBuffer buffer;
} LogTerminal;

void log_terminal_init(LogTerminal *terminal, int fd);
/* Writes what is left and erases the progress line. */
void log_terminal_done(LogTerminal *terminal);

/* A LogSink. */
void log_terminal_sink(const LogRecord *record, void *userdata);
void log_terminal_flush(LogTerminal *terminal);

/* Columns of a progress line, asked anew each time because windows change; 0: no terminal, no
 * progress. */
size_t log_terminal_width(const LogTerminal *terminal);
/* Shows LINE below the messages, NULL: none. */
void log_terminal_show(LogTerminal *terminal, const char *line);

/* Whether colours are wanted on a terminal: not with NO_COLOR set to anything (no-color.org), nor
 * on one that is dumb. Pure. */
bool log_terminal_wants_colors(const char *no_color, const char *term);
