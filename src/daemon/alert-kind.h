#pragma once

/* Which of the service's messages a person should know of, beyond the log. Pure. */

#include "alert/alert.h"
#include "basic/log.h"

/* _ALERT_KIND_INVALID for what is for the log alone. Failures of single entries are: most are over
 * a second later (see manager_alert_failures). */
AlertKind alert_kind_of_record(const LogRecord *record);
/* Of what the message says that it is over; _ALERT_KIND_INVALID when it says no such thing. */
AlertKind alert_kind_that_ended(const LogRecord *record);
/* Of an entry that keeps failing with ERROR, -errno. */
AlertKind alert_kind_of_failure(int error);
