/* The lines that a person reads: counts, summaries, status, progress, and the limit of watches. */

#include <stdlib.h>
#include <string.h>

#include "basic/alloc.h"
#include "basic/count-text.h"
#include "basic/macros.h"
#include "daemon/proof-text.h"
#include "daemon/status.h"
#include "daemon/summary.h"
#include "daemon/watch-limit.h"
#include "test-fs.h"

static const struct {
        uint64_t n;
        const char *text;
} counts[] = {
        { 0, "0" },
        { 7, "7" },
        { 999, "999" },
        { 1000, "1,000" },
        { 84123, "84,123" },
        { 1234567, "1,234,567" },
        { 100000, "100,000" },
        { UINT64_MAX, "18,446,744,073,709,551,615" },
};

START_TEST(count) {
        char buffer[COUNT_TEXT_MAX];

        ck_assert_str_eq(count_format(buffer, sizeof buffer, counts[_i].n), counts[_i].text);
}
END_TEST

START_TEST(pass_with_nothing_to_do) {
        Counters counters = { .n_entries = 84123 };
        _cleanup_free_ char *line = NULL;

        TEST_OK(summary_format_pass(&counters, 210 * USEC_PER_MSEC, false, &line));
        ck_assert_str_eq(line, "pass done in 210ms: 84,123 entries in step");
}
END_TEST

START_TEST(pass_with_work) {
        Counters counters = { .n_entries = 84123, .n_bytes = 3 * 1024 * 1024, .n_unstable = 1 };
        _cleanup_free_ char *line = NULL, *dry = NULL;

        counters.operations[OPERATION_COPY] = 3;
        counters.operations[OPERATION_MKDIR] = 2;
        counters.operations[OPERATION_REMOVE] = 1000;
        TEST_OK(summary_format_pass(&counters, 2 * USEC_PER_SEC, false, &line));
        ck_assert_str_eq(
                line, "pass done in 2s: 84,123 entries, 5 copied, 1,000 removed, 1 never at rest, "
                      "nothing failed; 3.0 MiB copied");
        counters.n_unstable = 0;
        counters.operations[OPERATION_FAIL] = 4;
        TEST_OK(summary_format_pass(&counters, 2 * USEC_PER_SEC, true, &dry));
        ck_assert_str_eq(
                dry, "dry run done in 2s: 84,123 entries, 5 to copy, 1,000 to remove, 4 failed; "
                     "3.0 MiB to copy");
}
END_TEST

START_TEST(survey_says_which_side) {
        Counters counters = { .n_entries = 84123 };
        _cleanup_free_ char *quiet = NULL, *one = NULL, *line = NULL;

        TEST_OK(summary_format_survey(&counters, 210 * USEC_PER_MSEC, "replica", 0, &quiet));
        ck_assert_str_eq(
                quiet,
                "rescan of the replica after lost events done in 210ms: 84,123 entries as before");
        TEST_OK(summary_format_survey(&counters, 210 * USEC_PER_MSEC, "source", 1, &one));
        ck_assert_str_eq(one, "rescan of the source after lost events done in 210ms: 84,123 "
                              "entries, 1 directory compared");
        counters.operations[OPERATION_UPDATE] = 3;
        TEST_OK(summary_format_survey(&counters, 210 * USEC_PER_MSEC, "source", 2, &line));
        ck_assert_str_eq(line,
                         "rescan of the source after lost events done in 210ms: 84,123 entries, 2 "
                         "directories compared, 3 updated, nothing failed");
}
END_TEST

START_TEST(totals_say_every_number) {
        Counters counters = { .n_entries = 1 };
        _cleanup_free_ char *line = NULL;

        counters.operations[OPERATION_UPDATE] = 12;
        TEST_OK(summary_format_totals(&counters, 62 * USEC_PER_MINUTE, &line));
        ck_assert_str_eq(
                line,
                "stopped after 1h 2min: 0 copied, 12 updated, 0 renamed, 0 linked, 0 metadata, "
                "0 removed, 0 healed, 0 failed; 0 B copied");
}
END_TEST

START_TEST(verified) {
        Counters counters = { .n_verified = 84123, .n_verified_bytes = 3 * 1024 * 1024 };
        VerifyResult result = {};
        char *line = NULL;

        TEST_OK(summary_format_verify(&counters, &result, 3 * USEC_PER_SEC, &line));
        ck_assert_str_eq(line, "verified 84,123 files, 3.0 MiB in 3s: no damage");
        free(line);
        counters.n_rotten = 3;
        counters.n_rot_healed = 2;
        counters.operations[OPERATION_FAIL] = 1;
        result = (VerifyResult) { .n_moved = 4, .is_cut_short = true, .coverage.n_damaged = 1 };
        TEST_OK(summary_format_verify(&counters, &result, 3 * USEC_PER_SEC, &line));
        ck_assert_str_eq(line, "verified 84,123 files, 3.0 MiB in 3s: 3 damaged, 2 healed, 1 left "
                               "damaged, 4 changing, 1 failed, 1 known to be damaged; not all was "
                               "read");
        free(line);
}
END_TEST

