#include <check.h>
#include <errno.h>
#include <malloc.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "test-dirty.h"

static int add(const char *name, unsigned flags, usec_t now) {
        return dirty_add(set, nodes[0], name, flags, now);
}

static int put_back(const char *name, usec_t first, unsigned n_attempts, usec_t due) {
        return dirty_add_retry(set, nodes[0], &(DirtyName) { (char *) name, first, n_attempts },
                               due);
}

static void assert_take(usec_t now, const char *expected) {
        char *text = take(now);

        ck_assert_str_eq(text, expected);
        free(text);
}

/* Time tables: what is done, when, and when the earliest item is due then */

enum { END, NOTE, PUT_BACK, TAKE };

typedef struct Step {
        int what;
        const char *name; /* NULL: flags */
        unsigned flags;
        usec_t time; /* now, or for PUT_BACK when it is due */
        usec_t due;
        const char *taken;
} Step;

#define S DIRTY_SETTLED
#define L DIRTY_LISTING
#define SELF DIRTY_SELF
#define NEVER USEC_INFINITY

static const struct {
        const char *title;
        Step steps[10];
} tables[] = {
        { "a path is due when it was quiet for settle",
          { { NOTE, "a", 0, 100, 120, NULL },
            { NOTE, "a", 0, 110, 130, NULL },
            { TAKE, NULL, 0, 129, 130, "" },
            { TAKE, NULL, 0, 130, NEVER, "0 a;" } } },
        { "a close ends the wait",
          { { NOTE, "a", 0, 100, 120, NULL },
            { NOTE, "a", S, 105, 105, NULL },
            { TAKE, NULL, 0, 105, NEVER, "0 a;" } } },
        { "what is due waits again after another change",
          { { NOTE, "a", S, 100, 100, NULL },
            { NOTE, "a", 0, 101, 121, NULL },
            { TAKE, NULL, 0, 101, 121, "" } } },
        { "what was taken starts anew",
          { { NOTE, "a", 0, 100, 120, NULL },
            { TAKE, NULL, 0, 120, NEVER, "0 a;" },
            { NOTE, "a", 0, 5110, 5130, NULL } } },
        { "each path has its own time",
          { { NOTE, "a", 0, 100, 120, NULL },
            { NOTE, "b", 0, 110, 120, NULL },
            { NOTE, "a", 0, 115, 130, NULL },
            { TAKE, NULL, 0, 130, 135, "0 b;" },
            { TAKE, NULL, 0, 135, NEVER, "0 a;" } } },
        { "a retry waits for its time",
          { { PUT_BACK, "a", 0, 900, 900, NULL },
            { TAKE, NULL, 0, 899, 900, "" },
            { TAKE, NULL, 0, 900, NEVER, "0 a;" } } },
        { "a note brings a retry forward",
          { { PUT_BACK, "a", 0, 900, 900, NULL }, { NOTE, "a", 0, 100, 120, NULL } } },
        { "a close brings a retry forward",
          { { PUT_BACK, "a", 0, 900, 900, NULL }, { NOTE, "a", S, 100, 100, NULL } } },
        { "a note does not put a retry off",
          { { PUT_BACK, "a", 0, 110, 110, NULL }, { NOTE, "a", 0, 100, 110, NULL } } },
        { "a path that never rests is not taken sooner than it was put back for",
          { { PUT_BACK, "a", 0, 10000, 10000, NULL },
            { NOTE, "a", 0, 9970, 9990, NULL },
            { NOTE, "a", 0, 9985, 10000, NULL } } },
        { "a path that was noted before it is put back keeps the sooner time",
          { { NOTE, "a", 0, 100, 120, NULL },
            { PUT_BACK, "a", 0, 900, 120, NULL },
            { PUT_BACK, "a", 0, 110, 110, NULL },
            { NOTE, "a", 0, 109, 129, NULL } } },
        { "of two retries of a path the sooner holds",
          { { PUT_BACK, "a", 0, 900, 900, NULL },
            { PUT_BACK, "a", 0, 800, 800, NULL },
            { PUT_BACK, "a", 0, 850, 800, NULL },
            { TAKE, NULL, 0, 800, NEVER, "0 a;" } } },
        { "listing and self go by themselves",
          { { NOTE, NULL, L, 100, 120, NULL },
            { NOTE, NULL, S | SELF, 101, 101, NULL },
            { TAKE, NULL, 0, 110, 120, "0S;" },
            { TAKE, NULL, 0, 120, NEVER, "0L;" },
            { NOTE, NULL, S | SELF | L, 130, 130, NULL },
            { TAKE, NULL, 0, 130, NEVER, "0LS;" } } },
        { "self leaves names alone",
          { { NOTE, "a", 0, 100, 120, NULL },
            { NOTE, NULL, SELF, 100, 120, NULL },
            { TAKE, NULL, 0, 120, NEVER, "0S a;" } } },
        { "a listing takes in names before and after",
          { { NOTE, "a", 0, 100, 120, NULL },
            { NOTE, NULL, L, 102, 122, NULL },
            { NOTE, "b", 0, 104, 124, NULL },
            { TAKE, NULL, 0, 123, 124, "" },
            { TAKE, NULL, 0, 124, NEVER, "0L;" } } },
        { "a listing is due at once if a name was",
          { { NOTE, "a", S, 100, 100, NULL },
            { NOTE, NULL, L, 102, 100, NULL },
            { NOTE, "b", 0, 104, 100, NULL } } },
        { "a close in a listed directory makes the listing due, a write does not put it off then",
          { { NOTE, NULL, L, 100, 120, NULL },
            { NOTE, "a", S, 110, 110, NULL },
            { NOTE, "b", 0, 111, 110, NULL },
            { NOTE, NULL, L, 112, 132, NULL } } },
        { "a listing keeps the deadline of the names it takes in",
          { { NOTE, "a", 0, 100, 120, NULL },
            { NOTE, "a", 0, 5090, 5100, NULL },
            { NOTE, NULL, L, 5095, 5100, NULL },
            { NOTE, "b", 0, 5096, 5100, NULL } } },
        { "a listing leaves retries alone",
          { { PUT_BACK, "a", 0, 900, 900, NULL },
            { NOTE, NULL, L | S, 100, 100, NULL },
            { PUT_BACK, "b", 0, 901, 100, NULL },
            { TAKE, NULL, 0, 100, 900, "0L;" },
            { TAKE, NULL, 0, 901, NEVER, "0 a b;" } } },
        { "a retry that is due with the listing goes with it",
          { { PUT_BACK, "a", 0, 90, 90, NULL },
            { NOTE, NULL, L | S, 100, 90, NULL },
            { PUT_BACK, "b", 0, 101, 90, NULL },
            { TAKE, NULL, 0, 101, NEVER, "0L;" } } },
        { "a listing may be put back",
          { { PUT_BACK, NULL, 0, 900, 900, NULL },
            { NOTE, "a", 0, 100, 120, NULL },
            { TAKE, NULL, 0, 120, 900, "0 a;" },
            { NOTE, NULL, L, 200, 220, NULL },
            { TAKE, NULL, 0, 220, NEVER, "0L;" } } },
        { "a listing that was put back takes in names once it is noted",
          { { PUT_BACK, NULL, 0, 900, 900, NULL },
            { NOTE, "a", 0, 100, 120, NULL },
            { NOTE, NULL, L, 110, 130, NULL },
            { TAKE, NULL, 0, 130, NEVER, "0L;" } } },
        { "a listing that is put back takes in what else is put back",
          { { PUT_BACK, NULL, 0, 900, 900, NULL },
            { PUT_BACK, "a", 0, 800, 800, NULL },
            { TAKE, NULL, 0, 800, NEVER, "0L;" } } },
};

