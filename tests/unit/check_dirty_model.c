#include <check.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "test-dirty.h"
#include "watch-random.h"
#include "watch/dirty-pack.h"

/* Against a model in which every item is an element of an array and everything is searched for */

enum { N_NAMES = 5, LISTING_SLOT = N_NAMES, SELF_SLOT, N_SLOTS, N_STEPS = 30000 };

typedef struct ModelItem {
        bool there, retry, settled;
        usec_t first, deadline, due;
        unsigned n_attempts;
} ModelItem;

static ModelItem model[N_NODES][N_SLOTS];
static const char *const model_names[N_NAMES] = { "a", "b", "c", "d", "e" };

static void model_note(ModelItem *item, bool settled, usec_t now) {
        if (!item->there)
                *item = (ModelItem) { .there = true, .first = now, .deadline = now + MAX_DELAY };
        else if (item->retry)
                item->deadline = item->due < now + MAX_DELAY ? item->due : now + MAX_DELAY;
        item->retry = false;
        item->settled = settled;
        item->due = settled ? now : now + SETTLE;
        if (!settled && item->due > item->deadline)
                item->due = item->deadline;
}

static void model_note_in_listing(ModelItem *listing, bool settled, usec_t now) {
        if (settled) {
                listing->settled = true;
                listing->due = listing->due < now ? listing->due : now;
        } else if (!listing->settled)
                listing->due = now + SETTLE < listing->deadline ? now + SETTLE : listing->deadline;
}

/* Takes the noted names of a directory into its listing, which was noted just now. */
static void model_absorb(ModelItem *items) {
        ModelItem *listing = &items[LISTING_SLOT];
        usec_t settled_due = listing->settled ? listing->due : USEC_INFINITY;
        usec_t quiet_due = listing->settled ? 0 : listing->due;

        for (int i = 0; i < N_NAMES; i++) {
                ModelItem *item = &items[i];

                if (!item->there || item->retry)
                        continue;
                if (item->settled && item->due < settled_due)
                        settled_due = item->due;
                if (!item->settled && item->due > quiet_due)
                        quiet_due = item->due;
                if (item->deadline < listing->deadline)
                        listing->deadline = item->deadline;
                if (item->first < listing->first)
                        listing->first = item->first;
                if (item->n_attempts > listing->n_attempts)
                        listing->n_attempts = item->n_attempts;
                item->there = false;
        }
        listing->settled = settled_due != USEC_INFINITY;
        listing->due = quiet_due < listing->deadline ? quiet_due : listing->deadline;
        if (listing->settled)
                listing->due = settled_due;
}

static void model_put_back(ModelItem *items, int slot, const DirtyName *name, usec_t due) {
        ModelItem *item = &items[slot];

        if (!item->there && slot < N_NAMES && items[LISTING_SLOT].there &&
            items[LISTING_SLOT].retry)
                item = &items[LISTING_SLOT];
        if (!item->there)
                *item = (ModelItem) {
                        .there = true, .retry = true, .first = name->first, .due = due
                };
        if (name->first < item->first)
                item->first = name->first;
        if (name->n_attempts > item->n_attempts)
                item->n_attempts = name->n_attempts;
        if (due < item->due)
                item->due = due;
}

static char *model_take(usec_t now) {
        size_t size;
        char *text;
        FILE *f = open_memstream(&text, &size);

        for (int i = 0; i < N_NODES; i++) {
                bool due[N_SLOTS] = {}, any = false;

                for (int j = 0; j < N_SLOTS; j++) {
                        due[j] = model[i][j].there && model[i][j].due <= now;
                        any |= due[j];
                        if (due[j])
                                model[i][j].there = false;
                }
                if (!any)
                        continue;
                fprintf(f, "%d%s%s", i, due[LISTING_SLOT] ? "L" : "", due[SELF_SLOT] ? "S" : "");
                for (int j = 0; j < N_NAMES && !due[LISTING_SLOT]; j++)
                        if (due[j])
                                fprintf(f, " %s", model_names[j]);
                fputc(';', f);
        }
        ck_assert_int_eq(fclose(f), 0);
        return text;
}

