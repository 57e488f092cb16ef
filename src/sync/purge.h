#pragma once

/* What a removed directory leaves behind in memory and catalog: its nodes and watches, taken out at
 * once, and the rows of everything that was below it, deleted in bounded steps while the committer
 * has nothing else to do. Rows are the committer's alone. */

#include "sync/engine-internal.h"

typedef struct Purge Purge;

int purge_new(Engine *engine);
void purge_free(Engine *engine);

/* Takes NODE and all below it out of the tree and drops their watches. Any thread. */
void purge_node(Engine *engine, Node *node);
/* Queues the rows below DIRECTORY_ID (0: nothing). */
void purge_add(Engine *engine, int64_t directory_id);
/* Queues what an earlier run left behind. */
void purge_find(Engine *engine);
bool purge_is_pending(const Engine *engine);
void purge_step(Engine *engine);
