#include "ctl/chart.h"

#include <math.h>
#include <stdio.h>

#include "basic/count-text.h"
#include "basic/macros.h"
#include "basic/size.h"
#include "basic/time-span.h"

/* In units of the picture; its width on the page is the page's. */
enum {
        WIDTH = 420,
        HEIGHT = 190,
        LEFT = 58,
        RIGHT = WIDTH - 6,
        TOP = 10,
        BOTTOM = HEIGHT - 24,
        TICKS_MAX = 8,
        LABELS_MAX = 5,
};

typedef struct Axis {
        ChartScale scale;
        double ticks[TICKS_MAX];
        size_t n_ticks;
} Axis;

void html_append(StringBuffer *page, const char *text) {
        for (const char *p = text; *p; p++)
                switch (*p) {
                case '&':
                        string_buffer_append(page, "&amp;");
                        break;
                case '<':
                        string_buffer_append(page, "&lt;");
                        break;
                case '>':
                        string_buffer_append(page, "&gt;");
                        break;
                case '"':
                        string_buffer_append(page, "&quot;");
                        break;
                default:
                        string_buffer_append_bytes(page, p, 1);
                }
}

char *chart_format(char *buffer, size_t size, ChartScale scale, double value) {
        switch (scale) {
        case CHART_COUNTS:
                return count_format(buffer, size, (uint64_t) value);
        case CHART_BYTES:
                return size_format(buffer, size, (uint64_t) value);
        case CHART_SHARE:
                (void) snprintf(buffer, size, "%.0f %%", value * 100);
                return buffer;
        case CHART_SPANS:
                return span_format(buffer, size, (usec_t) value);
        }
        return buffer;
}

static double stacked(const Chart *chart, size_t point) {
        double sum = 0;

        for (size_t i = 0; i < chart->n_series; i++)
                sum += MAX(chart->series[i].values[point], 0.0);
        return sum;
}

static double highest(const Chart *chart, size_t point) {
        double max = 0;

        for (size_t i = 0; i < chart->n_series; i++)
                max = MAX(max, chart->series[i].values[point]);
        return max;
}

/* The greatest value, and the least that is more than 0. */
static void find_range(const Chart *chart, double *ret_min, double *ret_max) {
        *ret_min = INFINITY;
        *ret_max = 0;
        for (size_t i = 0; i < chart->n_points; i++) {
                double value = chart->kind == CHART_BARS ? stacked(chart, i) : highest(chart, i);

                *ret_max = MAX(*ret_max, value);
                for (size_t k = 0; k < chart->n_series; k++)
                        if (chart->series[k].values[i] > 0)
                                *ret_min = MIN(*ret_min, chart->series[k].values[i]);
        }
}

/* The least of 1, 2, 5, 10, 20, … of which four reach MAX. */
static double count_step(double max) {
        static const double factors[] = { 1, 2, 5 };

        for (double ten = 1;; ten *= 10)
                for (size_t i = 0; i < ELEMENTSOF(factors); i++)
                        if (max <= 4 * factors[i] * ten)
                                return factors[i] * ten;
}

/* The same of the powers of two. */
static double byte_step(double max) {
        double step = 256;

        while (max > 4 * step)
                step *= 2;
        return step;
}

static void make_even_ticks(Axis *axis, double max, double step) {
        axis->n_ticks = 0;
        do
                axis->ticks[axis->n_ticks] = step * (double) axis->n_ticks;
        while (axis->ticks[axis->n_ticks++] < max && axis->n_ticks < TICKS_MAX);
        if (axis->n_ticks == 1)
                axis->ticks[axis->n_ticks++] = step;
}

static void make_decades(Axis *axis, double min, double max) {
        double tick = 1;

        while (tick * 10 <= min)
                tick *= 10;
        axis->n_ticks = 0;
        do {
                axis->ticks[axis->n_ticks++] = tick;
                tick *= 10;
        } while (axis->ticks[axis->n_ticks - 1] < max && axis->n_ticks < TICKS_MAX);
        if (axis->n_ticks == 1)
                axis->ticks[axis->n_ticks++] = tick;
}

