/* The limit on bytes per second, by a clock of the test's own. */

#include <stdlib.h>

#include <check.h>

#include "basic/macros.h"
#include "basic/token-bucket.h"

#define SECOND UINT64_C(1000000000)
#define BEGIN (1000 * SECOND)

/* What N copiers that never rest get through in DURATION, each taking a portion and waiting for it;
 * who is late for its turn by LATE nanoseconds takes the next one so much later. */
static void copy_for(TokenBucket *bucket, uint64_t duration, uint64_t late, unsigned n,
                     uint64_t *n_bytes) {
        uint64_t turns[8], end = BEGIN + duration;

        for (unsigned i = 0; i < n; i++)
                turns[i] = BEGIN;
        for (;;) {
                unsigned first = 0;

                for (unsigned i = 1; i < n; i++)
                        if (turns[i] < turns[first])
                                first = i;
                if (turns[first] >= end)
                        return;
                uint64_t now = turns[first], portion = token_bucket_portion(bucket, UINT64_MAX);
                uint64_t turn = token_bucket_take(bucket, portion, now);

                turns[first] = MAX(turn, now) + late;
                if (turns[first] < end)
                        n_bytes[first] += portion;
        }
}

static const uint64_t rates[] = { 100, 4096, 100000, 1 << 20, 10 << 20, UINT64_C(5) << 30 };

START_TEST(exact) {
        TokenBucket bucket = { .rate = rates[_i] };
        uint64_t n = 0, expected = 100 * rates[_i];

        copy_for(&bucket, 100 * SECOND, 0, 1, &n);
        ck_assert_uint_ge(n, expected - expected / 20);
        ck_assert_uint_le(n, expected + expected / 20);
}
END_TEST

/* Threads wake up late, and make up for it. */
START_TEST(exact_when_late) {
        TokenBucket bucket = { .rate = 1 << 20 };
        uint64_t n = 0, expected = 10 << 20;

        copy_for(&bucket, 10 * SECOND, SECOND / 50, 1, &n);
        ck_assert_uint_ge(n, expected - expected / 20);
        ck_assert_uint_le(n, expected + expected / 20);
}
END_TEST

START_TEST(fair) {
        TokenBucket bucket = { .rate = 1 << 20 };
        uint64_t n[4] = {}, sum = 0;

        copy_for(&bucket, 10 * SECOND, SECOND / 1000, ELEMENTSOF(n), n);
        for (size_t i = 0; i < ELEMENTSOF(n); i++) {
                ck_assert_uint_ge(n[i], (10 << 20) / 4 * 95 / 100);
                sum += n[i];
        }
        ck_assert_uint_le(sum, (10 << 20) * 105 / 100);
}
END_TEST

/* A long rest entitles to a fifth of a second's bytes, and no more. */
START_TEST(nothing_is_saved_up) {
        TokenBucket bucket = { .rate = 1000 };

        ck_assert_uint_eq(token_bucket_take(&bucket, 1000, BEGIN), BEGIN - SECOND / 5);
        ck_assert_uint_eq(token_bucket_take(&bucket, 1000, BEGIN), BEGIN + SECOND - SECOND / 5);
        ck_assert_uint_eq(token_bucket_take(&bucket, 1, BEGIN), BEGIN + 2 * SECOND - SECOND / 5);
        ck_assert_uint_eq(token_bucket_take(&bucket, 1000, BEGIN + 99 * SECOND),
                          BEGIN + 99 * SECOND - SECOND / 5);
}
END_TEST

START_TEST(portions) {
        ck_assert_uint_eq(token_bucket_portion(&(TokenBucket) { .rate = 1 }, 10000), 512);
        ck_assert_uint_eq(token_bucket_portion(&(TokenBucket) { .rate = 1 }, 100), 100);
        ck_assert_uint_eq(token_bucket_portion(&(TokenBucket) { .rate = 1 << 20 }, 1 << 20),
                          (1 << 20) / 50);
        ck_assert_uint_eq(token_bucket_portion(&(TokenBucket) { .rate = UINT64_MAX }, 1 << 30),
                          256 * 1024);
}
END_TEST

/* The longest that can be asked for does not wrap. */
START_TEST(long_times) {
        TokenBucket bucket = { .rate = 1 };

        ck_assert_uint_eq(token_bucket_take(&bucket, 8 << 20, BEGIN), BEGIN - SECOND / 5);
        ck_assert_uint_eq(token_bucket_take(&bucket, 1, BEGIN),
                          BEGIN - SECOND / 5 + (UINT64_C(8) << 20) * SECOND);
}
END_TEST

int main(void) {
        Suite *suite = suite_create("token_bucket");
        TCase *tcase = tcase_create("token_bucket");
        SRunner *runner;
        int n_failed;

        tcase_add_loop_test(tcase, exact, 0, ELEMENTSOF(rates));
        tcase_add_test(tcase, exact_when_late);
        tcase_add_test(tcase, fair);
        tcase_add_test(tcase, nothing_is_saved_up);
        tcase_add_test(tcase, portions);
        tcase_add_test(tcase, long_times);
        suite_add_tcase(suite, tcase);
        runner = srunner_create(suite);
        srunner_run_all(runner, CK_ENV);
        n_failed = srunner_ntests_failed(runner);
        srunner_free(runner);
        return n_failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
