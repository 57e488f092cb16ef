/* What a reload may change. */

#include <stdlib.h>
#include <string.h>

#include "basic/alloc.h"
#include "basic/macros.h"
#include "daemon/reload-plan.h"
#include "test-fs.h"

static Config *config_of(const char *source, const char *const *overrides) {
        _cleanup_free_ char *error = NULL;
        Config *config = NULL;
        int r = config_from_arguments(source, "/replica", overrides, &config, &error);

        ck_assert_msg(r >= 0, "%s", error ?: "");
        return config;
}

START_TEST(nothing_changed) {
        _cleanup_(config_freep) Config *current = config_of("/source", NULL),
                                       *fresh = config_of("/source", NULL);
        char *kept = (char *) "";

        TEST_OK(reload_plan(current, fresh, &kept));
        ck_assert_ptr_null(kept);
}
END_TEST

START_TEST(changeable_keys_change) {
        const char *const overrides[] = { "Sync.RescanInterval=7min", "Sync.Settle=1s",
                                          "Sync.MaxDelay=9s",         "Log.Operations=no",
                                          "Log.File=/var/log/x",      NULL };
        _cleanup_(config_freep) Config *current = config_of("/source", NULL),
                                       *fresh = config_of("/source", overrides);
        char *kept = (char *) "";

        TEST_OK(reload_plan(current, fresh, &kept));
        ck_assert_ptr_null(kept);
        ck_assert_uint_eq(fresh->rescan_interval, 7 * USEC_PER_MINUTE);
        ck_assert_uint_eq(fresh->settle, USEC_PER_SEC);
        ck_assert_str_eq(fresh->log_file, "/var/log/x");
        ck_assert(!fresh->log_operations);
}
END_TEST

START_TEST(exclusion_changes_with_a_full_pass) {
        const char *const overrides[] = { "Sync.Exclude=*.o", "Pair.OneFileSystem=yes",
                                          "Sync.BandwidthMax=1M", NULL };
        _cleanup_(config_freep) Config *current = config_of("/source", NULL),
                                       *fresh = config_of("/source", overrides);
        _cleanup_free_ char *before = NULL, *after = NULL;
        char *kept = (char *) "";

        TEST_OK(reload_plan(current, fresh, &kept));
        ck_assert_ptr_null(kept);
        ck_assert_ptr_nonnull(fresh->exclude);
        ck_assert(reload_needs_pass(current, fresh));
        TEST_OK(reload_text(current, &before));
        TEST_OK(reload_text(fresh, &after));
        ck_assert_ptr_nonnull(strstr(after, "Sync.Exclude=3:*.o"));
        ck_assert_str_ne(before, after);
}
END_TEST

/* What is in step is looked at again, also by the next process. */
START_TEST(policies_change_with_a_full_pass) {
        const char *const overrides[] = { "Pair.Delete=no", NULL }, *const settle[] = {
                "Sync.Settle=1s", NULL
        };
        _cleanup_(config_freep) Config *current = config_of("/source", NULL),
                                       *fresh = config_of("/source", overrides),
                                       *settled = config_of("/source", settle);
        _cleanup_free_ char *before = NULL, *after = NULL, *same = NULL;
        char *kept = (char *) "";

        TEST_OK(reload_plan(current, fresh, &kept));
        ck_assert_ptr_null(kept);
        ck_assert(!fresh->delete_);
        ck_assert(reload_needs_pass(current, fresh));
        ck_assert(!reload_needs_pass(current, settled));
        TEST_OK(reload_text(current, &before));
        TEST_OK(reload_text(fresh, &after));
        TEST_OK(reload_text(settled, &same));
        ck_assert_str_ne(before, after);
        ck_assert_str_eq(before, same);
}
END_TEST

START_TEST(others_stay_and_are_named) {
        const char *const overrides[] = { "Sync.Threads=7", "Sync.Watch=off", "Sync.Settle=1s",
                                          "Pair.Store=/s", NULL };
        _cleanup_(config_freep) Config *current = config_of("/source", NULL),
                                       *fresh = config_of("/other", overrides);
        _cleanup_free_ char *kept = NULL;

        TEST_OK(reload_plan(current, fresh, &kept));
        ck_assert_str_eq(kept, "Pair.Source, Pair.Store, Sync.Watch, Sync.Threads");
        ck_assert_str_eq(fresh->source, "/source");
        ck_assert_ptr_null(fresh->store);
        ck_assert_int_eq(fresh->watch, WATCH_AUTO);
        ck_assert_uint_eq(fresh->n_threads, 0);
        ck_assert_uint_eq(fresh->settle, USEC_PER_SEC);
}
END_TEST

int main(void) {
        Suite *suite = suite_create("daemon-reload");
        TCase *tcase = tcase_create("daemon-reload");

        tcase_add_test(tcase, nothing_changed);
        tcase_add_test(tcase, changeable_keys_change);
        tcase_add_test(tcase, exclusion_changes_with_a_full_pass);
        tcase_add_test(tcase, policies_change_with_a_full_pass);
        tcase_add_test(tcase, others_stay_and_are_named);
        suite_add_tcase(suite, tcase);
        return test_fs_run(suite);
}
