/* Order in staging after a crash. */

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "test-pair.h"

static void put_row(Catalog *catalog, int64_t parent, const char *name, int64_t directory_id) {
        char copy[64];

        (void) snprintf(copy, sizeof copy, "%s", name);
        CatalogRow row = {
                .parent = parent, .name = copy, .directory_id = directory_id, .file_system = 1
        };
        TEST_OK(catalog_put(catalog, &row));
}

static int look_up(Catalog *catalog, int64_t parent, const char *name) {
        CatalogReader *reader;
        CatalogRow row = CATALOG_ROW_NULL;

        TEST_OK(catalog_reader_open(catalog, &reader));
        int r = catalog_reader_get(reader, parent, name, &row);
        catalog_row_done(&row);
        catalog_reader_close(reader);
        return r;
}

START_TEST(staging_is_put_in_order) {
        enum { N_LITTER = 3000, N_LOST = 200 };
        Pair *pair;
        char name[64];

        test_mkdir("s");
        test_pair_config("s", "r", NULL);
        ck_assert_int_eq(test_pair_open(false, &pair), 0);
        Catalog *catalog = pair->store.catalog;
        TEST_OK(catalog_begin(catalog));
        put_row(catalog, CATALOG_PARKED, "parked-file", 0);
        put_row(catalog, CATALOG_PARKED, "parked-directory", 20);
        put_row(catalog, 20, "inside", 0);
        put_row(catalog, CATALOG_PARKED, "lost-directory", 30);
        put_row(catalog, 30, "below", 31);
        put_row(catalog, 31, "deeper", 0);
        for (int i = 0; i < N_LOST; i++) {
                (void) snprintf(name, sizeof name, "lost-%d", i);
                put_row(catalog, CATALOG_PARKED, name, 0);
        }
        TEST_OK(catalog_commit(catalog));
        pair_close(pair);

        test_mkdir(".r.rebackup/staging/parked-directory");
        test_mkdir(".r.rebackup/staging/litter");
        test_mkdir(".r.rebackup/staging/litter/more");
        (void) close(test_file(test_fd, ".r.rebackup/staging/parked-file", "x", 1));
        for (int i = 0; i < N_LITTER; i++) {
                (void) snprintf(name, sizeof name, ".r.rebackup/staging/litter-%d", i);
                (void) close(test_file(test_fd, name, NULL, 0));
        }

        ck_assert_int_eq(test_pair_open(false, &pair), 0);
        catalog = pair->store.catalog;
        ck_assert(test_exists(".r.rebackup/staging/parked-file"));
        ck_assert(test_exists(".r.rebackup/staging/parked-directory"));
        ck_assert(!test_exists(".r.rebackup/staging/litter"));
        for (int i = 0; i < N_LITTER; i++) {
                (void) snprintf(name, sizeof name, ".r.rebackup/staging/litter-%d", i);
                ck_assert(!test_exists(name));
        }
        ck_assert_int_eq(look_up(catalog, CATALOG_PARKED, "parked-file"), 0);
        ck_assert_int_eq(look_up(catalog, CATALOG_PARKED, "parked-directory"), 0);
        ck_assert_int_eq(look_up(catalog, 20, "inside"), 0);
        ck_assert_int_eq(look_up(catalog, CATALOG_PARKED, "lost-directory"), -ENOENT);
        ck_assert_int_eq(look_up(catalog, 30, "below"), -ENOENT);
        ck_assert_int_eq(look_up(catalog, 31, "deeper"), -ENOENT);
        for (int i = 0; i < N_LOST; i++) {
                (void) snprintf(name, sizeof name, "lost-%d", i);
                ck_assert_int_eq(look_up(catalog, CATALOG_PARKED, name), -ENOENT);
        }
        pair_close(pair);
}
END_TEST

/* Whoever wrote it is told by nobody but its name. */
START_TEST(what_somebody_else_left_is_kept) {
        Pair *pair;

        test_mkdir("s");
        test_mkdir("r");
        test_pair_config("s", "r", NULL);
        test_config.versions_keep = USEC_PER_DAY;
        test_pair_run();
        (void) close(test_file(test_fd, ".r.rebackup/staging/1a-foreign", "x", 1));
        test_mkdir(".r.rebackup/staging/1b-foreign");
        (void) close(test_file(test_fd, ".r.rebackup/staging/1b-foreign/f", "x", 1));
        (void) close(test_file(test_fd, ".r.rebackup/staging/1c", "x", 1));

        ck_assert_int_eq(test_pair_open(false, &pair), 0);
        pair_close(pair);
        ck_assert(!test_exists(".r.rebackup/staging/1a-foreign"));
        ck_assert(!test_exists(".r.rebackup/staging/1b-foreign"));
        ck_assert(!test_exists(".r.rebackup/staging/1c"));
        ck_assert_int_eq(chdir(test_name(".r.rebackup/versions")), 0);
        ck_assert_int_eq(system("test -f */found-in-staging/1a-foreign -a "
                                "-f */found-in-staging/1b-foreign/f -a "
                                "! -e */found-in-staging/1c"),
                         0);
}
END_TEST

int main(void) {
        TCase *tcase;
        Suite *suite = test_pair_suite("recover", &tcase);

        tcase_add_test(tcase, staging_is_put_in_order);
        tcase_add_test(tcase, what_somebody_else_left_is_kept);
        return test_fs_run(suite);
}
