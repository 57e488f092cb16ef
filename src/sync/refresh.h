#pragma once

/* Links made and unlinked by us move the ctime and the link count of an inode that other names of
 * the replica share; their rows learn it here, so that they do not look tampered with. */

#include "sync/batch.h"
#include "sync/engine-internal.h"

/* For all groups that the committed LIST touched. Called by the committer. */
void refresh_links(Engine *engine, const ItemList *list);

/* Whether NOW differs from KNOWN by nothing that linking and unlinking other names does not
 * explain. Only that is taken over; anything else is left for the next look to judge. */
bool link_explains(const Stamp *known, const Stamp *now);
