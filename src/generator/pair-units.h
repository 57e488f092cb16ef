#pragma once

/* What is written for one pair. */

#include "generator/machine.h"

typedef struct PairUnits {
        const char *root; /* that stands for the machine's; all borrowed */
        const char *name; /* of the instance */
        Scope scope;
        Machine *machine;
        int directory_fd; /* into which to write */
} PairUnits;

/* Reads the pair's configuration and writes its drop-in; and has the mounts that its directories
 * may be on want its service, if that is enabled. What goes wrong is reported. 0 or -errno. */
int pair_units_write(const PairUnits *pair);
