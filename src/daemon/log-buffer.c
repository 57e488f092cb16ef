#include "daemon/log-buffer.h"

#include <stdlib.h>
#include <string.h>
#include <syslog.h>

#include "basic/macros.h"

int log_buffer_append(LogBuffer *buffer, const char *text, LogWriter writer, void *userdata) {
        size_t left = strlen(text);
        int result = 0;

        if (!buffer->data)
                buffer->data = malloc(LOG_BUFFER_SIZE);
        if (!buffer->data)
                return writer(userdata, text, left);

        if (buffer->used == 0)
                buffer->since = now_usec(CLOCK_MONOTONIC);
        while (left > 0) {
                size_t n = MIN(left, LOG_BUFFER_SIZE - buffer->used);

                memcpy(buffer->data + buffer->used, text, n);
                buffer->used += n;
                text += n;
                left -= n;
                if (buffer->used == LOG_BUFFER_SIZE) {
                        result = writer(userdata, buffer->data, buffer->used);
                        buffer->used = 0;
                }
        }
        return result;
}

int log_buffer_flush(LogBuffer *buffer, LogWriter writer, void *userdata) {
        int r;

        if (buffer->used == 0)
                return 0;
        r = writer(userdata, buffer->data, buffer->used);
        if (r >= 0)
                buffer->used = 0;
        else
                buffer->since = now_usec(CLOCK_MONOTONIC); /* not again with every line */
        return r;
}

bool log_buffer_is_due(const LogBuffer *buffer, int level, usec_t now) {
        return buffer->used > 0 &&
               (level <= LOG_WARNING || now >= buffer->since + LOG_BUFFER_AGE_MAX_USEC);
}

void log_buffer_done(LogBuffer *buffer) {
        free(buffer->data);
        *buffer = (LogBuffer) {};
}
