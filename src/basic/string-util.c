#include "basic/string-util.h"

#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

/* Length of the valid UTF-8 sequence at P for a printable character, 0 when there is none. Source:
 * RFC 3629. */
static size_t printable_length(const unsigned char *p) {
        static const uint32_t least[] = { 0, 0, 0x80, 0x800, 0x10000 };
        uint32_t c;
        size_t n;

        if (*p < 0x80)
                return *p >= 0x20 && *p != 0x7f && *p != '\\';
        if (*p >= 0xf8 || *p < 0xc0)
                return 0;
        n = *p >= 0xf0 ? 4 : *p >= 0xe0 ? 3 : 2;
        c = *p & (0x7fU >> n);
        for (size_t i = 1; i < n; i++) {
                if ((p[i] & 0xc0) != 0x80)
                        return 0;
                c = c << 6 | (p[i] & 0x3fU);
        }
        if (c < least[n] || c > 0x10ffff || (c >= 0xd800 && c < 0xe000))
                return 0;
        /* C1 controls and the marks that reorder or hide text. */
        if (c < 0xa0 || (c >= 0x200b && c <= 0x200f) || (c >= 0x2028 && c <= 0x202e) ||
            (c >= 0x2066 && c <= 0x2069) || c == 0xfeff)
                return 0;
        return n;
}

static void append_escaped(StringBuffer *buffer, unsigned char c) {
        switch (c) {
        case '\n':
                string_buffer_append(buffer, "\\n");
                break;
        case '\t':
                string_buffer_append(buffer, "\\t");
                break;
        case '\r':
                string_buffer_append(buffer, "\\r");
                break;
        case '\\':
                string_buffer_append(buffer, "\\\\");
                break;
        default:
                string_buffer_appendf(buffer, "\\x%02x", c);
        }
}

char *escape_bytes(const char *text) {
        StringBuffer buffer = STRING_BUFFER_NULL;
        const unsigned char *p = (const unsigned char *) text;

        while (*p) {
                const unsigned char *start = p;
                size_t n;

                while ((n = printable_length(p)) > 0)
                        p += n;
                if (p > start)
                        string_buffer_append_bytes(&buffer, start, (size_t) (p - start));
                if (*p)
                        append_escaped(&buffer, *p++);
        }
        return string_buffer_take(&buffer);
}

static bool reserve(StringBuffer *buffer, size_t more) {
        size_t wanted;

        if (buffer->failed)
                return false;
        if (__builtin_add_overflow(buffer->length, more, &wanted) ||
            __builtin_add_overflow(wanted, 1, &wanted)) {
                buffer->failed = true;
                return false;
        }
        if (wanted <= buffer->allocated)
                return true;
        wanted = MAX(wanted, buffer->allocated * 2);
        char *text = realloc(buffer->text, wanted);
        if (!text) {
                buffer->failed = true;
                return false;
        }
        buffer->text = text;
        buffer->allocated = wanted;
        return true;
}

void string_buffer_append_bytes(StringBuffer *buffer, const void *bytes, size_t size) {
        if (!reserve(buffer, size))
                return;
        memcpy(buffer->text + buffer->length, bytes, size);
        buffer->length += size;
        buffer->text[buffer->length] = '\0';
}

void string_buffer_append(StringBuffer *buffer, const char *text) {
        string_buffer_append_bytes(buffer, text, strlen(text));
}

void string_buffer_appendf(StringBuffer *buffer, const char *format, ...) {
        va_list arguments, again;
        int n;

        va_start(arguments, format);
        va_copy(again, arguments);
        n = vsnprintf(NULL, 0, format, arguments);
        if (n < 0)
                buffer->failed = true;
        else if (reserve(buffer, (size_t) n)) {
                (void) vsnprintf(buffer->text + buffer->length, (size_t) n + 1, format, again);
                buffer->length += (size_t) n;
        }
        va_end(again);
        va_end(arguments);
}

char *string_buffer_take(StringBuffer *buffer) {
        char *text;

        string_buffer_append_bytes(buffer, "", 0);
        if (buffer->failed) {
                string_buffer_done(buffer);
                return NULL;
        }
        text = TAKE_PTR(buffer->text);
        *buffer = STRING_BUFFER_NULL;
        return text;
}

void string_buffer_done(StringBuffer *buffer) {
        free(buffer->text);
        *buffer = STRING_BUFFER_NULL;
}
