#pragma once

/* What is known of one path: both sides as they are now, and the catalog's row. Looks only, at the
 * entry itself and no other; changes nothing. */

#include "fs/entry.h"
#include "state/catalog.h"
#include "sync/engine.h"

typedef struct Explanation {
        int source_error, replica_error; /* 0, -ENOENT: nothing is there, -errno */
        Entry source, replica;
        int catalog_error; /* 0, -ENOENT: the catalog does not know it, -errno */
        CatalogRow row;
} Explanation;

#define EXPLANATION_NULL ((Explanation) {})
void explanation_done(Explanation *explanation);

/* The roots of both sides as they are configured; copies, since the configuration may be exchanged
 * while somebody looks. */
typedef struct ExplainRoots {
        char *source, *replica; /* owned */
} ExplainRoots;

/* PATH is relative to the roots, "" for themselves. May wait for disks: for a thread of its own. 0;
 * -EINVAL when PATH is none, -ENOMEM. */
int engine_explain(Engine *engine, const ExplainRoots *roots, const char *path, Explanation *ret);

/* Whether PATH is what engine_explain() takes. Pure. */
bool explain_path_is_valid(const char *path);
