#pragma once

/* Which pairs there are: those that are configured, and those that run. */

#include <stdbool.h>
#include <stddef.h>

#include <systemd/sd-bus.h>

#include "ctl/options.h"

typedef struct PairName {
        char *name; /* owned; of an instance, or the path of a replica */
        bool configured, running;
} PairName;

typedef struct PairNames {
        PairName *items; /* owned; sorted by name */
        size_t n_items;
} PairNames;

#define PAIR_NAMES_NULL ((PairNames) {})
void pair_names_done(PairNames *names);

/* All that are configured. 0 or -errno. */
int pair_names_add_configured(PairNames *names, const CtlOptions *options);
/* All that are on the bus. 0 or -errno. */
int pair_names_add_running(PairNames *names, sd_bus *bus);

const PairName *pair_names_find(const PairNames *names, const char *name);
/* The one whose name is most like NAME, NULL when none is much like it. */
const char *pair_names_nearest(const PairNames *names, const char *name);

/* After something was said of OPTIONS->pair not being configured: if it is not, says which pair may
 * have been meant. */
void pair_names_suggest(const CtlOptions *options);
