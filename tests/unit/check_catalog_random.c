/* Random operations on the catalog and on a plain array of rows, which must agree. */

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "basic/macros.h"
#include "test-catalog.h"
#include "test-digests.h"
#include "watch-random.h"

enum {
        N_ROWS_MAX = 400,
        N_DIRECTORIES = 40, /* ids that were given out at most */
        N_NAMES = 60,
        N_ROUNDS = 50,
        OPERATIONS_PER_ROUND = 60,
        NAME_BYTES_MAX = 40,
};

typedef struct Model {
        CatalogRow rows[N_ROWS_MAX]; /* names are from the array below */
        int n_rows;
        int64_t last_id;
} Model;

typedef struct Run {
        Model now, committed;
        char names[N_NAMES][NAME_BYTES_MAX + 1];
        uint64_t random;
        Catalog *catalog;
        CatalogReader *reader;
} Run;

static unsigned below(Run *run, unsigned n) {
        return random_below(&run->random, n);
}

static int find(const Model *model, int64_t parent, const char *name) {
        for (int i = 0; i < model->n_rows; i++)
                if (model->rows[i].parent == parent && strcmp(model->rows[i].name, name) == 0)
                        return i;

        return -1;
}

static void take_out(Model *model, int i) {
        if (i >= 0)
                model->rows[i] = model->rows[--model->n_rows];
}

static const char *any_name(Run *run) {
        return run->names[below(run, N_NAMES)];
}

/* A directory that rows may be in, be there a row for it or not. */
static int64_t any_parent(Run *run) {
        unsigned n = (unsigned) (run->now.last_id - CATALOG_FIRST_ID);
        unsigned i = below(run, n + 2);

        return i == 0 ? CATALOG_ROOT : i == 1 ? CATALOG_PARKED : CATALOG_FIRST_ID + (int64_t) i - 1;
}

/* Mostly a row that is there. */
static CatalogPlace any_place(Run *run) {
        if (run->now.n_rows > 0 && below(run, 8) > 0) {
                const CatalogRow *row = &run->now.rows[below(run, (unsigned) run->now.n_rows)];

                return (CatalogPlace) { row->parent, row->name };
        }

        return (CatalogPlace) { any_parent(run), any_name(run) };
}

static void do_put(Run *run) {
        CatalogRow row;
        int i;

        row = test_row(any_parent(run), any_name(run), below(run, 200));
        /* A new directory is in one with a smaller id, so that there are no rings. */
        if (below(run, 4) == 0 && run->now.last_id < CATALOG_FIRST_ID + N_DIRECTORIES) {
                row.directory_id = ++run->now.last_id;
                row.source.mode = row.replica.mode = S_IFDIR | 0700;
        }

        i = find(&run->now, row.parent, row.name);
        if (i < 0 && run->now.n_rows == N_ROWS_MAX)
                return;
        TEST_OK(catalog_put(run->catalog, &row));
        run->now.rows[i >= 0 ? i : run->now.n_rows++] = row;
}

static void do_delete(Run *run) {
        CatalogPlace place = any_place(run);
        int i = find(&run->now, place.parent, place.name);
        uint64_t inode = i >= 0 ? run->now.rows[i].source.inode : 1;

        if (below(run, 2) == 0)
                TEST_OK(catalog_delete(run->catalog, place.parent, place.name));
        else {
                inode += below(run, 2);
                TEST_OK(catalog_delete_inode(run->catalog, place, inode));
                if (i >= 0 && run->now.rows[i].source.inode != inode)
                        return;
        }
        take_out(&run->now, i);
}

static void do_set_stamps(Run *run) {
        CatalogPlace place = any_place(run);
        const CatalogRow other = test_row(0, "", below(run, 200));
        int i = find(&run->now, place.parent, place.name);
        bool source = below(run, 2), replica = below(run, 4);

        ck_assert_int_eq(catalog_set_stamps(run->catalog, place, source ? &other.source : NULL,
                                            replica ? &other.replica : NULL),
                         i >= 0 && (source || replica));
        if (i >= 0 && source)
                run->now.rows[i].source = other.source;
        if (i >= 0 && replica)
                run->now.rows[i].replica = other.replica;
}

/* A directory goes elsewhere, with all that is below it; what was there before is gone. */
static void do_move(Run *run) {
        CatalogRow row;
        int i, other;

        if (run->now.n_rows == 0)
                return;
        i = (int) below(run, (unsigned) run->now.n_rows);
        row = run->now.rows[i];
        if (row.directory_id == 0)
                return;
        TEST_OK(catalog_delete_inode(run->catalog, (CatalogPlace) { row.parent, row.name },
                                     row.source.inode));
        take_out(&run->now, i);
        row.parent = any_parent(run);
        if (row.parent >= row.directory_id)
                row.parent = CATALOG_ROOT;
        row.name = run->names[below(run, N_NAMES)];
        other = find(&run->now, row.parent, row.name);
        TEST_OK(catalog_put(run->catalog, &row));
        run->now.rows[other >= 0 ? other : run->now.n_rows++] = row;
}

