#pragma once

/* Messages that have an entry in the message catalog, in one line of code. */

#include "basic/log.h"

#define log_message(level_, id_, ...) \
        ((void) log_event(&(LogEvent) { .level = (level_), .message_id = (id_) }, __VA_ARGS__))
/* ERROR is -errno, or 0; %m in the text is its description. */
#define log_message_errno(level_, id_, error_, ...)                                        \
        ((void) log_event(                                                                 \
                &(LogEvent) { .level = (level_), .message_id = (id_), .error = (error_) }, \
                __VA_ARGS__))
