#pragma once

/* Output that is gathered: tens of thousands of lines about operations must not cost a system call
 * each. What matters to a person is written at once, anything else within a second. */

#include <stdbool.h>
#include <stddef.h>

#include "basic/time-span.h"

enum { LOG_BUFFER_SIZE = 32 * 1024 };

#define LOG_BUFFER_AGE_MAX_USEC (1 * USEC_PER_SEC)

typedef struct LogBuffer {
        char *data; /* owned; made by the first line */
        size_t used;
        usec_t since; /* CLOCK_MONOTONIC of the oldest content */
} LogBuffer;

/* Writes out SIZE bytes; 0 or -errno. */
typedef int (*LogWriter)(void *userdata, const void *data, size_t size);

/* Appends TEXT, calling WRITER whenever the buffer is full. What could not be written then is
 * dropped. 0 or WRITER's -errno. */
int log_buffer_append(LogBuffer *buffer, const char *text, LogWriter writer, void *userdata);
/* Writes everything; on failure it is kept for the next time. 0 or WRITER's -errno. */
int log_buffer_flush(LogBuffer *buffer, LogWriter writer, void *userdata);
/* Whether it must be flushed after a line of LEVEL was appended at NOW. */
bool log_buffer_is_due(const LogBuffer *buffer, int level, usec_t now);
void log_buffer_done(LogBuffer *buffer);
