#include "basic/string-util.h"

#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

/* Length of the valid UTF-8 sequence at P, and its character; 0 when there is none. Source: RFC
 * 3629.
 */
static size_t utf8_decode(const unsigned char *p, uint32_t *ret) {
        static const uint32_t least[] = { 0, 0, 0x80, 0x800, 0x10000 };
        uint32_t c;
        size_t n;

        if (*p < 0x80) {
                *ret = *p;
                return *p > 0;
        }
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
        *ret = c;
        return n;
}

bool utf8_is_valid(const char *text) {
        const unsigned char *p = (const unsigned char *) text;
        uint32_t c;

        while (*p) {
                size_t n = utf8_decode(p, &c);

                if (n == 0)
                        return false;
                p += n;
        }
        return true;
}

/* The same for a printable character alone. */
static size_t printable_length(const unsigned char *p) {
        uint32_t c = 0;
        size_t n = utf8_decode(p, &c);

        if (n == 1)
                return c >= 0x20 && c != 0x7f && c != '\\';
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

static int hex_digit(char c) {
        if (c >= '0' && c <= '9')
                return c - '0';
        if (c >= 'a' && c <= 'f')
                return c - 'a' + 10;
        return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

void unescape_hex(char *text) {
        char *to = strchr(text, '\\');

        if (!to)
                return;
        for (const char *p = to; *p; p++) {
                int high = p[0] == '\\' && p[1] == 'x' ? hex_digit(p[2]) : -1,
                    low = high >= 0 ? hex_digit(p[3]) : -1;

                if (low >= 0 && (high > 0 || low > 0)) {
                        *to++ = (char) (high * 16 + low);
                        p += 3;
                } else
                        *to++ = *p;
        }
        /* To its end, as of an argument it is shown to its end. */
        memset(to, 0, strlen(to));
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

void string_buffer_truncate(StringBuffer *buffer, size_t length) {
        assert(length <= buffer->length);
        buffer->length = length;
        if (buffer->text)
                buffer->text[length] = '\0';
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
