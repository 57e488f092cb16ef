#include <check.h>
#include <stdint.h>
#include <string.h>

#include "basic/edit-distance.h"
#include "basic/macros.h"

static const struct {
        const char *a, *b;
        size_t distance;
} pairs[] = {
        { "", "", 0 },
        { "", "abc", 3 },
        { "abc", "", 3 },
        { "photos", "photos", 0 },
        { "Photos", "pHOTOS", 0 },
        { "photo", "photos", 1 },
        { "fotos", "photos", 2 },
        { "kitten", "sitting", 3 },
        { "ab", "ba", 2 },
};

START_TEST(of_two_names) {
        ck_assert_uint_eq(edit_distance(pairs[_i].a, pairs[_i].b), pairs[_i].distance);
        ck_assert_uint_eq(edit_distance(pairs[_i].b, pairs[_i].a), pairs[_i].distance);
}
END_TEST

START_TEST(of_long_names) {
        char text[EDIT_DISTANCE_MAX + 2];

        memset(text, 'x', sizeof text);
        text[EDIT_DISTANCE_MAX] = '\0';
        ck_assert_uint_eq(edit_distance("x", text), EDIT_DISTANCE_MAX - 1);
        text[EDIT_DISTANCE_MAX] = 'x';
        text[EDIT_DISTANCE_MAX + 1] = '\0';
        ck_assert_uint_eq(edit_distance("x", text), SIZE_MAX);
}
END_TEST

int main(void) {
        Suite *suite = suite_create("edit-distance");
        TCase *tcase = tcase_create("edit-distance");
        SRunner *runner = srunner_create(suite);
        int n_failed;

        tcase_add_loop_test(tcase, of_two_names, 0, ELEMENTSOF(pairs));
        tcase_add_test(tcase, of_long_names);
        suite_add_tcase(suite, tcase);
        srunner_run_all(runner, CK_ENV);
        n_failed = srunner_ntests_failed(runner);
        srunner_free(runner);
        return n_failed > 0;
}
