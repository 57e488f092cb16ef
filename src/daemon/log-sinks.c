#include "daemon/log-sinks.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "basic/alloc.h"
#include "basic/journal-stream.h"
#include "basic/log.h"
#include "basic/string-util.h"
#include "daemon/log-journal.h"
#include "daemon/log-message.h"
#include "daemon/message-ids.h"

void log_sinks_init(LogSinks *sinks) {
        *sinks = (LogSinks) { .journal = journal_stream_is(STDERR_FILENO,
                                                           getenv("JOURNAL_STREAM")) };
        log_terminal_init(&sinks->terminal, STDERR_FILENO);
        log_file_init(&sinks->file);
        if (sinks->journal)
                (void) log_add_sink(log_journal_sink, &sinks->pair);
        else
                (void) log_add_sink(log_terminal_sink, &sinks->terminal);
        (void) log_add_sink(log_file_sink, &sinks->file);
}

void log_sinks_done(LogSinks *sinks) {
        log_sinks_flush(sinks);
        log_remove_sink(log_journal_sink, &sinks->pair);
        log_remove_sink(log_terminal_sink, &sinks->terminal);
        log_remove_sink(log_file_sink, &sinks->file);
        log_terminal_done(&sinks->terminal);
        log_file_done(&sinks->file);
        free(sinks->pair);
}

void log_sinks_set_pair(LogSinks *sinks, const char *pair) {
        free(sinks->pair);
        sinks->pair = strdup(pair);
}

void log_sinks_set_file(LogSinks *sinks, const char *path) {
        int r = log_file_set_path(&sinks->file, path, sinks->pair ?: "rebackupd");

        if (r < 0)
                (void) log_warning_errno(r, "no log file: %m");
}

void log_sinks_reopen(LogSinks *sinks) {
        log_file_reopen(&sinks->file);
}

void log_sinks_flush(LogSinks *sinks) {
        _cleanup_free_ char *shown = NULL;
        int error;

        log_file_flush(&sinks->file);
        error = log_file_take_error(&sinks->file);
        if (error < 0) {
                shown = escape_bytes(sinks->file.path);
                log_message_errno(
                        LOG_WARNING, REBACKUP_MSG_LOG_FILE, error,
                        "cannot write the log file %s: %m; going on without it and trying again%s",
                        shown ?: "",
                        error == -EACCES || error == -EROFS
                                ? " (if the configuration has named another directory since the "
                                  "start, restart the service)"
                                : "");
        }
        log_terminal_flush(&sinks->terminal);
}

size_t log_sinks_width(const LogSinks *sinks) {
        return sinks->journal ? 0 : log_terminal_width(&sinks->terminal);
}

void log_sinks_show(LogSinks *sinks, const char *line) {
        if (!sinks->journal)
                log_terminal_show(&sinks->terminal, line);
}
