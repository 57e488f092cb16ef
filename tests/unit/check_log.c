#include <check.h>
#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "basic/fd.h"
#include "basic/log.h"
#include "basic/macros.h"

/* What a sink was last given. */
typedef struct Seen {
        size_t n;
        LogRecord record;
        char message[2048];
        bool inside;
} Seen;

static void see(const LogRecord *record, void *userdata) {
        Seen *seen = ASSERT_PTR(userdata);

        ck_assert(!seen->inside);
        seen->inside = true;
        seen->n++;
        seen->record = *record;
        ck_assert_uint_lt(strlen(record->message), sizeof seen->message);
        strcpy(seen->message, record->message);
        errno = EUCLEAN;
        seen->inside = false;
}

static int fails(int r) {
        return log_error_errno(r, "Failed to open %s, ignoring: %m", "x");
}

START_TEST(errors) {
        Seen seen = {};

        ck_assert_int_eq(log_add_sink(see, &seen), 0);
        errno = EXDEV;
        ck_assert_int_eq(fails(-ENOENT), -ENOENT);
        ck_assert_int_eq(errno, EXDEV);
        ck_assert_str_eq(seen.message, "Failed to open x, ignoring: No such file or directory");
        ck_assert_int_eq(seen.record.level, LOG_ERR);
        ck_assert_int_eq(seen.record.error, -ENOENT);
        ck_assert_str_eq(seen.record.func, "fails");
        ck_assert_ptr_nonnull(strstr(seen.record.file, "check_log.c"));
        ck_assert_int_gt(seen.record.line, 0);

        ck_assert_int_eq(log_warning_errno(-EIO, "%m"), -EIO);
        ck_assert_int_eq(seen.record.level, LOG_WARNING);
        log_error("plain");
        ck_assert_int_eq(seen.record.error, 0);
        log_remove_sink(see, &seen);
}
END_TEST

START_TEST(events) {
        Seen seen = {};

        ck_assert_int_eq(log_add_sink(see, &seen), 0);
        log_event(&(LogEvent) { .level = LOG_INFO,
                                .message_id = "0123456789abcdef0123456789abcdef",
                                .operation = "copy",
                                .path = "a\nb",
                                .bytes = 7,
                                .has_bytes = true },
                  "copied %s", "a\\nb");
        ck_assert_str_eq(seen.message, "copied a\\nb");
        ck_assert_str_eq(seen.record.operation, "copy");
        ck_assert_str_eq(seen.record.path, "a\nb");
        ck_assert_uint_eq(seen.record.bytes, 7);
        ck_assert(seen.record.has_bytes && !seen.record.has_duration);
        log_remove_sink(see, &seen);
}
END_TEST

START_TEST(levels) {
        Seen seen = {};

        ck_assert_int_eq(log_add_sink(see, &seen), 0);
        ck_assert_int_eq(log_get_max_level(), LOG_INFO);
        log_debug("not seen");
        ck_assert_uint_eq(seen.n, 0);
        log_info("seen");
        log_notice("seen");
        log_warning("seen");
        ck_assert_uint_eq(seen.n, 3);
        log_set_max_level(LOG_WARNING);
        log_notice("not seen");
        /* The error is handed on even when nothing is written. */
        ck_assert_int_eq(log_debug_errno(-EIO, "not seen"), -EIO);
        ck_assert_uint_eq(seen.n, 3);
        log_set_max_level(LOG_DEBUG);
        log_debug("seen");
        ck_assert_uint_eq(seen.n, 4);
        log_remove_sink(see, &seen);
}
END_TEST

START_TEST(level_names) {
        for (int level = LOG_EMERG; level <= LOG_DEBUG; level++)
                ck_assert_int_eq(log_level_from_string(log_level_to_string(level)), level);
        ck_assert_int_eq(log_level_from_string("error"), LOG_ERR);
        ck_assert_int_eq(log_level_from_string("warn"), LOG_WARNING);
        ck_assert_int_eq(log_level_from_string("loud"), -EINVAL);
        ck_assert_int_eq(log_level_from_string(""), -EINVAL);
        ck_assert_ptr_null(log_level_to_string(-1));
        ck_assert_ptr_null(log_level_to_string(LOG_DEBUG + 1));
}
END_TEST

