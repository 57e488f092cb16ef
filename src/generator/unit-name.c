#include "generator/unit-name.h"

#include <string.h>

#include "basic/string-util.h"

enum { UNIT_NAME_LENGTH_MAX = 255 };

#define ALPHANUMERICAL "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"

/* Adds TEXT with a slash as "-", and as \xHH what is not among KEPT. */
static void append_escaped(StringBuffer *buffer, const char *text, const char *kept) {
        for (const char *p = text; *p; p++) {
                bool leading_dot = p == text && *p == '.';

                if (*p == '/')
                        string_buffer_append(buffer, "-");
                else if (leading_dot || !strchr(kept, *p))
                        string_buffer_appendf(buffer, "\\x%02x", (unsigned char) *p);
                else
                        string_buffer_append_bytes(buffer, p, 1);
        }
}

static char *escape(const char *text, const char *kept, const char *suffix) {
        StringBuffer buffer = STRING_BUFFER_NULL;

        append_escaped(&buffer, text, kept);
        string_buffer_append(&buffer, suffix);
        return string_buffer_take(&buffer);
}

char *unit_name_plain(const char *name) {
        return escape(name, ALPHANUMERICAL ":_.-@", "");
}

char *unit_name_escape(const char *name) {
        return escape(name, ALPHANUMERICAL ":_.", "");
}

char *unit_name_of_mount(const char *path) {
        return escape(path + 1, ALPHANUMERICAL ":_.", ".mount");
}

bool unit_name_fits(const char *name) {
        return strlen(name) <= UNIT_NAME_LENGTH_MAX;
}
