#pragma once

/* Which instances are configured. */

/* The names of all for which there is a file NAME.conf or a directory NAME.conf.d, sorted. A
 * directory that cannot be read is left out: *RET_FAILED, the caller's, names one of them, or is
 * NULL. *RET is NULL-terminated and to be freed with config_paths_free. 0 or -ENOMEM. */
int config_names(const char *root, char ***ret, char **ret_failed);
