#pragma once

/* The configuration file of a pair that is about to be. */

#include "config/config.h"

/* Everything as a person gave it. */
typedef struct NewConfig {
        const char *name, *source, *replica; /* absolute paths */
        char *const *settings;               /* N_SETTINGS of "Section.Key=VALUE" */
        int n_settings;
} NewConfig;

/* The text of the file. A fresh string; 0; -EINVAL when a setting is none, with *RET_ERROR, the
 * caller's; -ENOMEM. Pure. */
int new_config_format(const NewConfig *config, char **ret, char **ret_error);

/* Reads TEXT back as a configuration called NAME, as the daemon would. 0 with *RET, the caller's;
 * -errno, with *RET_ERROR, the caller's: one line for each problem, in which the file is called by
 * its name alone. */
int new_config_check(const char *name, const char *text, Config **ret, char **ret_error);

/* Writes TEXT as NAME.conf of the first directory for configurations below ROOT (may be NULL),
 * complete or not at all; that directory is made if it is missing. *RET_PATH is the caller's, also
 * when it fails, but may be NULL. 0; -EEXIST when there is such a file; -errno. */
int new_config_write(const char *root, const char *name, const char *text, char **ret_path);
