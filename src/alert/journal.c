#define SD_JOURNAL_SUPPRESS_LOCATION

#include "alert/journal.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <systemd/sd-journal.h>

#include "basic/journal-stream.h"
#include "basic/log.h"

static void to_terminal(const LogRecord *record, void *userdata) {
        (void) userdata;
        (void) fprintf(stderr, "rebackup-alert: %s\n", record->message);
}

static void to_journal(const LogRecord *record, void *userdata) {
        const char *pair = userdata;
        int r;

        r = sd_journal_send("MESSAGE=%s", record->message, "PRIORITY=%d", record->level,
                            "REBACKUP_PAIR=%s", pair ?: "",
                            record->message_id ? "MESSAGE_ID=%s" : NULL, record->message_id, NULL);
        if (r < 0) /* a stream to the same journal; source: sd-daemon(3) */
                (void) fprintf(stderr, "<%d>%s\n", record->level, record->message);
}

int alert_journal_begin(const char *pair) {
        return log_add_sink(journal_stream_is(STDERR_FILENO, getenv("JOURNAL_STREAM"))
                                    ? to_journal
                                    : to_terminal,
                            (void *) pair);
}
