#pragma once

/* What the files of the store share. Not for users of the store. */

#include <stdbool.h>
#include <sys/stat.h>

#define STORE_CATALOG_NAME "catalog.db"

/* Splits an absolute path into the directory, by its path, and the name in it; "" is the name in
 * "/". Slashes at the end count for nothing. -EINVAL for a relative path and for "." or ".." as the
 * name. */
int store_path_split(const char *path, char **ret_parent, char **ret_name);

/* Whether FD, whose status is ST, is ours alone: 1, 0 or -errno. On a file system that keeps no
 * owners everything belongs to whoever was named when it was mounted, so nothing can be told. */
int store_is_ours(int fd, const struct stat *st);
