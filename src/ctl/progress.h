#pragma once

/* How far something has come that takes a while, on the standard error: in place on a terminal,
 * else a line now and then. */

#include <stdbool.h>
#include <stddef.h>

#include "basic/line-parts.h"
#include "basic/time-span.h"

typedef struct Progress {
        bool is_terminal, has_utf8, is_drawn;
        usec_t begun, said; /* CLOCK_MONOTONIC */
} Progress;

void progress_init(Progress *progress);

/* How long to wait before it is worth while to show it again. */
usec_t progress_interval(const Progress *progress);
/* DONE of 1000 with PARTS behind it; -1: it cannot be told, there is no bar. */
void progress_show(Progress *progress, int done, const LineParts *parts);
/* Takes away what was drawn: before anything else is printed. */
void progress_clear(Progress *progress);

/* What is shown in WIDTH columns. A fresh string; 0 or -ENOMEM. Pure. */
int progress_line(bool has_utf8, size_t width, int done, const LineParts *parts, char **ret);
