#pragma once

/* Which files make up the configuration of an instance. */

#include "basic/macros.h"

/* The paths that may hold it, in the order in which they are to be read: the vendor's file, the
 * administrator's, and the drop-ins of both sorted by name, without those of the vendor that are
 * hidden by one of the same name. The first two need not exist. *RET is NULL-terminated and the
 * caller's. 0, -ENOMEM, or another -errno when a directory cannot be read, which *RET_FAILED, the
 * caller's, names then. */
int config_search(const char *root, const char *name, char ***ret, char **ret_failed);

char **config_paths_free(char **paths);
DEFINE_TRIVIAL_CLEANUP_FUNC(char **, config_paths_free)
