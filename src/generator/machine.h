#pragma once

/* What there is on the machine, below a directory that stands for its root: where file systems are
 * or will be mounted, and which pairs are enabled. At boot nothing may be mounted yet, so that what
 * is configured counts as well as what is there. */

#include "generator/drop-in.h"
#include "generator/places.h"

typedef struct Machine Machine;

/* ROOT is borrowed. 0 or -ENOMEM; what cannot be read is taken for empty. */
int machine_new(const char *root, Scope scope, Machine **ret);
Machine *machine_free(Machine *machine);
DEFINE_TRIVIAL_CLEANUP_FUNC(Machine *, machine_free)

/* For places_plan; valid as long as MACHINE. */
Surroundings machine_surroundings(Machine *machine);

/* Whether something that is started by itself wants or requires the unit UNIT. */
bool machine_wants(const Machine *machine, const char *unit);
