#pragma once

/* Digests computed afresh from a catalog's rows, by its reader alone. */

#include "state/catalog.h"

/* Expects those that the catalog keeps of ROW to be right. */
void test_expect_digests(CatalogReader *reader, const CatalogRow *row);
/* Expects those of the root to be right, and both sides to be equal. */
void test_expect_identical(const Catalog *catalog);
