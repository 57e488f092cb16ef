#pragma once

/* The upkeep of the digests of directories: see digest.h for what they are. Not for users of the
 * catalog.
 *
 * The table digest has for each directory that is not empty the sum over its entries, and the
 * digest of that (digest_content) which its own entry, in its parent's sum, was last counted with.
 * Triggers tell of each row that changes or goes, whoever does it; who adds rows tells of that by
 * itself, which costs half as much. What is told is gathered by directory and counted in at the end
 * of the transaction, from the deepest directory to the root, so that a batch costs its rows and
 * their ancestors.
 */

#include "state/catalog-internal.h"

/* For a connection that is being opened, when the tables are there. 0 or -errno. */
int digests_open(Catalog *catalog);
void digests_close(Catalog *catalog);

/* ROW was added. */
int digests_note_added(Catalog *catalog, const CatalogRow *row);

/* Before a statement of the transaction: keeps what is gathered within bounds. */
int digests_relieve(Catalog *catalog);
/* Before COMMIT, and after ROLLBACK. */
int digests_settle(Catalog *catalog);
void digests_forget(Catalog *catalog);
