#pragma once

/* Questions to a dirty set that change nothing in it. They go through all of it, so they are for
 * when somebody asks and not for every event. */

#include "watch/dirty.h"

/* Whether something waits that was noted at TIME or before, or that fell due again by then after a
 * failure. What failed and is put off until later does not count. */
bool dirty_waits_since(const DirtySet *set, usec_t time);

/* When what has waited longest was first noted, failures left out; USEC_INFINITY: nothing waits. */
usec_t dirty_oldest(const DirtySet *set);

/* The same of what was taken out of it. */
usec_t dirty_batch_oldest(const DirtyBatch *batch);

/* When NAME of NODE is looked at next, by itself or with its directory's listing; *RET_ATTEMPTS
 * (may be NULL): how often it failed. USEC_INFINITY: it is not in the set. */
usec_t dirty_due_of(DirtySet *set, Node *node, const char *name, unsigned *ret_attempts);
