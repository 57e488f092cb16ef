#pragma once

/* What a pair says of itself to Prometheus, in its text format (version 0.0.4), which the textfile
 * collector of node_exporter reads. Pure. Names follow its habits: base units, "_total" for what
 * only grows. Every sample has the pair's name as a label, so that the files of several pairs can
 * be read together. */

#include "daemon/pair-facts.h"

/* A point in time that there is none of (a pass that never was) has no sample. Nothing is an age: a
 * text changes only when something happens. *RET is the caller's. 0 or -ENOMEM. */
int metrics_format(const PairFacts *facts, char **ret);
