/* Reports on their way from the daemon to hooks: what is counted, what the text keeps, and what
 * somebody hostile can do with it. */

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "alert/alert-directory.h"
#include "alert/alert-text.h"
#include "alert/hook-environment.h"
#include "alert/hooks.h"
#include "basic/alloc.h"
#include "basic/string-util.h"
#include "test-fs.h"

static const char rot_id[] = "c58de25d292944ab938ee69238909f50";

static void add(AlertReport *report, AlertKind kind, const char *message, const char *path) {
        TEST_OK(alert_report_add(report, &(Alert) { .kind = kind,
                                                    .time = 1795242338123456,
                                                    .message = (char *) message,
                                                    .path = (char *) path,
                                                    .message_id = (char *) rot_id,
                                                    .error = -EIO }));
}

static void assert_text(char *text, const char *wanted) {
        ck_assert_str_eq(text, wanted);
        free(text);
}

START_TEST(kinds_have_names) {
        for (AlertKind kind = 0; kind < _ALERT_KIND_MAX; kind++)
                ck_assert_int_eq(alert_kind_from_string(alert_kind_to_string(kind)), kind);
        ck_assert_int_eq(alert_kind_from_string("ROT"), _ALERT_KIND_INVALID);
        ck_assert_ptr_null(alert_kind_to_string(_ALERT_KIND_MAX));
}
END_TEST

START_TEST(reports_sum_up) {
        _cleanup_(alert_report_done) AlertReport report = ALERT_REPORT_NULL;

        assert_text(alert_report_headline(&report), "there is trouble");
        add(&report, ALERT_ROT, "rot in a", "a");
        assert_text(alert_report_headline(&report), "rot in a");
        assert_text(alert_report_describe(&report), "rot in a\n");
        for (int i = 0; i < 99; i++)
                add(&report, ALERT_FAILING, "b fails", "b");
        add(&report, ALERT_SOURCE, "gone", NULL); /* the first of its kind has room */
        ck_assert_uint_eq(report.n_items, ALERT_ITEMS_MAX);
        ck_assert_uint_eq(alert_report_total(&report), 101);
        assert_text(alert_report_headline(&report), "rot in a (and 100 more)");
        assert_text(alert_report_describe(&report),
                    "rot in a\nb fails\nb fails\nb fails\nb fails\nb fails\nb fails\ngone\n"
                    "In all:\n99 entries that keep failing\n1 times the source was gone\n"
                    "1 findings of damaged content\n");
}
END_TEST

START_TEST(the_most_urgent_comes_first) {
        _cleanup_(alert_report_done) AlertReport report = ALERT_REPORT_NULL, more = {};

        for (int i = 0; i < 20; i++)
                add(&report, ALERT_FAILING, "fails", NULL);
        for (int kind = _ALERT_KIND_MAX - 1; kind > 0; kind--)
                add(&more, kind, alert_kind_to_string(kind), NULL);
        TEST_OK(alert_report_merge(&report, &more));
        ck_assert_uint_eq(alert_report_total(&report), 20 + _ALERT_KIND_MAX - 1);
        ck_assert_uint_eq(alert_report_total(&more), 0);
        ck_assert_uint_eq(report.n_items, ALERT_ITEMS_MAX);
        ck_assert_int_eq(alert_report_worst(&report)->kind, _ALERT_KIND_MAX - 1);
        assert_text(alert_report_headline(&report), "service (and 25 more)");
}
END_TEST

START_TEST(reports_are_bounded) {
        _cleanup_(alert_report_done) AlertReport report = ALERT_REPORT_NULL;
        _cleanup_free_ char *text = NULL, *path = malloc(ALERT_PATH_MAX + 2);
        static char message[100000];

        memset(message, '\1', sizeof message - 1);
        memset(path, '\1', ALERT_PATH_MAX + 1);
        path[ALERT_PATH_MAX + 1] = 0;
        add(&report, ALERT_ROT, message, path);
        ck_assert_ptr_null(report.items[0].path);
        ck_assert_uint_eq(strlen(report.items[0].message), ALERT_MESSAGE_MAX);
        path[ALERT_PATH_MAX] = 0;
        for (int i = 0; i < ALERT_ITEMS_MAX; i++)
                add(&report, ALERT_ROT, message, path);
        ck_assert_ptr_nonnull(report.items[1].path);
        TEST_OK(alert_text_format(&report, &text));
        ck_assert_uint_le(strlen(text), ALERT_TEXT_MAX);
}
END_TEST

