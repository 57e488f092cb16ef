#include <errno.h>
#include <string.h>

#include "basic/macros.h"
#include "test-catalog.h"

enum { TOP = 100 };

static int64_t delete_all(Catalog *catalog, int64_t limit, int *ret_steps) {
        int64_t n, n_all = 0;

        *ret_steps = 0;
        do {
                TEST_OK(catalog_begin(catalog));
                n = TEST_OK(catalog_delete_subtree(catalog, TOP, limit));
                TEST_OK(catalog_commit(catalog));
                ck_assert_int_le(n, limit);
                n_all += n;
                (*ret_steps)++;
        } while (n == limit);
        return n_all;
}

START_TEST(nothing_below) {
        CatalogRow row = test_directory_row(CATALOG_ROOT, "top", TOP);
        Catalog *catalog = test_catalog();
        CatalogReader *reader = test_reader(catalog);
        int n_steps;

        test_put(catalog, &row);
        ck_assert_int_eq(delete_all(catalog, 10, &n_steps), 0);
        test_expect_row(reader, &row);
        catalog_reader_close(reader);
        catalog_close(catalog);
}
END_TEST

/* Rows below a directory that has no row: found one directory after the other. */
START_TEST(orphans) {
        CatalogRow rows[] = {
                test_row(CATALOG_ROOT, "file", 1),
                test_row(CATALOG_PARKED, "parked", 2),
                test_directory_row(CATALOG_ROOT, "top", TOP),
                test_row(TOP, "kept", 3),
                test_row(TOP + 1, "left", 4),
                test_row(TOP + 1, "left too", 5),
                test_directory_row(TOP + 3, "left", TOP + 4),
                test_row(TOP + 4, "below one that is left", 6),
        };
        Catalog *catalog = test_catalog();
        int64_t id = 0;

        ck_assert_int_eq(catalog_next_orphan(catalog, id, &id), -ENOENT);
        for (size_t i = 0; i < ELEMENTSOF(rows); i++)
                test_put(catalog, &rows[i]);
        TEST_OK(catalog_next_orphan(catalog, id, &id));
        ck_assert_int_eq(id, TOP + 1);
        TEST_OK(catalog_next_orphan(catalog, id, &id));
        ck_assert_int_eq(id, TOP + 3);
        ck_assert_int_eq(catalog_next_orphan(catalog, id, &id), -ENOENT);
        catalog_close(catalog);
}
END_TEST

/* A directory of that many files and directories of files, beside others that must stay. */
static int64_t make_wide(Catalog *catalog, int n_files, int n_directories, int n_each) {
        TEST_OK(catalog_begin(catalog));
        for (int i = 0; i < n_directories; i++) {
                char name[16];
                CatalogRow row;

                test_name(i * 2, name);
                row = test_directory_row(TOP, name, TOP + 1 + i);
                TEST_OK(catalog_put(catalog, &row));
        }
        for (int i = 0; i < n_files; i++) {
                char name[16];
                CatalogRow row;

                test_name(i * 2 + 1, name);
                row = test_row(TOP, name, (uint64_t) i);
                TEST_OK(catalog_put(catalog, &row));
        }
        TEST_OK(catalog_commit(catalog));
        for (int i = 0; i < n_directories; i++)
                test_put_many(catalog, TOP + 1 + i, n_each);
        return n_files + (int64_t) n_directories * (1 + n_each);
}

typedef struct WideCase {
        int n_files, n_directories, n_each;
        int64_t limit;
} WideCase;

static const WideCase wide_cases[] = {
        { 1, 0, 0, 1 },         { 0, 1, 0, 1 },         { 0, 1, 1, 1 },    { 5, 5, 5, 1 },
        { 2000, 0, 0, 100 },    { 2000, 2000, 0, 512 }, { 0, 2000, 0, 7 }, { 100, 100, 10, 33 },
        { 600, 600, 1, 10000 }, { 3, 20, 700, 4096 },
};