START_TEST(test_time_table) {
        for (const Step *step = tables[_i].steps; step->what != END; step++) {
                char *taken = NULL;
                usec_t due;

                switch (step->what) {
                case NOTE:
                        ck_assert_int_eq(add(step->name, step->flags, step->time), 0);
                        break;
                case PUT_BACK:
                        ck_assert_int_eq(put_back(step->name, 0, 1, step->time), 0);
                        break;
                default:
                        taken = take(step->time);
                }
                due = dirty_next_due(set);
                ck_assert_msg(due == step->due, "%s: step %td: due at %llu, not %llu",
                              tables[_i].title, step - tables[_i].steps, (unsigned long long) due,
                              (unsigned long long) step->due);
                ck_assert_msg(!taken || strcmp(taken, step->taken) == 0,
                              "%s: step %td: took \"%s\"", tables[_i].title,
                              step - tables[_i].steps, taken);
                ck_assert_int_eq(dirty_is_empty(set), due == NEVER);
                free(taken);
        }
}
END_TEST

START_TEST(test_max_delay) {
        for (usec_t now = 100; now < 100 + MAX_DELAY; now += SETTLE - 1)
                ck_assert_int_eq(add("a", 0, now), 0);
        ck_assert_uint_eq(dirty_next_due(set), 100 + MAX_DELAY);
        ck_assert_int_eq(add("a", 0, 200 + MAX_DELAY), 0);
        ck_assert_uint_eq(dirty_next_due(set), 100 + MAX_DELAY);
        assert_take(100 + MAX_DELAY, "0 a;");

        /* As a retry that is noted again and again: max_delay counts from the first of these notes.
         */
        ck_assert_int_eq(put_back("a", 100, 0, 50000), 0);
        for (usec_t now = 10000; now < 10000 + MAX_DELAY; now += SETTLE - 1)
                ck_assert_int_eq(add("a", 0, now), 0);
        ck_assert_uint_eq(dirty_next_due(set), 10000 + MAX_DELAY);
}
END_TEST