static void model_delete_below(Model *model, int64_t id) {
        for (int i = 0; i < model->n_rows;) {
                int64_t child = model->rows[i].directory_id;

                if (model->rows[i].parent != id) {
                        i++;
                        continue;
                }
                take_out(model, i);
                if (child != 0) {
                        model_delete_below(model, child);
                        i = 0;
                }
        }
}

static void do_delete_subtree(Run *run) {
        int64_t id, limit = 1 + below(run, 20), n, n_all = 0;
        int n_before = run->now.n_rows;

        if (below(run, 8) > 0)
                return;
        id = CATALOG_FIRST_ID + 1 + below(run, N_DIRECTORIES);
        do {
                n = TEST_OK(catalog_delete_subtree(run->catalog, id, limit));
                ck_assert_int_le(n, limit);
                n_all += n;
        } while (n == limit);
        ck_assert_int_eq(catalog_delete_subtree(run->catalog, id, limit), 0);
        model_delete_below(&run->now, id);
        ck_assert_int_eq(n_all, n_before - run->now.n_rows);
}

static int compare_places(const void *a, const void *b) {
        const CatalogRow *x = a, *y = b;

        if (x->parent != y->parent)
                return x->parent < y->parent ? -1 : 1;
        return strcmp(x->name, y->name);
}

static void check_list(Run *run, int64_t parent, int first, int n_expected) {
        enum { CHUNK_MAX = 20 };
        CatalogRow rows[CHUNK_MAX] = {};
        int chunk = 1 + (int) below(run, CHUNK_MAX), n, n_seen = 0;
        const char *after = "";

        do {
                n = TEST_OK(catalog_reader_list(run->reader, parent, after, rows, chunk));
                for (int i = 0; i < n; i++) {
                        ck_assert_int_lt(n_seen, n_expected);
                        test_assert_rows_equal(&rows[i], &run->committed.rows[first + n_seen++]);
                }
                after = n > 0 ? rows[n - 1].name : after;
        } while (n == chunk);
        ck_assert_int_eq(n_seen, n_expected);
        for (int i = 0; i < CHUNK_MAX; i++)
                catalog_row_done(&rows[i]);
}

static void check_lists(Run *run) {
        const Model *model = &run->committed;
        int i = 0;

        for (int64_t parent = 0; parent <= CATALOG_FIRST_ID + N_DIRECTORIES; parent++) {
                int first = i;

                while (i < model->n_rows && model->rows[i].parent == parent)
                        i++;
                check_list(run, parent, first, i - first);
        }
        ck_assert_int_eq(i, model->n_rows);
}

static void check_identity(Run *run, CatalogIdentity identity) {
        const Model *model = &run->committed;
        int skip = (int) below(run, 3), n_skipped = 0;
        CatalogRow row = CATALOG_ROW_NULL;

        for (int i = 0; i < model->n_rows; i++) {
                if (model->rows[i].source.inode != identity.source_inode ||
                    model->rows[i].file_system != identity.file_system || n_skipped++ < skip)
                        continue;
                ck_assert_int_eq(catalog_reader_by_identity(run->reader, identity, skip, &row, 1),
                                 1);
                test_assert_rows_equal(&row, &model->rows[i]);
                catalog_row_done(&row);
                return;
        }
        ck_assert_int_eq(catalog_reader_by_identity(run->reader, identity, skip, &row, 1), 0);
}

static bool is_in_group(const CatalogRow *row, const CatalogRow *of) {
        return row->source.inode == of->source.inode && row->file_system == of->file_system &&
               row->source.ctime == of->source.ctime && row->source.n_links > 1 &&
               row->directory_id == 0;
}

/* Rows of the model are in order of place. */
static int compare_replicas(const void *a, const void *b) {
        const CatalogRow *x = *(const CatalogRow *const *) a, *y = *(const CatalogRow *const *) b;
        int64_t i = (int64_t) x->replica.inode, j = (int64_t) y->replica.inode;

        return i != j ? (i > j) - (i < j) : (x > y) - (x < y);
}

