#pragma once

/* Which files make up the configuration of an instance. */

#include <stddef.h>

#include "basic/macros.h"

/* The directories in which configurations are looked for, the first one winning: of a user who is
 * not root $XDG_CONFIG_HOME/rebackup or ~/.config/rebackup; then /etc/rebackup and
 * /usr/lib/rebackup; each behind ROOT, which may be NULL. They need not exist. *RET is
 * NULL-terminated and the caller's. 0 or -ENOMEM. */
int config_directories(const char *root, char ***ret);

/* The paths that may hold it, in the order in which they are to be read: NAME.conf in each of these
 * directories, the last of them first, and the drop-ins of all sorted by name, without those that
 * are hidden by one of the same name in a directory that wins. The first
 * *RET_N_OWN, one for each directory, need not exist. *RET is NULL-terminated and the caller's. 0,
 * -ENOMEM, or another -errno when a directory cannot be read, which *RET_FAILED, the caller's,
 * names then. */
int config_search(const char *root, const char *name, char ***ret, size_t *ret_n_own,
                  char **ret_failed);

char **config_paths_free(char **paths);
DEFINE_TRIVIAL_CLEANUP_FUNC(char **, config_paths_free)