START_TEST(test_times_may_change_and_be_endless) {
        ck_assert_int_eq(add("a", 0, 100), 0);
        dirty_set_times(set, (DirtyTimes) { .settle = USEC_INFINITY, .max_delay = 7 });
        ck_assert_uint_eq(dirty_next_due(set), 120);
        ck_assert_int_eq(add("b", 0, 100), 0);
        ck_assert_uint_eq(dirty_next_due(set), 107);
        dirty_set_times(set, (DirtyTimes) { .settle = 3, .max_delay = USEC_INFINITY });
        ck_assert_int_eq(add("c", 0, 100), 0);
        ck_assert_uint_eq(dirty_next_due(set), 103);
        dirty_set_times(set, (DirtyTimes) {});
        ck_assert_int_eq(add("d", 0, 100), 0);
        assert_take(100, "0 d;");
}
END_TEST

START_TEST(test_history_is_kept) {
        DirtyBatch batch;

        ck_assert_int_eq(put_back("a", 50, 3, 1000), 0);
        ck_assert_int_eq(add("a", DIRTY_SETTLED, 100), 0);
        ck_assert_int_eq(add("b", DIRTY_SETTLED, 100), 0);
        ck_assert_int_eq(add("b", DIRTY_SETTLED, 110), 0);
        ck_assert_int_eq(put_back("b", 70, 1, 1000), 0);
        ck_assert_int_eq(dirty_take(set, 110, &batch), 0);
        ck_assert_uint_eq(batch.n_directories, 1);
        ck_assert_uint_eq(batch.directories[0].n_names, 2);
        qsort(batch.directories[0].names, 2, sizeof(DirtyName), compare_names);
        ck_assert_uint_eq(batch.directories[0].names[0].first, 50);
        ck_assert_uint_eq(batch.directories[0].names[0].n_attempts, 3);
        ck_assert_uint_eq(batch.directories[0].names[1].first, 70);
        ck_assert_uint_eq(batch.directories[0].names[1].n_attempts, 1);
        dirty_batch_done(&batch);

        /* In listings: of what was taken in before, while waiting, and when taken. */
        ck_assert_int_eq(put_back("a", 60, 2, 1000), 0);
        ck_assert_int_eq(add("a", 0, 500), 0);
        ck_assert_int_eq(put_back("b", 80, 5, 1000), 0);
        ck_assert_int_eq(add(NULL, DIRTY_LISTING, 600), 0);
        ck_assert_int_eq(dirty_take(set, 1000, &batch), 0);
        ck_assert_uint_eq(batch.n_directories, 1);
        ck_assert(batch.directories[0].listing);
        ck_assert_uint_eq(batch.directories[0].n_names, 0);
        ck_assert_uint_eq(batch.directories[0].first, 60);
        ck_assert_uint_eq(batch.directories[0].n_attempts, 5);
        dirty_batch_done(&batch);
}
END_TEST

START_TEST(test_directories) {
        for (int i = N_NODES - 1; i >= 0; i--) {
                ck_assert_int_eq(dirty_add(set, nodes[i], "a", DIRTY_SETTLED, 10), 0);
                ck_assert_int_eq(dirty_add(set, nodes[i], "b", 0, 10), 0);
        }
        ck_assert_uint_eq(dirty_n_items(set), 2 * N_NODES);
        assert_take(10, "0 a;1 a;2 a;3 a;4 a;5 a;");
        ck_assert_uint_eq(dirty_n_items(set), N_NODES);
        tree_detach(tree, nodes[3], NULL, NULL);
        assert_take(30, "0 b;1 b;2 b;4 b;5 b;");
        ck_assert(dirty_is_empty(set));
}
END_TEST

