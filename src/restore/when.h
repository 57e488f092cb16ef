#pragma once

/* Points in time as a person gives them. Pure. */

#include "basic/time-span.h"

/* Parses "2026-11-21T06:25:38.123Z" (UTC; the fraction, or the seconds too, may be missing),
 * "2026-11-21 07:25:38.123" (local time, the same; without a time of day: midnight), an age such as
 * "2h", "3d" or "1h 30min ago", counted back from NOW, and "now". All are microseconds of
 * CLOCK_REALTIME. 0; -EINVAL when it is none of these or no such day exists; -ERANGE before 1970.
 */
int when_parse(const char *text, usec_t now, usec_t *ret);

enum { WHEN_TEXT_MAX = 64 };

/* "2026-11-21 07:25:38.123", local time. Returns BUFFER. */
char *when_format(char *buffer, size_t size, usec_t at);
