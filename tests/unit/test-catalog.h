#pragma once

/* What the suites of the catalog and the store share, on top of the directory that test-fs.h gives
 * each test. */

#include "state/catalog.h"
#include "test-fs.h"

/* Makes a catalog, closed, what an earlier version would have left. */
#define TEST_CATALOG_DOWNGRADE                                         \
        "DROP INDEX entry_by_verified; DROP INDEX entry_by_damage;"    \
        "ALTER TABLE entry DROP COLUMN verified;"                      \
        "DROP TABLE digest; DELETE FROM fact WHERE key = \"digests\";" \
        "PRAGMA user_version = 1"

/* The absolute path of NAME in the test's directory, from a small ring of buffers. */
const char *test_catalog_path(const char *name);

/* Opens "catalog.db" in the test's directory. */
Catalog *test_catalog(void);
CatalogReader *test_reader(const Catalog *catalog);

/* A row all of whose values follow from SEED; NAME is borrowed, so the row is not to be released.
 */
CatalogRow test_row(int64_t parent, const char *name, uint64_t seed);
/* The same for a directory. */
CatalogRow test_directory_row(int64_t parent, const char *name, int64_t directory_id);

void test_put(Catalog *catalog, const CatalogRow *row);
/* Puts N rows "00000", "00001", … into directory PARENT in one transaction. */
void test_put_many(Catalog *catalog, int64_t parent, int n);
void test_name(int i, char buffer[16]);

void test_assert_rows_equal(const CatalogRow *a, const CatalogRow *b);
/* Expects the row at its place, or none at PLACE. */
void test_expect_row(CatalogReader *reader, const CatalogRow *row);
void test_expect_none(CatalogReader *reader, int64_t parent, const char *name);
int64_t test_count(CatalogReader *reader);
