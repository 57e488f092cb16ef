/* Catalogs that are damaged, foreign, cut off or without room. */

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <sqlite3.h>

#include "basic/macros.h"
#include "test-catalog.h"

enum { N_ROWS = 600, PAGE = 4096 };

static int open_catalog(Catalog **ret) {
        return catalog_open(test_catalog_path("catalog.db"), ret);
}

static void make_catalog(void) {
        Catalog *catalog = test_catalog();

        test_put_many(catalog, 20, N_ROWS);
        catalog_close(catalog);
}

/* The database's bytes; the caller's. */
static uint8_t *read_database(size_t *ret_size) {
        struct stat st;
        uint8_t *bytes;
        int fd;

        fd = TEST_SYS(openat(test_fd, "catalog.db", O_RDONLY | O_CLOEXEC));
        TEST_SYS(fstat(fd, &st));
        bytes = malloc((size_t) st.st_size + 1);
        ck_assert_int_eq(TEST_SYS(read(fd, bytes, (size_t) st.st_size)), st.st_size);
        (void) close(fd);
        *ret_size = (size_t) st.st_size;
        return bytes;
}

static void write_database(const uint8_t *bytes, size_t size) {
        int fd;

        (void) unlinkat(test_fd, "catalog.db-wal", 0);
        (void) unlinkat(test_fd, "catalog.db-shm", 0);
        (void) unlinkat(test_fd, "catalog.db", 0);
        fd = test_file(test_fd, "catalog.db", bytes, size);
        (void) close(fd);
}

static void execute(const char *sql) {
        sqlite3 *db;

        ck_assert_int_eq(sqlite3_open(test_catalog_path("catalog.db"), &db), SQLITE_OK);
        ck_assert_int_eq(sqlite3_exec(db, sql, NULL, NULL, NULL), SQLITE_OK);
        ck_assert_int_eq(sqlite3_close(db), SQLITE_OK);
}

START_TEST(empty_file) {
        Catalog *catalog;

        write_database(NULL, 0);
        ck_assert_int_eq(open_catalog(&catalog), 1);
        catalog_close(catalog);
        ck_assert_int_eq(open_catalog(&catalog), 0);
        catalog_close(catalog);
}
END_TEST

START_TEST(truncated) {
        static const int sizes[] = { 2,     50,        99,        100,       511,
                                     512,   PAGE - 1,  PAGE,      PAGE + 1,  2 * PAGE,
                                     -PAGE, -PAGE - 1, -4 * PAGE, -20 * PAGE };
        Catalog *catalog = NULL;
        uint8_t *bytes;
        size_t size;

        make_catalog();
        bytes = read_database(&size);
        write_database(bytes, sizes[_i] > 0 ? (size_t) sizes[_i] : size - (size_t) -sizes[_i]);
        ck_assert_int_eq(open_catalog(&catalog), -EBADMSG);
        ck_assert_ptr_null(catalog);
        free(bytes);
}
END_TEST

/* Reads everything by all ways: 0, or the first error. */
/* Along the index of verified times. */
static int read_by_age(CatalogReader *reader, CatalogRow *rows) {
        CatalogRow after = { .verified = INT64_MIN };
        int n, n_all = 0;

        while ((n = catalog_reader_unverified(reader, &after, INT64_MAX, rows, 64)) > 0) {
                after = rows[n - 1];
                n_all += n;
                ck_assert_int_le(n_all, 100 * N_ROWS);
        }
        return n;
}

static int read_all(CatalogReader *reader) {
        CatalogRow rows[64] = {};
        const char *after = "";
        int n, n_all = 0, r = 0;

        do {
                n = catalog_reader_list(reader, 20, after, rows, 64);
                for (int i = 0; i < n; i++)
                        after = rows[i].name;
                n_all += n > 0 ? n : 0;
                ck_assert_int_le(n_all, 100 * N_ROWS);
        } while (n > 0);
        r = n;

        for (int i = 0; i < N_ROWS && r >= 0; i++) {
                const CatalogRow row = test_row(20, "", (uint64_t) i);

                r = catalog_reader_by_identity(
                        reader, (CatalogIdentity) { row.file_system, row.source.inode }, 0, rows,
                        4);
        }
        if (r >= 0)
                r = (int) catalog_reader_count(reader);
        if (r >= 0)
                r = read_by_age(reader, rows);
        for (int i = 0; i < 64; i++)
                catalog_row_done(&rows[i]);
        return r < 0 ? r : 0;
}

