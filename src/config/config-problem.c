#include "config/config-problem.h"

#include <stdarg.h>
#include <stdio.h>

#include "basic/alloc.h"

static void append_place(StringBuffer *line, const ConfigPlace *place) {
        if (!place->file)
                string_buffer_append(line, "command line: ");
        else if (place->line == 0)
                string_buffer_appendf(line, "%s: ", place->file);
        else
                string_buffer_appendf(line, "%s:%u: ", place->file, place->line);
}

void config_problem_add(StringBuffer *problems, const ConfigPlace *place, const char *format, ...) {
        _cleanup_(string_buffer_done) StringBuffer line = STRING_BUFFER_NULL;
        _cleanup_free_ char *message = NULL, *escaped = NULL;
        va_list arguments;
        int n;

        va_start(arguments, format);
        n = vasprintf(&message, format, arguments);
        va_end(arguments);
        if (n < 0) {
                message = NULL;
                problems->failed = true;
                return;
        }

        append_place(&line, place);
        string_buffer_append(&line, message);
        escaped = line.failed ? NULL : escape_bytes(line.text);
        if (!escaped) {
                problems->failed = true;
                return;
        }

        if (problems->length > 0)
                string_buffer_append(problems, "\n");
        string_buffer_append(problems, escaped);
}
