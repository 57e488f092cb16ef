#pragma once

/* Giving what was made beside its place its name. */

#include "fs/entry.h"

enum { BESIDE_NAME_MAX = 48 };

/* A name that nobody can guess. */
int beside_name(char buffer[BESIDE_NAME_MAX]);

/* Gives TEMPORARY of DIRECTORY_FD the name NAME in one step. -EEXIST when something has it. */
int publish_new(int directory_fd, const char *temporary, const char *name);

/* The same in the place of what has the name, which is OLD and is removed: a directory with all
 * that is in it. MODE is that of TEMPORARY. 0 or -errno; then TEMPORARY may be there still. */
int publish_over(int directory_fd, const char *temporary, const char *name, mode_t mode,
                 const Entry *old);

/* Removes the entry OLD, which has the name NAME now: not what somebody has put there meanwhile. 0,
 * -ESTALE or -errno. */
int remove_old(int directory_fd, const char *name, const Entry *old);
