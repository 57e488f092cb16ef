#pragma once

/* A report as a text of lines KEY=VALUE, the form in which it goes from the daemon to
 * rebackup-alert. Values are C-escaped, so that any bytes of a name fit into a line:
 *
 *     PAIR=photos
 *     SOUND=yes
 *     COUNT_ROT=12
 *     KIND=rot                 begins an item
 *     TIME_USEC=1795242338123456
 *     ERRNO=5
 *     MESSAGE_ID=c58de25d292944ab938ee69238909f50
 *     PATH=2024/a\nb.jpg
 *     MESSAGE=rot in the source: …
 */

#include "alert/alert.h"

enum { ALERT_TEXT_MAX = 512 * 1024 };

/* 0 with *RET, which is the caller's; -ENOMEM. */
int alert_text_format(const AlertReport *report, char **ret);

/* Whoever wrote TEXT need not be trusted: keys that are not known are passed over, what has no
 * sense is left out, and messages are made safe for a terminal. 0 with *RET, which is the caller's;
 * -EBADMSG when TEXT tells of nothing; -ENOMEM. */
int alert_text_parse(const char *text, AlertReport *ret);
