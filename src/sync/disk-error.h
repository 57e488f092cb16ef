#pragma once

/* What a file system that fails as a whole answers, and what that means for a person. */

#include <stdbool.h>

/* Whether a whole file system answers with ERROR (-errno), as one that is read-only, dead or gone
 * does. Pure. */
bool disk_error_is_general(int error);

/* Describes for a person what ERROR, a general one, means for REPLICA. *RET_ERROR as with
 * tell_error(). Returns ERROR. */
int disk_tell(const char *replica, int error, char **ret_error);
