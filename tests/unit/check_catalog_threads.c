/* One writer and several readers at once. Failures are counted in the threads and judged outside
 * them. */

#include <fcntl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "basic/macros.h"
#include "test-catalog.h"

enum {
        N_READERS = 3,
        N_ROWS = 48,
        N_COMMITS = 40,
        N_FILLER = 1500,
        PARENT = 20,
        FILLER_PARENT = 21,
        WAL_BYTES_MAX = 48 * 1024 * 1024,
};

typedef struct Shared {
        Catalog *catalog;
        atomic_bool done;
        atomic_int n_errors, n_mixed, n_backwards, n_reads;
        atomic_int committed;
} Shared;

/* All rows are of one commit, and no older than the one that was there before the call. */
static void judge(Shared *shared, const CatalogRow *rows, int n, unsigned *last) {
        for (int i = 1; i < n; i++)
                if (rows[i].flags != rows[0].flags)
                        atomic_fetch_add(&shared->n_mixed, 1);
        if (n > 0 && rows[0].flags < *last)
                atomic_fetch_add(&shared->n_backwards, 1);
        if (n > 0)
                *last = rows[0].flags;
        atomic_fetch_add(&shared->n_reads, 1);
}

static void *reader_thread(void *userdata) {
        Shared *shared = userdata;
        CatalogRow rows[N_ROWS] = {};
        CatalogReader *reader;
        unsigned last = 0;

        if (catalog_reader_open(shared->catalog, &reader) < 0) {
                atomic_fetch_add(&shared->n_errors, 1);
                return NULL;
        }
        while (!atomic_load(&shared->done)) {
                unsigned before = (unsigned) atomic_load(&shared->committed);
                int n = catalog_reader_list(reader, PARENT, "", rows, N_ROWS);

                if (n < 0 || (n != 0 && n != N_ROWS) || (n == 0 && before > 0))
                        atomic_fetch_add(&shared->n_errors, 1);
                last = MAX(last, before);
                judge(shared, rows, n, &last);
                if (n > 0 && catalog_reader_get(reader, PARENT, "00007", &rows[0]) < 0)
                        atomic_fetch_add(&shared->n_errors, 1);
        }
        for (int i = 0; i < N_ROWS; i++)
                catalog_row_done(&rows[i]);
        catalog_reader_close(reader);
        return NULL;
}

static int commit_rows(Shared *shared, int generation) {
        int r = catalog_begin(shared->catalog);

        for (int i = 0; i < N_ROWS + N_FILLER && r >= 0; i++) {
                bool filler = i >= N_ROWS;
                CatalogRow row;
                char name[16];

                test_name(filler ? (i * 7919 + generation) % 20000 : i, name);
                row = test_row(filler ? FILLER_PARENT : PARENT, name,
                               (uint64_t) i * 7 + (uint64_t) generation);
                row.flags = (unsigned) generation;
                r = catalog_put(shared->catalog, &row);
        }
        if (r >= 0)
                r = catalog_commit(shared->catalog);
        if (r >= 0)
                atomic_store(&shared->committed, generation);
        return r;
}

static off_t wal_size(void) {
        struct stat st;

        return fstatat(test_fd, "catalog.db-wal", &st, 0) < 0 ? 0 : st.st_size;
}

/* Room for the log may stay; nothing is in it. */
static bool wal_is_blank(void) {
        char header[32] = {};
        int fd = TEST_SYS(openat(test_fd, "catalog.db-wal", O_RDONLY | O_CLOEXEC));

        TEST_SYS(read(fd, header, sizeof header));
        (void) close(fd);
        for (size_t i = 0; i < sizeof header; i++)
                if (header[i] != 0)
                        return false;
        return true;
}

START_TEST(readers_see_commits) {
        Shared shared = {};
        pthread_t threads[N_READERS];
        off_t greatest = 0;
        int r = 0;

        shared.catalog = test_catalog();
        for (int i = 0; i < N_READERS; i++)
                ck_assert_int_eq(pthread_create(&threads[i], NULL, reader_thread, &shared), 0);
        for (int i = 1; i <= N_COMMITS && r >= 0; i++) {
                r = commit_rows(&shared, i);
                greatest = MAX(greatest, wal_size());
        }
        while (r >= 0 && atomic_load(&shared.n_reads) < 100)
                (void) sched_yield();
        atomic_store(&shared.done, true);
        for (int i = 0; i < N_READERS; i++)
                ck_assert_int_eq(pthread_join(threads[i], NULL), 0);

        TEST_OK(r);
        ck_assert_int_eq(atomic_load(&shared.n_errors), 0);
        ck_assert_int_eq(atomic_load(&shared.n_mixed), 0);
        ck_assert_int_eq(atomic_load(&shared.n_backwards), 0);
        /* However much is read, the log comes to an end. */
        ck_assert_int_lt(greatest, WAL_BYTES_MAX);
        catalog_close(shared.catalog);
        ck_assert_int_eq(wal_size(), 0);
}
END_TEST

static void *writer_thread(void *userdata) {
        Shared *shared = userdata;

        if (commit_rows(shared, atomic_load(&shared->committed) + 1) < 0)
                atomic_fetch_add(&shared->n_errors, 1);
        return NULL;
}

/* A catalog may go from thread to thread, and a reader does not mind when it was opened. */
START_TEST(writer_changes_thread) {
        CatalogRow rows[N_ROWS] = {};
        Shared shared = {};
        CatalogReader *reader;

        shared.catalog = test_catalog();
        reader = test_reader(shared.catalog);
        for (unsigned i = 1; i <= 5; i++) {
                pthread_t thread;

                ck_assert_int_eq(pthread_create(&thread, NULL, writer_thread, &shared), 0);
                ck_assert_int_eq(pthread_join(thread, NULL), 0);
                ck_assert_int_eq(catalog_reader_list(reader, PARENT, "", rows, N_ROWS), N_ROWS);
                ck_assert_uint_eq(rows[0].flags, i);
        }
        ck_assert_int_eq(atomic_load(&shared.n_errors), 0);
        for (int i = 0; i < N_ROWS; i++)
                catalog_row_done(&rows[i]);
        catalog_reader_close(reader);
        catalog_close(shared.catalog);
}
END_TEST

/* A reader that is left open keeps nothing from being carried over. */
START_TEST(closed_before_reader) {
        const CatalogRow row = test_row(PARENT, "a", 1);
        Catalog *catalog = test_catalog();
        CatalogReader *reader = test_reader(catalog);

        test_put(catalog, &row);
        test_expect_row(reader, &row);
        catalog_close(catalog);
        ck_assert(wal_is_blank());
        test_expect_row(reader, &row);
        catalog_reader_close(reader);
}
END_TEST

int main(void) {
        TCase *tests;
        Suite *suite = test_fs_suite("threads on the catalog", &tests);

        tcase_add_test(tests, readers_see_commits);
        tcase_add_test(tests, writer_changes_thread);
        tcase_add_test(tests, closed_before_reader);
        return test_fs_run(suite);
}