static void step_note(uint64_t *state, int i, usec_t now) {
        int slot = (int) random_below(state, N_SLOTS);
        bool settled = random_below(state, 3) == 0;
        ModelItem *listing = &model[i][LISTING_SLOT];
        unsigned flags = settled ? DIRTY_SETTLED : 0;

        if (slot < N_NAMES) {
                ck_assert_int_eq(dirty_add(set, nodes[i], model_names[slot], flags, now), 0);
                if (listing->there && !listing->retry)
                        model_note_in_listing(listing, settled, now);
                else
                        model_note(&model[i][slot], settled, now);
                return;
        }
        flags |= slot == SELF_SLOT ? DIRTY_SELF : DIRTY_LISTING;
        ck_assert_int_eq(dirty_add(set, nodes[i], NULL, flags, now), 0);
        model_note(&model[i][slot], settled, now);
        if (slot == LISTING_SLOT)
                model_absorb(model[i]);
}

static void step_put_back(uint64_t *state, int i, usec_t now) {
        int slot = (int) random_below(state, LISTING_SLOT + 1);
        usec_t due = now + random_below(state, 2 * MAX_DELAY);
        DirtyName name = { .first = now - random_below(state, 50),
                           .n_attempts = random_below(state, 5) };

        if (slot < N_NAMES)
                name.name = (char *) model_names[slot];
        ck_assert_int_eq(dirty_add_retry(set, nodes[i], &name, due), 0);
        model_put_back(model[i], slot, &name, due);
}

static void step_take(usec_t now) {
        char *taken = take(now), *expected = model_take(now);

        ck_assert_str_eq(taken, expected);
        free(taken);
        free(expected);
}

/* As if another process went on with it. */
static void step_reload(void) {
        static Packer packer;
        int fd = memfd_create("check_dirty_model", MFD_CLOEXEC);
        unsigned char *memory;
        Unpacker unpacker;

        packer_begin(&packer, fd);
        for (int i = 0; i < N_NODES; i++)
                dirty_save_node(set, nodes[i], &packer);
        ck_assert_int_eq(packer_end(&packer), 0);
        memory = malloc(packer.n_written);
        ck_assert_int_eq(pread(fd, memory, packer.n_written, 0), (ssize_t) packer.n_written);
        (void) close(fd);

        set = dirty_free(set);
        ck_assert_int_eq(dirty_new(&set, (DirtyTimes) { SETTLE, MAX_DELAY }), 0);
        unpacker = (Unpacker) { .at = memory, .end = memory + packer.n_written };
        for (int i = 0; i < N_NODES; i++)
                ck_assert_int_eq(dirty_load_node(set, nodes[i], &unpacker), 0);
        ck_assert_ptr_eq(unpacker.at, unpacker.end);
        free(memory);
}

START_TEST(test_random) {
        uint64_t state = random_seed(__func__) + (uint64_t) _i;
        usec_t now = 1000;

        for (int step = 0; step < N_STEPS; step++) {
                int i = (int) random_below(&state, N_NODES);
                usec_t due = USEC_INFINITY;
                size_t n = 0;

                now += random_below(&state, 100) == 0 ? random_below(&state, 2 * MAX_DELAY)
                                                      : random_below(&state, 8);
                switch (random_below(&state, 16)) {
                case 0:
                        step_take(now);
                        break;
                case 1:
                        step_put_back(&state, i, now);
                        break;
                default:
                        step_note(&state, i, now);
                }
                if (random_below(&state, 64) == 0)
                        step_reload();
                for (int j = 0; j < N_NODES; j++)
                        for (int k = 0; k < N_SLOTS; k++)
                                if (model[j][k].there) {
                                        n++;
                                        due = model[j][k].due < due ? model[j][k].due : due;
                                }
                ck_assert_uint_eq(dirty_n_items(set), n);
                ck_assert_uint_eq(dirty_next_due(set), due);
        }
}
END_TEST

static Suite *model_suite(void) {
        Suite *suite = suite_create("dirty-model");
        TCase *tests = tcase_create("random");

        tcase_set_timeout(tests, 120);
        tcase_add_checked_fixture(tests, setup, teardown);
        tcase_add_loop_test(tests, test_random, 0, 4);
        suite_add_tcase(suite, tests);
        return suite;
}

int main(void) {
        SRunner *runner = srunner_create(model_suite());
        int n_failed;

        srunner_run_all(runner, CK_ENV);
        n_failed = srunner_ntests_failed(runner);
        srunner_free(runner);
        return n_failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