START_TEST(start_line_escapes_paths) {
        Config config = { .source = (char *) "/a\n",
                          .replica = (char *) "/b",
                          .rescan_interval = 10 * USEC_PER_MINUTE };
        _cleanup_free_ char *line = NULL, *plain = NULL;

        TEST_OK(summary_format_start(&config, "/.b.rebackup", "inotify", &line));
        ck_assert_str_eq(line, "mirroring /a\\n to /b (store /.b.rebackup, watching with inotify, "
                               "rescan every 10min)");
        config.rescan_interval = 0;
        TEST_OK(summary_format_start(&config, "/.b.rebackup", NULL, &plain));
        ck_assert_str_eq(
                plain,
                "mirroring /a\\n to /b (store /.b.rebackup, not watching, no periodic rescan)");
}
END_TEST

static const struct {
        StatusFacts facts;
        const char *text;
} statuses[] = {
        { { .phase = STATUS_STARTING }, "Starting" },
        { { .phase = STATUS_ARMING, .watching = true, .n_directories = 5612 },
          "Setting up watches: 5,612 directories" },
        { { .phase = STATUS_ARMING, .n_directories = 5612 }, "Counting: 5,612 directories" },
        { { .phase = STATUS_INITIAL,
            .n_entries = 12345,
            .n_bytes = 1288490189,
            .n_expected = 30000 },
          "Initial pass: 12,345 entries, 1.2 GiB, 41 %" },
        { { .phase = STATUS_INITIAL, .n_entries = 1 }, "Initial pass: 1 entry" },
        { { .phase = STATUS_RESCAN, .n_entries = 200, .n_expected = 100 },
          "Full pass: 200 entries, 99 %" },
        { { .phase = STATUS_LIVE, .watching = true, .n_watched = 5612, .n_pending = 3 },
          "Watching 5,612 directories; 3 changes pending" },
        { { .phase = STATUS_LIVE,
            .watching = true,
            .n_watched = 1,
            .n_unwatched = 2,
            .n_failed = 1,
            .in_step_since = 5 },
          "Watching 1 directory, 2 more left to rescans; 1 entry failed" },
        { { .phase = STATUS_LIVE,
            .watching = true,
            .n_watched = 7,
            .n_fallen_back = 2,
            .replica_watching = true,
            .n_replica_unwatched = 3,
            .n_overflows = 1,
            .n_held = 1 },
          "Watching 7 directories (2 by inotify), 3 directories of the replica left to rescans; "
          "1 overflow of events; 1 place on hold" },
        { { .phase = STATUS_LIVE,
            .watching = true,
            .n_watched = 2,
            .in_step_since = UINT64_C(1795242338) * USEC_PER_SEC },
          "Watching 2 directories; in step since 2026-11-21 06:25:38" },
        { { .phase = STATUS_LIVE,
            .watching = true,
            .n_watched = 2,
            .in_step_since = UINT64_C(1795242338) * USEC_PER_SEC,
            .proof = "identical, root 01" },
          "Watching 2 directories; in step since 2026-11-21 06:25:38; identical, root 01" },
        { { .phase = STATUS_LIVE,
            .watching = true,
            .n_watched = 2,
            .n_damaged = 1,
            .patrols = true,
            .n_files = 84000,
            .n_verified = 42000,
            .n_without_hash = 7,
            .oldest_verified = UINT64_C(1795242338) * USEC_PER_SEC,
            .verified_by = UINT64_C(1795242339) * USEC_PER_SEC },
          "Watching 2 directories; 1 file damaged; verified 50 % of 84,000 files, the oldest on "
          "2026-11-21 06:25:38, all by 2026-11-21 06:25:39, 7 without a hash" },
        { { .phase = STATUS_VERIFYING,
            .n_entries = 3,
            .n_expected = 12,
            .n_bytes = 1048576,
            .n_bytes_expected = 4194304 },
          "Verifying: 3 files, 1.0 MiB, 25 %" },
        { { .phase = STATUS_LIVE,
            .asked_to_verify = true,
            .verifying = true,
            .patrols = true,
            .n_files = 84000,
            .n_verified = 42000 },
          "Rescanning by timer; verifying; verified 50 % of 84,000 files" },
        { { .phase = STATUS_LIVE,
            .asked_to_verify = true,
            .n_files_read = 12345,
            .n_files_expected = 84000 },
          "Rescanning by timer; verifying, 12,345 of 84,000 files" },
        { { .phase = STATUS_LIVE, .config_refused = true, .reason = "No space left on device" },
          "Rescanning by timer; new configuration refused; No space left on device" },
        { { .phase = STATUS_HOLD, .reason = "/a is not mounted" }, "On hold: /a is not mounted" },
        { { .phase = STATUS_STOPPING }, "Stopping" },
};

