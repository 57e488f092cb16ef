#include "ctl/spark.h"

#include "basic/macros.h"
#include "basic/string-util.h"

static const char *const heights_utf8[] = { "\xe2\x96\x81", "\xe2\x96\x82", "\xe2\x96\x83",
                                            "\xe2\x96\x84", "\xe2\x96\x85", "\xe2\x96\x86",
                                            "\xe2\x96\x87", "\xe2\x96\x88" };
static const char *const heights_ascii[] = { "_", ".", "-", ":", "=", "+", "*", "#" };
/* Eighths of a column, from one to eight. */
static const char *const widths_utf8[] = { "\xe2\x96\x8f", "\xe2\x96\x8e", "\xe2\x96\x8d",
                                           "\xe2\x96\x8c", "\xe2\x96\x8b", "\xe2\x96\x8a",
                                           "\xe2\x96\x89", "\xe2\x96\x88" };

enum { LEVELS = ELEMENTSOF(heights_utf8), EIGHTHS = ELEMENTSOF(widths_utf8) };

/* The lowest level is nothing at all. */
static size_t level_of(double value, double max) {
        size_t level;

        if (value <= 0 || max <= 0)
                return 0;
        level = (size_t) (value / max * (LEVELS - 1) + 0.5);
        return CLAMP(level, (size_t) 1, (size_t) LEVELS - 1);
}

char *spark_line(const double *values, size_t n, bool utf8) {
        _cleanup_(string_buffer_done) StringBuffer text = STRING_BUFFER_NULL;
        double max = 0;

        for (size_t i = 0; i < n; i++)
                max = MAX(max, values[i]);
        for (size_t i = 0; i < n; i++)
                string_buffer_append(
                        &text, (utf8 ? heights_utf8 : heights_ascii)[level_of(values[i], max)]);
        return string_buffer_take(&text);
}

char *spark_bar(double share, size_t width, bool utf8) {
        _cleanup_(string_buffer_done) StringBuffer text = STRING_BUFFER_NULL;
        size_t steps = utf8 ? EIGHTHS : 1,
               n = (size_t) (CLAMP(share, 0.0, 1.0) * (double) (width * steps) + 0.5);

        if (share > 0 && n == 0)
                n = 1;
        for (size_t i = 0; i < n / steps; i++)
                string_buffer_append(&text, utf8 ? widths_utf8[EIGHTHS - 1] : "#");
        if (n % steps > 0)
                string_buffer_append(&text, widths_utf8[n % steps - 1]);
        return string_buffer_take(&text);
}
