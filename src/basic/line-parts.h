#pragma once

/* A line of several parts that has to fit into some columns: where it does not, whole parts are
 * left out, the least important ones first. ASCII. Pure. */

#include <stddef.h>

#include "basic/macros.h"

enum { LINE_PARTS_MAX = 8, LINE_PART_BYTES = 64 };

typedef struct LinePart {
        unsigned rank; /* the highest one is left out first; 0: never */
        char text[LINE_PART_BYTES];
} LinePart;

typedef struct LineParts {
        LinePart items[LINE_PARTS_MAX];
        size_t n_items;
} LineParts;

#define LINE_PARTS_NULL ((LineParts) {})

/* What does not fit into a part, or is one too many, is cut off. */
void line_parts_add(LineParts *parts, unsigned rank, const char *format, ...) _printf_(3, 4);

/* The parts in their order, with ", " in between, in at most WIDTH columns: what is never left out
 * is cut at its end if it must be. A fresh string; 0 or -ENOMEM. */
int line_parts_join(const LineParts *parts, size_t width, char **ret);
