/* Claims of identities, alone and from several threads. */

#include <check.h>
#include <pthread.h>
#include <sched.h>
#include <stdlib.h>

#include "sync/pending.h"

static Pending pending;

static void setup(void) {
        ck_assert_int_eq(pending_init(&pending), 0);
}

static void teardown(void) {
        pending_done(&pending);
}

START_TEST(claims_are_exclusive) {
        CatalogIdentity a = { 1, 10 };

        ck_assert_int_eq(pending_claim(&pending, a), 1);
        ck_assert_int_eq(pending_claim(&pending, a), 0);
        ck_assert_int_eq(pending_claim(&pending, a), 0);
        /* However often it was refused, one release frees it. */
        pending_release(&pending, a);
        ck_assert_int_eq(pending_claim(&pending, a), 1);
        pending_release(&pending, a);
}
END_TEST

START_TEST(identities_differ_in_both_parts) {
        const CatalogIdentity identities[] = {
                { 1, 10 },
                { 1, 11 },
                { 2, 10 },
                { 10, 1 },
                { PENDING_REPLICA, 10 },
                { PENDING_DRY_MOVED, 10 },
                { 0, 0 },
                { INT64_MAX, UINT64_MAX },
        };
        enum { N = sizeof identities / sizeof *identities };

        for (int i = 0; i < N; i++)
                ck_assert_int_eq(pending_claim(&pending, identities[i]), 1);
        for (int i = 0; i < N; i++) {
                pending_release(&pending, identities[i]);
                for (int j = 0; j < N; j++)
                        if (j != i)
                                ck_assert_int_eq(pending_claim(&pending, identities[j]), 0);
                ck_assert_int_eq(pending_claim(&pending, identities[i]), 1);
        }
        /* What is still claimed goes with the object. */
}
END_TEST

START_TEST(release_of_nothing) {
        CatalogIdentity a = { 1, 10 };

        pending_release(&pending, a);
        ck_assert_int_eq(pending_claim(&pending, a), 1);
        pending_release(&pending, a);
        pending_release(&pending, a);
        ck_assert_int_eq(pending_claim(&pending, a), 1);
}
END_TEST

enum { N_IDENTITIES = 7, N_THREADS = 6, N_ROUNDS = 20000 };

/* Plain numbers: only who holds the claim may touch them. */
static unsigned n_held[N_IDENTITIES], n_claims[N_IDENTITIES];

static void *claim_and_release(void *userdata) {
        uintptr_t n_claimed = 0;

        for (unsigned i = 0; i < N_ROUNDS; i++) {
                unsigned which = (i + (unsigned) (uintptr_t) userdata) % N_IDENTITIES;
                CatalogIdentity identity = { 1, which };
                int r = pending_claim(&pending, identity);

                ck_assert_int_ge(r, 0);
                if (r == 0)
                        continue;
                ck_assert_uint_eq(n_held[which]++, 0);
                n_claims[which]++;
                n_claimed++;
                (void) sched_yield();
                ck_assert_uint_eq(--n_held[which], 0);
                pending_release(&pending, identity);
        }
        return (void *) n_claimed;
}

START_TEST(claims_of_threads) {
        pthread_t threads[N_THREADS];
        uintptr_t n_claimed = 0, n = 0;

        for (uintptr_t i = 0; i < N_THREADS; i++)
                ck_assert_int_eq(pthread_create(&threads[i], NULL, claim_and_release, (void *) i),
                                 0);
        for (unsigned i = 0; i < N_THREADS; i++) {
                void *result;

                ck_assert_int_eq(pthread_join(threads[i], &result), 0);
                n_claimed += (uintptr_t) result;
        }
        for (unsigned i = 0; i < N_IDENTITIES; i++) {
                n += n_claims[i];
                ck_assert_int_eq(pending_claim(&pending, (CatalogIdentity) { 1, i }), 1);
        }
        ck_assert_uint_eq(n, n_claimed);
        ck_assert_uint_gt(n, 0);
}
END_TEST

int main(void) {
        Suite *suite = suite_create("pending");
        TCase *tcase = tcase_create("pending");
        SRunner *runner = srunner_create(suite);
        int n_failed;

        suite_add_tcase(suite, tcase);
        tcase_add_checked_fixture(tcase, setup, teardown);
        tcase_set_timeout(tcase, 60);
        tcase_add_test(tcase, claims_are_exclusive);
        tcase_add_test(tcase, identities_differ_in_both_parts);
        tcase_add_test(tcase, release_of_nothing);
        tcase_add_test(tcase, claims_of_threads);
        srunner_run_all(runner, CK_ENV);
        n_failed = srunner_ntests_failed(runner);
        srunner_free(runner);
        return n_failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
