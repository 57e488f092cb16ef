#include <dirent.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "basic/macros.h"
#include "fs/entry.h"
#include "test-catalog.h"

enum { N_ROWS = 300, STORE_FILES_MAX = 4 };

static int store_fd;

/* The store is a directory of its own, and temporary files have another. */
static void make_store(void) {
        TEST_SYS(mkdirat(test_fd, "store", 0700));
        TEST_SYS(mkdirat(test_fd, "tmp", 0700));
        TEST_SYS(setenv("TMPDIR", test_catalog_path("tmp"), 1));
        store_fd = TEST_SYS(openat(test_fd, "store", O_RDONLY | O_DIRECTORY | O_CLOEXEC));
}

static Catalog *open_store(void) {
        Catalog *catalog;

        TEST_OK(catalog_open(test_catalog_path("store/catalog.db"), &catalog));
        return catalog;
}

typedef struct File {
        char name[64];
        Entry entry;
        struct timespec accessed;
} File;

/* Everything of the store that a change would show in. */
static int list_store(File *files) {
        int fd = TEST_SYS(openat(store_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC)), n = 0;
        DIR *directory = fdopendir(fd);
        struct dirent *entry;

        memset(files, 0, STORE_FILES_MAX * sizeof *files);
        while ((entry = readdir(directory))) {
                struct stat st;

                if (strcmp(entry->d_name, "..") == 0)
                        continue;
                ck_assert_int_lt(n, STORE_FILES_MAX);
                (void) snprintf(files[n].name, sizeof files[n].name, "%.60s", entry->d_name);
                TEST_OK(entry_acquire(fd, entry->d_name, &files[n].entry));
                TEST_SYS(fstatat(fd, entry->d_name, &st, AT_SYMLINK_NOFOLLOW));
                if (S_ISREG(st.st_mode))
                        files[n].accessed = st.st_atim;
                n++;
        }
        (void) closedir(directory);
        return n;
}

static void expect_unchanged(const File *before, int n_before) {
        File after[STORE_FILES_MAX];

        ck_assert_int_eq(list_store(after), n_before);
        ck_assert_mem_eq(before, after, (size_t) n_before * sizeof *before);
}

static void expect_no_temporary(void) {
        int n = 0;
        DIR *directory = opendir(test_catalog_path("tmp"));

        while (readdir(directory))
                n++;
        (void) closedir(directory);
        ck_assert_int_eq(n, 2);
}

static void expect_rows(const Catalog *catalog, int n) {
        CatalogReader *reader = test_reader(catalog);

        ck_assert_int_eq(test_count(reader), n);
        for (int i = 0; i < n; i += 50) {
                char name[16];
                CatalogRow row;

                test_name(i, name);
                row = test_row(20, name, (uint64_t) i);
                test_expect_row(reader, &row);
        }
        catalog_reader_close(reader);
}

static void expect_snapshot(int n_rows) {
        File before[STORE_FILES_MAX];
        Catalog *snapshot;
        int n_files;

        n_files = list_store(before);
        ck_assert_int_eq(catalog_open_snapshot(store_fd, &snapshot), 0);
        expect_rows(snapshot, n_rows);
        expect_unchanged(before, n_files);

        /* It can be written to, which nobody sees. */
        test_put_many(snapshot, 33, 10);
        catalog_close(snapshot);
        expect_unchanged(before, n_files);
        expect_no_temporary();
}

START_TEST(none) {
        Catalog *snapshot = NULL;

        make_store();
        ck_assert_int_eq(catalog_open_snapshot(store_fd, &snapshot), -ENOENT);
        ck_assert_ptr_null(snapshot);
        expect_no_temporary();
}
END_TEST

START_TEST(of_closed_catalog) {
        Catalog *catalog;

        make_store();
        catalog = open_store();
        test_put_many(catalog, 20, N_ROWS);
        catalog_close(catalog);
        expect_snapshot(N_ROWS);
}
END_TEST

