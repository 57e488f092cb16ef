#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <sqlite3.h>

#include "basic/macros.h"
#include "test-catalog.h"

START_TEST(opened_and_closed) {
        Catalog *catalog;

        ck_assert_int_eq(catalog_open(test_catalog_path("catalog.db"), &catalog), 1);
        ck_assert_ptr_null(catalog_close(catalog));
        ck_assert_int_eq(catalog_open(test_catalog_path("catalog.db"), &catalog), 0);
        catalog_close(catalog);
        ck_assert_ptr_null(catalog_close(NULL));
        ck_assert_ptr_null(catalog_reader_close(NULL));

        /* Nothing is left beside it. */
        ck_assert_int_lt(faccessat(test_fd, "catalog.db-wal", F_OK, 0), 0);
        ck_assert_int_lt(faccessat(test_fd, "catalog.db-shm", F_OK, 0), 0);
}
END_TEST

/* A mapped file would end the process when its disk is gone; what another program left of one is of
 * no use. */
START_TEST(log_index_is_in_memory) {
        const CatalogRow row = test_row(20, "a", 1);
        Catalog *catalog;
        CatalogReader *reader;
        sqlite3 *outside;

        catalog = test_catalog();
        reader = test_reader(catalog);
        test_put(catalog, &row);
        test_expect_row(reader, &row);
        TEST_SYS(faccessat(test_fd, "catalog.db-wal", F_OK, 0));
        ck_assert_int_lt(faccessat(test_fd, "catalog.db-shm", F_OK, 0), 0);
        catalog_reader_close(reader);
        catalog_close(catalog);

        /* Closed, it is anybody's. */
        ck_assert_int_eq(sqlite3_open(test_catalog_path("catalog.db"), &outside), SQLITE_OK);
        ck_assert_int_eq(sqlite3_exec(outside, "SELECT * FROM entry", NULL, NULL, NULL), SQLITE_OK);
        ck_assert_int_eq(sqlite3_close(outside), SQLITE_OK);
}
END_TEST

START_TEST(not_opened) {
        Catalog *catalog = NULL;

        TEST_SYS(mkdirat(test_fd, "directory", 0700));
        TEST_SYS(symlinkat("catalog.db", test_fd, "link"));
        ck_assert_int_eq(catalog_open(test_catalog_path("none/catalog.db"), &catalog), -ENOENT);
        ck_assert_int_lt(catalog_open(test_catalog_path("directory"), &catalog), 0);
        ck_assert_int_eq(catalog_open(test_catalog_path("link"), &catalog), -ELOOP);
        ck_assert_ptr_null(catalog);
        ck_assert_int_lt(faccessat(test_fd, "catalog.db", F_OK, 0), 0);
}
END_TEST

/* The path is taken as it is, so that what leads to the descriptor's directory may change. */
START_TEST(opened_below_descriptor) {
        char name[256], path[64];
        CatalogRow row = test_row(CATALOG_ROOT, "a", 1);
        CatalogReader *reader;
        Catalog *catalog;
        int fd, up;

        /* Much deeper than SQLite's longest path. */
        memset(name, 'x', sizeof name - 1);
        name[sizeof name - 1] = '\0';
        fd = TEST_SYS(dup(test_fd));
        for (int i = 0; i < 20; i++) {
                TEST_SYS(mkdirat(fd, name, 0700));
                up = fd;
                fd = TEST_SYS(openat(up, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC));
                (void) close(up);
        }

        (void) snprintf(path, sizeof path, "/proc/self/fd/%d/catalog.db", fd);
        ck_assert_int_eq(catalog_open(path, &catalog), 1);
        TEST_SYS(renameat(test_fd, name, test_fd, "renamed"));
        test_put(catalog, &row);
        reader = test_reader(catalog);
        test_expect_row(reader, &row);
        catalog_reader_close(reader);
        catalog_close(catalog);
        TEST_SYS(faccessat(fd, "catalog.db", F_OK, 0));
        ck_assert_int_lt(faccessat(fd, "catalog.db-wal", F_OK, 0), 0);
        (void) close(fd);
}
END_TEST

