#pragma once

/* Whether a replica is what it promises to be: an exact copy of its source, as seen by plain system
 * calls, and told of truly by the catalog. */

#include "state/catalog.h"

/* Compares the trees SOURCE and REPLICA (absolute paths): names, types, contents, modes, owners,
 * times to the nanosecond, targets, device numbers, attributes and hard-link groups. With CATALOG,
 * each entry must besides have a row with the stamps of both sides and, for regular files, the
 * content's hash. Fails the test with the path of the first difference. Returns the number of
 * entries, the roots included. */
int64_t test_expect_mirrored(const char *source, const char *replica, const Catalog *catalog);
