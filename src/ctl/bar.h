#pragma once

/* A progress bar. Pure. */

#include <stdbool.h>
#include <stddef.h>

#include "basic/string-util.h"

enum { BAR_COLUMNS_MIN = 8, BAR_COLUMNS_MAX = 40 };

/* Appends a bar of WIDTH columns, DONE of 1000 of which are full. */
void bar_append(StringBuffer *text, bool has_utf8, size_t width, int done);