START_TEST(facts) {
        Catalog *catalog = test_catalog();
        char *text = NULL;

        ck_assert_int_eq(catalog_get_fact(catalog, "a", &text), -ENOENT);
        ck_assert_ptr_null(text);
        TEST_OK(catalog_begin(catalog));
        TEST_OK(catalog_set_fact(catalog, "a", "one"));
        TEST_OK(catalog_set_fact(catalog, "a", "two\n'\"\xff"));
        TEST_OK(catalog_set_fact(catalog, "", ""));
        TEST_OK(catalog_get_fact(catalog, "a", &text));
        ck_assert_str_eq(text, "two\n'\"\xff");
        free(text);
        TEST_OK(catalog_commit(catalog));
        catalog_close(catalog);

        catalog = test_catalog();
        TEST_OK(catalog_get_fact(catalog, "a", &text));
        ck_assert_str_eq(text, "two\n'\"\xff");
        free(text);
        TEST_OK(catalog_get_fact(catalog, "", &text));
        ck_assert_str_eq(text, "");
        free(text);
        catalog_close(catalog);
}
END_TEST

START_TEST(file_systems) {
        const FileSystemId ids[] = { { "ext4:uuid=1" }, { "tmpfs:source=x" } };
        Catalog *catalog = test_catalog();
        int64_t numbers[2], again;

        TEST_OK(catalog_begin(catalog));
        for (int i = 0; i < 2; i++)
                TEST_OK(catalog_file_system(catalog, &ids[i], &numbers[i]));
        TEST_OK(catalog_commit(catalog));
        ck_assert_int_ne(numbers[0], numbers[1]);

        for (int i = 0; i < 2; i++) {
                TEST_OK(catalog_file_system(catalog, &ids[i], &again));
                ck_assert_int_eq(again, numbers[i]);
        }
        catalog_close(catalog);
}
END_TEST

START_TEST(transactions) {
        const CatalogRow row = test_row(CATALOG_ROOT, "a", 1);
        Catalog *catalog = test_catalog();
        CatalogReader *reader = test_reader(catalog);

        TEST_OK(catalog_rollback(catalog));
        TEST_OK(catalog_begin(catalog));
        TEST_OK(catalog_put(catalog, &row));
        test_expect_none(reader, CATALOG_ROOT, "a");
        TEST_OK(catalog_rollback(catalog));
        TEST_OK(catalog_rollback(catalog));
        test_expect_none(reader, CATALOG_ROOT, "a");

        test_put(catalog, &row);
        test_expect_row(reader, &row);

        /* What is not committed when the catalog is closed is lost. */
        TEST_OK(catalog_begin(catalog));
        TEST_OK(catalog_delete(catalog, CATALOG_ROOT, "a"));
        catalog_reader_close(reader);
        catalog_close(catalog);
        catalog = test_catalog();
        reader = test_reader(catalog);
        test_expect_row(reader, &row);
        catalog_reader_close(reader);
        catalog_close(catalog);
}
END_TEST

/* Neither does a second writer get in, nor does it wait for ever. */
START_TEST(second_writer) {
        Catalog *first = test_catalog(), *second = test_catalog();

        TEST_OK(catalog_begin(first));
        ck_assert_int_eq(catalog_begin(second), -EBUSY);
        TEST_OK(catalog_rollback(second));
        TEST_OK(catalog_commit(first));
        TEST_OK(catalog_begin(second));
        TEST_OK(catalog_commit(second));
        catalog_close(second);
        catalog_close(first);
}
END_TEST

START_TEST(extremes) {
        static const uint64_t values[] = { 0,          1,
                                           INT64_MAX,  (uint64_t) INT64_MAX + 1,
                                           UINT64_MAX, UINT32_MAX };
        Catalog *catalog = test_catalog();
        CatalogReader *reader = test_reader(catalog);
        CatalogRow found = CATALOG_ROW_NULL;

        for (size_t i = 0; i < ELEMENTSOF(values); i++) {
                const CatalogIdentity identity = { (int64_t) values[i], values[i] };
                const Stamp stamp = {
                        .inode = values[i],
                        .size = values[i],
                        .mtime = (int64_t) values[i],
                        .ctime = INT64_MIN,
                        .btime = INT64_MAX,
                        .rdev = values[i],
                        .mode = UINT32_MAX,
                        .uid = UINT32_MAX,
                        .gid = UINT32_MAX - 1,
                        .n_links = UINT32_MAX,
                };
                const CatalogRow row = {
                        .parent = (int64_t) values[i],
                        .name = (char *) "name",
                        .directory_id = INT64_MAX - (int64_t) i,
                        .file_system = (int64_t) values[i],
                        .source = stamp,
                        .replica = stamp,
                        .flags = 1U << 31,
                };

                test_put(catalog, &row);
                test_expect_row(reader, &row);
                ck_assert_int_eq(catalog_reader_by_identity(reader, identity, 0, &found, 1), 1);
                test_assert_rows_equal(&found, &row);
                TEST_OK(catalog_reader_by_directory(reader, row.directory_id, &found));
                test_assert_rows_equal(&found, &row);
        }
        catalog_row_done(&found);
        catalog_reader_close(reader);
        catalog_close(catalog);
}
END_TEST

