#pragma once

/* What is wrong, as one line for a person: the thing, the cause, the remedy. */

#include "basic/macros.h"

/* Beyond 0 and -errno: whose fault it is. */
typedef enum RestoreProblem {
        RESTORE_BAD_REQUEST = 1, /* path or time cannot be meant for this pair */
        RESTORE_NOT_FOUND,       /* replica, store or version is not there */
        RESTORE_NO_TARGET,       /* where it should go to is not to be had */
        RESTORE_BAD_CONFIG,
} RestoreProblem;

/* Makes the line, in which control characters and invalid UTF-8 are escaped, and returns RESULT;
 * -ENOMEM without a line when memory is short. *RET_ERROR is the caller's. */
int problem_set(char **ret_error, int result, const char *format, ...) _printf_(3, 4);
