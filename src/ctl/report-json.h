#pragma once

#include "ctl/report.h"

/* Prints all of REPORT as a JSON object; NAME is that of the pair. */
void report_print_json(const char *name, const Report *report);