/* Uses a catalog that may be damaged: the first error met. */
static int use(void) {
        CatalogReader *reader;
        Catalog *catalog;
        int r;

        r = open_catalog(&catalog);
        if (r < 0)
                return r;
        r = catalog_reader_open(catalog, &reader);
        if (r >= 0) {
                r = read_all(reader);
                catalog_reader_close(reader);
        }
        catalog_close(catalog);
        return r;
}

/* A whole page of noise is found at the latest when it is read, and is not forgotten. */
START_TEST(page_of_noise) {
        uint8_t *bytes, noise[PAGE];
        size_t size;
        int n_found = 0;

        make_catalog();
        bytes = read_database(&size);
        for (size_t at = 0; at < size; at += PAGE) {
                uint8_t *damaged = malloc(size);
                int r;

                memcpy(damaged, bytes, size);
                test_fill(noise, PAGE, (unsigned) at + 1);
                memcpy(damaged + at, noise, PAGE);
                write_database(damaged, size);
                free(damaged);

                r = use();
                ck_assert(r == 0 || r == -EBADMSG);
                if (r == 0)
                        continue;
                n_found++;
                ck_assert_int_eq(use(), -EBADMSG);
        }
        /* Pages of tables that are not read here, or that are not in use, are the exception. */
        ck_assert_int_ge(n_found, (int) (size / PAGE) - 5);
        free(bytes);
}
END_TEST

/* A few bytes of noise may be in a value, where nothing can tell; but nothing worse comes of them.
 */
START_TEST(bytes_of_noise) {
        uint8_t *bytes;
        size_t size;

        make_catalog();
        bytes = read_database(&size);
        for (unsigned i = 0; i < 60; i++) {
                uint8_t *damaged = malloc(size), random[8];
                size_t at;
                int r;

                test_fill(random, sizeof random, i);
                at = ((size_t) random[0] << 16 | (size_t) random[1] << 8 | random[2]) % (size - 24);
                if (i < 24)
                        at = i * 4; /* the header */
                memcpy(damaged, bytes, size);
                test_fill(damaged + at, 24, i + 1000);
                write_database(damaged, size);
                free(damaged);
                r = use();
                ck_assert_msg(r == 0 || r == -EBADMSG, "noise at %zu: %s", at, strerror(-r));
        }
        free(bytes);
}
END_TEST

/* After a crash the whole structure is read before anything is trusted. */
START_TEST(noise_after_crash) {
        uint8_t *bytes;
        size_t size;
        Catalog *catalog;

        make_catalog();
        execute("INSERT INTO fact VALUES('open', '1')");
        bytes = read_database(&size);
        ck_assert_int_eq(open_catalog(&catalog), 0);
        catalog_close(catalog);

        for (size_t at = PAGE; at < size; at += 4 * PAGE) {
                uint8_t *damaged = malloc(size);

                memcpy(damaged, bytes, size);
                test_fill(damaged + at, PAGE, (unsigned) at);
                write_database(damaged, size);
                free(damaged);
                ck_assert_int_eq(open_catalog(&catalog), -EBADMSG);
        }
        free(bytes);
}
END_TEST

static const char *const foreign_statements[] = {
        "PRAGMA user_version = 3",
        "PRAGMA user_version = 0",
        "PRAGMA application_id = 1",
        "DROP INDEX entry_by_identity",
        "DROP INDEX entry_by_directory",
        "DROP INDEX entry_by_replica",
        "DROP INDEX entry_by_verified",
        "DROP INDEX entry_by_damage",
        "DROP TABLE fact",
        "DROP TABLE file_system",
        "ALTER TABLE entry DROP COLUMN hash",
        "ALTER TABLE entry RENAME COLUMN flags TO other",
};

