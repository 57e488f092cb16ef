/* The queue between workers and committer: order, bounds, and what wakes whom. */

#include <check.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sync/batch.h"

#define LONG_USEC (60 * USEC_PER_SEC)

static Batch batch;

static void setup(void) {
        ck_assert_int_eq(batch_init(&batch), 0);
}

static void teardown(void) {
        batch_done(&batch);
}

/* A list of N items; they are told apart by producer (file_system) and number (size). */
static ItemList make_list(size_t n, int64_t producer, uint64_t first, uint64_t n_bytes) {
        ItemList list;

        item_list_init(&list);
        for (size_t i = 0; i < n; i++) {
                Item *item = item_new(ITEM_ROW, NULL, NULL, "name");

                ck_assert_ptr_nonnull(item);
                item->row.file_system = producer;
                item->row.source.size = first + i;
                item->n_bytes = n_bytes;
                item_list_append(&list, item);
        }
        return list;
}

static void push(size_t n, int64_t producer, uint64_t first, uint64_t n_bytes) {
        ItemList list;

        /* The list's end points into itself. */
        item_list_init(&list);
        ItemList made = make_list(n, producer, first, n_bytes);
        item_list_concat(&list, &made);
        batch_push(&batch, &list);
        ck_assert_ptr_null(list.first);
        ck_assert_uint_eq(list.n_items, 0);
}

static void expect_numbers(const ItemList *list, size_t n) {
        uint64_t next = 0;

        for (const Item *item = list->first; item; item = item->next)
                ck_assert_uint_eq(item->row.source.size, next++);
        ck_assert_uint_eq(next, n);
        ck_assert_uint_eq(list->n_items, n);
}

START_TEST(items) {
        Item *item = item_new(ITEM_REMOVE, NULL, NULL, "na\nme");

        ck_assert_int_eq(item->kind, ITEM_REMOVE);
        ck_assert_str_eq(item->row.name, "na\nme");
        ck_assert_int_eq(item->operation, _OPERATION_INVALID);
        ck_assert_int_eq(item->result, 0);
        item->from_name = strdup("from");
        item->from_path = strdup("path/from");
        item->displaced_row.name = strdup("displaced");
        ck_assert_ptr_null(item_free(item));
        ck_assert_ptr_null(item_free(NULL));
}
END_TEST

START_TEST(lists) {
        ItemList a, b;

        item_list_init(&a);
        item_list_init(&b);
        item_list_concat(&a, &b);
        ck_assert_ptr_null(a.first);

        ItemList more = make_list(3, 0, 0, 5);
        item_list_concat(&a, &more);
        ck_assert_uint_eq(a.n_bytes, 15);
        item_list_concat(&a, &b);
        more = make_list(1, 0, 3, 7);
        item_list_concat(&b, &more);
        item_list_concat(&a, &b);
        ck_assert_ptr_null(b.first);
        ck_assert_uint_eq(b.n_bytes, 0);
        item_list_append(&a, item_new(ITEM_ROW, NULL, NULL, ""));
        ck_assert_uint_eq(a.n_items, 5);
        ck_assert_uint_eq(a.n_bytes, 22);
        item_list_done(&a);
        ck_assert_ptr_null(a.first);
        item_list_done(&a);
}
END_TEST

START_TEST(nothing_waiting) {
        ItemList taken;

        item_list_init(&taken);
        ck_assert(batch_take(&batch, 0, &taken));
        ck_assert(batch_take(&batch, 1000, &taken));
        ck_assert_ptr_null(taken.first);
        ItemList none;
        item_list_init(&none);
        batch_push(&batch, &none);
        batch_push_unbounded(&batch, &none);
        ck_assert(batch_take(&batch, 0, &taken));
        ck_assert_ptr_null(taken.first);
}
END_TEST

START_TEST(young_items_wait) {
        ItemList taken;

        item_list_init(&taken);
        push(2, 0, 0, 0);
        ck_assert(batch_take(&batch, 0, &taken));
        ck_assert_ptr_null(taken.first);

        /* Until somebody wants them. */
        batch_flush(&batch);
        ck_assert(batch_take(&batch, USEC_INFINITY, &taken));
        expect_numbers(&taken, 2);
        item_list_done(&taken);

        /* The wish was for those alone. */
        push(1, 0, 0, 0);
        ck_assert(batch_take(&batch, 0, &taken));
        ck_assert_ptr_null(taken.first);
}
END_TEST

