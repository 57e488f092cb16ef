#pragma once

/* What can be said of source and replica being the same: the digests of both, as the catalog has
 * them after each batch, and when a full pass last found everything equal. The committer's; others
 * ask by engine_get_proof. Logs at debug level only. */

#include "sync/engine-internal.h"

/* Before the first batch. A catalog that was made before there were digests gets them here. */
void proof_begin(Engine *engine);
/* Rows went that may have been of entries that were kept. */
void proof_count_kept(Engine *engine);
/* LIST was committed: with the end of a full pass, if that is among it. */
void proof_note(Engine *engine, const ItemList *list);
