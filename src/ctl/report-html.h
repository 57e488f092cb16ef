#pragma once

/* A report as one page that needs nothing else: no network, no script. Light or dark as the reader
 * likes it. It is well-formed XML as well. */

#include "ctl/report.h"

/* *RET is the caller's. 0 or -ENOMEM. */
int report_format_html(const char *name, const Report *report, char **ret);

/* Writes it to the file PATH, as a whole or not at all; "-": the standard output. 0 or -errno. */
int report_write_html(const char *path, const char *name, const Report *report);