START_TEST(test_order_of_a_batch) {
        static const usec_t when[N_NODES] = { 50, 20, 60, 10, 40, 30 };
        DirtyBatch batch;

        for (int i = 0; i < N_NODES; i++)
                ck_assert_int_eq(dirty_add(set, nodes[i], "a", DIRTY_SETTLED, when[i]), 0);
        ck_assert_int_eq(dirty_take(set, 60, &batch), 0);
        ck_assert_uint_eq(batch.n_directories, N_NODES);
        ck_assert_ptr_eq(batch.directories[0].node, nodes[3]);
        ck_assert_ptr_eq(batch.directories[1].node, nodes[1]);
        ck_assert_ptr_eq(batch.directories[5].node, nodes[2]);
        dirty_batch_done(&batch);
        dirty_batch_done(&batch);
}
END_TEST

START_TEST(test_clear) {
        for (int i = 0; i < N_NODES; i++) {
                ck_assert_int_eq(dirty_add(set, nodes[i], "a", 0, 10), 0);
                ck_assert_int_eq(dirty_add(set, nodes[i], NULL, DIRTY_LISTING | DIRTY_SELF, 10), 0);
                ck_assert_int_eq(
                        dirty_add_retry(set, nodes[i], &(DirtyName) { .name = (char *) "r" }, 10),
                        0);
        }
        dirty_clear(set);
        ck_assert(dirty_is_empty(set));
        ck_assert_uint_eq(dirty_n_items(set), 0);
        ck_assert_uint_eq(dirty_next_due(set), USEC_INFINITY);
        assert_take(1000, "");
        ck_assert_int_eq(add("a", 0, 10), 0);
        assert_take(1000, "0 a;");
}
END_TEST

/* Files */

static WatchFile numbered_file(uint64_t i) {
        return (WatchFile) { .device = i % 3, .inode = i };
}

START_TEST(test_files) {
        DirtyBatch batch;

        for (uint64_t i = 0; i < 3000; i++)
                ck_assert_int_eq(dirty_add_file(set, numbered_file(i * 7 % 1000), 100 + i), 0);
        ck_assert_uint_eq(dirty_next_due(set), 120);
        ck_assert(!dirty_is_empty(set));
        ck_assert_int_eq(dirty_take(set, 119, &batch), 0);
        ck_assert_uint_eq(batch.n_files, 0);
        ck_assert_int_eq(dirty_take(set, 120, &batch), 0);
        ck_assert_uint_eq(batch.n_files, 1000);
        for (size_t i = 1; i < batch.n_files; i++)
                ck_assert(batch.files[i - 1].device < batch.files[i].device ||
                          (batch.files[i - 1].device == batch.files[i].device &&
                           batch.files[i - 1].inode < batch.files[i].inode));
        dirty_batch_done(&batch);
        ck_assert(dirty_is_empty(set));

        ck_assert_int_eq(dirty_add_file(set, numbered_file(1), 200), 0);
        dirty_clear(set);
        ck_assert_uint_eq(dirty_next_due(set), USEC_INFINITY);
}
END_TEST

START_TEST(test_files_are_bounded) {
        uint64_t n = 0;

        while (n <= DIRTY_FILES_MAX && dirty_add_file(set, numbered_file(n), 100) == 0)
                n++;
        ck_assert_uint_eq(n, DIRTY_FILES_MAX);
        ck_assert_int_eq(dirty_add_file(set, numbered_file(n), 100), -ENOBUFS);
        ck_assert_uint_eq(dirty_n_items(set), DIRTY_FILES_MAX);

        /* One file, however often it is told, never fills it. */
        dirty_clear(set);
        for (uint64_t i = 0; i < 4 * DIRTY_FILES_MAX; i++)
                ck_assert_int_eq(dirty_add_file(set, numbered_file(i % 2), 100), 0);
}
END_TEST

/* Failures alone, wherever they are in the heap; nothing else changes its time. */
START_TEST(test_hasten) {
        for (int i = 0; i < 100; i++) {
                char name[16];

                (void) snprintf(name, sizeof(name), "%c%d", i % 3 == 0 ? 'f' : 'r', i);
                ck_assert_int_eq(put_back(name, 1, i % 3 == 0, 1000 + (usec_t) ((i * 37) % 100)),
                                 0);
        }
        ck_assert_int_eq(add("n", 0, 500), 0);
        dirty_hasten(set, 400);
        for (usec_t at = 400; at <= 1099; at++) {
                DirtyBatch batch;
                size_t n = 0;

                ck_assert_int_eq(dirty_take(set, at, &batch), 0);
                for (size_t i = 0; i < batch.n_directories; i++)
                        for (size_t j = 0; j < batch.directories[i].n_names; j++, n++)
                                ck_assert(batch.directories[i].names[j].name[0] == 'f' ? at == 400
                                                                                       : at > 400);
                ck_assert_uint_eq(n == 34, at == 400);
                dirty_batch_done(&batch);
        }
        ck_assert(dirty_is_empty(set));
}
END_TEST

