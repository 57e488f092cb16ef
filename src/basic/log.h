#pragma once

/* The interface of logging: records go to every sink that is installed. Any thread may log; sinks
 * are called one record at a time, under one mutex, and must not log themselves. errno is
 * preserved. Levels are those of syslog(3). */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <syslog.h>

#include "basic/macros.h"
#include "basic/time-span.h"

/* One more field of a record, for sinks that have fields. */
typedef struct LogField {
        const char *name; /* upper case */
        uint64_t value;
} LogField;

typedef struct LogRecord {
        int level;
        int error;              /* -errno, or 0 */
        const char *message_id; /* 32 hexadecimal digits, or NULL */
        const char *operation;  /* "copy", …, or NULL */
        const char *path;       /* raw bytes relative to the source, or NULL */
        uint64_t bytes;
        usec_t duration;
        bool has_bytes, has_duration;
        const LogField *fields; /* borrowed */
        size_t n_fields;
        const char *message; /* one line, safe for a terminal */
        const char *file, *func;
        int line;
} LogRecord;

/* What a caller says of an event besides its text: the same fields. */
typedef LogRecord LogEvent;

typedef void (*LogSink)(const LogRecord *record, void *userdata);

/* Until the first sink is added, records go to standard error as plain lines. 0 or -ENOMEM. */
int log_add_sink(LogSink sink, void *userdata);
void log_remove_sink(LogSink sink, void *userdata);

void log_set_max_level(int level);
int log_get_max_level(void);

/* "err", "warning", …, and their usual other names; -EINVAL. */
int log_level_from_string(const char *text);
const char *log_level_to_string(int level);

typedef struct LogSite {
        const char *file, *func;
        int line;
} LogSite;

#define LOG_SITE (&(const LogSite) { __FILE__, __func__, __LINE__ })

/* Returns EVENT->error, so that `return log_…(r, …)` is one statement. */
int log_internal(const LogSite *site, const LogEvent *event, const char *format, ...)
        _printf_(3, 4);

/* log_event(&(LogEvent) { … }, "text", …); the literal's commas make it part of the variable
 * arguments. */
#define log_event(...) ((void) log_internal(LOG_SITE, __VA_ARGS__))
#define log_full(level_, error_, ...) \
        log_internal(LOG_SITE, &(LogEvent) { .level = (level_), .error = (error_) }, __VA_ARGS__)

#define log_debug(...) ((void) log_full(LOG_DEBUG, 0, __VA_ARGS__))
#define log_info(...) ((void) log_full(LOG_INFO, 0, __VA_ARGS__))
#define log_notice(...) ((void) log_full(LOG_NOTICE, 0, __VA_ARGS__))
#define log_warning(...) ((void) log_full(LOG_WARNING, 0, __VA_ARGS__))
#define log_error(...) ((void) log_full(LOG_ERR, 0, __VA_ARGS__))
/* R is -errno; %m in the text is its description. */
#define log_debug_errno(r, ...) log_full(LOG_DEBUG, (r), __VA_ARGS__)
#define log_warning_errno(r, ...) log_full(LOG_WARNING, (r), __VA_ARGS__)
#define log_error_errno(r, ...) log_full(LOG_ERR, (r), __VA_ARGS__)