START_TEST(status) {
        _cleanup_free_ char *line = NULL;

        ck_assert_int_eq(setenv("TZ", "UTC", 1), 0);
        TEST_OK(status_format(&statuses[_i].facts, &line));
        ck_assert_str_eq(line, statuses[_i].text);
}
END_TEST

START_TEST(proof) {
        Proof sides = { .at = 5 };
        char *line = NULL;

        ck_assert_int_eq(setenv("TZ", "UTC", 1), 0);
        TEST_OK(proof_format(&sides, &line));
        ck_assert_ptr_null(line);

        sides = (Proof) { .is_known = true, .is_identical = true, .source = { { 1, 0xab } } };
        TEST_OK(proof_format(&sides, &line));
        ck_assert_str_eq(line, "identical, root 01ab000000000000");
        free(line);
        sides.at = UINT64_C(1795242338) * USEC_PER_SEC;
        TEST_OK(proof_format(&sides, &line));
        ck_assert_str_eq(line, "identical, root 01ab000000000000, proven 2026-11-21 06:25:38");
        free(line);
        sides.is_identical = false;
        TEST_OK(proof_format(&sides, &line));
        ck_assert_str_eq(line, "not identical: root 01ab000000000000 of the source, "
                               "0000000000000000 of the replica");
        free(line);
}
END_TEST

START_TEST(progress) {
        StatusFacts facts = {
                .phase = STATUS_INITIAL,
                .n_entries = 25000,
                .n_expected = 100000,
                .n_bytes = 100 * 1024 * 1024,
                .elapsed = 10 * USEC_PER_SEC,
        };
        _cleanup_free_ char *line = NULL, *narrow = NULL, *early = NULL;

        TEST_OK(progress_format(&facts, 200, &line));
        ck_assert_str_eq(line, "25,000 entries, 100.0 MiB, 10.0 MiB/s, 25 %, 31s left");
        TEST_OK(progress_format(&facts, 39, &narrow));
        ck_assert_str_eq(narrow, "25,000 entries, 25 %, 31s left");
        facts.elapsed = 0;
        TEST_OK(progress_format(&facts, 200, &early));
        ck_assert_str_eq(early, "25,000 entries, 100.0 MiB, 25 %");
}
END_TEST

START_TEST(watch_limit) {
        _cleanup_free_ char *line = NULL;

        ck_assert_uint_eq(watch_limit_suggest(8192, 8000, 2000), 65536);
        ck_assert_uint_eq(watch_limit_suggest(65536, 65000, 1), 131072);
        ck_assert_uint_ge(watch_limit_suggest(0, 1000000, 500000), 1500000);
        WatchLimitFacts facts = {
                .backend = WATCH_BACKEND_INOTIFY,
                .n_watched = 8192,
                .n_refused = 2105,
                .rescan_interval = 10 * USEC_PER_MINUTE,
        };
        TEST_OK(watch_limit_format(&facts, &line));
        ck_assert_ptr_nonnull(strstr(line, "2,105 of 10,297 directories are not watched"));
        ck_assert_ptr_nonnull(strstr(line, "found by the rescan every 10min"));
        ck_assert_ptr_nonnull(strstr(line, "To watch them: sysctl fs.inotify.max_user_watches="));

        facts.may_mark = true;
        free(TAKE_PTR(line));
        TEST_OK(watch_limit_format(&facts, &line));
        ck_assert_ptr_nonnull(strstr(line, "To watch them: Sync.Watch=fanotify, "));
        facts.backend = WATCH_BACKEND_DIRECTORY_MARKS;
        free(TAKE_PTR(line));
        TEST_OK(watch_limit_format(&facts, &line));
        ck_assert_ptr_nonnull(strstr(line, "sysctl fs.fanotify.max_user_marks="));
}
END_TEST

int main(void) {
        Suite *suite = suite_create("daemon-texts");
        TCase *tcase = tcase_create("daemon-texts");

        tcase_add_loop_test(tcase, count, 0, (int) ELEMENTSOF(counts));
        tcase_add_test(tcase, pass_with_nothing_to_do);
        tcase_add_test(tcase, pass_with_work);
        tcase_add_test(tcase, survey_says_which_side);
        tcase_add_test(tcase, totals_say_every_number);
        tcase_add_test(tcase, verified);
        tcase_add_test(tcase, start_line_escapes_paths);
        tcase_add_loop_test(tcase, status, 0, (int) ELEMENTSOF(statuses));
        tcase_add_test(tcase, proof);
        tcase_add_test(tcase, progress);
        tcase_add_test(tcase, watch_limit);
        suite_add_tcase(suite, tcase);
        return test_fs_run(suite);
}
