#pragma once

/* Time as unsigned microseconds, and spans of time as people write them. */

#include <stddef.h>
#include <stdint.h>
#include <time.h>

typedef uint64_t usec_t;
typedef uint64_t nsec_t;

#define USEC_INFINITY UINT64_MAX
#define USEC_PER_MSEC UINT64_C(1000)
#define USEC_PER_SEC (UINT64_C(1000) * USEC_PER_MSEC)
#define USEC_PER_MINUTE (UINT64_C(60) * USEC_PER_SEC)
#define USEC_PER_HOUR (UINT64_C(60) * USEC_PER_MINUTE)
#define USEC_PER_DAY (UINT64_C(24) * USEC_PER_HOUR)
#define USEC_PER_WEEK (UINT64_C(7) * USEC_PER_DAY)
#define USEC_PER_MONTH (UINT64_C(2629800) * USEC_PER_SEC)
#define USEC_PER_YEAR (UINT64_C(31557600) * USEC_PER_SEC)
#define NSEC_PER_USEC UINT64_C(1000)
#define NSEC_PER_SEC UINT64_C(1000000000)

usec_t now_usec(clockid_t clock);

/* Parses a span as systemd.time(7) has it: "90" (seconds), "20ms", "1h 30min", "4week". 0; -EINVAL
 * when it is none, -ERANGE when it is too long or "infinity". */
int span_parse(const char *text, usec_t *ret);

enum { SPAN_TEXT_MAX = 64 };

/* "210ms", "2.1s", "1h 2min": at most two units. Returns BUFFER. */
char *span_format(char *buffer, size_t size, usec_t span);
