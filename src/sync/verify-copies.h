#pragma once

/* Integrity.VerifyCopies: what was just written is read back from the medium and held against the
 * hash of what was read from the source, after it was flushed and before it gets its name. The
 * committer's alone. Logs. */

#include "sync/engine-internal.h"

/* Of all copies in LIST; one that reads back differently, twice, fails and leaves nothing in
 * staging. */
void verify_copies(Engine *engine, ItemList *list);
void verify_copies_free(Engine *engine);
