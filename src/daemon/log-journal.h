#pragma once

/* Messages in the journal, with the fields that sd_journal_sendv(3) takes. Any thread. */

#include <stdbool.h>
#include <sys/uio.h>

#include "basic/log.h"
#include "basic/string-util.h"

enum { JOURNAL_FIELDS_MAX = 64 };

/* The fields of one record, "NAME=value", raw bytes. */
typedef struct JournalFields {
        StringBuffer text; /* holds them one after the other */
        struct iovec fields[JOURNAL_FIELDS_MAX];
        int n_fields;
} JournalFields;

#define JOURNAL_FIELDS_NULL ((JournalFields) {})
void journal_fields_done(JournalFields *fields);

/* PAIR names the pair, NULL: none yet. 0 or -ENOMEM. */
int journal_fields_build(const LogRecord *record, const char *pair, JournalFields *ret);

/* A LogSink; USERDATA is a `const char *const *`, the pair's name. */
void log_journal_sink(const LogRecord *record, void *userdata);
