/* Which files were read back when: the order in which they come, and what is known of all of them.
 */

#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "basic/macros.h"
#include "test-catalog.h"

enum { N_MAX = 64 };

static CatalogRow file_row(const char *name, uint64_t inode, int64_t verified) {
        CatalogRow row = test_row(20, name, inode);

        row.directory_id = 0;
        row.source.inode = inode;
        row.replica.inode = inode + 1000;
        row.source.mode = row.replica.mode = S_IFREG | 0644;
        row.source.size = row.replica.size = 10;
        row.file_system = 1;
        row.flags = 0;
        row.has_hash = verified >= 0;
        row.verified = verified;
        return row;
}

/* The names that come, in order. */
static const char *in_order(CatalogReader *reader, int64_t before, int chunk) {
        static char text[1024];
        CatalogRow rows[N_MAX] = {}, after = { .verified = INT64_MIN };
        int n;

        text[0] = '\0';
        while ((n = TEST_OK(catalog_reader_unverified(reader, &after, before, rows, chunk))) > 0) {
                for (int i = 0; i < n; i++)
                        (void) snprintf(text + strlen(text), sizeof text - strlen(text), "%s ",
                                        rows[i].name);
                after = rows[n - 1];
                if (n < chunk)
                        break;
        }
        for (int i = 0; i < N_MAX; i++)
                catalog_row_done(&rows[i]);
        return text;
}

static Catalog *make(void) {
        Catalog *catalog = test_catalog();
        const CatalogRow rows[] = {
                file_row("c", 1, 300),   file_row("a", 2, 100), file_row("new", 3, 0),
                file_row("bare", 4, -1), file_row("b", 5, 100), file_row("older", 6, 50),
        };
        CatalogRow directory = test_directory_row(20, "directory", 33);

        for (size_t i = 0; i < ELEMENTSOF(rows); i++)
                test_put(catalog, &rows[i]);
        test_put(catalog, &directory);
        return catalog;
}

START_TEST(oldest_first) {
        Catalog *catalog = make();
        CatalogReader *reader = test_reader(catalog);

        for (int chunk = 1; chunk < 9; chunk++) {
                ck_assert_str_eq(in_order(reader, INT64_MAX, chunk), "bare new older a b c ");
                ck_assert_str_eq(in_order(reader, 300, chunk), "bare new older a b ");
                ck_assert_str_eq(in_order(reader, 0, chunk), "bare ");
        }
        catalog_reader_close(reader);
        catalog_close(catalog);
}
END_TEST

static void set(Catalog *catalog, uint64_t inode, const Hash *hash, unsigned flags, int64_t at) {
        CatalogRow row = file_row("", inode, 0);

        TEST_OK(catalog_begin(catalog));
        TEST_OK(catalog_set_verified(catalog, &(const CatalogVerified) {
                                                      .file_system = row.file_system,
                                                      .source_inode = inode,
                                                      .replica_inode = row.replica.inode,
                                                      .source_ctime = row.source.ctime,
                                                      .hash = hash,
                                                      .flags = flags,
                                                      .verified = at,
                                              }));
        TEST_OK(catalog_commit(catalog));
}

START_TEST(what_was_read) {
        Catalog *catalog = make();
        CatalogReader *reader = test_reader(catalog);
        CatalogRow row = CATALOG_ROW_NULL;
        Hash hash = { { 7 } };

        set(catalog, 4, &hash, 0, 400);
        set(catalog, 6, NULL, CATALOG_SOURCE_ROTTEN, 500);
        ck_assert_str_eq(in_order(reader, INT64_MAX, 3), "new a b c bare older ");
        TEST_OK(catalog_reader_get(reader, 20, "bare", &row));
        ck_assert(row.has_hash);
        ck_assert_mem_eq(&row.hash, &hash, sizeof hash);
        TEST_OK(catalog_reader_get(reader, 20, "older", &row));
        ck_assert_uint_eq(row.flags, CATALOG_SOURCE_ROTTEN);
        ck_assert(row.has_hash);
        catalog_row_done(&row);
        catalog_reader_close(reader);
        catalog_close(catalog);
}
END_TEST

