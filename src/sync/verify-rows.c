/* Which file is verified next. Rows are read in chunks by whichever thread finds none left. */

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "basic/alloc.h"
#include "basic/macros.h"
#include "sync/patrol-plan.h"
#include "sync/verify.h"

/* Beginning */

static int add_directory(VerifyRows *rows, int64_t id) {
        if (rows->n_directories == rows->n_allocated) {
                size_t n = MAX(rows->n_allocated * 2, (size_t) 64);
                int64_t *directories = reallocarray(rows->directories, n, sizeof *directories);

                if (!directories)
                        return -ENOMEM;
                rows->directories = directories;
                rows->n_allocated = n;
        }
        rows->directories[rows->n_directories++] = id;
        return 0;
}

static bool is_content(const CatalogRow *row) {
        return S_ISREG(row->source.mode) && row->directory_id == 0;
}

/* The row of PATH, a component at a time. */
static int find_row(CatalogReader *reader, const char *path, CatalogRow *ret) {
        _cleanup_free_ char *copy = strdup(path);
        int64_t parent = CATALOG_ROOT;
        char *rest = copy, *name;
        int r = copy ? -ENOENT : -ENOMEM;

        while (r != -ENOMEM && (name = strsep(&rest, "/"))) {
                r = parent == 0 ? -ENOENT : catalog_reader_get(reader, parent, name, ret);
                if (r < 0)
                        break;
                parent = ret->directory_id;
        }
        return r;
}

static int fill(VerifyRows *rows, CatalogReader *reader);

static void expect(Verify *verify, const CatalogRow *row) {
        if (!is_content(row))
                return;
        atomic_fetch_add(&verify->n_files_expected, 1);
        atomic_fetch_add(&verify->n_bytes_expected, 2 * row->source.size);
}

/* What lies below a directory is counted first: who waits wants to know how long. */
static int expect_below(Verify *verify, CatalogReader *reader, int64_t id) {
        VerifyRows rows = { .by_place = true };
        int r = add_directory(&rows, id);

        while (r >= 0 && !verify_must_end(verify)) {
                r = fill(&rows, reader);
                if (r < 0 || rows.n == 0)
                        break;
                for (int i = 0; i < rows.n; i++)
                        expect(verify, &rows.rows[i]);
        }
        verify_rows_done(&rows);
        return r;
}

static int begin_at_path(Verify *verify, CatalogReader *reader) {
        VerifyRows *rows = &verify->rows;
        int64_t id;
        int r;

        rows->by_place = true;
        r = find_row(reader, verify->path, &rows->rows[0]);
        if (r < 0)
                return r;
        id = rows->rows[0].directory_id;
        if (id != 0) {
                r = expect_below(verify, reader, id);
                return r < 0 ? r : add_directory(rows, id);
        }
        expect(verify, &rows->rows[0]);
        rows->n = 1;
        return 0;
}

static void begin_share(Verify *verify, const CatalogCoverage *coverage, usec_t now) {
        PatrolFacts facts = {
                .interval = verify->engine->pair->config->verify_interval,
                .n_files = coverage->n_files,
                .n_bytes = coverage->n_bytes,
                .n_without_hash = coverage->n_without_hash,
        };

        verify->rows.n_bytes_left = patrol_share(&facts, verify->request.elapsed);
        verify->rows.overdue = (int64_t) (now - MIN(now, facts.interval));
}

int verify_rows_begin(Verify *verify, Worker *worker) {
        VerifyRows *rows = &verify->rows;
        usec_t now = now_usec(CLOCK_REALTIME);
        CatalogCoverage coverage = {};
        CatalogReader *reader;
        int r;

        rows->before = (int64_t) (verify->request.since > 0 ? verify->request.since : now);
        rows->after.verified = INT64_MIN;
        r = worker_reader(worker, &reader);
        if (r >= 0 && verify->path)
                return begin_at_path(verify, reader);
        if (r >= 0)
                r = catalog_reader_coverage(reader, 0, &coverage);
        if (r < 0)
                return r;
        verify->n_files_expected = coverage.n_files;
        verify->n_bytes_expected = 2 * coverage.n_bytes;
        if (verify->request.patrol)
                begin_share(verify, &coverage, now);
        return 0;
}

