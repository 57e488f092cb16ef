#pragma once

/* A report for a terminal. */

#include "ctl/report.h"
#include "ctl/terminal.h"

/* How many bins a line of pictures has room for. */
size_t report_text_bins(const Terminal *terminal);
/* NAME is that of the pair. */
void report_print_text(const Terminal *terminal, const char *name, const Report *report);

/* What both this and the page say: "12 copied, 3 updated", or "nothing". Fresh strings, NULL when
 * memory is short. */
char *report_operations_text(const StatisticsBucket *work);
char *report_period_text(const Report *report);