/* What is of a newer version or another program's is refused and left as it is. */
START_TEST(foreign) {
        uint8_t *before, *after;
        size_t size_before, size_after;
        Catalog *catalog = NULL;

        make_catalog();
        execute(foreign_statements[_i]);
        before = read_database(&size_before);
        ck_assert_int_eq(open_catalog(&catalog), -EBADMSG);
        ck_assert_ptr_null(catalog);
        after = read_database(&size_after);
        ck_assert_uint_eq(size_before, size_after);
        ck_assert_mem_eq(before, after, size_after);
        free(before);
        free(after);
}
END_TEST

START_TEST(database_of_another_program) {
        Catalog *catalog = NULL;

        execute("CREATE TABLE t(a)");
        ck_assert_int_eq(open_catalog(&catalog), -EBADMSG);
        (void) unlinkat(test_fd, "catalog.db", 0);
        write_database((const uint8_t *) "hello, world\n", 13);
        ck_assert_int_eq(open_catalog(&catalog), -EBADMSG);
        ck_assert_ptr_null(catalog);
}
END_TEST

/* Commits N_ROWS rows, starts another transaction and waits to be killed. */
static void write_until_killed(int fd) {
        Catalog *catalog = test_catalog();

        test_put_many(catalog, 20, N_ROWS);
        TEST_OK(catalog_begin(catalog));
        /* More than fits into memory, so that part of it is in the log. */
        for (int i = 0; i < 20000; i++) {
                char name[16];
                CatalogRow row;

                test_name(i, name);
                row = test_row(21, name, (uint64_t) i);
                TEST_OK(catalog_put(catalog, &row));
        }
        TEST_SYS(write(fd, "x", 1));
        for (;;)
                (void) pause();
}

START_TEST(killed) {
        CatalogReader *reader;
        CatalogRow row = CATALOG_ROW_NULL;
        Catalog *catalog;
        int fds[2];
        pid_t pid;
        char c;

        TEST_SYS(pipe(fds));
        pid = TEST_SYS(fork());
        if (pid == 0)
                write_until_killed(fds[1]);
        ck_assert_int_eq(TEST_SYS(read(fds[0], &c, 1)), 1);
        TEST_SYS(kill(pid, SIGKILL));
        TEST_SYS(waitpid(pid, NULL, 0));

        ck_assert_int_eq(open_catalog(&catalog), 0);
        reader = test_reader(catalog);
        ck_assert_int_eq(test_count(reader), N_ROWS);
        TEST_OK(read_all(reader));
        ck_assert_int_eq(catalog_reader_list(reader, 21, "", &row, 1), 0);
        catalog_row_done(&row);
        catalog_reader_close(reader);
        catalog_close(catalog);
        (void) close(fds[0]);
        (void) close(fds[1]);
}
END_TEST

static bool mount_small(const char *options) {
        TEST_SYS(mkdirat(test_fd, "small", 0700));
        if (geteuid() == 0 && mount("small", test_catalog_path("small"), "tmpfs", 0, options) >= 0)
                return true;

        test_skip("a small tmpfs cannot be mounted here");
        return false;
}

static int fill_up(Catalog *catalog, int64_t parent) {
        int r = TEST_OK(catalog_begin(catalog));

        for (int i = 0; i < 100000 && r >= 0; i++) {
                char name[16];
                CatalogRow row;

                test_name(i, name);
                row = test_row(parent, name, (uint64_t) i);
                r = catalog_put(catalog, &row);
        }
        ck_assert_int_lt(r, 0);
        ck_assert_int_eq(catalog_commit(catalog), r);
        return r;
}

