#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "watch-random.h"
#include "watch/hash-index.h"

enum { N_ITEMS = 2000, N_STEPS = 50000 };

typedef struct Item {
        uint64_t key;
        bool in;
} Item;

static uint64_t good_hash(const void *item, uint64_t seed) {
        return hash_fold(seed, ((const Item *) item)->key);
}

/* Nearly everything collides. */
static uint64_t bad_hash(const void *item, uint64_t seed) {
        (void) seed;
        return ((const Item *) item)->key % 3 - 1;
}

static bool equal(const void *a, const void *b) {
        return ((const Item *) a)->key == ((const Item *) b)->key;
}

static const HashIndexType types[] = {
        { .hash = good_hash, .equal = equal },
        { .hash = bad_hash, .equal = equal },
};

static void toggle(HashIndex *index, Item *item) {
        if (item->in)
                hash_index_remove(index, item);
        else {
                ck_assert_int_eq(hash_index_reserve(index, 1), 0);
                hash_index_insert(index, item);
        }
        item->in = !item->in;
}

/* Grows, shrinks and grows again, at random items. */
START_TEST(test_random) {
        uint64_t state = random_seed(__func__);
        size_t n_items = _i == 0 ? N_ITEMS : N_ITEMS / 20, n_in = 0, n_found = 0, position = 0;
        static Item items[N_ITEMS];
        HashIndex index;
        Item *item;

        hash_index_init(&index, &types[_i]);
        for (size_t i = 0; i < n_items; i++)
                items[i].key = i;
        for (int step = 0; step < N_STEPS; step++) {
                bool growing = step / 10000 % 2 == 0;

                item = &items[random_below(&state, (unsigned) n_items)];
                if (item->in != growing || random_below(&state, 4) == 0) {
                        toggle(&index, item);
                        n_in += item->in ? 1 : (size_t) -1;
                }
                if (index.n_items != n_in)
                        ck_abort_msg("counted wrong");
                item = &items[random_below(&state, (unsigned) n_items)];
                if (hash_index_find(&index, &(Item) { .key = item->key }) !=
                    (item->in ? item : NULL))
                        ck_abort_msg("found wrong");
        }

        while ((item = hash_index_next(&index, &position))) {
                ck_assert(item->in);
                n_found++;
        }
        ck_assert_uint_eq(n_found, n_in);
        for (size_t i = 0; i < n_items; i++)
                if (items[i].in)
                        toggle(&index, &items[i]);
        ck_assert_uint_le(index.n_slots, 16); /* memory came back */
        ck_assert_ptr_null(hash_index_find(&index, &items[0]));
        hash_index_done(&index);
}
END_TEST

START_TEST(test_reserve) {
        static Item items[1000];
        HashIndex index;
        void **slots;

        hash_index_init(&index, &types[0]);
        ck_assert_ptr_null(hash_index_find(&index, &items[0]));
        ck_assert_int_eq(hash_index_reserve(&index, 1000), 0);
        slots = index.slots;
        for (size_t i = 0; i < 1000; i++) {
                items[i].key = i;
                hash_index_insert(&index, &items[i]);
        }
        ck_assert_ptr_eq(index.slots, slots);
        ck_assert_uint_eq(index.n_items, 1000);
        hash_index_done(&index);
}
END_TEST

START_TEST(test_fold_bytes) {
        static const char zeros[17];
        uint64_t hashes[sizeof(zeros)];

        for (size_t i = 0; i < sizeof(zeros); i++)
                hashes[i] = hash_fold_bytes(1, zeros, i);
        for (size_t i = 0; i < sizeof(zeros); i++)
                for (size_t j = 0; j < i; j++)
                        ck_assert_uint_ne(hashes[i], hashes[j]);
        ck_assert_uint_eq(hash_fold_bytes(1, "abcdefghi", 9), hash_fold_bytes(1, "abcdefghij", 9));
        ck_assert_uint_ne(hash_fold_bytes(1, "abcdefghi", 9), hash_fold_bytes(2, "abcdefghi", 9));
        ck_assert_uint_ne(hash_fold_bytes(1, "abcdefghi", 9), hash_fold_bytes(1, "abcdefghj", 9));
}
END_TEST

static Suite *hash_index_suite(void) {
        Suite *suite = suite_create("hash-index");
        TCase *tests = tcase_create("table");

        tcase_set_timeout(tests, 120);
        tcase_add_loop_test(tests, test_random, 0, 2);
        tcase_add_test(tests, test_reserve);
        tcase_add_test(tests, test_fold_bytes);
        suite_add_tcase(suite, tests);
        return suite;
}

int main(void) {
        SRunner *runner = srunner_create(hash_index_suite());
        int n_failed;

        srunner_run_all(runner, CK_ENV);
        n_failed = srunner_ntests_failed(runner);
        srunner_free(runner);
        return n_failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
