#include "ctl/bar.h"

void bar_append(StringBuffer *text, bool has_utf8, size_t width, int done) {
        const char *full = has_utf8 ? "\xe2\x96\x88" : "#",
                   *empty = has_utf8 ? "\xe2\x96\x91" : "-";
        size_t n_full = width * (size_t) done / 1000;

        for (size_t i = 0; i < width; i++)
                string_buffer_append(text, i < n_full ? full : empty);
}
