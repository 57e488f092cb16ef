/* The digests that a catalog keeps of its directories; see check_catalog_random.c for all ways to
 * change it at once. */

#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include <sqlite3.h>

#include "basic/macros.h"
#include "test-catalog.h"
#include "test-digests.h"

static Catalog *catalog;
static CatalogReader *reader;

static void set_up(void) {
        catalog = test_catalog();
        reader = test_reader(catalog);
}

static void tear_down(void) {
        reader = catalog_reader_close(reader);
        catalog = catalog_close(catalog);
}

static CatalogDigests digests_of(int64_t parent, const char *name) {
        CatalogDigests digests;

        TEST_OK(catalog_reader_digests(reader, parent, name, &digests));
        return digests;
}

static CatalogDigests root(void) {
        return digests_of(CATALOG_NO_DIRECTORY, "");
}

static bool same(const Hash *a, const Hash *b) {
        return memcmp(a, b, sizeof *a) == 0;
}

static bool changed(CatalogDigests *before) {
        CatalogDigests now = root();
        bool source = !same(&before->source, &now.source);

        ck_assert(source == !same(&before->replica, &now.replica));
        *before = now;
        return source;
}

/* Both sides are as they should be. */
static CatalogRow equal_row(int64_t parent, const char *name, uint64_t seed) {
        CatalogRow row = test_row(parent, name, seed);

        row.replica = row.source;
        row.replica.inode++, row.replica.ctime++, row.replica.btime++;
        return row;
}

static CatalogRow equal_directory(int64_t parent, const char *name, int64_t id) {
        CatalogRow row = equal_row(parent, name, 1);

        row.directory_id = id;
        row.source.mode = row.replica.mode = S_IFDIR | 0755;
        row.source.rdev = row.replica.rdev = 0;
        return row;
}

static void put(CatalogRow row) {
        test_put(catalog, &row);
}

static void put_root(void) {
        put(equal_directory(CATALOG_NO_DIRECTORY, "", CATALOG_ROOT));
}

/* root/a/b/c with ids from FIRST on, and a file in each. */
static void put_tree(int64_t first) {
        put_root();
        put(equal_directory(CATALOG_ROOT, "a", first));
        put(equal_directory(first, "b", first + 1));
        put(equal_directory(first + 1, "c", first + 2));
        for (int64_t id = first; id < first + 3; id++)
                put(equal_row(id, "file", (uint64_t) (id - first)));
}

START_TEST(equal_sides_have_equal_digests) {
        CatalogDigests digests;
        CatalogRow row;

        put_tree(100);
        digests = root();
        ck_assert(same(&digests.source, &digests.replica));

        row = equal_row(102, "file", 2);
        row.replica.mode ^= 1;
        put(row);
        digests = root();
        ck_assert(!same(&digests.source, &digests.replica));
        digests = digests_of(100, "b");
        ck_assert(!same(&digests.source, &digests.replica));
        digests = digests_of(100, "file");
        ck_assert(same(&digests.source, &digests.replica));

        row.replica.mode ^= 1;
        put(row);
        digests = root();
        ck_assert(same(&digests.source, &digests.replica));
}
END_TEST

START_TEST(other_order_and_ids) {
        CatalogDigests one, two;

        put_tree(100);
        one = root();
        tear_down();
        TEST_SYS(unlinkat(test_fd, "catalog.db", 0));
        set_up();

        /* From below, with an intruder that goes again. */
        put(equal_row(7002, "file", 2));
        put(equal_row(7002, "intruder", 3));
        put(equal_directory(7001, "c", 7002));
        put(equal_row(60, "file", 0));
        put(equal_directory(60, "b", 7001));
        put(equal_row(7001, "file", 1));
        put(equal_directory(CATALOG_ROOT, "a", 60));
        put_root();
        two = root();
        ck_assert(!same(&one.source, &two.source));
        TEST_OK(catalog_begin(catalog));
        TEST_OK(catalog_delete(catalog, 7002, "intruder"));
        TEST_OK(catalog_commit(catalog));
        two = root();
        ck_assert(same(&one.source, &two.source));
        ck_assert(same(&one.replica, &two.replica));
}
END_TEST

START_TEST(every_change_reaches_the_root) {
        CatalogDigests digests;
        Stamp stamp;

        put_tree(100);
        digests = root();
        put(equal_row(102, "another", 9));
        ck_assert(changed(&digests));
        put(equal_row(102, "another", 10));
        ck_assert(changed(&digests));
        put(equal_directory(102, "empty", 500));
        ck_assert(changed(&digests));

        stamp = equal_row(0, "", 77).source;
        TEST_OK(catalog_begin(catalog));
        TEST_OK(catalog_set_stamps(catalog, (CatalogPlace) { 102, "file" }, &stamp, &stamp));
        TEST_OK(catalog_commit(catalog));
        ck_assert(changed(&digests));

        TEST_OK(catalog_begin(catalog));
        TEST_OK(catalog_delete(catalog, 102, "another"));
        TEST_OK(catalog_commit(catalog));
        ck_assert(changed(&digests));

        TEST_OK(catalog_begin(catalog));
        ck_assert_int_eq(catalog_delete_subtree(catalog, 101, 2), 2);
        TEST_OK(catalog_commit(catalog));
        ck_assert(changed(&digests));
}
END_TEST