/* Many names */

static const char *numbered(int i) {
        static char name[32];

        (void) snprintf(name, sizeof(name), "file-%d", i);
        return name;
}

START_TEST(test_many_names_become_a_listing) {
        for (int i = 0; i < DIRTY_NAMES_MAX; i++)
                ck_assert_int_eq(add(numbered(i), 0, 100 + (usec_t) i / 16), 0);
        ck_assert_uint_eq(dirty_n_items(set), DIRTY_NAMES_MAX);
        ck_assert_uint_eq(dirty_next_due(set), 120);
        ck_assert_int_eq(put_back("retry", 1, 1, 900), 0);
        ck_assert_uint_eq(dirty_n_items(set), DIRTY_NAMES_MAX + 1);

        /* None was closed: when the last is quiet. */
        ck_assert_int_eq(add("one more", 0, 117), 0);
        ck_assert_uint_eq(dirty_n_items(set), 2);
        ck_assert_uint_eq(dirty_next_due(set), 137);
        assert_take(137, "0L;");
        assert_take(900, "0 retry;");
}
END_TEST

START_TEST(test_many_names_one_closed) {
        ck_assert_int_eq(add("closed", DIRTY_SETTLED, 90), 0);
        for (int i = 0; i < DIRTY_NAMES_MAX; i++)
                ck_assert_int_eq(add(numbered(i), 0, 100), 0);
        ck_assert_uint_eq(dirty_n_items(set), 1);
        assert_take(90, "0L;");
}
END_TEST

START_TEST(test_many_names_keep_the_earliest_deadline) {
        for (usec_t now = 100; now < MAX_DELAY; now += SETTLE - 1)
                ck_assert_int_eq(add("restless", 0, now), 0);
        for (int i = 0; i < DIRTY_NAMES_MAX; i++)
                ck_assert_int_eq(add(numbered(i), 0, 99 + MAX_DELAY), 0);
        ck_assert_uint_eq(dirty_n_items(set), 1);
        ck_assert_uint_eq(dirty_next_due(set), 100 + MAX_DELAY);
}
END_TEST

START_TEST(test_many_retries_become_a_listing) {
        DirtyBatch batch;

        for (int i = 0; i <= DIRTY_NAMES_MAX; i++)
                ck_assert_int_eq(put_back(numbered(i), 100 - (usec_t) i % 7, (unsigned) i % 5,
                                          900 - (usec_t) i),
                                 0);
        ck_assert_uint_eq(dirty_n_items(set), 1);
        ck_assert_uint_eq(dirty_next_due(set), 900 - DIRTY_NAMES_MAX);

        /* What happens meanwhile does not wait for it, nor it for that. */
        ck_assert_int_eq(add("a", DIRTY_SETTLED, 200), 0);
        assert_take(200, "0 a;");
        ck_assert_int_eq(put_back("another", 60, 9, 899), 0);
        ck_assert_uint_eq(dirty_n_items(set), 1);
        ck_assert_int_eq(dirty_take(set, 900 - DIRTY_NAMES_MAX, &batch), 0);
        ck_assert_uint_eq(batch.n_directories, 1);
        ck_assert(batch.directories[0].listing);
        ck_assert_uint_eq(batch.directories[0].first, 60);
        ck_assert_uint_eq(batch.directories[0].n_attempts, 9);
        dirty_batch_done(&batch);
}
END_TEST

START_TEST(test_many_of_both_kinds) {
        for (int i = 0; i <= DIRTY_NAMES_MAX; i++)
                ck_assert_int_eq(put_back(numbered(i), 0, 1, 900), 0);
        for (int i = 0; i <= DIRTY_NAMES_MAX; i++)
                ck_assert_int_eq(add(numbered(i), 0, 100), 0);
        ck_assert_uint_eq(dirty_n_items(set), 1);
        ck_assert_uint_eq(dirty_next_due(set), 120);
        for (int i = 0; i <= DIRTY_NAMES_MAX; i++)
                ck_assert_int_eq(put_back(numbered(i), 0, 1, 50), 0);
        ck_assert_uint_eq(dirty_n_items(set), 1);
        ck_assert_uint_eq(dirty_next_due(set), 120);
        assert_take(120, "0L;");
}
END_TEST

