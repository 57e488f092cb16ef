#include <check.h>
#include <stdlib.h>

#include "basic/alloc.h"
#include "basic/macros.h"

typedef struct Thing {
        int before;
        int member;
} Thing;

static int n_freed;

static Thing *thing_free(Thing *thing) {
        free(thing);
        n_freed++;
        return NULL;
}
DEFINE_TRIVIAL_CLEANUP_FUNC(Thing *, thing_free)

START_TEST(numbers) {
        int calls = 0;

        ck_assert_int_eq(MIN(3, 2), 2);
        ck_assert_int_eq(MAX(3, 2), 3);
        ck_assert_int_eq(CLAMP(7, 1, 5), 5);
        ck_assert_int_eq(CLAMP(-7, 1, 5), 1);
        ck_assert_int_eq(CLAMP(3, 1, 5), 3);
        /* Each argument is evaluated once. */
        ck_assert_int_eq(MAX(++calls, 0), 1);
        ck_assert_int_eq(calls, 1);
        ck_assert_uint_eq(ELEMENTSOF(((int[]) { 1, 2, 3 })), 3);
}
END_TEST

START_TEST(pointers) {
        Thing thing = { 1, 2 };
        Thing *pointer = &thing;

        ck_assert_ptr_eq(CONTAINER_OF(&thing.member, Thing, member), &thing);
        ck_assert_ptr_eq(ASSERT_PTR(pointer), &thing);
        ck_assert_ptr_eq(TAKE_PTR(pointer), &thing);
        ck_assert_ptr_null(pointer);
}
END_TEST

START_TEST(ownership) {
        Thing *taken;

        {
                _cleanup_(thing_freep) Thing *gone = new0(Thing, 1), *kept = new0(Thing, 1);
                _cleanup_(thing_freep) Thing *none = NULL;
                _cleanup_free_ char *text = new0(char, 10);

                ck_assert_ptr_null(none);
                ck_assert_int_eq(gone->member, 0);
                ck_assert_ptr_nonnull(text);
                taken = TAKE_PTR(kept);
        }
        ck_assert_int_eq(n_freed, 1);
        ck_assert_ptr_null(mfree(taken));
        ck_assert_ptr_null(mfree(NULL));
}
END_TEST

int main(void) {
        Suite *suite = suite_create("macros");
        TCase *tcase = tcase_create("macros");
        SRunner *runner = srunner_create(suite);
        int n_failed;

        tcase_add_test(tcase, numbers);
        tcase_add_test(tcase, pointers);
        tcase_add_test(tcase, ownership);
        suite_add_tcase(suite, tcase);
        srunner_run_all(runner, CK_ENV);
        n_failed = srunner_ntests_failed(runner);
        srunner_free(runner);
        return n_failed > 0;
}
