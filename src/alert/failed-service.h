#pragma once

/* The report that the service itself failed: what systemd tells a unit that it starts by
 * OnFailure=, systemd.exec(5). */

#include "alert/alert.h"

/* 1 with what $MONITOR_SERVICE_RESULT and its like say in *RET, for the pair NAME; 0 when they say
 * nothing, or nothing bad; -ENOMEM. */
int failed_service_report(const char *name, bool user, AlertReport *ret);
