#include "generator/unit-value.h"

bool unit_value_is_possible(const char *text) {
        for (const char *p = text; *p; p++)
                if ((unsigned char) *p < 0x20 || *p == 0x7f)
                        return false;
        return utf8_is_valid(text);
}

/* "%" begins a specifier wherever it stands. */
static void append(StringBuffer *buffer, const char *text, const char *escaped) {
        for (const char *p = text; *p; p++) {
                if (*p == '%')
                        string_buffer_append(buffer, "%");
                else if (strchr(escaped, *p))
                        string_buffer_append(buffer, "\\");
                string_buffer_append_bytes(buffer, p, 1);
        }
}

void unit_value_append_word(StringBuffer *buffer, const char *prefix, const char *text) {
        string_buffer_append(buffer, "\"");
        string_buffer_append(buffer, prefix);
        append(buffer, text, "\"\\");
        string_buffer_append(buffer, "\"");
}

void unit_value_append_whole(StringBuffer *buffer, const char *text) {
        append(buffer, text, "");
}
