#pragma once

/* When a person is told of what, and what is summed up: alerts go in one by one, reports come out,
 * no more than one in an interval. Pure: the clock is given. Bounded. Times are CLOCK_MONOTONIC but
 * those in alerts.
 *
 * What is the same as something told within a day (kind and message) is counted in the next report,
 * and is no reason for one: a service that is started again every few seconds finds the same each
 * time. */

#include "alert/alert.h"

enum { ALERT_TOLD_MAX = 64 };

typedef struct AlertTold {
        AlertKind kind;
        uint64_t hash;
        usec_t when; /* first told; 0: this place is free */
} AlertTold;

typedef struct AlertLimit {
        usec_t last;                    /* when the last report was made; 0: never */
        usec_t since;                   /* the first news in PENDING came then; 0: there is none */
        AlertReport pending;            /* its pair and sound are not set */
        AlertTold told[ALERT_TOLD_MAX]; /* the oldest gives way */
} AlertLimit;

#define ALERT_LIMIT_NULL ((AlertLimit) {})

/* 0 or -ENOMEM; the alert is counted then, too. */
int alert_limit_add(AlertLimit *limit, const Alert *alert, usec_t now);
/* It is news again when it comes the next time: what was told of KIND is over. */
void alert_limit_forget(AlertLimit *limit, AlertKind kind);
/* When the next report is due: alerts that come together are gathered for a moment. USEC_INFINITY:
 * there is no news. */
usec_t alert_limit_due(const AlertLimit *limit, usec_t interval);
/* Hands over what is pending, as a report that is made NOW. */
void alert_limit_take(AlertLimit *limit, usec_t now, AlertReport *ret);

/* For the next process of the service: when the last report was made, what was told, and what is
 * pending. The text is the caller's; NULL when memory is short. */
char *alert_limit_format(const AlertLimit *limit);
/* What TEXT says that makes no sense at time NOW is left out. 0 or -ENOMEM. */
int alert_limit_parse(const char *text, usec_t now, AlertLimit *ret);

void alert_limit_done(AlertLimit *limit);