START_TEST(long_message) {
        Seen seen = {};
        char name[1501];

        memset(name, 'n', sizeof name - 1);
        name[sizeof name - 1] = '\0';
        ck_assert_int_eq(log_add_sink(see, &seen), 0);
        (void) log_error_errno(-ENOSPC, "%s: %m", name);
        ck_assert_uint_eq(strspn(seen.message, "n"), 1500);
        ck_assert_str_eq(seen.message + 1500, ": No space left on device");
        log_remove_sink(see, &seen);
}
END_TEST

START_TEST(sinks) {
        Seen first = {}, second = {}, more[8] = {};
        size_t n_added = 2;

        ck_assert_int_eq(log_add_sink(see, &first), 0);
        ck_assert_int_eq(log_add_sink(see, &second), 0);
        log_info("both");
        log_remove_sink(see, &first);
        log_info("one");
        ck_assert_uint_eq(first.n, 1);
        ck_assert_uint_eq(second.n, 2);
        for (size_t i = 0; i < ELEMENTSOF(more); i++)
                n_added += log_add_sink(see, &more[i]) == 0;
        /* There is an end to them, and it is told. */
        ck_assert_uint_lt(n_added, 2 + ELEMENTSOF(more));
}
END_TEST

/* Without a sink, a line on standard error. */
START_TEST(fallback) {
        char line[64] = "";
        int ends[2], saved = dup(STDERR_FILENO);

        ck_assert_int_eq(pipe(ends), 0);
        ck_assert_int_ge(dup2(ends[1], STDERR_FILENO), 0);
        log_error("no sink %d", 1);
        ck_assert_int_ge(dup2(saved, STDERR_FILENO), 0);
        (void) safe_close(ends[1]);
        ck_assert_int_gt(loop_read(ends[0], line, sizeof line - 1), 0);
        ck_assert_str_eq(line, "no sink 1\n");
        (void) safe_close(ends[0]);
        (void) safe_close(saved);
}
END_TEST

enum { N_THREADS = 4, N_MESSAGES = 5000 };

static void *log_much(void *userdata) {
        for (int i = 0; i < N_MESSAGES; i++)
                log_info("%s %d", (const char *) userdata, i);
        return NULL;
}

/* Sinks are called one record at a time: see() asserts that it is alone. */
START_TEST(threads) {
        pthread_t ids[N_THREADS];
        Seen seen = {};

        ck_assert_int_eq(log_add_sink(see, &seen), 0);
        for (size_t i = 0; i < N_THREADS; i++)
                ck_assert_int_eq(pthread_create(&ids[i], NULL, log_much, (void *) "thread"), 0);
        for (size_t i = 0; i < N_THREADS; i++)
                ck_assert_int_eq(pthread_join(ids[i], NULL), 0);
        ck_assert_uint_eq(seen.n, N_THREADS * N_MESSAGES);
        log_remove_sink(see, &seen);
}
END_TEST

int main(void) {
        Suite *suite = suite_create("log");
        TCase *tcase = tcase_create("log");
        SRunner *runner = srunner_create(suite);
        int n_failed;

        tcase_add_test(tcase, errors);
        tcase_add_test(tcase, events);
        tcase_add_test(tcase, levels);
        tcase_add_test(tcase, level_names);
        tcase_add_test(tcase, long_message);
        tcase_add_test(tcase, sinks);
        tcase_add_test(tcase, fallback);
        tcase_add_test(tcase, threads);
        suite_add_tcase(suite, tcase);
        srunner_run_all(runner, CK_ENV);
        n_failed = srunner_ntests_failed(runner);
        srunner_free(runner);
        return n_failed > 0;
}