START_TEST(old_items_are_taken) {
        usec_t before = now_usec(CLOCK_MONOTONIC);
        ItemList taken;

        item_list_init(&taken);
        push(1, 0, 0, 0);
        push(1, 0, 1, 0);
        ck_assert(batch_take(&batch, USEC_INFINITY, &taken));
        ck_assert_uint_ge(now_usec(CLOCK_MONOTONIC) - before, BATCH_AGE_MAX_USEC);
        ck_assert_uint_lt(now_usec(CLOCK_MONOTONIC) - before, LONG_USEC);
        expect_numbers(&taken, 2);
        item_list_done(&taken);
}
END_TEST

START_TEST(full_by_items) {
        ItemList taken;

        item_list_init(&taken);
        push(BATCH_ITEMS_MAX - 1, 0, 0, 0);
        ck_assert(batch_take(&batch, 0, &taken));
        ck_assert_ptr_null(taken.first);
        /* One list is never torn apart, even if it is more than fits. */
        push(10, 0, BATCH_ITEMS_MAX - 1, 0);
        ck_assert(batch_take(&batch, USEC_INFINITY, &taken));
        expect_numbers(&taken, BATCH_ITEMS_MAX + 9);
        item_list_done(&taken);
}
END_TEST

START_TEST(full_by_bytes) {
        ItemList taken;

        item_list_init(&taken);
        push(1, 0, 0, BATCH_BYTES_MAX - 1);
        ck_assert(batch_take(&batch, 0, &taken));
        ck_assert_ptr_null(taken.first);
        push(1, 0, 1, 1);
        ck_assert(batch_take(&batch, USEC_INFINITY, &taken));
        expect_numbers(&taken, 2);
        ck_assert_uint_eq(taken.n_bytes, BATCH_BYTES_MAX);
        item_list_done(&taken);
}
END_TEST

START_TEST(unbounded_push_does_not_wait) {
        ItemList list, taken;

        push(1, 0, 0, BATCH_BYTES_MAX);
        item_list_init(&list);
        item_list_append(&list, item_new(ITEM_BIND, NULL, NULL, ""));
        batch_push_unbounded(&batch, &list);
        item_list_init(&taken);
        ck_assert(batch_take(&batch, 0, &taken));
        ck_assert_uint_eq(taken.n_items, 2);
        item_list_done(&taken);
}
END_TEST

START_TEST(close_ends) {
        ItemList taken;

        item_list_init(&taken);
        push(3, 0, 0, 0);
        batch_close(&batch);
        ck_assert(batch_take(&batch, USEC_INFINITY, &taken));
        expect_numbers(&taken, 3);
        item_list_done(&taken);
        ck_assert(!batch_take(&batch, USEC_INFINITY, &taken));
        ck_assert(!batch_take(&batch, USEC_INFINITY, &taken));

        /* Nobody waits for room any more. */
        push(1, 0, 0, BATCH_BYTES_MAX);
        push(1, 0, 1, BATCH_BYTES_MAX);
        ck_assert(batch_take(&batch, USEC_INFINITY, &taken));
        expect_numbers(&taken, 2);
        item_list_done(&taken);
}
END_TEST

static void *take_one(void *userdata) {
        ItemList *taken = userdata;

        while (batch_take(&batch, USEC_INFINITY, taken) && !taken->first)
                ;
        return NULL;
}

/* A taker that waits without end is woken by each of these; were it not, the test would time out.
 */
START_TEST(waiting_taker_is_woken) {
        for (int i = 0; i < 3; i++) {
                pthread_t thread;
                ItemList taken;

                item_list_init(&taken);
                ck_assert_int_eq(pthread_create(&thread, NULL, take_one, &taken), 0);
                if (i == 0) {
                        push(1, 0, 0, 0);
                        batch_flush(&batch);
                } else if (i == 1)
                        push(1, 0, 0, BATCH_BYTES_MAX);
                else
                        batch_close(&batch);
                ck_assert_int_eq(pthread_join(thread, NULL), 0);
                ck_assert_uint_eq(taken.n_items, i < 2 ? 1 : 0);
                item_list_done(&taken);
        }
}
END_TEST

static void *push_when_full(void *userdata) {
        push(1, 0, 1, 0);
        return userdata;
}

START_TEST(close_lets_waiting_pusher_go) {
        pthread_t thread;

        push(1, 0, 0, BATCH_BYTES_MAX);
        ck_assert_int_eq(pthread_create(&thread, NULL, push_when_full, NULL), 0);
        batch_close(&batch);
        ck_assert_int_eq(pthread_join(thread, NULL), 0);
        ck_assert_uint_eq(batch.waiting.n_items, 2);
}
END_TEST