START_TEST(text_keeps_everything) {
        _cleanup_(alert_report_done) AlertReport report = { .sound = true }, read = {};
        _cleanup_free_ char *text = NULL;
        const char *path = "new\nline\t\\n\x1b[31m\xff KIND=hold \xc3\xa9";

        report.pair = strdup("my pair=1\n");
        add(&report, ALERT_ROT, "rot in a\\x1bb \xc3\xa9", path);
        add(&report, ALERT_HOLD, "on hold", NULL);
        report.n[ALERT_FAILING] = 77;
        TEST_OK(alert_text_format(&report, &text));
        TEST_OK(alert_text_parse(text, &read));
        ck_assert_str_eq(read.pair, "my pair=1\n");
        ck_assert(read.sound);
        for (AlertKind kind = 0; kind < _ALERT_KIND_MAX; kind++)
                ck_assert_uint_eq(read.n[kind], report.n[kind]);
        ck_assert_uint_eq(read.n_items, 2);
        ck_assert_int_eq(read.items[0].kind, ALERT_ROT);
        ck_assert_uint_eq(read.items[0].time, 1795242338123456);
        ck_assert_int_eq(read.items[0].error, -EIO);
        ck_assert_str_eq(read.items[0].message_id, rot_id);
        ck_assert_str_eq(read.items[0].path, path);
        ck_assert_str_eq(read.items[0].message, "rot in a\\x1bb \xc3\xa9");
        ck_assert_ptr_null(read.items[1].path);
}
END_TEST

/* Whoever wrote the text may mean ill. */
START_TEST(text_of_others_is_made_safe) {
        _cleanup_(alert_report_done) AlertReport report = ALERT_REPORT_NULL;

        TEST_OK(alert_text_parse(
                "LD_PRELOAD=/tmp/evil.so\nMESSAGE=before any item\n=\nx\n"
                "KIND=nonsense\nCOUNT_NONSENSE=9\nCOUNT_ROT=1\n"
                "KIND=rot\nMESSAGE=\\x1b]0;\\n\\x00owned\\x7f\nMESSAGE_ID=../../x\n"
                "ERRNO=-99999999999\nTIME_USEC=-1\nKIND=rot\n",
                &report));
        ck_assert_uint_eq(report.n_items, 2);
        ck_assert_uint_eq(report.n[ALERT_ROT], 2);
        ck_assert_str_eq(report.items[0].message, "\\x1b]0;\\n\\x00owned\\x7f");
        ck_assert_ptr_null(report.items[0].message_id);
        ck_assert_int_eq(report.items[0].error, 0);
        ck_assert_str_eq(report.items[1].message, "(no message)");
        ck_assert_ptr_null(report.pair);
}
END_TEST

START_TEST(text_without_sense_is_refused) {
        static const char *const texts[] = { "", "\n\n", "PAIR=x\nSOUND=yes\n", "KIND=\n", "\xff" };
        AlertReport report = ALERT_REPORT_NULL;

        for (size_t i = 0; i < ELEMENTSOF(texts); i++)
                ck_assert_int_eq(alert_text_parse(texts[i], &report), -EBADMSG);
}
END_TEST

static const char *value_of(char **environment, const char *name) {
        const char *found = NULL;

        for (; *environment; environment++) {
                const char *value = startswith(*environment, name);

                if (!value || *value != '=')
                        continue;
                ck_assert_ptr_null(found); /* once */
                found = value + 1;
        }
        return found ?: "(not set)";
}

START_TEST(hooks_are_told_the_facts) {
        static char *own[] = { (char *) "PATH=/bin", (char *) "REBACKUP_PATH=forged",
                               (char *) "REBACKUP_NOTHING=1", NULL };
        _cleanup_(hook_environment_freep) char **environment = NULL;
        _cleanup_(alert_report_done) AlertReport report = ALERT_REPORT_NULL;

        report.pair = strdup("photos");
        add(&report, ALERT_FAILING, "b fails", NULL);
        add(&report, ALERT_ROT, "rot in a", "a\n\xff");
        TEST_OK(hook_environment(&report, own, &environment));
        ck_assert_str_eq(value_of(environment, "PATH"), "/bin");
        ck_assert_str_eq(value_of(environment, "REBACKUP_NOTHING"), "(not set)");
        ck_assert_str_eq(value_of(environment, "REBACKUP_PAIR"), "photos");
        ck_assert_str_eq(value_of(environment, "REBACKUP_KIND"), "rot");
        ck_assert_str_eq(value_of(environment, "REBACKUP_MESSAGE"), "rot in a (and 1 more)");
        ck_assert_str_eq(value_of(environment, "REBACKUP_TEXT"), "b fails\nrot in a\n");
        ck_assert_str_eq(value_of(environment, "REBACKUP_PATH"), "a\n\xff");
        ck_assert_str_eq(value_of(environment, "REBACKUP_PATH_ESCAPED"), "a\\n\\xff");
        ck_assert_str_eq(value_of(environment, "REBACKUP_ERRNO"), "5");
        ck_assert_str_eq(value_of(environment, "REBACKUP_ERROR"), "Input/output error");
        ck_assert_str_eq(value_of(environment, "REBACKUP_MESSAGE_ID"), rot_id);
        ck_assert_str_eq(value_of(environment, "REBACKUP_TIME"), "1795242338");
        ck_assert_str_eq(value_of(environment, "REBACKUP_COUNT"), "2");
        ck_assert_str_eq(value_of(environment, "REBACKUP_COUNT_FAILING"), "1");
        ck_assert_str_eq(value_of(environment, "REBACKUP_COUNT_DISK"), "0");
}
END_TEST

