#pragma once

/* Reads one configuration file through libeconf into a list of assignments, each with its line.
 *
 * libeconf 0.5 by itself reads other things than are written: it ends a value at a '#' anywhere in
 * it, so that /mnt/c#1 becomes /mnt/c; of several assignments to a key it delivers the first one's
 * value for each; it appends a line without '=' to the value above and leaves out one without a
 * key; it cuts lines at 8 KiB and at NUL; it does not show empty sections; and its line numbers are
 * those of a value's last line. So each line is looked at first. What libeconf could misread is
 * refused here with its place, comments are left out, and each key is handed over with its line
 * number as a part of its name, which makes it unique. Splitting, trimming and unquoting are
 * libeconf's. */

#include <stddef.h>

#include "config/config-problem.h"

typedef struct Assignment {
        char *section;
        char *key;   /* NULL: this is the section's header */
        char *value; /* "" when there is none */
        unsigned line;
} Assignment;

typedef struct AssignmentList {
        Assignment *items; /* in the order of their lines */
        size_t n_items;
} AssignmentList;

void assignment_list_done(AssignmentList *list);

/* Reads PATH. What is wrong with its text is added to PROBLEMS; all else is in *RET, which is the
 * caller's. 0, -ENOMEM, or another -errno when the file cannot be read (-ENOENT: there is none;
 * -EISDIR, -EBADFD: it is no regular file), in which case nothing is added. */
int config_file_read(const char *path, StringBuffer *problems, AssignmentList *ret);