/* Any bytes, in the order of strcmp(3). */
START_TEST(names_are_bytes) {
        static const char *const names[] = { "",   "\x01", "\n",   " ",        "%",    "'; DROP",
                                             "0",  "00",   "1",    "A",        "a",    "a\x01",
                                             "aa", "b\\",  "\x7f", "\xc3\xa4", "\xff", "\xff\xff" };
        Catalog *catalog = test_catalog();
        CatalogReader *reader = test_reader(catalog);
        CatalogRow rows[ELEMENTSOF(names)] = {};
        char longest[256];

        memset(longest, 0xfe, sizeof longest - 1);
        longest[sizeof longest - 1] = '\0';
        TEST_OK(catalog_begin(catalog));
        for (size_t i = 0; i < ELEMENTSOF(names); i++) {
                CatalogRow row = test_row(7, names[(i * 7) % ELEMENTSOF(names)], i);

                TEST_OK(catalog_put(catalog, &row));
        }
        TEST_OK(catalog_put(catalog, &(CatalogRow) { .parent = 8, .name = longest }));
        TEST_OK(catalog_commit(catalog));

        /* All but "", which is not greater than itself. */
        ck_assert_int_eq(catalog_reader_list(reader, 7, "", rows, ELEMENTSOF(rows)),
                         ELEMENTSOF(names) - 1);
        for (size_t i = 1; i < ELEMENTSOF(names); i++)
                ck_assert_str_eq(rows[i - 1].name, names[i]);

        ck_assert_int_eq(catalog_reader_list(reader, 7, "A", rows, 2), 2);
        ck_assert_str_eq(rows[0].name, "a");
        ck_assert_str_eq(rows[1].name, "a\x01");
        ck_assert_int_eq(catalog_reader_list(reader, 7, "\xff\xff", rows, 2), 0);
        ck_assert_int_eq(catalog_reader_list(reader, 9, "", rows, 2), 0);
        ck_assert_int_eq(catalog_reader_list(reader, 7, "", rows, 0), 0);
        ck_assert_int_eq(catalog_reader_list(reader, 8, "", rows, 2), 1);
        ck_assert_str_eq(rows[0].name, longest);

        for (size_t i = 0; i < ELEMENTSOF(rows); i++)
                catalog_row_done(&rows[i]);
        catalog_reader_close(reader);
        catalog_close(catalog);
}
END_TEST

START_TEST(listed_in_chunks) {
        enum { N_ROWS = 1000 };
        const int chunk = (int[]) { 1, 3, 64, N_ROWS - 1, N_ROWS, N_ROWS + 1 }[_i];
        Catalog *catalog = test_catalog();
        CatalogReader *reader = test_reader(catalog);
        CatalogRow *rows = calloc((size_t) chunk, sizeof *rows);
        const char *after = "";
        int n, n_seen = 0;

        test_put_many(catalog, 20, N_ROWS);
        test_put_many(catalog, 19, 5);
        test_put_many(catalog, 21, 5);
        do {
                /* The name that ends one chunk is in the memory of the next. */
                n = TEST_OK(catalog_reader_list(reader, 20, after, rows, chunk));
                for (int i = 0; i < n; i++) {
                        char name[16];
                        CatalogRow row;

                        test_name(n_seen, name);
                        row = test_row(20, name, (uint64_t) n_seen++);
                        test_assert_rows_equal(&rows[i], &row);
                }
                if (n > 0)
                        after = rows[n - 1].name;
        } while (n > 0);
        ck_assert_int_eq(n_seen, N_ROWS);

        for (int i = 0; i < chunk; i++)
                catalog_row_done(&rows[i]);
        free(rows);
        catalog_reader_close(reader);
        catalog_close(catalog);
}
END_TEST