static void make_axis(const Chart *chart, Axis *ret) {
        double min, max;

        *ret = (Axis) { .scale = chart->scale };
        find_range(chart, &min, &max);
        switch (chart->scale) {
        case CHART_COUNTS:
                make_even_ticks(ret, max, count_step(max));
                break;
        case CHART_BYTES:
                make_even_ticks(ret, max, byte_step(max));
                break;
        case CHART_SHARE:
                make_even_ticks(ret, 1, 0.25);
                break;
        case CHART_SPANS:
                make_decades(ret, max > 0 ? min : 1, MAX(max, 10.0));
                break;
        }
}

static double y_of(const Axis *axis, double value) {
        double low = axis->ticks[0], high = axis->ticks[axis->n_ticks - 1], share;

        if (axis->scale == CHART_SPANS)
                share = (log(MAX(value, low)) - log(low)) / (log(high) - log(low));
        else
                share = value / high;
        return BOTTOM - CLAMP(share, 0.0, 1.0) * (BOTTOM - TOP);
}

static double x_of(const Chart *chart, double point) {
        return LEFT + point / (double) chart->n_points * (RIGHT - LEFT);
}

static void append_axis(StringBuffer *page, const Axis *axis) {
        char value[CHART_VALUE_MAX];

        for (size_t i = 0; i < axis->n_ticks; i++) {
                double y = y_of(axis, axis->ticks[i]);

                string_buffer_appendf(
                        page,
                        "<line class=\"%s\" x1=\"%d\" x2=\"%d\" y1=\"%.1f\" "
                        "y2=\"%.1f\"/><text class=\"y\" x=\"%d\" y=\"%.1f\">%s"
                        "</text>\n",
                        i == 0 ? "base" : "grid", LEFT, RIGHT, y, y, LEFT - 6, y + 4,
                        chart_format(value, sizeof value, axis->scale, axis->ticks[i]));
        }
}

static void append_labels(StringBuffer *page, const Chart *chart) {
        size_t step = (chart->n_points + LABELS_MAX - 1) / LABELS_MAX;

        for (size_t i = step / 2; i < chart->n_points; i += step) {
                string_buffer_appendf(page, "<text class=\"x\" x=\"%.1f\" y=\"%d\">",
                                      x_of(chart, (double) i + 0.5), HEIGHT - 6);
                html_append(page, chart->point_labels[i]);
                string_buffer_append(page, "</text>\n");
        }
}

/* "14 Nov 06:00: 12 new, 3 changed" */
static void append_tip(StringBuffer *page, const Chart *chart, size_t point) {
        const char *before = ": ";
        char value[CHART_VALUE_MAX];

        string_buffer_append(page, "<title>");
        html_append(page, chart->points[point]);
        for (size_t i = 0; i < chart->n_series; i++) {
                double v = chart->series[i].values[point];

                if (v < 0 || (v == 0 && chart->n_series > 1))
                        continue;
                string_buffer_appendf(page, "%s%s ", before,
                                      chart_format(value, sizeof value, chart->scale, v));
                html_append(page, chart->series[i].name);
                before = ", ";
        }
        string_buffer_append(page, "</title>");
}

static void append_bar(StringBuffer *page, const Chart *chart, const Axis *axis, size_t point) {
        double gap = chart->n_points > 1 ? 0.12 : 0.4, sum = 0,
               x = x_of(chart, (double) point + gap / 2),
               width = x_of(chart, (double) point + 1 - gap / 2) - x;

        string_buffer_append(page, "<g>");
        append_tip(page, chart, point);
        for (size_t i = 0; i < chart->n_series; i++) {
                double value = chart->series[i].values[point], below = y_of(axis, sum), above;

                if (value <= 0)
                        continue;
                sum += value;
                /* What is there shows, however little it is. */
                above = MIN(y_of(axis, sum), below - (i == 0 ? 1.0 : 0.0));
                string_buffer_appendf(page,
                                      "<rect class=\"s%zu\" x=\"%.1f\" y=\"%.1f\" "
                                      "width=\"%.1f\" height=\"%.1f\"/>",
                                      i + 1, x, above, width, below - above);
        }
        string_buffer_append(page, "</g>\n");
}

static bool is_known(const Chart *chart, size_t series, size_t point) {
        double value = chart->series[series].values[point];

        return chart->scale == CHART_SPANS ? value > 0 : value >= 0;
}