/* Inodes and times of change are each side's own. */
START_TEST(what_does_not_count) {
        CatalogRow row = equal_row(102, "file", 2);
        CatalogDigests digests;

        put_tree(100);
        digests = root();
        row.source.inode++, row.source.ctime++, row.replica.ctime++, row.flags ^= 1;
        put(row);
        ck_assert(!changed(&digests));
}
END_TEST

START_TEST(directory_times_of_both_sides) {
        CatalogRow row = equal_directory(101, "c", 102);
        CatalogDigests digests;
        Stamp replica = row.replica;

        put_tree(100);
        digests = root();
        replica.mtime += 5, replica.ctime += 5;
        TEST_OK(catalog_begin(catalog));
        TEST_OK(catalog_set_directory_replica(catalog, 102, &replica));
        TEST_OK(catalog_commit(catalog));
        ck_assert(changed(&digests));
        ck_assert(same(&digests.source, &digests.replica));
        row.source.mtime += 5;
        row.replica = replica;
        test_expect_row(reader, &row);
}
END_TEST

START_TEST(directory_moves) {
        CatalogDigests there, before, now;
        CatalogRow row = equal_directory(101, "c", 102);

        put_tree(100);
        before = root();
        there = digests_of(101, "c");
        TEST_OK(catalog_begin(catalog));
        TEST_OK(catalog_delete(catalog, 101, "c"));
        row.parent = CATALOG_ROOT;
        TEST_OK(catalog_put(catalog, &row));
        TEST_OK(catalog_commit(catalog));
        now = digests_of(CATALOG_ROOT, "c");
        ck_assert(same(&there.source, &now.source));
        ck_assert(changed(&before));

        /* Two become each other's, and for a moment there is a ring. */
        put_tree(100);
        before = root();
        TEST_OK(catalog_begin(catalog));
        row = equal_directory(102, "b", 101);
        TEST_OK(catalog_put(catalog, &row));
        TEST_OK(catalog_delete(catalog, 100, "b"));
        row = equal_directory(100, "c", 102);
        TEST_OK(catalog_put(catalog, &row));
        TEST_OK(catalog_delete(catalog, 101, "c"));
        TEST_OK(catalog_commit(catalog));
        ck_assert(changed(&before));
        ck_assert(catalog_has_digests(catalog));
}
END_TEST

/* As when a batch is committed in parts. */
START_TEST(ring_that_is_committed) {
        CatalogDigests before, digests;
        CatalogRow row;

        put_tree(100);
        before = root();
        TEST_OK(catalog_begin(catalog));
        row = equal_directory(102, "b", 101);
        TEST_OK(catalog_put(catalog, &row));
        TEST_OK(catalog_delete(catalog, 100, "b"));
        TEST_OK(catalog_commit(catalog));
        ck_assert(!catalog_has_digests(catalog));
        ck_assert_int_eq(catalog_reader_digests(reader, 0, "", &digests), -ENODATA);

        TEST_OK(catalog_begin(catalog));
        TEST_OK(catalog_delete(catalog, 102, "b"));
        TEST_OK(catalog_delete(catalog, 101, "c"));
        row = equal_directory(100, "b", 101);
        TEST_OK(catalog_put(catalog, &row));
        row = equal_directory(101, "c", 102);
        TEST_OK(catalog_put(catalog, &row));
        TEST_OK(catalog_commit(catalog));
        ck_assert(catalog_has_digests(catalog));
        ck_assert(!changed(&before));
}
END_TEST

START_TEST(rolled_back) {
        CatalogDigests before;
        CatalogRow row;

        put_tree(100);
        before = root();
        TEST_OK(catalog_begin(catalog));
        row = equal_row(102, "gone with it", 3);
        TEST_OK(catalog_put(catalog, &row));
        TEST_OK(catalog_rollback(catalog));
        ck_assert(!changed(&before));
        put(equal_row(101, "other", 3));
        ck_assert(changed(&before));
        TEST_OK(catalog_begin(catalog));
        TEST_OK(catalog_delete(catalog, 101, "other"));
        TEST_OK(catalog_commit(catalog));
        put_tree(100);
}
END_TEST

/* More directories in one transaction than are gathered at a time. */
static void put_many(void) {
        enum { N = 3000 };

        put_root();
        TEST_OK(catalog_begin(catalog));
        for (int i = 0; i < N; i++) {
                char name[16];
                CatalogRow row;

                test_name(i, name);
                row = equal_row(1000 + i, "file", (uint64_t) i);
                TEST_OK(catalog_put(catalog, &row));
                row = equal_directory(i < 10 ? CATALOG_ROOT : 1000 + i / 10, name, 1000 + i);
                TEST_OK(catalog_put(catalog, &row));
        }
        TEST_OK(catalog_commit(catalog));
}

