#pragma once

/* Retiring: what left the replica and is no version is unlinked. Files go at once in the committer;
 * whole directories are handed to a thread of their own, so that removing a large tree
 * holds nothing up.
 *
 * The queue of directories is filled by the committer and drained by the retirer; it holds one
 * small name per removed directory, and the committer waits when RETIRE_QUEUE_MAX are in it. */

#include "sync/engine-internal.h"

enum { RETIRE_QUEUE_MAX = 4096 };

typedef struct Retire Retire;

int retire_start(Engine *engine);
/* Finishes what is queued, then ends the thread. */
void retire_stop(Engine *engine);

/* Disposes of what ITEM displaced, which lies in the staging directory under item->stage. */
int retire_item(Engine *engine, const Item *item);

/* The same for an entry of the staging directory that no item speaks of. */
int retire_staged(Engine *engine, const char *stage, bool is_directory);

/* Waits until everything that was handed over is gone. */
void retire_drain(Engine *engine);
