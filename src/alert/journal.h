#pragma once

/* Where rebackup-alert logs: to the journal with all fields when standard error leads there, else
 * to standard error. */

/* PAIR may be NULL and is borrowed for good. 0 or -ENOMEM. */
int alert_journal_begin(const char *pair);
