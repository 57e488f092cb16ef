#pragma once

/* Points in time for a person. */

#include <stddef.h>

#include "basic/time-span.h"

enum { LOCAL_TIME_MAX = 64 };

/* "2026-11-21 07:25:38" where the machine is; "" when that cannot be told. Returns BUFFER. */
const char *local_time_format(char *buffer, size_t size, usec_t realtime);