static void check_group(Run *run, const CatalogRow *of) {
        const CatalogIdentity identity = { of->file_system, of->source.inode };
        const Model *model = &run->committed;
        const CatalogRow **expected = calloc(model->n_rows + 1, sizeof(*expected));
        int skip = (int) below(run, 3), n = 0, rank = CATALOG_GROUP_WHOLE;
        int64_t own = (int64_t) of->replica.inode;
        CatalogRow row = CATALOG_ROW_NULL;

        ck_assert_ptr_nonnull(expected);
        for (int i = 0; i < model->n_rows; i++)
                if (is_in_group(&model->rows[i], of))
                        expected[n++] = &model->rows[i];
        qsort(expected, n, sizeof(*expected), compare_replicas);

        ck_assert_int_eq(
                catalog_reader_group(run->reader, identity, of->source.ctime, skip, &row, 1),
                skip < n);
        if (skip < n)
                test_assert_rows_equal(&row, expected[skip]);
        if (n > 0 && (int64_t) expected[0]->replica.inode < own)
                rank = CATALOG_GROUP_FOLLOWER;
        else if (n > 0 && (int64_t) expected[n - 1]->replica.inode > own)
                rank = CATALOG_GROUP_LEADER;
        ck_assert_int_eq(catalog_reader_group_rank(run->reader, identity, of->source.ctime,
                                                   of->replica.inode),
                         rank);
        catalog_row_done(&row);
        free(expected);
}

static void check_shared(Run *run, const CatalogRow *of) {
        const CatalogIdentity identity = { of->file_system, of->source.inode };
        const Model *model = &run->committed;
        int expected = 0;

        for (int i = 0; i < model->n_rows; i++)
                expected |= model->rows[i].replica.inode == of->replica.inode &&
                            model->rows[i].replica.n_links > 1 &&
                            (model->rows[i].source.inode != identity.source_inode ||
                             model->rows[i].file_system != identity.file_system);
        ck_assert_int_eq(catalog_reader_is_shared(run->reader, of->replica.inode, identity),
                         expected);
}

static void check_digests(Run *run) {
        ck_assert(catalog_has_digests(run->catalog));
        for (int i = 0; i < run->committed.n_rows; i++)
                test_expect_digests(run->reader, &run->committed.rows[i]);
}

static void check_committed(Run *run) {
        Model *model = &run->committed;

        qsort(model->rows, (size_t) model->n_rows, sizeof model->rows[0], compare_places);
        ck_assert_int_eq(test_count(run->reader), model->n_rows);
        check_lists(run);
        check_digests(run);
        for (int i = 0; i < model->n_rows; i += 1 + (int) below(run, 10)) {
                const CatalogRow *row = &model->rows[i];
                CatalogRow found = CATALOG_ROW_NULL;

                test_expect_row(run->reader, row);
                check_identity(run, (CatalogIdentity) { row->file_system, row->source.inode });
                check_identity(run, (CatalogIdentity) { row->file_system, row->source.inode + 1 });
                check_shared(run, row);
                check_group(run, row);
                if (row->directory_id == 0)
                        continue;
                TEST_OK(catalog_reader_by_directory(run->reader, row->directory_id, &found));
                test_assert_rows_equal(&found, row);
                catalog_row_done(&found);
        }
}

static void make_names(Run *run) {
        for (int i = 0; i < N_NAMES; i++)
                do {
                        unsigned n = 1 + below(run, i % 3 == 0 ? NAME_BYTES_MAX : 2);

                        memset(run->names[i], 0, sizeof run->names[i]);
                        for (unsigned j = 0; j < n; j++)
                                run->names[i][j] = (char) (1 + below(run, i % 2 ? 255 : 3));
                } while (run->names[i][0] == '\0');
}

static void one_round(Run *run) {
        static void (*const operations[])(Run *) = {
                do_put, do_put, do_put, do_put, do_delete, do_set_stamps, do_delete_subtree, do_move
        };

        TEST_OK(catalog_begin(run->catalog));
        for (int i = 0; i < OPERATIONS_PER_ROUND; i++)
                operations[below(run, ELEMENTSOF(operations))](run);

        if (below(run, 4) == 0) {
                TEST_OK(catalog_rollback(run->catalog));
                run->now = run->committed;
        } else {
                TEST_OK(catalog_commit(run->catalog));
                run->committed = run->now;
        }
        check_committed(run);
        run->now = run->committed;
}

static void reopen(Run *run) {
        catalog_reader_close(run->reader);
        catalog_close(run->catalog);
        run->catalog = test_catalog();
        run->reader = test_reader(run->catalog);
}

START_TEST(agrees_with_model) {
        static Run run;

        run = (Run) { .random = random_seed("catalog") + (uint64_t) _i };
        run.now.last_id = run.committed.last_id = CATALOG_FIRST_ID;
        make_names(&run);
        run.catalog = test_catalog();
        run.reader = test_reader(run.catalog);
        for (int i = 0; i < N_ROUNDS; i++) {
                one_round(&run);
                if (i % 20 == 19)
                        reopen(&run);
        }
        catalog_reader_close(run.reader);
        catalog_close(run.catalog);
}
END_TEST

int main(void) {
        TCase *tests;
        Suite *suite = test_fs_suite("catalog at random", &tests);

        tcase_add_loop_test(tests, agrees_with_model, 0, 3);
        return test_fs_run(suite);
}
