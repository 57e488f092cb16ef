#pragma once

/* Words for a person about the pair itself: texts in which paths as the administrator wrote them
 * may stand, made fit for a terminal as a whole. From any thread. */

#include "basic/log.h"

/* Stores the text in *RET_ERROR and returns R. Without memory for the text R comes without one:
 * *RET_ERROR is left as it is. */
int tell_error(char **ret_error, int r, const char *format, ...) _printf_(3, 4);

/* Logs the text with what EVENT says besides. */
void tell_log(const LogEvent *event, const char *format, ...) _printf_(2, 3);

#define tell_notice(id, ...) \
        tell_log(&(const LogEvent) { .level = LOG_NOTICE, .message_id = (id) }, __VA_ARGS__)
/* R is -errno; its description is put behind the text. */
#define tell_failure(r, ...) \
        tell_log(&(const LogEvent) { .level = LOG_WARNING, .error = (r) }, __VA_ARGS__)
