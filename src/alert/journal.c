#define SD_JOURNAL_SUPPRESS_LOCATION

#include "alert/journal.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include <systemd/sd-journal.h>

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

/* Source: systemd.exec(5), $JOURNAL_STREAM. */
static bool is_journal(void) {
        const char *stream = getenv("JOURNAL_STREAM");
        uint64_t device, inode;
        struct stat st;

        return stream && sscanf(stream, "%" SCNu64 ":%" SCNu64, &device, &inode) == 2 &&
               fstat(STDERR_FILENO, &st) >= 0 && st.st_dev == device && st.st_ino == inode;
}

int alert_journal_begin(const char *pair) {
        return log_add_sink(is_journal() ? to_journal : to_terminal, (void *) pair);
}
