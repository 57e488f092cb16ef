#include "basic/line-parts.h"

#include <errno.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "basic/alloc.h"
#include "basic/string-util.h"

#define SEPARATOR ", "

void line_parts_add(LineParts *parts, unsigned rank, const char *format, ...) {
        LinePart *part = &parts->items[parts->n_items];
        va_list arguments;

        if (parts->n_items == LINE_PARTS_MAX)
                return;
        parts->n_items++;
        part->rank = rank;
        va_start(arguments, format);
        (void) vsnprintf(part->text, sizeof part->text, format, arguments);
        va_end(arguments);
}

/* Columns of those whose rank is at most RANK. */
static size_t width_of(const LineParts *parts, unsigned rank) {
        size_t width = 0;

        for (size_t i = 0; i < parts->n_items; i++)
                if (parts->items[i].rank <= rank)
                        width += strlen(parts->items[i].text) + strlen(SEPARATOR);
        return width > 0 ? width - strlen(SEPARATOR) : 0;
}

static unsigned highest_rank(const LineParts *parts) {
        unsigned rank = 0;

        for (size_t i = 0; i < parts->n_items; i++)
                rank = MAX(rank, parts->items[i].rank);
        return rank;
}

int line_parts_join(const LineParts *parts, size_t width, char **ret) {
        _cleanup_(string_buffer_done) StringBuffer text = STRING_BUFFER_NULL;
        unsigned rank = highest_rank(parts);
        const char *separator = "";
        char *line;

        while (rank > 0 && width_of(parts, rank) > width)
                rank--;
        for (size_t i = 0; i < parts->n_items; i++) {
                if (parts->items[i].rank > rank)
                        continue;
                string_buffer_appendf(&text, "%s%s", separator, parts->items[i].text);
                separator = SEPARATOR;
        }
        line = string_buffer_take(&text);
        if (!line)
                return -ENOMEM;
        line[strnlen(line, width)] = '\0';
        *ret = line;
        return 0;
}
