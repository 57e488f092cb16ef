#include <check.h>
#include <errno.h>
#include <stdlib.h>

#include "basic/macros.h"
#include "daemon/watch-choice.h"

enum { I = WATCH_BACKEND_INOTIFY, D = WATCH_BACKEND_DIRECTORY_MARKS };
enum { F = WATCH_BACKEND_FILE_SYSTEM_MARKS, NONE = -1 };

static const struct {
        const char *title;
        WatchMode mode;
        WatchFacts facts;
        int expected[3]; /* NONE ends */
} choices[] = {
        { "inotify", WATCH_INOTIFY, { .may_mark = true, .is_whole = true }, { I, NONE } },
        { "fanotify", WATCH_FANOTIFY, {}, { F, D, I } },
        { "no rights", WATCH_AUTO, { .is_whole = true }, { I, NONE } },
        { "rights, first start", WATCH_AUTO, { .may_mark = true, .n_used = 1000 }, { D, I, NONE } },
        { "a whole file system", WATCH_AUTO, { .may_mark = true, .is_whole = true }, { F, D, I } },
        { "half of it",
          WATCH_AUTO,
          { .may_mark = true, .n_used = 1000, .n_entries = 500 },
          { F, D, I } },
        { "less than half",
          WATCH_AUTO,
          { .may_mark = true, .n_used = 1000, .n_entries = 499 },
          { D, I, NONE } },
        { "inodes are not counted",
          WATCH_AUTO,
          { .may_mark = true, .n_entries = 100000 },
          { D, I, NONE } },
        { "many directories",
          WATCH_AUTO,
          { .may_mark = true, .n_used = 90000000, .n_entries = 9000000, .n_directories = 500001 },
          { F, D, I } },
        { "not that many",
          WATCH_AUTO,
          { .may_mark = true, .n_used = 90000000, .n_entries = 9000000, .n_directories = 500000 },
          { D, I, NONE } },
};

START_TEST(test_plan) {
        const char *title = choices[_i].title;
        WatchPlan plan = watch_plan(choices[_i].mode, &choices[_i].facts);

        for (unsigned i = 0; i < 3; i++) {
                if (choices[_i].expected[i] == NONE) {
                        ck_assert_msg(plan.n_attempts == i, "%s: %u attempts, not %u", title,
                                      plan.n_attempts, i);
                        return;
                }
                ck_assert_msg(i < plan.n_attempts &&
                                      (int) plan.attempts[i].backend == choices[_i].expected[i],
                              "%s: attempt %u", title, i);
        }
        ck_assert_uint_eq(plan.n_attempts, 3);
}
END_TEST

static const struct {
        WatchMode mode;
        WatchFacts facts;
        unsigned attempt;
        int error;
        const char *text;
} texts[] = {
        { WATCH_INOTIFY, {}, 0, 0, "inotify" },
        { WATCH_AUTO, {}, 0, 0, "inotify, without the rights for fanotify" },
        { WATCH_AUTO, { .may_mark = true }, 0, 0, "fanotify on each directory" },
        { WATCH_AUTO,
          { .may_mark = true },
          1,
          -EOPNOTSUPP,
          "inotify (fanotify: Operation not supported)" },
        { WATCH_AUTO,
          { .may_mark = true, .is_whole = true },
          0,
          0,
          "fanotify on the whole file system, which the source fills" },
        { WATCH_FANOTIFY,
          {},
          1,
          -EXDEV,
          "fanotify on each directory (the whole file system: Invalid cross-device link)" },
        { WATCH_FANOTIFY, {}, 2, -EPERM, "inotify (fanotify: Operation not permitted)" },
};

START_TEST(test_text) {
        WatchPlan plan = watch_plan(texts[_i].mode, &texts[_i].facts);
        char *text = watch_attempt_format(&plan.attempts[texts[_i].attempt], texts[_i].error);

        ck_assert_str_eq(text, texts[_i].text);
        free(text);
}
END_TEST

START_TEST(test_no_directory) {
        WatchRequest request = { .mode = WATCH_AUTO, .path = "/nonexistent" };
        Watch *watch = NULL;
        char *text = NULL;

        ck_assert_int_eq(watch_choose(&request, &watch, &text), -ENOENT);
        request.path = "/dev/null";
        ck_assert_int_eq(watch_choose(&request, &watch, &text), -ENOTDIR);
        ck_assert_ptr_null(watch);
        ck_assert_ptr_null(text);
}
END_TEST

/* What is chosen is what is opened, by every mode. */
START_TEST(test_choose) {
        static const WatchMode modes[] = { WATCH_AUTO, WATCH_FANOTIFY, WATCH_INOTIFY };
        WatchRequest request = { .mode = modes[_i], .path = "/tmp", .side = WATCH_REPLICA };
        Watch *watch = NULL;
        char *text = NULL;
        int r = watch_choose(&request, &watch, &text);

        ck_assert_int_ge(r, 0);
        ck_assert_ptr_nonnull(watch);
        ck_assert_int_eq(text[0] == 'i', watch_backend(watch) == WATCH_BACKEND_INOTIFY);
        if (modes[_i] == WATCH_INOTIFY)
                ck_assert_int_eq(watch_backend(watch), WATCH_BACKEND_INOTIFY);
        if (modes[_i] == WATCH_FANOTIFY)
                ck_assert_int_eq(r, watch_backend(watch) == WATCH_BACKEND_INOTIFY);
        ck_assert(!watch_skips_own(watch)); /* not asked for */
        watch_free(watch);
        free(text);
}
END_TEST

static Suite *choice_suite(void) {
        Suite *suite = suite_create("watch-choice");
        TCase *tests = tcase_create("choice");

        tcase_add_loop_test(tests, test_plan, 0, ELEMENTSOF(choices));
        tcase_add_loop_test(tests, test_text, 0, ELEMENTSOF(texts));
        tcase_add_test(tests, test_no_directory);
        tcase_add_loop_test(tests, test_choose, 0, 3);
        suite_add_tcase(suite, tests);
        return suite;
}

int main(void) {
        SRunner *runner = srunner_create(choice_suite());
        int n_failed;

        srunner_run_all(runner, CK_ENV);
        n_failed = srunner_ntests_failed(runner);
        srunner_free(runner);
        return n_failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
