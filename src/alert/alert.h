#pragma once

/* What a person should know of a pair: single alerts, and the report that sums up what came since
 * the last one. The daemon makes reports, rebackup-alert tells of them. A report is bounded: of the
 * first ALERT_ITEMS_MAX alerts it has all that is known, of the others their number. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "basic/macros.h"
#include "basic/time-span.h"

/* From the least to the most urgent. */
typedef enum AlertKind {
        ALERT_FAILING, /* an entry keeps failing */
        ALERT_CONFIG,  /* a configuration was refused */
        ALERT_SOURCE,  /* the source is gone */
        ALERT_DISK,    /* the replica's disk is full, read-only or dead */
        ALERT_ROT,     /* content is damaged */
        ALERT_HOLD,    /* something waits for a person, or for a disk */
        ALERT_SERVICE, /* the service failed, or could not do its work */
        _ALERT_KIND_MAX,
        _ALERT_KIND_INVALID = -EINVAL,
} AlertKind;

enum {
        ALERT_ITEMS_MAX = 8,
        ALERT_MESSAGE_MAX = 2048, /* bytes; what is longer is cut off */
        ALERT_PATH_MAX = 8192,    /* the same; what is longer is left out */
};

/* The strings are owned by whoever owns the alert. */
typedef struct Alert {
        AlertKind kind;
        usec_t time;      /* CLOCK_REALTIME */
        char *message;    /* one line, safe for a terminal */
        char *path;       /* raw bytes, relative to the source; or NULL */
        char *message_id; /* of the journal's message; or NULL */
        int error;        /* -errno, or 0 */
} Alert;

typedef struct AlertReport {
        char *pair;
        bool sound; /* it may be heard */
        uint64_t n[_ALERT_KIND_MAX];
        Alert items[ALERT_ITEMS_MAX]; /* as they came */
        size_t n_items;
} AlertReport;

#define ALERT_REPORT_NULL ((AlertReport) {})

/* "failing", "disk", …; the reverse gives _ALERT_KIND_INVALID for what is none. */
const char *alert_kind_to_string(AlertKind kind);
AlertKind alert_kind_from_string(const char *text);

void alert_done(Alert *alert);
/* A copy that shares nothing. 0 or -ENOMEM. */
int alert_copy(const Alert *alert, Alert *ret);

/* Counts ALERT, and keeps a copy while there is room. 0 or -ENOMEM; it is counted then, too. */
int alert_report_add(AlertReport *report, const Alert *alert);
/* Takes over what FROM tells, which is empty afterwards. 0 or -ENOMEM. */
int alert_report_merge(AlertReport *report, AlertReport *from);
uint64_t alert_report_total(const AlertReport *report);
void alert_report_done(AlertReport *report);

/* The most urgent one of which all is known, and of these the first; NULL when there is none. */
const Alert *alert_report_worst(const AlertReport *report);
/* The line that stands for all: the message of that one, and how many more there are. NULL when
 * memory is short. */
char *alert_report_headline(const AlertReport *report);
/* All that is known, a line each: for a mail. NULL when memory is short. */
char *alert_report_describe(const AlertReport *report);