/* A row taken out of the array leaves an empty one. */
START_TEST(rows_are_taken) {
        Catalog *catalog = test_catalog();
        CatalogReader *reader = test_reader(catalog);
        CatalogRow rows[4] = {};
        char *name;

        test_put_many(catalog, 20, 4);
        ck_assert_int_eq(catalog_reader_list(reader, 20, "", rows, 4), 4);
        name = TAKE_PTR(rows[1].name);
        ck_assert_int_eq(catalog_reader_list(reader, 20, "00000", rows, 4), 3);
        ck_assert_str_eq(name, "00001");
        ck_assert_str_eq(rows[1].name, "00002");
        free(name);
        for (int i = 0; i < 4; i++)
                catalog_row_done(&rows[i]);
        catalog_reader_close(reader);
        catalog_close(catalog);
}
END_TEST

START_TEST(replaced_by_put) {
        CatalogRow row = test_directory_row(CATALOG_ROOT, "a", 30);
        Catalog *catalog = test_catalog();
        CatalogReader *reader = test_reader(catalog);
        CatalogRow found = CATALOG_ROW_NULL;

        test_put(catalog, &row);
        row = test_row(CATALOG_ROOT, "a", 5);
        test_put(catalog, &row);
        test_expect_row(reader, &row);
        ck_assert_int_eq(test_count(reader), 1);
        ck_assert_int_eq(catalog_reader_by_directory(reader, 30, &found), -ENOENT);
        catalog_row_done(&found);
        catalog_reader_close(reader);
        catalog_close(catalog);
}
END_TEST

START_TEST(stamps_set) {
        CatalogRow row = test_directory_row(20, "a", 30);
        const Stamp source = test_row(0, "", 50).source, replica = test_row(0, "", 60).source,
                    last = test_row(0, "", 70).source;
        const CatalogPlace place = { 20, "a" };
        Catalog *catalog = test_catalog();
        CatalogReader *reader = test_reader(catalog);

        test_put(catalog, &row);
        TEST_OK(catalog_begin(catalog));
        ck_assert_int_eq(catalog_set_stamps(catalog, (CatalogPlace) { 20, "b" }, NULL, &replica),
                         0);
        ck_assert_int_eq(catalog_set_stamps(catalog, place, NULL, &replica), 1);
        TEST_OK(catalog_commit(catalog));
        row.replica = replica;
        test_expect_row(reader, &row);

        TEST_OK(catalog_begin(catalog));
        ck_assert_int_eq(catalog_set_stamps(catalog, place, &source, &last), 1);
        TEST_OK(catalog_commit(catalog));
        row.source = source;
        row.replica = last;
        test_expect_row(reader, &row);

        TEST_OK(catalog_begin(catalog));
        TEST_OK(catalog_set_directory_replica(catalog, 31, &source));
        TEST_OK(catalog_set_directory_replica(catalog, 30, &replica));
        TEST_OK(catalog_commit(catalog));
        row.replica = replica;
        row.source.mtime = replica.mtime;
        test_expect_row(reader, &row);
        catalog_reader_close(reader);
        catalog_close(catalog);
}
END_TEST

START_TEST(deleted_by_inode) {
        const CatalogRow row = test_row(20, "a", 1);
        Catalog *catalog = test_catalog();
        CatalogReader *reader = test_reader(catalog);

        test_put(catalog, &row);
        TEST_OK(catalog_begin(catalog));
        TEST_OK(catalog_delete(catalog, 20, "b"));
        TEST_OK(catalog_delete_inode(catalog, (CatalogPlace) { 20, "a" }, row.source.inode + 1));
        TEST_OK(catalog_commit(catalog));
        test_expect_row(reader, &row);
        TEST_OK(catalog_begin(catalog));
        TEST_OK(catalog_delete_inode(catalog, (CatalogPlace) { 20, "a" }, row.source.inode));
        TEST_OK(catalog_commit(catalog));
        test_expect_none(reader, 20, "a");
        catalog_reader_close(reader);
        catalog_close(catalog);
}
END_TEST

