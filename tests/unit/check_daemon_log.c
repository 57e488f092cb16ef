/* The sinks: log file, journal fields, terminal, on real files and a real pseudo-terminal. */

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <termios.h>
#include <unistd.h>

#include "basic/alloc.h"
#include "basic/fd.h"
#include "basic/journal-stream.h"
#include "basic/macros.h"
#include "daemon/log-file.h"
#include "daemon/log-journal.h"
#include "daemon/log-sinks.h"
#include "daemon/log-terminal.h"
#include "test-fs.h"

/* The path of NAME in the test's directory, in a static buffer. */
static const char *in_test(const char *name) {
        static char path[256];

        (void) snprintf(path, sizeof path, "%s/%s", test_path, name);
        return path;
}

static void assert_content(const char *name, const char *const *lines) {
        FILE *file = fopen(in_test(name), "re");
        char line[512];

        ck_assert_msg(file != NULL, "%s: %s", name, strerror(errno));
        for (; *lines; lines++) {
                ck_assert_ptr_nonnull(fgets(line, sizeof line, file));
                line[strcspn(line, "\n")] = 0;
                /* 2026-11-21T06:25:38.123Z */
                ck_assert_uint_gt(strlen(line), 25);
                ck_assert(line[4] == '-' && line[10] == 'T' && line[19] == '.' && line[23] == 'Z');
                ck_assert_str_eq(line + 25, *lines);
        }
        ck_assert_ptr_null(fgets(line, sizeof line, file));
        (void) fclose(file);
}

#define LINES(...) ((const char *const[]) { __VA_ARGS__, NULL })

static void log_line(LogFile *file, int level, const char *message) {
        LogRecord record = { .level = level, .message = message };

        log_file_sink(&record, file);
}

START_TEST(file_is_made_with_its_directory) {
        LogFile file;
        struct stat st;

        log_file_init(&file);
        TEST_OK(log_file_set_path(&file, in_test("a/b/c.log"), "pair"));
        log_line(&file, LOG_INFO, "one");
        ck_assert_int_lt(access(in_test("a"), F_OK), 0); /* gathered, not written */
        log_line(&file, LOG_WARNING, "two");
        assert_content("a/b/c.log", LINES("info one", "warning two"));
        TEST_SYS(stat(in_test("a/b/c.log"), &st));
        ck_assert_uint_eq(st.st_mode & 07777, 0640);
        TEST_SYS(stat(in_test("a/b"), &st));
        ck_assert_uint_eq(st.st_mode & 07777, 0750);
        log_line(&file, LOG_INFO, "three");
        log_file_done(&file);
        assert_content("a/b/c.log", LINES("info one", "warning two", "info three"));
}
END_TEST

START_TEST(directory_holds_a_file_of_the_pairs_name) {
        LogFile file;

        log_file_init(&file);
        TEST_SYS(mkdir(in_test("d"), 0700));
        TEST_OK(log_file_set_path(&file, in_test("d"), "pair"));
        log_line(&file, LOG_ERR, "x");
        log_file_done(&file);
        assert_content("d/pair.log", LINES("err x"));
}
END_TEST

START_TEST(deleted_and_rotated_files_are_made_again) {
        _cleanup_free_ char *rotated = strdup(in_test("r.log.1"));
        LogFile file;

        log_file_init(&file);
        TEST_OK(log_file_set_path(&file, in_test("r.log"), "pair"));
        log_line(&file, LOG_ERR, "one");
        TEST_SYS(rename(in_test("r.log"), rotated));
        log_line(&file, LOG_ERR, "two");
        assert_content("r.log.1", LINES("err one"));
        assert_content("r.log", LINES("err two"));
        TEST_SYS(unlink(in_test("r.log")));
        log_line(&file, LOG_INFO, "three");
        log_file_flush(&file);
        assert_content("r.log", LINES("info three"));
        log_file_done(&file);
}
END_TEST

START_TEST(failure_is_told_once_and_ends) {
        LogFile file;

        log_file_init(&file);
        TEST_SYS(mkdir(in_test("f.log"), 0700)); /* in the way */
        file.path = strdup(in_test("f.log"));
        log_line(&file, LOG_ERR, "one");
        ck_assert_int_eq(log_file_take_error(&file), -EISDIR);
        log_line(&file, LOG_ERR, "two");
        ck_assert_int_eq(log_file_take_error(&file), 0);
        TEST_SYS(rmdir(in_test("f.log")));
        log_file_flush(&file);
        ck_assert_int_eq(log_file_take_error(&file), 0);
        assert_content("f.log", LINES("err one", "err two")); /* kept meanwhile */
        TEST_SYS(symlinkat("elsewhere", test_fd, "s.log"));
        TEST_OK(log_file_set_path(&file, in_test("s.log"), "pair"));
        log_line(&file, LOG_ERR, "three");
        ck_assert_int_eq(log_file_take_error(&file), -ELOOP);
        log_file_done(&file);
}
END_TEST

