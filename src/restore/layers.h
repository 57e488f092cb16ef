#pragma once

/* What a path was at a point in time, put together from what there is of it: some times at which
 * something below it left the replica, and the first time at which it left itself, or else the
 * replica. */

#include "restore/pair.h"

/* A layer is the time of a version, or one of these. */
#define LAYER_REPLICA ((usec_t) 0)
#define LAYER_NONE USEC_INFINITY

typedef struct Layers {
        usec_t *frames; /* ascending: times that hold a part of this directory and are over it */
        size_t n_frames;
        usec_t base; /* whole; LAYER_NONE: there is none, only the frames tell of the directory */
} Layers;

#define LAYERS_NULL ((Layers) { .base = LAYER_NONE })
void layers_done(Layers *layers);

/* The pair's root as of AT: all versions that left the replica then or later, above the replica. 0
 * or -ENOMEM. */
int layers_root(const RestorePair *pair, usec_t at, Layers *ret);

/* The layers of PATH, an entry of the directory whose layers PARENT are. *RET_FD is an O_PATH
 * descriptor of what shows: the base, or else the first frame. 1, 0 when there was no such entry,
 * -errno. */
int layers_child(const RestorePair *pair, const Layers *parent, const char *path, Layers *ret,
                 int *ret_fd);

/* An O_PATH descriptor of what shows of PATH, whose layers LAYERS are, or -errno. */
int layers_open(const RestorePair *pair, const Layers *layers, const char *path);

/* Opens PATH in one layer, confined. A descriptor or -errno. */
int layer_open(const RestorePair *pair, usec_t layer, const char *path, int flags);
