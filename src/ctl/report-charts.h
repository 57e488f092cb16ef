#pragma once

/* The charts of a report's page. Pure. */

#include "ctl/chart.h"
#include "ctl/report.h"

/* What the bins of a report are called. */
typedef struct ReportTimes {
        char **points, **labels; /* owned, with N strings each */
        size_t n;
} ReportTimes;

#define REPORT_TIMES_NULL ((ReportTimes) {})
void report_times_done(ReportTimes *times);
/* 0 or -ENOMEM. */
int report_times_make(const Report *report, ReportTimes *ret);

/* 0 or -ENOMEM. */
int report_append_charts(StringBuffer *page, const Report *report, const ReportTimes *times);
