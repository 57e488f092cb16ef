/* How often a person is told, and that nothing is forgotten in between. */

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "basic/alloc.h"
#include "daemon/alert-kind.h"
#include "daemon/alert-limit.h"
#include "daemon/message-ids.h"
#include "sync/message-ids.h"
#include "test-fs.h"

#define S USEC_PER_SEC
#define INTERVAL (300 * S)
#define START (1000 * S)

static void add(AlertLimit *limit, AlertKind kind, const char *message, usec_t now) {
        TEST_OK(alert_limit_add(limit, &(Alert) { .kind = kind, .message = (char *) message },
                                now));
}

static usec_t due(const AlertLimit *limit) {
        return alert_limit_due(limit, INTERVAL);
}

static void take(AlertLimit *limit, usec_t now, uint64_t n, size_t n_items) {
        AlertReport report;

        alert_limit_take(limit, now, &report);
        ck_assert_uint_eq(alert_report_total(&report), n);
        ck_assert_uint_eq(report.n_items, n_items);
        alert_report_done(&report);
        ck_assert_uint_eq(due(limit), USEC_INFINITY);
}

START_TEST(first_news_come_at_once) {
        AlertLimit limit = ALERT_LIMIT_NULL;

        ck_assert_uint_eq(due(&limit), USEC_INFINITY);
        add(&limit, ALERT_ROT, "a", START);
        add(&limit, ALERT_ROT, "b", START + S / 2); /* gathered */
        ck_assert_uint_eq(due(&limit), START + S);
        take(&limit, START + S, 2, 2);
}
END_TEST

START_TEST(later_news_are_summed_up) {
        AlertLimit limit = ALERT_LIMIT_NULL;
        char message[32];

        add(&limit, ALERT_ROT, "a", START);
        take(&limit, START + S, 1, 1);
        for (unsigned i = 0; i < 1000; i++) {
                (void) snprintf(message, sizeof message, "%u", i);
                add(&limit, i % 2 ? ALERT_ROT : ALERT_FAILING, message, START + (2 + i / 10) * S);
        }
        ck_assert_uint_eq(due(&limit), START + S + INTERVAL);
        ck_assert_uint_eq(alert_limit_due(&limit, 0), START + 3 * S);
        take(&limit, START + S + INTERVAL, 1000, ALERT_ITEMS_MAX);

        /* After the interval, the next is at once again. */
        add(&limit, ALERT_ROT, "z", START + 5 * INTERVAL);
        ck_assert_uint_eq(due(&limit), START + 5 * INTERVAL + S);
        alert_limit_done(&limit);
}
END_TEST

START_TEST(what_was_told_is_only_counted) {
        AlertLimit limit = ALERT_LIMIT_NULL;

        add(&limit, ALERT_SOURCE, "gone", START);
        add(&limit, ALERT_SOURCE, "gone", START);
        take(&limit, START + S, 2, 1);
        for (unsigned i = 0; i < 1000; i++)
                add(&limit, ALERT_SOURCE, "gone", START + (2 + 5 * i) * S);
        ck_assert_uint_eq(due(&limit), USEC_INFINITY);
        add(&limit, ALERT_HOLD, "gone", START + 5010 * S); /* is another thing */
        ck_assert_uint_eq(due(&limit), START + 5011 * S);
        take(&limit, START + 5011 * S, 1001, 1);

        /* A day later it is news, and so it is when it was over meanwhile. */
        add(&limit, ALERT_SOURCE, "gone", START + USEC_PER_DAY + S);
        ck_assert_uint_eq(due(&limit), START + USEC_PER_DAY + 2 * S);
        take(&limit, START + USEC_PER_DAY + 2 * S, 1, 1);
        alert_limit_forget(&limit, ALERT_SOURCE);
        add(&limit, ALERT_SOURCE, "gone", START + USEC_PER_DAY + 10 * S);
        ck_assert_uint_ne(due(&limit), USEC_INFINITY);
        alert_limit_done(&limit);
}
END_TEST

START_TEST(memory_of_the_told_is_bounded) {
        AlertLimit limit = ALERT_LIMIT_NULL;
        char message[32];

        for (unsigned i = 0; i <= ALERT_TOLD_MAX; i++) {
                (void) snprintf(message, sizeof message, "%u", i);
                add(&limit, ALERT_ROT, message, START + i);
        }
        take(&limit, START + S, ALERT_TOLD_MAX + 1, ALERT_ITEMS_MAX);
        add(&limit, ALERT_ROT, "1", START + 2 * S);
        ck_assert_uint_eq(due(&limit), USEC_INFINITY);
        add(&limit, ALERT_ROT, "0", START + 2 * S); /* the oldest was forgotten */
        ck_assert_uint_ne(due(&limit), USEC_INFINITY);
        alert_limit_done(&limit);
}
END_TEST

static void pass_on(AlertLimit *limit, usec_t now) {
        _cleanup_free_ char *text = alert_limit_format(limit);

        ck_assert_ptr_nonnull(text);
        alert_limit_done(limit);
        TEST_OK(alert_limit_parse(text, now, limit));
}

