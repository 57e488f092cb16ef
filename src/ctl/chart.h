#pragma once

/* Charts as SVG inside a page: no script, colours by the page's style (classes "s1", "s2", …), each
 * with a title and a description for those who do not see it. Pure. */

#include "basic/string-util.h"

typedef enum ChartKind {
        CHART_BARS,  /* series stand on each other */
        CHART_LINES, /* values below 0 are unknown, and no line leads there */
        CHART_AREA,  /* likewise, and what is below is filled */
} ChartKind;

typedef enum ChartScale {
        CHART_COUNTS,
        CHART_BYTES,
        CHART_SHARE, /* 0 to 1 */
        CHART_SPANS, /* microseconds, by powers of ten; 0 is unknown */
} ChartScale;

enum { CHART_SERIES_MAX = 5 };

typedef struct ChartSeries {
        const char *name;
        const double *values;
} ChartSeries;

typedef struct Chart {
        const char *id; /* in the page */
        const char *title, *description;
        ChartKind kind;
        ChartScale scale;
        ChartSeries series[CHART_SERIES_MAX];
        size_t n_series, n_points;
        const char *const *points;       /* what each stands for, for who looks at one */
        const char *const *point_labels; /* the same below the axis, as short as can be */
} Chart;

/* A value as the axis has it. Returns BUFFER. */
enum { CHART_VALUE_MAX = 64 };
char *chart_format(char *buffer, size_t size, ChartScale scale, double value);

void chart_append(StringBuffer *page, const Chart *chart);

/* TEXT as it stands in a page, in quotes too. */
void html_append(StringBuffer *page, const char *text);
