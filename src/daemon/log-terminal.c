#include "daemon/log-terminal.h"

#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "basic/fd.h"
#include "basic/string-util.h"

enum { WIDTH_DEFAULT = 80 };

#define ERASE_LINE "\r\033[K"
#define COLOR_ERROR "\033[1;31m"
#define COLOR_WARNING "\033[0;33m"
#define COLOR_RESET "\033[0m"

static bool is_dumb(const char *term) {
        return !term || !*term || streq(term, "dumb");
}

bool log_terminal_wants_colors(const char *no_color, const char *term) {
        return !(no_color && *no_color) && !is_dumb(term);
}

void log_terminal_init(LogTerminal *terminal, int fd) {
        *terminal = (LogTerminal) { .mutex = PTHREAD_MUTEX_INITIALIZER, .fd = fd };
        terminal->is_terminal = isatty(fd) && !is_dumb(getenv("TERM"));
        terminal->has_colors = terminal->is_terminal &&
                               log_terminal_wants_colors(getenv("NO_COLOR"), getenv("TERM"));
}

/* A terminal that went away is no reason to stop mirroring. */
static int write_out(void *userdata, const void *data, size_t size) {
        LogTerminal *terminal = ASSERT_PTR(userdata);

        (void) loop_write(terminal->fd, data, size);
        return 0;
}

static void put(LogTerminal *terminal, const char *text) {
        (void) log_buffer_append(&terminal->buffer, text, write_out, terminal);
}

static void flush(LogTerminal *terminal) {
        (void) log_buffer_flush(&terminal->buffer, write_out, terminal);
}

static const char *color_of(int level) {
        if (level <= LOG_ERR)
                return COLOR_ERROR;
        return level == LOG_WARNING ? COLOR_WARNING : NULL;
}

static void put_on_terminal(LogTerminal *terminal, const LogRecord *record) {
        const char *color = terminal->has_colors ? color_of(record->level) : NULL;

        if (terminal->progress)
                put(terminal, ERASE_LINE);
        if (color)
                put(terminal, color);
        put(terminal, record->message);
        put(terminal, color ? COLOR_RESET "\n" : "\n");
        if (terminal->progress)
                put(terminal, terminal->progress);
        flush(terminal);
}

void log_terminal_sink(const LogRecord *record, void *userdata) {
        LogTerminal *terminal = ASSERT_PTR(userdata);

        (void) pthread_mutex_lock(&terminal->mutex);
        if (terminal->is_terminal)
                put_on_terminal(terminal, record);
        else {
                put(terminal, record->message);
                put(terminal, "\n");
                if (log_buffer_is_due(&terminal->buffer, record->level, now_usec(CLOCK_MONOTONIC)))
                        flush(terminal);
        }
        (void) pthread_mutex_unlock(&terminal->mutex);
}

void log_terminal_flush(LogTerminal *terminal) {
        (void) pthread_mutex_lock(&terminal->mutex);
        flush(terminal);
        (void) pthread_mutex_unlock(&terminal->mutex);
}

size_t log_terminal_width(const LogTerminal *terminal) {
        struct winsize window = {};

        if (!terminal->is_terminal)
                return 0;
        if (ioctl(terminal->fd, TIOCGWINSZ, &window) < 0 || window.ws_col == 0)
                window.ws_col = WIDTH_DEFAULT;
        return MAX(window.ws_col, 2) -
               1; /* writing into the last column would wrap on some terminals */
}

void log_terminal_show(LogTerminal *terminal, const char *line) {
        char *copy = NULL;

        if (!terminal->is_terminal || (!line && !terminal->progress))
                return;
        if (line)
                copy = strdup(line);

        (void) pthread_mutex_lock(&terminal->mutex);
        put(terminal, ERASE_LINE);
        if (copy)
                put(terminal, copy);
        flush(terminal);
        free(terminal->progress);
        terminal->progress = copy;
        (void) pthread_mutex_unlock(&terminal->mutex);
}

void log_terminal_done(LogTerminal *terminal) {
        log_terminal_show(terminal, NULL);
        log_terminal_flush(terminal);
        log_buffer_done(&terminal->buffer);
        (void) pthread_mutex_destroy(&terminal->mutex);
}
