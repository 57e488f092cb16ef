#include "basic/refuse.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>

int refuse(char **ret_error, const char *format, ...) {
        va_list arguments;
        int r;

        va_start(arguments, format);
        r = vasprintf(ret_error, format, arguments);
        va_end(arguments);
        if (r < 0) {
                *ret_error = NULL;
                return -ENOMEM;
        }
        return -EINVAL;
}
