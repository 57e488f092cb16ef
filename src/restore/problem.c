#include "restore/problem.h"

#include <stdarg.h>
#include <stdio.h>

#include "basic/alloc.h"
#include "basic/string-util.h"

int problem_set(char **ret_error, int result, const char *format, ...) {
        _cleanup_free_ char *text = NULL;
        va_list arguments;
        int n;

        va_start(arguments, format);
        n = vasprintf(&text, format, arguments);
        va_end(arguments);
        if (n < 0) {
                text = NULL;
                return -ENOMEM;
        }
        *ret_error = escape_bytes(text);
        return *ret_error ? result : -ENOMEM;
}