/* A row that was replaced meanwhile is of another file, or of another state of it. */
START_TEST(only_what_was_read) {
        Catalog *catalog = make();
        CatalogReader *reader = test_reader(catalog);
        CatalogRow changed = file_row("a", 2, 0), healed = file_row("b", 5, 0);

        changed.source.ctime++;
        healed.replica.inode++;
        test_put(catalog, &changed);
        test_put(catalog, &healed);
        set(catalog, 2, NULL, CATALOG_SOURCE_ROTTEN, 900);
        set(catalog, 5, NULL, CATALOG_SOURCE_ROTTEN, 900);
        test_expect_row(reader, &changed);
        test_expect_row(reader, &healed);
        catalog_reader_close(reader);
        catalog_close(catalog);
}
END_TEST

START_TEST(coverage) {
        Catalog *catalog = make();
        CatalogReader *reader = test_reader(catalog);
        CatalogCoverage c;
        CatalogRow rows[N_MAX] = {};

        TEST_OK(catalog_reader_coverage(reader, 100, &c));
        ck_assert_uint_eq(c.n_files, 6);
        ck_assert_uint_eq(c.n_bytes, 60);
        ck_assert_uint_eq(c.n_without_hash, 1);
        ck_assert_uint_eq(c.n_never, 1);
        ck_assert_uint_eq(c.n_since, 3);
        ck_assert_int_eq(c.oldest, 50);
        ck_assert_uint_eq(c.n_damaged, 0);
        set(catalog, 6, NULL, CATALOG_SOURCE_ROTTEN, 500);
        set(catalog, 5, NULL, CATALOG_REPLICA_ROTTEN, 500);
        TEST_OK(catalog_reader_coverage(reader, 100, &c));
        ck_assert_uint_eq(c.n_damaged, 2);
        ck_assert_int_eq(catalog_reader_damaged(reader, (CatalogPlace) { INT64_MIN, "" }, rows, 9),
                         2);
        ck_assert_str_eq(rows[0].name, "b");
        ck_assert_str_eq(rows[1].name, "older");
        ck_assert_int_eq(catalog_reader_damaged(reader, (CatalogPlace) { 20, "b" }, rows, 9), 1);
        for (int i = 0; i < N_MAX; i++)
                catalog_row_done(&rows[i]);
        catalog_reader_close(reader);
        catalog_close(catalog);
}
END_TEST

START_TEST(empty) {
        Catalog *catalog = test_catalog();
        CatalogReader *reader = test_reader(catalog);
        CatalogCoverage c;

        TEST_OK(catalog_reader_coverage(reader, 100, &c));
        ck_assert_uint_eq(c.n_files + c.n_since + c.n_damaged, 0);
        ck_assert_int_eq(c.oldest, 0);
        catalog_reader_close(reader);
        catalog_close(catalog);
}
END_TEST

/* What an earlier version made is brought up to date when it is opened. */
START_TEST(upgrade) {
        char path[128], command[512];
        CatalogReader *reader;
        Catalog *catalog = make();

        catalog_close(catalog);
        (void) snprintf(path, sizeof path, "%s/catalog.db", test_path);
        (void) snprintf(command, sizeof command, "sqlite3 '%s' '%s'", path, TEST_CATALOG_DOWNGRADE);
        if (system("command -v sqlite3 >/dev/null") != 0) {
                test_skip("sqlite3 is not installed");
                return;
        }
        ck_assert_int_eq(system(command), 0);
        catalog = test_catalog();
        reader = test_reader(catalog);
        ck_assert_str_eq(in_order(reader, INT64_MAX, 4), "bare a b c new older ");
        catalog_reader_close(reader);
        catalog_close(catalog);
}
END_TEST

int main(void) {
        TCase *tcase;
        Suite *suite = test_fs_suite("catalog-verified", &tcase);

        tcase_add_test(tcase, oldest_first);
        tcase_add_test(tcase, what_was_read);
        tcase_add_test(tcase, only_what_was_read);
        tcase_add_test(tcase, coverage);
        tcase_add_test(tcase, empty);
        tcase_add_test(tcase, upgrade);
        return test_fs_run(suite);
}
