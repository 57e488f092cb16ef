#pragma once

/* From the command line to a configuration: at start, and again at a reload. */

#include "config/config.h"
#include "daemon/options.h"

/* Logs what is wrong, a message for each problem, with MESSAGE_ID. Same results as
 * config_load_instance. */
int load_config(const Options *options, const char *message_id, Config **ret);