START_TEST(no_room) {
        const CatalogRow row = test_row(22, "a", 1);
        CatalogReader *reader;
        Catalog *catalog;

        if (!mount_small("size=6m"))
                return;
        ck_assert_int_eq(catalog_open(test_catalog_path("small/catalog.db"), &catalog), 1);
        reader = test_reader(catalog);
        test_put_many(catalog, 20, N_ROWS);
        for (int i = 0; i < 3; i++) {
                ck_assert_int_eq(fill_up(catalog, 21), -ENOSPC);
                TEST_OK(catalog_rollback(catalog));
                ck_assert_int_eq(test_count(reader), N_ROWS + i);

                /* A small change has its place in the log all the same. */
                TEST_OK(catalog_begin(catalog));
                TEST_OK(catalog_put(catalog, &(CatalogRow) { .parent = 23 + i, .name = row.name }));
                TEST_OK(catalog_commit(catalog));
        }
        TEST_OK(read_all(reader));
        catalog_reader_close(reader);
        catalog_close(catalog);

        ck_assert_int_eq(catalog_open(test_catalog_path("small/catalog.db"), &catalog), 0);
        reader = test_reader(catalog);
        ck_assert_int_eq(test_count(reader), N_ROWS + 3);
        catalog_reader_close(reader);
        catalog_close(catalog);
        TEST_SYS(umount2(test_catalog_path("small"), MNT_DETACH));
}
END_TEST

/* Not even room to begin with. */
START_TEST(no_room_at_all) {
        Catalog *catalog = NULL;
        int fd;

        if (!mount_small("size=64k"))
                return;
        fd = TEST_SYS(openat(test_fd, "small/ballast", O_WRONLY | O_CREAT | O_CLOEXEC, 0600));
        TEST_SYS(posix_fallocate(fd, 0, 64 * 1024L - 4096));
        for (int i = 0; i < 2; i++) {
                ck_assert_int_eq(catalog_open(test_catalog_path("small/catalog.db"), &catalog),
                                 -ENOSPC);
                ck_assert_ptr_null(catalog);
        }
        (void) close(fd);
        TEST_SYS(unlinkat(test_fd, "small/ballast", 0));
        TEST_SYS(umount2(test_catalog_path("small"), MNT_DETACH));
}
END_TEST

/* What a file system refuses is told as it was, and is no damage. */
START_TEST(refused_by_the_file_system) {
        const struct rlimit small = { 256 * 1024, RLIM_INFINITY },
                            any = { RLIM_INFINITY, RLIM_INFINITY };
        Catalog *catalog = test_catalog();

        (void) signal(SIGXFSZ, SIG_IGN);
        TEST_SYS(setrlimit(RLIMIT_FSIZE, &small));
        ck_assert_int_eq(fill_up(catalog, 21), -EFBIG);
        TEST_SYS(setrlimit(RLIMIT_FSIZE, &any));

        test_put_many(catalog, 20, N_ROWS);
        catalog_close(catalog);
        ck_assert_int_eq(open_catalog(&catalog), 0);
        catalog_close(catalog);
}
END_TEST

START_TEST(read_only) {
        Catalog *catalog = NULL;

        if (!mount_small("size=6m"))
                return;
        ck_assert_int_eq(catalog_open(test_catalog_path("small/catalog.db"), &catalog), 1);
        test_put_many(catalog, 20, N_ROWS);
        catalog = catalog_close(catalog);
        TEST_SYS(mount("small", test_catalog_path("small"), "tmpfs", MS_REMOUNT | MS_RDONLY, NULL));
        ck_assert_int_eq(catalog_open(test_catalog_path("small/catalog.db"), &catalog), -EROFS);
        ck_assert_ptr_null(catalog);
        TEST_SYS(umount2(test_catalog_path("small"), MNT_DETACH));
}
END_TEST

int main(void) {
        TCase *tests;
        Suite *suite = test_fs_suite("damage to the catalog", &tests);

        tcase_add_test(tests, empty_file);
        tcase_add_loop_test(tests, truncated, 0, 14);
        tcase_add_test(tests, page_of_noise);
        tcase_add_test(tests, bytes_of_noise);
        tcase_add_test(tests, noise_after_crash);
        tcase_add_loop_test(tests, foreign, 0, ELEMENTSOF(foreign_statements));
        tcase_add_test(tests, database_of_another_program);
        tcase_add_test(tests, killed);
        tcase_add_test(tests, no_room);
        tcase_add_test(tests, no_room_at_all);
        tcase_add_test(tests, refused_by_the_file_system);
        tcase_add_test(tests, read_only);
        return test_fs_run(suite);
}
