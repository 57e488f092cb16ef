#pragma once

/* The directory through which reports go from the daemon to rebackup-alert: RUNTIME/alerts, where
 * RUNTIME is the runtime directory of one instance. The daemon puts files there, whole, one for
 * each report; rebackup-alert takes them. Who owns the directory may be somebody without rights,
 * and who takes the files is root: nothing is followed, and only plain files of bounded size are
 * read. */

#include <stddef.h>

#include "basic/time-span.h"

#define ALERT_DIRECTORY "alerts"
enum { ALERT_FILES_MAX = 64 }; /* when nobody takes them, no more are put there */

/* Writes TEXT to the file NAME in the directory RUNTIME, at once and whole. 0 or -errno. */
int alert_directory_write(int runtime_fd, const char *name, const char *text);

/* Puts TEXT into RUNTIME/alerts, which is made if it is missing. The name of the file is made from
 * NOW and sorts by it. 0; -ENOSPC when there are ALERT_FILES_MAX; another -errno. */
int alert_directory_put(int runtime_fd, const char *text, usec_t now);

/* Takes the oldest file out of RUNTIME/alerts. 1 with *RET_TEXT, which is the caller's; 0 when
 * there is none; -EBADMSG when there was one that cannot be one of ours, and it was removed;
 * another -errno. */
int alert_directory_take(int runtime_fd, char **ret_text);

/* The whole of a plain file of at most MAX bytes. 0 with *RET, which is the caller's; -EBADMSG when
 * it is something else; another -errno. */
int alert_directory_read(int directory_fd, const char *name, size_t max, char **ret);