START_TEST(link_groups) {
        enum { N_LINKS = 100 };
        Catalog *catalog = test_catalog();
        CatalogReader *reader = test_reader(catalog);
        const CatalogIdentity identity = { 1, 4711 }, elsewhere = { 2, 4711 };
        CatalogRow rows[30] = {};

        TEST_OK(catalog_begin(catalog));
        for (int i = 0; i < N_LINKS; i++) {
                char name[16];
                CatalogRow row;

                test_name(i, name);
                row = test_row(20 + i / 10, name, 1);
                row.file_system = 1;
                row.source.inode = 4711;
                row.replica.inode = 815;
                row.replica.n_links = N_LINKS;
                TEST_OK(catalog_put(catalog, &row));
        }
        TEST_OK(catalog_commit(catalog));

        for (int skip = 0; skip <= N_LINKS; skip += 30) {
                int n = TEST_OK(catalog_reader_by_identity(reader, identity, skip, rows, 30));

                ck_assert_int_eq(n, MIN(30, N_LINKS - skip));
                for (int i = 0; i < n; i++) {
                        ck_assert_int_eq(rows[i].parent, 20 + (skip + i) / 10);
                        ck_assert_int_eq(atoi(rows[i].name), skip + i);
                }
        }
        ck_assert_int_eq(catalog_reader_by_identity(reader, identity, N_LINKS, rows, 30), 0);
        ck_assert_int_eq(catalog_reader_by_identity(reader, elsewhere, 0, rows, 30), 0);

        ck_assert_int_eq(catalog_reader_is_shared(reader, 815, identity), 0);
        ck_assert_int_eq(catalog_reader_is_shared(reader, 815, elsewhere), 1);
        ck_assert_int_eq(catalog_reader_is_shared(reader, 816, elsewhere), 0);

        for (size_t i = 0; i < ELEMENTSOF(rows); i++)
                catalog_row_done(&rows[i]);
        catalog_reader_close(reader);
        catalog_close(catalog);
}
END_TEST

START_TEST(greatest_directory_id) {
        Catalog *catalog = test_catalog();
        CatalogRow row;
        int64_t id;

        TEST_OK(catalog_max_directory_id(catalog, &id));
        ck_assert_int_eq(id, CATALOG_FIRST_ID);
        row = test_directory_row(CATALOG_ROOT, "a", 900);
        test_put(catalog, &row);
        row = test_row(CATALOG_ROOT, "b", 1);
        test_put(catalog, &row);
        TEST_OK(catalog_max_directory_id(catalog, &id));
        ck_assert_int_eq(id, 900);

        /* Rows whose directory has none count as well: its id must not be given out again. */
        row = test_row(1000, "c", 1);
        test_put(catalog, &row);
        TEST_OK(catalog_max_directory_id(catalog, &id));
        ck_assert_int_eq(id, 1000);
        catalog_close(catalog);
}
END_TEST

START_TEST(in_memory) {
        Catalog *catalog, *other;
        CatalogReader *reader;
        const CatalogRow row = test_row(20, "a", 1);

        ck_assert_int_eq(catalog_open_empty(&catalog), 0);
        ck_assert_int_eq(catalog_open_empty(&other), 0);
        reader = test_reader(catalog);
        test_put(catalog, &row);
        test_expect_row(reader, &row);
        catalog_reader_close(reader);

        reader = test_reader(other);
        ck_assert_int_eq(test_count(reader), 0);
        catalog_reader_close(reader);
        catalog_close(other);
        catalog_close(catalog);
}
END_TEST

int main(void) {
        TCase *tests;
        Suite *suite = test_fs_suite("catalog", &tests);

        tcase_add_test(tests, opened_and_closed);
        tcase_add_test(tests, log_index_is_in_memory);
        tcase_add_test(tests, not_opened);
        tcase_add_test(tests, opened_below_descriptor);
        tcase_add_test(tests, facts);
        tcase_add_test(tests, file_systems);
        tcase_add_test(tests, transactions);
        tcase_add_test(tests, second_writer);
        tcase_add_test(tests, extremes);
        tcase_add_test(tests, names_are_bytes);
        tcase_add_loop_test(tests, listed_in_chunks, 0, 6);
        tcase_add_test(tests, rows_are_taken);
        tcase_add_test(tests, replaced_by_put);
        tcase_add_test(tests, stamps_set);
        tcase_add_test(tests, deleted_by_inode);
        tcase_add_test(tests, link_groups);
        tcase_add_test(tests, greatest_directory_id);
        tcase_add_test(tests, in_memory);
        return test_fs_run(suite);
}
