#pragma once

/* What a person is told of single entries; the visit's own reports are in visit.h. */

#include "sync/engine-internal.h"

/* Logs and counts a failure and hands the path back for a retry. ERROR is -errno; "failed to WHAT
 * PATH: …". */
void report_failure(Pass *pass, const Retry *retry, const char *what, int error);
/* Logs and counts what a committed item did, unless it is quiet. */
void report_done(const Item *item);
