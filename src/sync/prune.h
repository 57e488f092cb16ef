#pragma once

/* Pruning: versions beyond the limits are dropped, the oldest first, by a thread of its own at idle
 * I/O priority, in bounded steps; at once, and by whoever needs it, when the disk is full. Logs. */

#include "sync/engine-internal.h"

typedef struct Prune Prune;

int prune_start(Engine *engine);
void prune_stop(Engine *engine);

/* There are new versions: the limits are looked at soon. Any thread. */
void prune_poke(Engine *engine);

/* Frees space on the replica's file system: drops versions until some bytes are free again. 1 some
 * are, 0 there is nothing left to drop, -errno. Any worker or the committer; takes a while. */
int prune_make_room(Engine *engine);

/* BASIS_POINTS (hundredths of a percent) of N_BLOCKS, rounded down. Pure. */
uint64_t prune_share(uint64_t n_blocks, unsigned basis_points);
