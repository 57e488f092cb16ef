#pragma once

/* Strings: comparison, growing buffers, and names made safe for terminals and logs. */

#include <stdbool.h>
#include <stddef.h>
#include <string.h>

#include "basic/macros.h"

static inline bool streq(const char *a, const char *b) {
        return strcmp(a, b) == 0;
}

/* The rest of TEXT after PREFIX, or NULL. */
static inline const char *startswith(const char *text, const char *prefix) {
        size_t length = strlen(prefix);

        return strncmp(text, prefix, length) == 0 ? text + length : NULL;
}

/* A copy of TEXT in which control characters, backslashes and what is not valid UTF-8 stand as C
 * escapes (\n, \x1b), so that a person's terminal shows it and obeys nothing. NULL when memory is
 * short. */
char *escape_bytes(const char *text);

/* Turns each \\xHH in TEXT into the byte that it stands for, in place; a NUL, and what is not of
 * that form, stays as it is. */
void unescape_hex(char *text);

/* Whether TEXT is UTF-8 throughout. */
bool utf8_is_valid(const char *text);

/* A string that grows. After a failed allocation nothing is appended any more and `failed` stays
 * set. */
typedef struct StringBuffer {
        char *text; /* NUL-terminated once anything was appended, else NULL */
        size_t length, allocated;
        bool failed;
} StringBuffer;

#define STRING_BUFFER_NULL ((StringBuffer) {})

void string_buffer_append(StringBuffer *buffer, const char *text);
void string_buffer_append_bytes(StringBuffer *buffer, const void *bytes, size_t size);
void string_buffer_appendf(StringBuffer *buffer, const char *format, ...) _printf_(2, 3);
/* Takes back what stands behind the first LENGTH bytes. */
void string_buffer_truncate(StringBuffer *buffer, size_t length);
/* Hands the text over ("" if nothing was appended); NULL when an allocation failed. */
char *string_buffer_take(StringBuffer *buffer);
void string_buffer_done(StringBuffer *buffer);