START_TEST(much_is_written_in_few_calls_and_whole) {
        char line[64];
        LogFile file;
        struct stat st;

        log_file_init(&file);
        TEST_OK(log_file_set_path(&file, in_test("m.log"), "pair"));
        for (int i = 0; i < 80000; i++) {
                (void) snprintf(line, sizeof line, "copied file-%05d", i);
                log_line(&file, LOG_INFO, line);
        }
        log_file_done(&file);
        TEST_SYS(stat(in_test("m.log"), &st));
        ck_assert_int_eq(st.st_size, 80000 * (25 + 5 + 17 + 1));
}
END_TEST

static void assert_field(const JournalFields *fields, int i, const char *text, size_t size) {
        ck_assert_int_lt(i, fields->n_fields);
        ck_assert_uint_eq(fields->fields[i].iov_len, size);
        ck_assert_mem_eq(fields->fields[i].iov_base, text, size);
}

#define ASSERT_FIELD(fields, i, text) assert_field((fields), (i), (text), strlen(text))

START_TEST(journal_fields_of_an_operation) {
        _cleanup_(journal_fields_done) JournalFields fields = JOURNAL_FIELDS_NULL;
        LogRecord record = {
                .level = LOG_ERR,
                .error = -ENOSPC,
                .message_id = "0123",
                .operation = "copy",
                .path = "a\nb\xff",
                .bytes = 7,
                .duration = 12,
                .has_bytes = true,
                .has_duration = true,
                .message = "failed to copy a\\nb\\xff",
                .file = "x.c",
                .func = "f",
                .line = 9,
        };

        TEST_OK(journal_fields_build(&record, "photos", &fields));
        ck_assert_int_eq(fields.n_fields, 12);
        ASSERT_FIELD(&fields, 0, "MESSAGE=failed to copy a\\nb\\xff");
        ASSERT_FIELD(&fields, 1, "PRIORITY=3");
        ASSERT_FIELD(&fields, 2, "MESSAGE_ID=0123");
        ASSERT_FIELD(&fields, 3, "REBACKUP_PAIR=photos");
        ASSERT_FIELD(&fields, 4, "REBACKUP_OPERATION=copy");
        ASSERT_FIELD(&fields, 5, "REBACKUP_PATH=a\nb\xff");
        ASSERT_FIELD(&fields, 6, "REBACKUP_BYTES=7");
        ASSERT_FIELD(&fields, 7, "REBACKUP_DURATION_USEC=12");
        ASSERT_FIELD(&fields, 8, "ERRNO=28");
        ASSERT_FIELD(&fields, 9, "CODE_FILE=x.c");
        ASSERT_FIELD(&fields, 10, "CODE_FUNC=f");
        ASSERT_FIELD(&fields, 11, "CODE_LINE=9");
}
END_TEST

START_TEST(journal_fields_of_a_plain_message) {
        _cleanup_(journal_fields_done) JournalFields fields = JOURNAL_FIELDS_NULL;
        LogRecord record = { .level = LOG_INFO, .message = "x" };

        TEST_OK(journal_fields_build(&record, NULL, &fields));
        ck_assert_int_eq(fields.n_fields, 2);
}
END_TEST

START_TEST(journal_stream) {
        _cleanup_close_ int fd = TEST_SYS(open("/dev/null", O_RDWR | O_CLOEXEC));
        char stream[64];
        struct stat st;

        TEST_SYS(fstat(fd, &st));
        (void) snprintf(stream, sizeof stream, "%ju:%ju", (uintmax_t) st.st_dev,
                        (uintmax_t) st.st_ino);
        ck_assert(journal_stream_is(fd, stream));
        ck_assert(!journal_stream_is(fd, "1:2"));
        ck_assert(!journal_stream_is(fd, "nonsense"));
        ck_assert(!journal_stream_is(fd, NULL));
        ck_assert(!journal_stream_is(test_fd, stream));
        (void) strcat(stream, "x");
        ck_assert(!journal_stream_is(fd, stream));
}
END_TEST

