#include "ctl/progress.h"

#include <errno.h>
#include <langinfo.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "basic/alloc.h"
#include "basic/macros.h"
#include "ctl/bar.h"

enum { WIDTH_DEFAULT = 80, BAR_FROM_COLUMNS = 30, BAR_PART = 4 };

#define DRAW_INTERVAL_USEC (200 * USEC_PER_MSEC)
/* Between two lines where there is no terminal. */
#define LINE_INTERVAL_USEC (30 * USEC_PER_SEC)

void progress_init(Progress *progress) {
        const char *term = getenv("TERM");

        *progress = (Progress) {
                .is_terminal = isatty(STDERR_FILENO) && term && !streq(term, "dumb"),
                .has_utf8 = streq(nl_langinfo(CODESET), "UTF-8"),
                .begun = now_usec(CLOCK_MONOTONIC),
        };
        progress->said = progress->begun;
}

usec_t progress_interval(const Progress *progress) {
        return progress->is_terminal ? DRAW_INTERVAL_USEC : USEC_PER_SEC;
}

/* The last column stays free: writing into it would wrap on some terminals. */
static size_t columns(void) {
        struct winsize size = {};

        if (ioctl(STDERR_FILENO, TIOCGWINSZ, &size) < 0 || size.ws_col == 0)
                return WIDTH_DEFAULT - 1;
        return MAX(size.ws_col, 2) - 1;
}

int progress_line(bool has_utf8, size_t width, int done, const LineParts *parts, char **ret) {
        _cleanup_(string_buffer_done) StringBuffer text = STRING_BUFFER_NULL;
        _cleanup_free_ char *behind = NULL;
        size_t bar = 0;
        char *line;
        int r;

        if (done >= 0 && width >= BAR_FROM_COLUMNS) {
                bar = CLAMP(width / BAR_PART, (size_t) BAR_COLUMNS_MIN, (size_t) BAR_COLUMNS_MAX);
                bar_append(&text, has_utf8, bar, done);
                string_buffer_append(&text, " ");
                bar++;
        }
        r = line_parts_join(parts, width - bar, &behind);
        if (r < 0)
                return r;
        string_buffer_append(&text, behind);
        line = string_buffer_take(&text);
        if (!line)
                return -ENOMEM;
        *ret = line;
        return 0;
}

static void draw(Progress *progress, int done, const LineParts *parts) {
        _cleanup_free_ char *line = NULL;

        if (progress_line(progress->has_utf8, columns(), done, parts, &line) < 0)
                return;
        (void) fprintf(stderr, "\r\033[K%s", line);
        (void) fflush(stderr);
        progress->is_drawn = true;
}

void progress_show(Progress *progress, int done, const LineParts *parts) {
        usec_t now = now_usec(CLOCK_MONOTONIC);
        _cleanup_free_ char *line = NULL;

        if (progress->is_terminal) {
                draw(progress, done, parts);
                return;
        }
        if (now - progress->said < LINE_INTERVAL_USEC ||
            line_parts_join(parts, SIZE_MAX, &line) < 0)
                return;
        progress->said = now;
        (void) fprintf(stderr, "%s\n", line);
}

void progress_clear(Progress *progress) {
        if (!progress->is_drawn)
                return;
        progress->is_drawn = false;
        (void) fputs("\r\033[K", stderr);
        (void) fflush(stderr);
}