enum { N_PRODUCERS = 4, N_LISTS = 3000, LIST_MAX = 64 };

/* How many lists a producer pushes before its items number NUMBER. */
static size_t list_length(uint64_t number) {
        return 1 + number * 7 % LIST_MAX;
}

static void *produce(void *userdata) {
        int64_t producer = (int64_t) (intptr_t) userdata;
        uint64_t number = 0;

        for (size_t i = 0; i < N_LISTS; i++) {
                size_t n = list_length(number);

                /* One producer's items weigh, so that both bounds are met. */
                push(n, producer, number, producer == 0 ? BATCH_BYTES_MAX / 256 : 0);
                number += n;
        }
        return (void *) (uintptr_t) number;
}

/* Lists come whole and in each producer's order, and never more than the bound and one list. */
static void expect_bounded(const ItemList *taken, uint64_t *next) {
        size_t n_items = 0, left[N_PRODUCERS] = {};

        ck_assert_uint_lt(taken->n_items, BATCH_ITEMS_MAX + LIST_MAX);
        ck_assert_uint_lt(taken->n_bytes, BATCH_BYTES_MAX + LIST_MAX * (BATCH_BYTES_MAX / 256));
        for (const Item *item = taken->first; item; item = item->next, n_items++) {
                int64_t producer = item->row.file_system;

                ck_assert_uint_eq(item->row.source.size, next[producer]);
                if (left[producer] == 0)
                        left[producer] = list_length(next[producer]);
                left[producer]--;
                next[producer]++;
        }
        ck_assert_uint_eq(n_items, taken->n_items);
        for (int i = 0; i < N_PRODUCERS; i++)
                ck_assert_uint_eq(left[i], 0);
}

typedef struct Consumer {
        uint64_t next[N_PRODUCERS];
        size_t n_full;
} Consumer;

static void *consume(void *userdata) {
        Consumer *consumer = userdata;
        ItemList taken;

        item_list_init(&taken);
        while (batch_take(&batch, USEC_INFINITY, &taken)) {
                consumer->n_full += taken.n_items >= BATCH_ITEMS_MAX ||
                                    taken.n_bytes >= BATCH_BYTES_MAX;
                expect_bounded(&taken, consumer->next);
                item_list_done(&taken);
        }
        return NULL;
}

START_TEST(back_pressure) {
        pthread_t producers[N_PRODUCERS], thread;
        static Consumer consumer;

        for (intptr_t i = 0; i < N_PRODUCERS; i++)
                ck_assert_int_eq(pthread_create(&producers[i], NULL, produce, (void *) i), 0);
        ck_assert_int_eq(pthread_create(&thread, NULL, consume, &consumer), 0);
        uint64_t n_pushed[N_PRODUCERS];
        for (int i = 0; i < N_PRODUCERS; i++) {
                void *result;

                ck_assert_int_eq(pthread_join(producers[i], &result), 0);
                n_pushed[i] = (uintptr_t) result;
        }
        batch_close(&batch);
        ck_assert_int_eq(pthread_join(thread, NULL), 0);
        for (int i = 0; i < N_PRODUCERS; i++)
                ck_assert_uint_eq(consumer.next[i], n_pushed[i]);
        ck_assert_uint_gt(consumer.n_full, 0);
}
END_TEST

int main(void) {
        Suite *suite = suite_create("batch");
        TCase *tcase = tcase_create("batch");
        SRunner *runner = srunner_create(suite);
        int n_failed;

        suite_add_tcase(suite, tcase);
        tcase_add_checked_fixture(tcase, setup, teardown);
        tcase_set_timeout(tcase, 60);
        tcase_add_test(tcase, items);
        tcase_add_test(tcase, lists);
        tcase_add_test(tcase, nothing_waiting);
        tcase_add_test(tcase, young_items_wait);
        tcase_add_test(tcase, old_items_are_taken);
        tcase_add_test(tcase, full_by_items);
        tcase_add_test(tcase, full_by_bytes);
        tcase_add_test(tcase, unbounded_push_does_not_wait);
        tcase_add_test(tcase, close_ends);
        tcase_add_test(tcase, waiting_taker_is_woken);
        tcase_add_test(tcase, close_lets_waiting_pusher_go);
        tcase_add_test(tcase, back_pressure);
        srunner_run_all(runner, CK_ENV);
        n_failed = srunner_ntests_failed(runner);
        srunner_free(runner);
        return n_failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