START_TEST(hooks_have_plain_names) {
        static const struct {
                const char *name;
                bool valid;
        } names[] = { { "10-mail", true }, { "mail_me", true },     { "A", true },
                      { "", false },       { ".hidden", false },    { "mail.sh", false },
                      { "mail~", false },  { "x.dpkg-old", false }, { "a b", false },
                      { "a/b", false },    { "\xc3\xa9", false } };

        for (size_t i = 0; i < ELEMENTSOF(names); i++)
                ck_assert_int_eq(hook_name_is_valid(names[i].name), names[i].valid);
}
END_TEST

static void assert_taken(int wanted, const char *text) {
        _cleanup_free_ char *taken = NULL;

        ck_assert_int_eq(alert_directory_take(test_fd, &taken), wanted);
        if (text)
                ck_assert_str_eq(taken, text);
}

START_TEST(files_are_taken_in_order) {
        assert_taken(0, NULL);
        TEST_OK(alert_directory_put(test_fd, "two", 1000));
        TEST_OK(alert_directory_put(test_fd, "one", 999));
        TEST_OK(alert_directory_put(test_fd, "three", 123456789012));
        assert_taken(1, "one");
        assert_taken(1, "two");
        assert_taken(1, "three");
        assert_taken(0, NULL);
        for (usec_t i = 0; i < ALERT_FILES_MAX; i++)
                TEST_OK(alert_directory_put(test_fd, "x", i));
        ck_assert_int_eq(alert_directory_put(test_fd, "x", 1000), -ENOSPC);
}
END_TEST

/* Root takes them out of a directory that may belong to somebody else. */
START_TEST(only_plain_files_are_taken) {
        static char large[ALERT_TEXT_MAX + 1];

        TEST_SYS(mkdirat(test_fd, ALERT_DIRECTORY, 0700));
        TEST_SYS(symlinkat("/etc/passwd", test_fd, ALERT_DIRECTORY "/1"));
        TEST_SYS(mkfifoat(test_fd, ALERT_DIRECTORY "/2", 0600));
        TEST_SYS(mkdirat(test_fd, ALERT_DIRECTORY "/3", 0700));
        memset(large, 'x', sizeof large - 1);
        TEST_OK(alert_directory_write(test_fd, ALERT_DIRECTORY "/4", large));
        TEST_SYS(ftruncate(openat(test_fd, ALERT_DIRECTORY "/4", O_WRONLY), ALERT_TEXT_MAX + 1));
        TEST_OK(alert_directory_write(test_fd, ALERT_DIRECTORY "/5", "good"));
        for (int i = 1; i <= 4; i++)
                assert_taken(-EBADMSG, NULL);
        assert_taken(1, "good");
        assert_taken(0, NULL);

        TEST_SYS(unlinkat(test_fd, ALERT_DIRECTORY, AT_REMOVEDIR));
        TEST_SYS(symlinkat("/etc", test_fd, ALERT_DIRECTORY));
        ck_assert_int_eq(alert_directory_take(test_fd, &(char *) { NULL }), -ENOTDIR);
        ck_assert_int_eq(alert_directory_put(test_fd, "x", 1), -ENOTDIR);
}
END_TEST

int main(void) {
        TCase *tcase;
        Suite *suite = test_fs_suite("alert", &tcase);

        tcase_add_test(tcase, kinds_have_names);
        tcase_add_test(tcase, reports_sum_up);
        tcase_add_test(tcase, the_most_urgent_comes_first);
        tcase_add_test(tcase, reports_are_bounded);
        tcase_add_test(tcase, text_keeps_everything);
        tcase_add_test(tcase, text_of_others_is_made_safe);
        tcase_add_test(tcase, text_without_sense_is_refused);
        tcase_add_test(tcase, hooks_are_told_the_facts);
        tcase_add_test(tcase, hooks_have_plain_names);
        tcase_add_test(tcase, files_are_taken_in_order);
        tcase_add_test(tcase, only_plain_files_are_taken);
        return test_fs_run(suite);
}
