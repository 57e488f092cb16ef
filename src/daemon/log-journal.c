#define SD_JOURNAL_SUPPRESS_LOCATION /* records bring their own */

#include "daemon/log-journal.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <unistd.h>

#include <systemd/sd-journal.h>

#include "basic/macros.h"

void journal_fields_done(JournalFields *fields) {
        string_buffer_done(&fields->text);
        *fields = JOURNAL_FIELDS_NULL;
}

/* Takes what was appended since FROM as a field. Where it is, is known only when the text grows no
 * more. */
static void end_field(JournalFields *fields, size_t from) {
        assert(fields->n_fields < JOURNAL_FIELDS_MAX);
        fields->fields[fields->n_fields++].iov_len = fields->text.length - from;
}

static void add_text(JournalFields *fields, const char *name, const char *value) {
        size_t from = fields->text.length;

        if (!value)
                return;
        string_buffer_append(&fields->text, name);
        string_buffer_append(&fields->text, "=");
        string_buffer_append(&fields->text, value);
        end_field(fields, from);
}

static void add_number(JournalFields *fields, const char *name, uint64_t value) {
        size_t from = fields->text.length;

        string_buffer_appendf(&fields->text, "%s=%" PRIu64, name, value);
        end_field(fields, from);
}

static int place_fields(JournalFields *fields) {
        char *at = fields->text.text;

        if (fields->text.failed)
                return -ENOMEM;
        for (int i = 0; i < fields->n_fields; i++) {
                fields->fields[i].iov_base = at;
                at += fields->fields[i].iov_len;
        }
        return 0;
}

int journal_fields_build(const LogRecord *record, const char *pair, JournalFields *ret) {
        _cleanup_(journal_fields_done) JournalFields fields = JOURNAL_FIELDS_NULL;
        int r;

        add_text(&fields, "MESSAGE", record->message);
        add_number(&fields, "PRIORITY", (uint64_t) record->level);
        add_text(&fields, "MESSAGE_ID", record->message_id);
        add_text(&fields, "REBACKUP_PAIR", pair);
        add_text(&fields, "REBACKUP_OPERATION", record->operation);
        add_text(&fields, "REBACKUP_PATH", record->path);
        if (record->has_bytes)
                add_number(&fields, "REBACKUP_BYTES", record->bytes);
        if (record->has_duration)
                add_number(&fields, "REBACKUP_DURATION_USEC", record->duration);
        if (record->error < 0)
                add_number(&fields, "ERRNO", (uint64_t) -record->error);
        for (size_t i = 0; i < record->n_fields; i++)
                add_number(&fields, record->fields[i].name, record->fields[i].value);
        add_text(&fields, "CODE_FILE", record->file);
        add_text(&fields, "CODE_FUNC", record->func);
        if (record->file)
                add_number(&fields, "CODE_LINE", (uint64_t) record->line);

        r = place_fields(&fields);
        if (r < 0)
                return r;
        *ret = TAKE_GENERIC(fields, JOURNAL_FIELDS_NULL);
        return 0;
}

void log_journal_sink(const LogRecord *record, void *userdata) {
        _cleanup_(journal_fields_done) JournalFields fields = JOURNAL_FIELDS_NULL;
        const char *const *pair = ASSERT_PTR(userdata);

        if (journal_fields_build(record, *pair, &fields) >= 0 &&
            sd_journal_sendv(fields.fields, fields.n_fields) >= 0)
                return;
        /* Standard error is a stream to the same journal, which needs less of everything. Source:
         * sd-daemon(3). */
        (void) dprintf(STDERR_FILENO, "<%d>%s\n", record->level, record->message);
}