/* Of a chain of directories each is counted in once, whatever their order. */
START_TEST(deep) {
        enum { N = 300 };
        CatalogDigests before, now;
        CatalogRow row;

        put_root();
        TEST_OK(catalog_begin(catalog));
        for (int i = 0; i < N; i++) {
                int k = i * 7 % N; /* each once */

                row = equal_directory(k == 0 ? CATALOG_ROOT : 1000 + k - 1, "d", 1000 + k);
                TEST_OK(catalog_put(catalog, &row));
        }
        row = equal_row(1000 + N - 1, "file", 1);
        TEST_OK(catalog_put(catalog, &row));
        TEST_OK(catalog_commit(catalog));
        ck_assert(catalog_has_digests(catalog));
        before = root();
        TEST_OK(catalog_begin(catalog));
        TEST_OK(catalog_delete(catalog, 1000 + N - 1, "file"));
        TEST_OK(catalog_commit(catalog));
        ck_assert(changed(&before));
        row = equal_directory(CATALOG_NO_DIRECTORY, "", CATALOG_ROOT);
        test_expect_digests(reader, &row);
        now = root();
        ck_assert(same(&now.source, &now.replica));
}
END_TEST

static void execute(const char *text) {
        sqlite3 *db;

        ck_assert_int_eq(sqlite3_open(test_catalog_path("catalog.db"), &db), SQLITE_OK);
        ck_assert_int_eq(sqlite3_exec(db, text, NULL, NULL, NULL), SQLITE_OK);
        ck_assert_int_eq(sqlite3_close(db), SQLITE_OK);
}

START_TEST(made_before_there_were_any) {
        CatalogDigests before, digests;

        put_many();
        before = root();
        ck_assert(same(&before.source, &before.replica));
        ck_assert_int_eq(catalog_complete_digests(catalog), 0);
        tear_down();
        execute(TEST_CATALOG_DOWNGRADE);
        set_up();
        ck_assert(!catalog_has_digests(catalog));
        ck_assert_int_eq(catalog_reader_digests(reader, 0, "", &digests), -ENODATA);
        put(equal_row(CATALOG_ROOT, "later", 1));

        ck_assert_int_eq(catalog_complete_digests(catalog), 1);
        ck_assert(catalog_has_digests(catalog));
        ck_assert(changed(&before));
        TEST_OK(catalog_begin(catalog));
        TEST_OK(catalog_delete(catalog, CATALOG_ROOT, "later"));
        TEST_OK(catalog_commit(catalog));
        tear_down();
        set_up();
        ck_assert(catalog_has_digests(catalog));
        before = root();
        put_many();
        ck_assert(!changed(&before));
}
END_TEST

START_TEST(nothing_is_left_of_what_is_gone) {
        CatalogDigests before, now;
        sqlite3_stmt *statement;
        sqlite3 *db;

        put_root();
        before = root();
        put_many();
        TEST_OK(catalog_begin(catalog));
        ck_assert_int_gt(catalog_delete_subtree(catalog, CATALOG_ROOT, 1 << 20), 5000);
        TEST_OK(catalog_commit(catalog));
        now = root();
        ck_assert(same(&before.source, &now.source));
        tear_down();
        ck_assert_int_eq(sqlite3_open(test_catalog_path("catalog.db"), &db), SQLITE_OK);
        ck_assert_int_eq(sqlite3_prepare_v2(db, "SELECT 1 FROM digest", -1, &statement, NULL),
                         SQLITE_OK);
        ck_assert_int_eq(sqlite3_step(statement), SQLITE_DONE);
        ck_assert_int_eq(sqlite3_finalize(statement), SQLITE_OK);
        ck_assert_int_eq(sqlite3_close(db), SQLITE_OK);
        set_up();
}
END_TEST

START_TEST(no_such_row) {
        CatalogDigests digests;

        ck_assert_int_eq(catalog_reader_digests(reader, 0, "", &digests), -ENOENT);
}
END_TEST

int main(void) {
        TCase *tests;
        Suite *suite = test_fs_suite("digests of the catalog", &tests);

        tcase_add_checked_fixture(tests, set_up, tear_down);
        tcase_add_test(tests, equal_sides_have_equal_digests);
        tcase_add_test(tests, other_order_and_ids);
        tcase_add_test(tests, every_change_reaches_the_root);
        tcase_add_test(tests, what_does_not_count);
        tcase_add_test(tests, directory_times_of_both_sides);
        tcase_add_test(tests, directory_moves);
        tcase_add_test(tests, ring_that_is_committed);
        tcase_add_test(tests, rolled_back);
        tcase_add_test(tests, deep);
        tcase_add_test(tests, made_before_there_were_any);
        tcase_add_test(tests, nothing_is_left_of_what_is_gone);
        tcase_add_test(tests, no_such_row);
        return test_fs_run(suite);
}
