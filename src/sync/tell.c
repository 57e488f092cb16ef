#include "sync/tell.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "basic/alloc.h"
#include "basic/string-util.h"

static char *format_escaped(const char *format, va_list arguments) _printf_(1, 0);

static char *format_escaped(const char *format, va_list arguments) {
        _cleanup_free_ char *text = NULL;

        if (vasprintf(&text, format, arguments) < 0) {
                text = NULL;
                return NULL;
        }
        return escape_bytes(text);
}

int tell_error(char **ret_error, int r, const char *format, ...) {
        va_list arguments;
        char *text;

        va_start(arguments, format);
        text = format_escaped(format, arguments);
        va_end(arguments);
        if (text)
                *ret_error = text;
        return r;
}

void tell_log(const LogEvent *event, const char *format, ...) {
        _cleanup_free_ char *text = NULL;
        va_list arguments;

        va_start(arguments, format);
        text = format_escaped(format, arguments);
        va_end(arguments);
        if (event->error < 0)
                (void) log_event(event, "%s: %s", text ?: format, strerror(-event->error));
        else
                (void) log_event(event, "%s", text ?: format);
}
