#include "ctl/terminal.h"

#include <langinfo.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>
#include <wchar.h>

#include "basic/alloc.h"
#include "basic/string-util.h"

enum { WIDTH_DEFAULT = 80, WIDTH_MIN = 20, INDENT = 4, LABEL_COLUMNS = 11, VALUE_COLUMNS_MIN = 12 };

static size_t width_of_environment(void) {
        const char *columns = getenv("COLUMNS");
        long n = columns ? strtol(columns, NULL, 10) : 0;

        return n > 0 && n < 10000 ? (size_t) n : WIDTH_DEFAULT;
}

void terminal_measure(Terminal *terminal) {
        struct winsize size = {};

        if (!terminal->is_terminal)
                return;
        if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) >= 0 && size.ws_col > 0)
                terminal->width = size.ws_col;
        else
                terminal->width = width_of_environment();
        terminal->height = size.ws_row > 0 ? size.ws_row : SIZE_MAX;
        if (terminal->width < WIDTH_MIN)
                terminal->width = WIDTH_MIN;
}

void terminal_init(Terminal *terminal) {
        const char *no_colour = getenv("NO_COLOR"), *term = getenv("TERM");

        *terminal = (Terminal) {
                .is_terminal = isatty(STDOUT_FILENO),
                .has_utf8 = streq(nl_langinfo(CODESET), "UTF-8"),
                .width = SIZE_MAX,
                .height = SIZE_MAX,
        };
        terminal->has_colour = terminal->is_terminal && !(no_colour && no_colour[0]) && term &&
                               !streq(term, "dumb");
        terminal_measure(terminal);
}

/* Bytes of the character at P that the locale knows and that has a place on a terminal; 0: none. */
static size_t printable_length(const char *p, mbstate_t *state) {
        wchar_t c;
        size_t n = mbrtowc(&c, p, strlen(p), state);

        if (n == 0 || n == (size_t) -1 || n == (size_t) -2) {
                *state = (mbstate_t) {};
                return 0;
        }
        return wcwidth(c) < 0 ? 0 : n;
}

char *terminal_text(const Terminal *terminal, const char *text) {
        _cleanup_(string_buffer_done) StringBuffer buffer = STRING_BUFFER_NULL;
        mbstate_t state = {};

        for (const char *p = text; *p;) {
                bool is_ascii = (unsigned char) *p < 0x80;
                size_t n = is_ascii || terminal->has_utf8 ? printable_length(p, &state) : 0;

                if (n > 0)
                        string_buffer_append_bytes(&buffer, p, n);
                else
                        string_buffer_appendf(&buffer, "\\x%02x", (unsigned char) *p);
                p += n > 0 ? n : 1;
        }
        return string_buffer_take(&buffer);
}

/* Columns of the character at P, whose length goes to *RET_LENGTH. */
static size_t character_columns(const char *p, size_t *ret_length) {
        mbstate_t state = {};
        wchar_t c;
        size_t n = mbrtowc(&c, p, strlen(p), &state);

        if (n == 0 || n == (size_t) -1 || n == (size_t) -2) {
                *ret_length = 1;
                return 1;
        }
        *ret_length = n;
        return wcwidth(c) > 0 ? (size_t) wcwidth(c) : 0;
}

size_t terminal_columns(const char *text) {
        size_t columns = 0, n;

        for (const char *p = text; *p; p += n)
                columns += character_columns(p, &n);
        return columns;
}

/* The place in TEXT behind which at most WIDTH columns are left. */
static const char *tail_of(const char *text, size_t width) {
        size_t columns = terminal_columns(text), n;

        for (; *text && columns > width; text += n)
                columns -= character_columns(text, &n);
        return text;
}

/* How many bytes of TEXT fit into WIDTH columns. */
static size_t head_length(const char *text, size_t width) {
        size_t columns = 0, n;
        const char *p;

        for (p = text; *p; p += n) {
                columns += character_columns(p, &n);
                if (columns > width)
                        break;
        }
        return (size_t) (p - text);
}

char *terminal_shorten(const Terminal *terminal, const char *text, size_t width) {
        const char *gap = terminal->has_utf8 ? "\xe2\x80\xa6" : "...", *tail;
        size_t gap_columns = terminal->has_utf8 ? 1 : 3, head_columns;
        char *copy;

        if (terminal_columns(text) <= width)
                return strdup(text);
        if (width <= gap_columns)
                return strndup(text, head_length(text, width));
        head_columns = (width - gap_columns) / 3;
        tail = tail_of(text, width - gap_columns - head_columns);
        return asprintf(&copy, "%.*s%s%s", (int) head_length(text, head_columns), text, gap, tail) <
                               0
                       ? NULL
                       : copy;
}

void terminal_print(const Terminal *terminal, Colour colour, const char *text) {
        static const char *const codes[] = {
                [COLOUR_NONE] = "",         [COLOUR_GOOD] = "\033[32m",
                [COLOUR_BUSY] = "\033[33m", [COLOUR_BAD] = "\033[1;31m",
                [COLOUR_FAINT] = "\033[2m", [COLOUR_HEADING] = "\033[1m",
        };
        bool coloured = terminal->has_colour && colour != COLOUR_NONE;

        (void) printf("%s%s%s", coloured ? codes[colour] : "", text, coloured ? "\033[0m" : "");
}

/* How many bytes of TEXT go on one line of WIDTH columns, a trailing blank left out. */
static size_t line_length(const char *text, size_t width) {
        size_t n = head_length(text, width), at;

        if (!text[n])
                return n;
        for (at = n; at > 0 && text[at] != ' '; at--)
                ;
        return at > 0 ? at : n;
}

/* Columns that are left for a value. */
static size_t value_width(const Terminal *terminal) {
        size_t used = INDENT + LABEL_COLUMNS;

        if (terminal->width == SIZE_MAX)
                return SIZE_MAX;
        return terminal->width > used + VALUE_COLUMNS_MIN ? terminal->width - used
                                                          : VALUE_COLUMNS_MIN;
}

size_t terminal_field_lines(const Terminal *terminal, const char *value) {
        _cleanup_free_ char *safe = terminal_text(terminal, value);
        size_t width = value_width(terminal), n_lines = 0;

        for (const char *p = safe ? safe : "?"; *p || n_lines == 0; n_lines++) {
                p += line_length(p, width);
                p += strspn(p, " ");
        }
        return n_lines;
}

size_t terminal_print_field(const Terminal *terminal, const char *label, Colour colour,
                            const char *value) {
        size_t width = value_width(terminal), n_lines = 0;
        _cleanup_free_ char *safe = terminal_text(terminal, value);

        for (const char *p = safe ? safe : "?"; *p || n_lines == 0; n_lines++) {
                size_t n = line_length(p, width);
                _cleanup_free_ char *line = strndup(p, n);

                (void) printf("%*s%-*s", INDENT, "", LABEL_COLUMNS, n_lines == 0 ? label : "");
                terminal_print(terminal, colour, line ? line : "?");
                (void) fputc('\n', stdout);
                p += n;
                p += strspn(p, " ");
        }
        return n_lines;
}
