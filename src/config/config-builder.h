#pragma once

/* Puts a Config together from assignments, one after the other, and collects what is wrong with
 * them. The Config is handed out when nothing is. */

#include "basic/string-util.h"
#include "config/config-keys.h"
#include "config/config-problem.h"

typedef struct ConfigBuilder {
        Config *config;
        StringBuffer problems;
        ConfigPlace places[CONFIG_N_KEYS]; /* where each key got its value */
        bool is_set[CONFIG_N_KEYS];        /* also to a value that is wrong */
        char *working_directory; /* for paths of the command line; NULL: it is not known */
} ConfigBuilder;

/* A Config with the default of every key. 0 or -ENOMEM. */
int config_builder_init(ConfigBuilder *builder);
void config_builder_done(ConfigBuilder *builder);

/* A section's header. */
void config_builder_enter(ConfigBuilder *builder, const ConfigPlace *place, const char *section);

/* Sets a key, or back to its default when VALUE is empty. A key of an unknown section is passed
 * over: its header was reported. place->file has to stay until the builder is done. 0 or -ENOMEM.
 */
int config_builder_assign(ConfigBuilder *builder, const ConfigPlace *place, const char *section,
                          const char *key, const char *value);

/* "Section.Key=VALUE" of the command line. 0 or -ENOMEM. */
int config_builder_override(ConfigBuilder *builder, const char *text);

/* Hands out the problems that were found so far, and returns ERROR, or -ENOMEM without them. */
int config_builder_fail(ConfigBuilder *builder, int error, char **ret_error);

/* Checks what concerns the whole; HOME is where a missing key should be written. 0 with *RET,
 * -ENOMEM, or -EINVAL with *RET_ERROR; both are the caller's. */
int config_builder_finish(ConfigBuilder *builder, const ConfigPlace *home, Config **ret,
                          char **ret_error);