START_TEST(test_bounded) {
        static const int n_names = 100000;
        size_t n_bytes;
        int r = 0;

        ck_assert_int_eq(add("hot", 0, 0), 0);
        n_bytes = mallinfo2().uordblks;
        for (usec_t now = 0; now < 100000; now++)
                r |= add("hot", now % 3 == 0 ? DIRTY_SETTLED : 0, now);
        ck_assert_uint_eq(mallinfo2().uordblks, n_bytes);
        ck_assert_uint_eq(dirty_n_items(set), 1);

        n_bytes = mallinfo2().uordblks;
        for (int i = 0; i < n_names; i++) {
                r |= add(numbered(i), 0, 100000);
                r |= put_back(numbered(i), 0, 1, 200000 + (usec_t) i);
                if (dirty_n_items(set) > 2 * DIRTY_NAMES_MAX + 1)
                        r = -E2BIG;
        }
        ck_assert_int_eq(r, 0);
        ck_assert_uint_lt(mallinfo2().uordblks, n_bytes + 2 * DIRTY_NAMES_MAX * 256);
}
END_TEST

/* Figures: the cost of a note beside a small and a large backlog */

static double note_cost_ns(int n_directories) {
        static const int n_notes = 400000;
        Node **directories = calloc((size_t) n_directories, sizeof(Node *));
        struct timespec begin, end;
        int r = 0;

        ck_assert_ptr_nonnull(directories);
        for (int i = 0; i < n_directories; i++) {
                (void) tree_child(tree, nodes[0], numbered(i), &directories[i]);
                for (int j = 0; j < 100; j++)
                        r |= dirty_add(set, directories[i], numbered(j), 0, 1);
        }
        (void) clock_gettime(CLOCK_MONOTONIC, &begin);
        for (int i = 0; i < n_notes; i++)
                r |= dirty_add(set, directories[i / 7 % n_directories], "file-57",
                               i % 3 == 0 ? DIRTY_SETTLED : 0, (usec_t) i);
        (void) clock_gettime(CLOCK_MONOTONIC, &end);
        ck_assert_int_eq(r, 0);
        dirty_clear(set);
        for (int i = 0; i < n_directories; i++)
                node_unref(directories[i]);
        free(directories);
        return ((double) (end.tv_sec - begin.tv_sec) * 1e9 +
                (double) (end.tv_nsec - begin.tv_nsec)) /
               n_notes;
}

START_TEST(test_cost) {
        printf("%.0f ns a note beside 1000 items, ", note_cost_ns(10));
        printf("%.0f ns beside 100000\n", note_cost_ns(1000));
}
END_TEST

static Suite *dirty_suite(void) {
        Suite *suite = suite_create("dirty");
        TCase *tests = tcase_create("rules");

        tcase_add_checked_fixture(tests, setup, teardown);
        tcase_set_timeout(tests, 120);
        tcase_add_loop_test(tests, test_time_table, 0, sizeof(tables) / sizeof(tables[0]));
        tcase_add_test(tests, test_max_delay);
        tcase_add_test(tests, test_times_may_change_and_be_endless);
        tcase_add_test(tests, test_history_is_kept);
        tcase_add_test(tests, test_directories);
        tcase_add_test(tests, test_order_of_a_batch);
        tcase_add_test(tests, test_clear);
        tcase_add_test(tests, test_files);
        tcase_add_test(tests, test_files_are_bounded);
        tcase_add_test(tests, test_hasten);
        tcase_add_test(tests, test_many_names_become_a_listing);
        tcase_add_test(tests, test_many_names_one_closed);
        tcase_add_test(tests, test_many_names_keep_the_earliest_deadline);
        tcase_add_test(tests, test_many_retries_become_a_listing);
        tcase_add_test(tests, test_many_of_both_kinds);
        tcase_add_test(tests, test_bounded);
        tcase_add_test(tests, test_cost);
        suite_add_tcase(suite, tests);
        return suite;
}

int main(void) {
        SRunner *runner = srunner_create(dirty_suite());
        int n_failed;

        srunner_run_all(runner, CK_ENV);
        n_failed = srunner_ntests_failed(runner);
        srunner_free(runner);
        return n_failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
