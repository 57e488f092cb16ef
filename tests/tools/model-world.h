#pragma once

/* Both sides of a pair as directories below one, and what somebody does to them. */

#include "model-step.h"
#include "model-trees.h"
#include "model-util.h"

typedef struct World {
        char root[256]; /* the directory that holds everything */
        char sides[_MODEL_SIDE_MAX][320];
        char out[320];   /* a directory of neither side, on the same file system */
        char state[320]; /* $STATE_DIRECTORY of the daemon */
} World;

/* Makes an empty world at ROOT, which is removed first if it is there. */
void world_make(World *world, const char *root);
void world_remove(const World *world);

/* Does STEP, one of somebody's. 0, or -errno when there is nothing it could act upon. */
int world_act(const World *world, const Step *step);

/* Draws steps of somebody's until one finds something to act upon, does it and returns it.
 * NEXT_VALUE gives out what is written. */
Step world_draw(const World *world, Random *random, ModelSide side, unsigned *next_value);

/* The contents in all stores' versions. */
void world_add_versions(const World *world, ContentSet *set);
/* Those on their way in or out: in the stores, but in no version. */
void world_add_staged(const World *world, ContentSet *set);
/* Whether entries lie in the stores' staging directories, of which TEXT tells one. */
bool world_has_litter(const World *world, char *text, size_t size);
