#pragma once

/* Keeping: what left the replica becomes a version, right after it was displaced and before its
 * batch is committed, so that at no moment a crash can lose it: the catalog then still tells what
 * lies in staging. The committer's alone, but for the last three. Logs. */

#include "sync/engine-internal.h"

typedef struct Keep Keep;

int keep_new(Engine *engine);
void keep_free(Engine *engine);

/* The time of a new batch's versions (CLOCK_REALTIME microseconds): later than that of the batch
 * before by a millisecond at least, so that both can be told apart by name. */
usec_t keep_time(Engine *engine);

/* Makes what ITEM displaced a version of the time AT (CLOCK_REALTIME microseconds), unless that is
 * not wanted: then it stays in staging, to be retired after the commit. */
void keep_displaced(Engine *engine, Item *item, usec_t at);
/* The batch is over: closes what was held open, and has versions beyond the limits dropped. 0, or
 * -errno when the versions' directories could not be flushed. */
int keep_end_batch(Engine *engine);

/* What is told apart by its path once it has no place any more: a directory that was displaced into
 * staging, known to the catalog as parked. Needs the catalog's mutex and a transaction. */
int keep_remember_path(Engine *engine, const char *stage, const char *path);
void keep_forget_path(Engine *engine, const char *stage);

/* For workers of two-way pairs, who keep copies of what is about to go from the source. */
/* Whether PATH is to get a version of the time *RET_AT now: then it counts as having one. */
bool keep_wants(Engine *engine, const char *path, usec_t *ret_at);
/* Makes STAGE of the staging directory that version. 0, -errno: it got none after all, and STAGE is
 * gone where there was no room. */
int keep_copy(Engine *engine, const char *stage, const char *path, usec_t at);
void keep_wants_not(Engine *engine, const char *path);
/* What was made so is on the disk. 0 or -errno. */
int keep_flush(Engine *engine);