START_TEST(plain_output_has_no_control_characters) {
        _cleanup_close_ int fd = TEST_SYS(
                openat(test_fd, "out", O_RDWR | O_CREAT | O_CLOEXEC, 0600));
        LogRecord info = { .level = LOG_INFO, .message = "copied a" };
        LogRecord err = { .level = LOG_ERR, .message = "failed b" };
        LogTerminal terminal;
        char text[128] = "";

        log_terminal_init(&terminal, fd);
        ck_assert_uint_eq(log_terminal_width(&terminal), 0);
        log_terminal_sink(&info, &terminal);
        log_terminal_show(&terminal, "progress");
        ck_assert_int_eq(pread(fd, text, sizeof text, 0), 0); /* gathered */
        log_terminal_sink(&err, &terminal);
        TEST_SYS(pread(fd, text, sizeof text - 1, 0));
        ck_assert_str_eq(text, "copied a\nfailed b\n");
        log_terminal_done(&terminal);
}
END_TEST

/* A pseudo-terminal of 40 columns that changes nothing of what is written. */
static void open_terminal(int *ret_master, int *ret_slave) {
        struct winsize window = { .ws_col = 40, .ws_row = 10 };
        struct termios attributes;

        *ret_master = TEST_SYS(posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC));
        TEST_SYS(grantpt(*ret_master));
        TEST_SYS(unlockpt(*ret_master));
        *ret_slave = TEST_SYS(open(ptsname(*ret_master), O_RDWR | O_NOCTTY | O_CLOEXEC));
        TEST_SYS(tcgetattr(*ret_slave, &attributes));
        cfmakeraw(&attributes);
        TEST_SYS(tcsetattr(*ret_slave, TCSANOW, &attributes));
        TEST_SYS(ioctl(*ret_slave, TIOCSWINSZ, &window));
}

static void assert_shown(int master, const char *text) {
        char buffer[256] = "";

        TEST_SYS(read(master, buffer, sizeof buffer - 1));
        ck_assert_str_eq(buffer, text);
}

START_TEST(terminal_redraws_progress_below_messages) {
        _cleanup_close_ int master = -EBADF, slave = -EBADF;
        LogRecord info = { .level = LOG_INFO, .message = "copied a" };
        LogRecord err = { .level = LOG_ERR, .message = "failed b" };
        LogTerminal terminal;

        ck_assert_int_eq(setenv("TERM", "xterm", 1) + unsetenv("NO_COLOR"), 0);
        open_terminal(&master, &slave);
        log_terminal_init(&terminal, slave);
        ck_assert_uint_eq(log_terminal_width(&terminal), 39);
        log_terminal_show(&terminal, "41 %");
        assert_shown(master, "\r\033[K41 %");
        log_terminal_sink(&info, &terminal);
        assert_shown(master, "\r\033[Kcopied a\n41 %");
        log_terminal_show(&terminal, NULL);
        assert_shown(master, "\r\033[K");
        log_terminal_sink(&err, &terminal);
        assert_shown(master, "\033[1;31mfailed b\033[0m\n");
        log_terminal_done(&terminal);
}
END_TEST

START_TEST(colors) {
        ck_assert(log_terminal_wants_colors(NULL, "xterm"));
        ck_assert(log_terminal_wants_colors("", "xterm"));
        ck_assert(!log_terminal_wants_colors("1", "xterm"));
        ck_assert(!log_terminal_wants_colors(NULL, "dumb"));
        ck_assert(!log_terminal_wants_colors(NULL, NULL));
}
END_TEST

int main(void) {
        TCase *tcase;
        Suite *suite = test_fs_suite("daemon-log", &tcase);

        tcase_add_test(tcase, file_is_made_with_its_directory);
        tcase_add_test(tcase, directory_holds_a_file_of_the_pairs_name);
        tcase_add_test(tcase, deleted_and_rotated_files_are_made_again);
        tcase_add_test(tcase, failure_is_told_once_and_ends);
        tcase_add_test(tcase, much_is_written_in_few_calls_and_whole);
        tcase_add_test(tcase, journal_fields_of_an_operation);
        tcase_add_test(tcase, journal_fields_of_a_plain_message);
        tcase_add_test(tcase, journal_stream);
        tcase_add_test(tcase, plain_output_has_no_control_characters);
        tcase_add_test(tcase, terminal_redraws_progress_below_messages);
        tcase_add_test(tcase, colors);
        return test_fs_run(suite);
}
