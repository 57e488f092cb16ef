#pragma once

/* What was done in some time, for the journal. Pure. */

#include "basic/log.h"
#include "state/statistics.h"

/* "in the last 24h: 12 copied, …, nothing failed; 1.4 GiB copied; …". *RET is the caller's. 0 or
 * -ENOMEM. */
int work_summary_format(const StatisticsBucket *work, usec_t duration, char **ret);

enum { WORK_FIELDS_MAX = _STATISTIC_MAX + 4, WORK_FIELD_NAME_MAX = 32 };

typedef struct WorkFields {
        LogField fields[WORK_FIELDS_MAX]; /* their names are in NAMES */
        size_t n_fields;
        char names[WORK_FIELDS_MAX][WORK_FIELD_NAME_MAX];
} WorkFields;

/* The same as fields of the entry: "REBACKUP_COPY" and so on. */
void work_fields_make(const StatisticsBucket *work, WorkFields *ret);
