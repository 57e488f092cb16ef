#pragma once

/* What the service manager is told, sd_notify(3). Without a manager (no $NOTIFY_SOCKET) everything
 * here is nothing; a manager that cannot be reached is no error either. For the event loop's
 * thread. */

#include <stdbool.h>

#include "basic/time-span.h"

#define NOTIFY_STATUS_INTERVAL_USEC (2 * USEC_PER_SEC)

typedef struct Notify {
        bool enabled;
        char *status; /* owned; the last one sent */
        usec_t sent;  /* CLOCK_MONOTONIC of that */
} Notify;

void notify_init(Notify *notify);
void notify_done(Notify *notify);

void notify_ready(const Notify *notify);
/* NOW: CLOCK_MONOTONIC, by which the manager tells this reload from an earlier one. */
void notify_reloading(const Notify *notify, usec_t now);
void notify_stopping(const Notify *notify);
void notify_watchdog(const Notify *notify);
/* Asks for SPAN from now on before a start or a stop counts as hung. */
void notify_extend_timeout(const Notify *notify, usec_t span);
/* Why the service ends: ERROR is an errno or 0. */
void notify_failure(const Notify *notify, int error, const char *text);

/* Sends STATUS when it differs from the last one, but not more often than
 * NOTIFY_STATUS_INTERVAL_USEC. 0: it stands; else the time from which on it may be sent. */
usec_t notify_status(Notify *notify, const char *status, usec_t now);