void verify_rows_done(VerifyRows *rows) {
        for (size_t i = 0; i < ELEMENTSOF(rows->rows); i++)
                catalog_row_done(&rows->rows[i]);
        catalog_row_done(&rows->after);
        free(rows->directories);
}

/* Going on */

/* The row's place is kept before the row goes to whoever verifies it. */
static int note_place(VerifyRows *rows, const CatalogRow *row) {
        char *name = strdup(row->name);

        if (!name)
                return -ENOMEM;
        free(rows->after.name);
        rows->after.name = name;
        rows->after.parent = row->parent;
        rows->after.verified = row->verified;
        return 0;
}

static int fill_by_age(VerifyRows *rows, CatalogReader *reader) {
        int n = catalog_reader_unverified(reader, &rows->after, rows->before, rows->rows,
                                          VERIFY_ROWS_CHUNK);

        rows->ended = n <= 0;
        return n;
}

/* The next of the directory on top of the stack, which gives way to those below it at its end. */
static int fill_by_place(VerifyRows *rows, CatalogReader *reader) {
        int64_t id;
        int n;

        if (rows->n_directories == 0) {
                rows->ended = true;
                return 0;
        }
        id = rows->directories[--rows->n_directories];
        n = catalog_reader_list(reader, id, rows->after.parent == id ? rows->after.name : "",
                                rows->rows, VERIFY_ROWS_CHUNK);
        for (int i = 0, r = 0; i < n && r >= 0; i++) {
                if (rows->rows[i].directory_id != 0)
                        r = add_directory(rows, rows->rows[i].directory_id);
                if (r < 0)
                        return r;
        }
        /* On top again: it is listed to its end before what is below it. */
        if (n == VERIFY_ROWS_CHUNK)
                return add_directory(rows, id) < 0 ? -ENOMEM : n;
        return n;
}

static int fill(VerifyRows *rows, CatalogReader *reader) {
        int n = 0, r = 0;

        rows->i = rows->n = 0;
        while (!rows->ended && n == 0)
                n = rows->by_place ? fill_by_place(rows, reader) : fill_by_age(rows, reader);
        if (n > 0)
                r = note_place(rows, &rows->rows[n - 1]);
        if (r < 0 || n < 0)
                return MIN(r, n);
        rows->n = n;
        return 0;
}

/* Whether the share covers ROW. What has no hash, and what would be too old, does not wait. */
static bool is_due(Verify *verify, const CatalogRow *row) {
        VerifyRows *rows = &verify->rows;
        bool is_overdue = row->verified < 0 || (row->verified > 0 && row->verified < rows->overdue);

        if (now_usec(CLOCK_MONOTONIC) >= verify->deadline) {
                verify->is_cut_short = is_overdue || rows->n_bytes_left > 0;
                return false;
        }
        if (rows->n_bytes_left == 0 && !is_overdue)
                return false;
        rows->n_bytes_left -= MIN(rows->n_bytes_left, MAX(row->source.size, UINT64_C(1)));
        return true;
}

static int next_locked(Verify *verify, CatalogReader *reader, CatalogRow *ret) {
        VerifyRows *rows = &verify->rows;
        int r;

        for (;;) {
                if (rows->i == rows->n) {
                        r = rows->ended ? 0 : fill(rows, reader);
                        if (r < 0 || rows->n == 0)
                                return r;
                }
                CatalogRow *row = &rows->rows[rows->i++];

                if (!is_content(row) || (rows->by_place && row->verified >= rows->before))
                        continue;
                if (verify->request.patrol && !is_due(verify, row)) {
                        rows->ended = true;
                        rows->i = rows->n = 0;
                        return 0;
                }
                *ret = *row;
                *row = CATALOG_ROW_NULL;
                return 1;
        }
}

int verify_next_row(VerifyThread *thread, CatalogRow *ret) {
        Verify *verify = thread->verify;
        CatalogReader *reader;
        int r;

        r = worker_reader(&thread->worker, &reader);
        if (r < 0)
                return r;
        (void) pthread_mutex_lock(&verify->mutex);
        r = next_locked(verify, reader, ret);
        (void) pthread_mutex_unlock(&verify->mutex);
        return r;
}