START_TEST(of_open_catalog) {
        Catalog *catalog;

        make_store();
        catalog = open_store();
        test_put_many(catalog, 20, N_ROWS);
        TEST_SYS(faccessat(store_fd, "catalog.db-wal", F_OK, 0));
        expect_snapshot(N_ROWS);
        TEST_OK(catalog_begin(catalog));
        TEST_OK(catalog_put(catalog, &(CatalogRow) { .parent = 20, .name = (char *) "x" }));
        expect_snapshot(N_ROWS);
        TEST_OK(catalog_rollback(catalog));
        catalog_close(catalog);
}
END_TEST

/* What a crash left: only the log has the rows. */
START_TEST(of_crashed_catalog) {
        pid_t pid;

        make_store();
        pid = TEST_SYS(fork());
        if (pid == 0) {
                test_put_many(open_store(), 20, N_ROWS);
                (void) kill(getpid(), SIGKILL);
        }
        TEST_SYS(waitpid(pid, NULL, 0));
        expect_snapshot(N_ROWS);
}
END_TEST

START_TEST(of_noise) {
        char noise[8192];
        Catalog *snapshot = NULL;
        File before[STORE_FILES_MAX];
        int n_files;

        make_store();
        test_fill((uint8_t *) noise, sizeof noise, 1);
        (void) close(test_file(store_fd, "catalog.db", noise, sizeof noise));
        n_files = list_store(before);
        ck_assert_int_eq(catalog_open_snapshot(store_fd, &snapshot), -EBADMSG);
        ck_assert_ptr_null(snapshot);
        expect_unchanged(before, n_files);
        expect_no_temporary();
}
END_TEST

START_TEST(of_something_else) {
        Catalog *snapshot = NULL;

        make_store();
        TEST_SYS(mkfifoat(store_fd, "catalog.db", 0600));
        ck_assert_int_eq(catalog_open_snapshot(store_fd, &snapshot), -EBADMSG);
        TEST_SYS(unlinkat(store_fd, "catalog.db", 0));
        TEST_SYS(symlinkat("/etc/passwd", store_fd, "catalog.db"));
        ck_assert_int_eq(catalog_open_snapshot(store_fd, &snapshot), -EBADMSG);
        ck_assert_ptr_null(snapshot);
        expect_no_temporary();
}
END_TEST

/* Taken again and again while another process writes: each is whole, or nobody got one. */
START_TEST(of_busy_catalog) {
        pid_t pid;
        int n_taken = 0, fds[2];
        char c;

        make_store();
        TEST_SYS(pipe(fds));
        pid = TEST_SYS(fork());
        if (pid == 0) {
                Catalog *catalog = open_store();

                for (int64_t parent = 20;; parent++) {
                        test_put_many(catalog, parent, N_ROWS);
                        if (parent == 20)
                                TEST_SYS(write(fds[1], "x", 1));
                }
        }
        ck_assert_int_eq(TEST_SYS(read(fds[0], &c, 1)), 1);
        for (int i = 0; i < 10; i++) {
                CatalogReader *reader;
                Catalog *snapshot;
                int r = catalog_open_snapshot(store_fd, &snapshot);

                ck_assert(r == 0 || r == -EBUSY);
                if (r < 0)
                        continue;
                reader = test_reader(snapshot);
                ck_assert_int_eq(test_count(reader) % N_ROWS, 0);
                catalog_reader_close(reader);
                catalog_close(snapshot);
                n_taken++;
        }
        TEST_SYS(kill(pid, SIGKILL));
        TEST_SYS(waitpid(pid, NULL, 0));
        printf("%d of 10 taken\n", n_taken);
        expect_no_temporary();
        (void) close(fds[0]);
        (void) close(fds[1]);
}
END_TEST

int main(void) {
        TCase *tests;
        Suite *suite = test_fs_suite("snapshots of the catalog", &tests);

        tcase_add_test(tests, none);
        tcase_add_test(tests, of_closed_catalog);
        tcase_add_test(tests, of_open_catalog);
        tcase_add_test(tests, of_crashed_catalog);
        tcase_add_test(tests, of_noise);
        tcase_add_test(tests, of_something_else);
        tcase_add_test(tests, of_busy_catalog);
        return test_fs_run(suite);
}