START_TEST(next_process_goes_on) {
        AlertLimit limit = ALERT_LIMIT_NULL;

        add(&limit, ALERT_SOURCE, "gone", START);
        take(&limit, START + S, 1, 1);
        pass_on(&limit, START + 5 * S);
        add(&limit, ALERT_SOURCE, "gone", START + 5 * S);
        ck_assert_uint_eq(due(&limit), USEC_INFINITY);
        add(&limit, ALERT_ROT, "rot\n", START + 6 * S);
        pass_on(&limit, START + 7 * S);
        ck_assert_uint_eq(due(&limit), START + S + INTERVAL);
        take(&limit, START + S + INTERVAL, 2, 1);

        /* After a boot the clock begins anew. */
        add(&limit, ALERT_ROT, "more", START + INTERVAL);
        pass_on(&limit, 5 * S);
        ck_assert_uint_eq(due(&limit), 6 * S);
        alert_limit_done(&limit);

        TEST_OK(alert_limit_parse("", START, &limit));
        ck_assert_uint_eq(due(&limit), USEC_INFINITY);
        TEST_OK(alert_limit_parse("LAST=x\nSINCE=5\nTOLD=rot\nTOLD=nonsense 00 1\n", START,
                                  &limit));
        ck_assert_uint_eq(due(&limit), USEC_INFINITY);
}
END_TEST

static const struct {
        LogRecord record;
        AlertKind kind;
} records[] = {
        { { .level = LOG_ERR, .message_id = REBACKUP_MSG_HOLD }, ALERT_HOLD },
        { { .level = LOG_ERR, .message_id = REBACKUP_MSG_ROT_SOURCE }, ALERT_ROT },
        { { .level = LOG_ERR, .message_id = REBACKUP_MSG_REMOVALS_HELD }, ALERT_HOLD },
        { { .level = LOG_ERR, .message_id = REBACKUP_MSG_RELOAD_FAILED, .error = -EINVAL },
          ALERT_CONFIG },
        { { .level = LOG_ERR, .message_id = REBACKUP_MSG_PASS_FAILED, .error = -ENOMEM },
          ALERT_SERVICE },
        { { .level = LOG_ERR, .message_id = REBACKUP_MSG_PASS_FAILED, .error = -EROFS },
          ALERT_DISK },
        { { .level = LOG_ERR, .message_id = REBACKUP_MSG_PASS_FAILED, .error = -ENOSPC },
          ALERT_DISK },
        /* The log's alone. */
        { { .level = LOG_ERR, .message_id = REBACKUP_MSG_FAIL, .error = -EACCES }, -EINVAL },
        { { .level = LOG_ERR, .message_id = REBACKUP_MSG_VERIFY_FAILED, .error = -EACCES },
          -EINVAL },
        { { .level = LOG_WARNING, .message_id = REBACKUP_MSG_WATCH_OFF }, -EINVAL },
        { { .level = LOG_DEBUG, .message_id = REBACKUP_MSG_PASS_FAILED, .error = -EROFS },
          -EINVAL },
        { { .level = LOG_NOTICE, .message_id = REBACKUP_MSG_STARTED }, -EINVAL },
        { { .level = LOG_ERR }, -EINVAL },
};

START_TEST(kind_of_record) {
        ck_assert_int_eq(alert_kind_of_record(&records[_i].record), records[_i].kind);
}
END_TEST

START_TEST(kind_that_ended) {
        LogRecord record = { .level = LOG_NOTICE };

        ck_assert_int_eq(alert_kind_that_ended(&record), _ALERT_KIND_INVALID);
        record.message_id = REBACKUP_MSG_PLACE_HELD;
        ck_assert_int_eq(alert_kind_that_ended(&record), _ALERT_KIND_INVALID);
        record.message_id = REBACKUP_MSG_PLACE_RELEASED;
        ck_assert_int_eq(alert_kind_that_ended(&record), ALERT_HOLD);
        record.message_id = REBACKUP_MSG_RELOADED;
        ck_assert_int_eq(alert_kind_that_ended(&record), ALERT_CONFIG);
}
END_TEST

START_TEST(kind_of_failure) {
        ck_assert_int_eq(alert_kind_of_failure(-EACCES), ALERT_FAILING);
        ck_assert_int_eq(alert_kind_of_failure(-ENOSPC), ALERT_DISK);
        ck_assert_int_eq(alert_kind_of_failure(-EDQUOT), ALERT_DISK);
        ck_assert_int_eq(alert_kind_of_failure(-EROFS), ALERT_DISK);
}
END_TEST

int main(void) {
        Suite *suite = suite_create("alert-limit");
        TCase *tcase = tcase_create("alert-limit");

        tcase_add_test(tcase, first_news_come_at_once);
        tcase_add_test(tcase, later_news_are_summed_up);
        tcase_add_test(tcase, what_was_told_is_only_counted);
        tcase_add_test(tcase, memory_of_the_told_is_bounded);
        tcase_add_test(tcase, next_process_goes_on);
        tcase_add_loop_test(tcase, kind_of_record, 0, (int) ELEMENTSOF(records));
        tcase_add_test(tcase, kind_that_ended);
        tcase_add_test(tcase, kind_of_failure);
        suite_add_tcase(suite, tcase);
        return test_fs_run(suite);
}
