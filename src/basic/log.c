#include "basic/log.h"

#include <errno.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { SINKS_MAX = 4 };

static struct {
        pthread_mutex_t mutex;
        atomic_int max_level;
        struct {
                LogSink sink;
                void *userdata;
        } sinks[SINKS_MAX];
        size_t n_sinks;
} logging = { .mutex = PTHREAD_MUTEX_INITIALIZER, .max_level = LOG_INFO };

static const char *const level_names[] = { "emerg",   "alert",  "crit", "err",
                                           "warning", "notice", "info", "debug" };

int log_add_sink(LogSink sink, void *userdata) {
        int r = -ENOMEM;

        (void) pthread_mutex_lock(&logging.mutex);
        if (logging.n_sinks < SINKS_MAX) {
                logging.sinks[logging.n_sinks].sink = sink;
                logging.sinks[logging.n_sinks].userdata = userdata;
                logging.n_sinks++;
                r = 0;
        }
        (void) pthread_mutex_unlock(&logging.mutex);
        return r;
}

void log_remove_sink(LogSink sink, void *userdata) {
        size_t kept = 0;

        (void) pthread_mutex_lock(&logging.mutex);
        for (size_t i = 0; i < logging.n_sinks; i++)
                if (logging.sinks[i].sink != sink || logging.sinks[i].userdata != userdata)
                        logging.sinks[kept++] = logging.sinks[i];
        logging.n_sinks = kept;
        (void) pthread_mutex_unlock(&logging.mutex);
}

void log_set_max_level(int level) {
        logging.max_level = level;
}

int log_get_max_level(void) {
        return logging.max_level;
}

int log_level_from_string(const char *text) {
        for (size_t i = 0; i < ELEMENTSOF(level_names); i++)
                if (strcmp(text, level_names[i]) == 0)
                        return (int) i;
        if (strcmp(text, "error") == 0)
                return LOG_ERR;
        if (strcmp(text, "warn") == 0)
                return LOG_WARNING;
        return -EINVAL;
}

const char *log_level_to_string(int level) {
        return level >= 0 && level < (int) ELEMENTSOF(level_names) ? level_names[level] : NULL;
}

static void dispatch(const LogRecord *record) {
        (void) pthread_mutex_lock(&logging.mutex);
        for (size_t i = 0; i < logging.n_sinks; i++)
                logging.sinks[i].sink(record, logging.sinks[i].userdata);
        if (logging.n_sinks == 0)
                (void) fprintf(stderr, "%s\n", record->message);
        (void) pthread_mutex_unlock(&logging.mutex);
}

int log_internal(const LogSite *site, const LogEvent *event, const char *format, ...) {
        LogRecord record = *event;
        int saved = errno, error = event->error;
        char small[512], *large = NULL;
        va_list arguments;
        int n;

        if (record.level > logging.max_level)
                return error;
        errno = error < 0 ? -error : saved;
        va_start(arguments, format);
        n = vsnprintf(small, sizeof small, format, arguments);
        va_end(arguments);
        if (n >= (int) sizeof small) {
                errno = error < 0 ? -error : saved;
                va_start(arguments, format);
                if (vasprintf(&large, format, arguments) < 0)
                        large = NULL;
                va_end(arguments);
        }
        record.message = large ? large : small;
        record.file = site->file;
        record.func = site->func;
        record.line = site->line;
        dispatch(&record);
        free(large);
        errno = saved;
        return error;
}
