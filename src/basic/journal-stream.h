#pragma once

#include <stdbool.h>

/* Whether FD is the journal's stream that $JOURNAL_STREAM, given as STREAM, names. Source:
 * systemd.exec(5). */
bool journal_stream_is(int fd, const char *stream);