/* From the point FIRST to before END, all of which are known. */
static void append_run(StringBuffer *page, const Chart *chart, const Axis *axis, size_t series,
                       size_t first, size_t end) {
        const double *values = chart->series[series].values;

        string_buffer_appendf(page, "<path class=\"line l%zu\" d=\"", series + 1);
        for (size_t i = first; i < end; i++)
                string_buffer_appendf(page, "%s%.1f %.1f", i == first ? "M" : " L",
                                      x_of(chart, (double) i + 0.5), y_of(axis, values[i]));
        string_buffer_append(page, "\"/>\n");
        if (chart->kind != CHART_AREA)
                return;
        string_buffer_appendf(page, "<path class=\"area a%zu\" d=\"M%.1f %d", series + 1,
                              x_of(chart, (double) first + 0.5), BOTTOM);
        for (size_t i = first; i < end; i++)
                string_buffer_appendf(page, " L%.1f %.1f", x_of(chart, (double) i + 0.5),
                                      y_of(axis, values[i]));
        string_buffer_appendf(page, " L%.1f %d Z\"/>\n", x_of(chart, (double) end - 0.5), BOTTOM);
}

/* Many points would be a row of beads. */
static void append_points(StringBuffer *page, const Chart *chart, const Axis *axis, size_t series) {
        const char *radius = chart->n_points > 40 ? "1.6" : "2.6";

        for (size_t i = 0; i < chart->n_points; i++) {
                if (!is_known(chart, series, i))
                        continue;
                string_buffer_appendf(page,
                                      "<circle class=\"s%zu\" cx=\"%.1f\" cy=\"%.1f\" "
                                      "r=\"%s\">",
                                      series + 1, x_of(chart, (double) i + 0.5),
                                      y_of(axis, chart->series[series].values[i]), radius);
                append_tip(page, chart, i);
                string_buffer_append(page, "</circle>\n");
        }
}

static void append_line(StringBuffer *page, const Chart *chart, const Axis *axis, size_t series) {
        size_t first = 0;

        for (size_t i = 0; i <= chart->n_points; i++)
                if (i == chart->n_points || !is_known(chart, series, i)) {
                        if (i > first)
                                append_run(page, chart, axis, series, first, i);
                        first = i + 1;
                }
        append_points(page, chart, axis, series);
}

static void append_legend(StringBuffer *page, const Chart *chart) {
        if (chart->n_series < 2)
                return;
        string_buffer_append(page, "<ul class=\"legend\">");
        for (size_t i = 0; i < chart->n_series; i++) {
                string_buffer_appendf(page, "<li><span class=\"key k%zu\"></span>", i + 1);
                html_append(page, chart->series[i].name);
                string_buffer_append(page, "</li>");
        }
        string_buffer_append(page, "</ul>\n");
}

static void append_heading(StringBuffer *page, const Chart *chart) {
        string_buffer_append(page, "<figure class=\"card\">\n<figcaption><h2>");
        html_append(page, chart->title);
        string_buffer_append(page, "</h2><p>");
        html_append(page, chart->description);
        string_buffer_appendf(page,
                              "</p></figcaption>\n<svg role=\"img\" id=\"%s\" viewBox=\"0 0 %d "
                              "%d\" aria-labelledby=\"%s-title %s-description\">\n<title "
                              "id=\"%s-title\">",
                              chart->id, WIDTH, HEIGHT, chart->id, chart->id, chart->id);
        html_append(page, chart->title);
        string_buffer_appendf(page, "</title><desc id=\"%s-description\">", chart->id);
        html_append(page, chart->description);
        string_buffer_append(page, "</desc>\n");
}

void chart_append(StringBuffer *page, const Chart *chart) {
        Axis axis;

        make_axis(chart, &axis);
        append_heading(page, chart);
        append_axis(page, &axis);
        append_labels(page, chart);
        if (chart->kind == CHART_BARS)
                for (size_t i = 0; i < chart->n_points; i++)
                        append_bar(page, chart, &axis, i);
        else
                for (size_t i = 0; i < chart->n_series; i++)
                        append_line(page, chart, &axis, i);
        string_buffer_append(page, "</svg>\n");
        append_legend(page, chart);
        string_buffer_append(page, "</figure>\n");
}