START_TEST(wide) {
        const WideCase *c = &wide_cases[_i];
        CatalogRow top = test_directory_row(CATALOG_ROOT, "top", TOP);
        Catalog *catalog = test_catalog();
        CatalogReader *reader = test_reader(catalog);
        int64_t n_expected;
        int n_steps;

        test_put(catalog, &top);
        test_put_many(catalog, TOP - 1, 10);
        test_put_many(catalog, 1000000, 10);
        n_expected = make_wide(catalog, c->n_files, c->n_directories, c->n_each);
        ck_assert_int_eq(delete_all(catalog, c->limit, &n_steps), n_expected);
        ck_assert_int_eq(n_steps, n_expected / c->limit + 1);
        ck_assert_int_eq(test_count(reader), 21);
        test_expect_row(reader, &top);
        catalog_reader_close(reader);
        catalog_close(catalog);
}
END_TEST

/* Between two steps, and so after a crash there, no row hangs where it cannot be found. */
START_TEST(leaves_first) {
        Catalog *catalog = test_catalog();
        CatalogReader *reader = test_reader(catalog);
        CatalogRow row = CATALOG_ROW_NULL;
        int64_t n;

        (void) make_wide(catalog, 20, 20, 20);
        do {
                TEST_OK(catalog_begin(catalog));
                n = TEST_OK(catalog_delete_subtree(catalog, TOP, 7));
                TEST_OK(catalog_commit(catalog));
                for (int i = 0; i < 20; i++) {
                        int m = TEST_OK(catalog_reader_list(reader, TOP + 1 + i, "", &row, 1));

                        if (m > 0)
                                TEST_OK(catalog_reader_by_directory(reader, TOP + 1 + i, &row));
                }
        } while (n > 0);
        ck_assert_int_eq(test_count(reader), 0);
        catalog_row_done(&row);
        catalog_reader_close(reader);
        catalog_close(catalog);
}
END_TEST

START_TEST(deep) {
        enum { N_LEVELS = 5000 };
        Catalog *catalog = test_catalog();
        CatalogReader *reader = test_reader(catalog);
        int n_steps;

        TEST_OK(catalog_begin(catalog));
        for (int i = 0; i < N_LEVELS; i++) {
                CatalogRow row = test_directory_row(TOP + i, "d", TOP + i + 1);

                TEST_OK(catalog_put(catalog, &row));
        }
        TEST_OK(catalog_commit(catalog));
        ck_assert_int_eq(delete_all(catalog, 1000, &n_steps), N_LEVELS);
        ck_assert_int_eq(test_count(reader), 0);
        catalog_reader_close(reader);
        catalog_close(catalog);
}
END_TEST

/* Directories that hold each other are damage, which is noticed and told to the next opening. */
START_TEST(ring) {
        CatalogRow a = test_directory_row(TOP, "a", TOP + 1),
                   b = test_directory_row(TOP + 1, "b", TOP + 2),
                   c = test_directory_row(TOP + 2, "c", TOP + 1);
        Catalog *catalog = test_catalog();

        test_put(catalog, &a);
        test_put(catalog, &b);
        test_put(catalog, &c);
        TEST_OK(catalog_begin(catalog));
        ck_assert_int_eq(catalog_delete_subtree(catalog, TOP, 1000), -EBADMSG);
        ck_assert_int_eq(catalog_put(catalog, &a), -EBADMSG);
        ck_assert_int_eq(catalog_commit(catalog), -EBADMSG);
        TEST_OK(catalog_rollback(catalog));
        catalog_close(catalog);
        ck_assert_int_eq(catalog_open(test_catalog_path("catalog.db"), &catalog), -EBADMSG);
}
END_TEST

int main(void) {
        TCase *tests;
        Suite *suite = test_fs_suite("subtrees of the catalog", &tests);

        tcase_add_test(tests, nothing_below);
        tcase_add_test(tests, orphans);
        tcase_add_loop_test(tests, wide, 0, ELEMENTSOF(wide_cases));
        tcase_add_test(tests, leaves_first);
        tcase_add_test(tests, deep);
        tcase_add_test(tests, ring);
        return test_fs_run(suite);
}
