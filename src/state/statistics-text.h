#pragma once

/* The lines of the statistics file, which ordinary tools can read: a word, a time, then NAME=VALUE
 * separated by blanks, and a checksum of all that. Pure.
 *
 *     hour 2026-11-21T06:00:00.000Z copy=3 bytes=4096 lags=11:2,12:1 entries=84123 #9f86d081
 *     slow 2026-11-21T06:25:38.123Z what=copy usec=1200 bytes=4096 path=2024/a%20b.jpg #…
 *     reported 2026-11-21T00:00:00.000Z #…
 *     unreported 2026-11-21T00:00:00.000Z copy=2 #…
 *
 * What stands behind the last "reported" was not summed up yet; "unreported" is what of the lines
 * before it was not. */

#include "basic/string-util.h"
#include "state/statistics.h"

#define STATISTICS_HEADER "rebackup statistics 1\n"

/* Each appends one line. "hour" or "day", by its length: */
void statistics_write_bucket(StringBuffer *text, const StatisticsBucket *bucket);
void statistics_write_slow(StringBuffer *text, const SlowOperation *operation);
void statistics_write_reported(StringBuffer *text, usec_t at);
void statistics_write_unreported(StringBuffer *text, const Statistics *statistics);

/* Adds what LINE says, which is without its newline, and is changed. 0; -EBADMSG when it is not as
 * it was written; -ENOMEM. */
int statistics_read_line(Statistics *statistics, char *line);
