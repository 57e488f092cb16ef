/* The names of times, there and back. */

#include <check.h>
#include <errno.h>
#include <stdlib.h>

#include "basic/macros.h"
#include "state/versions.h"
#include "watch-random.h"

/* 9999-12-31T23:59:59.999999Z */
#define FOUR_DIGITS_MAX UINT64_C(253402300799999999)

static const struct {
        usec_t at;
        const char *text;
} known[] = {
        { 0, "1970-01-01T00:00:00.000Z" },
        { 999, "1970-01-01T00:00:00.000Z" },
        { 1000, "1970-01-01T00:00:00.001Z" },
        { UINT64_C(951782400000000), "2000-02-29T00:00:00.000Z" },
        { UINT64_C(1795242338123456), "2026-11-21T06:25:38.123Z" },
        { UINT64_C(4107542399999999), "2100-02-28T23:59:59.999Z" },
        { UINT64_C(4107542400000000), "2100-03-01T00:00:00.000Z" },
        { FOUR_DIGITS_MAX, "9999-12-31T23:59:59.999Z" },
        { FOUR_DIGITS_MAX + 1, "10000-01-01T00:00:00.000Z" },
        { UINT64_MAX, "586524-01-19T08:01:49.551Z" },
};

static const char *const bad[] = {
        "",
        ".",
        "Z",
        "2026",
        "2026-11-21",
        "2026-11-21T06:25:38Z",
        "2026-11-21T06:25:38.123",
        "2026-11-21T06:25:38.123z",
        "2026-11-21T06:25:38.123Z ",
        "2026-11-21T06:25:38.123Z.1",
        "2026-11-21T06:25:38.123ZZ",
        "2026-11-21T06:25:38.12Z",
        "2026-11-21T06:25:38.1234Z",
        "2026-11-21T06:25:38,123Z",
        "2026-11-21 06:25:38.123Z",
        " 2026-11-21T06:25:38.123Z",
        "+2026-11-21T06:25:38.123Z",
        "-2026-11-21T06:25:38.123Z",
        "02026-11-21T06:25:38.123Z",
        "2026-1-21T06:25:38.123Z",
        "2026-011-21T06:25:38.123Z",
        "2026-11-21T6:25:38.123Z",
        "2026-11-21T 6:25:38.123Z",
        "2026-11-21T+6:25:38.123Z",
        "2026-11-21T06:25:38.-12Z",
        "2026-00-21T06:25:38.123Z",
        "2026-13-21T06:25:38.123Z",
        "2026-11-00T06:25:38.123Z",
        "2026-11-31T06:25:38.123Z",
        "2026-02-29T06:25:38.123Z",
        "2026-11-21T06-25:38.123Z",
        "2026-11-21T06:25-38.123Z",
        "2026-11-21T06--25-38.123Z",
        "2100-02-29T06:25:38.123Z",
        "2026-11-21T24:00:00.000Z",
        "2026-11-21T06:60:38.123Z",
        "2026-11-21T06:25:60.123Z",
        "1969-12-31T23:59:59.999Z",
        "0000-01-01T00:00:00.000Z",
        "586524-01-19T08:01:49.552Z",
        "999999-01-01T00:00:00.000Z",
        "99999999999999999999-01-01T00:00:00.000Z",
        "2026-11-21T06:25:38.123Z/",
        "２026-11-21T06:25:38.123Z",
        "\xff\xff",
};

START_TEST(known_times) {
        char text[VERSION_TIME_BYTES];
        usec_t at = 1;

        version_time_format(known[_i].at, text);
        ck_assert_str_eq(text, known[_i].text);
        ck_assert_int_eq(version_time_parse(text, &at), 0);
        ck_assert_uint_eq(at, known[_i].at - known[_i].at % 1000);

        version_time_format_plain(known[_i].at, text);
        ck_assert_ptr_null(strchr(text, ':'));
        ck_assert_int_eq(version_time_parse(text, &at), 0);
        ck_assert_uint_eq(at, known[_i].at - known[_i].at % 1000);
}
END_TEST

START_TEST(bad_texts) {
        usec_t at = 42;

        ck_assert_msg(version_time_parse(bad[_i], &at) == -EINVAL, "\"%s\" was taken", bad[_i]);
        ck_assert_uint_eq(at, 42);
}
END_TEST

START_TEST(there_and_back) {
        uint64_t state = random_seed(__func__);
        usec_t earlier = 0;
        char earlier_text[VERSION_TIME_BYTES] = "";

        for (int i = 0; i < 200000; i++) {
                usec_t at = (uint64_t) random_below(&state, UINT32_MAX) << 32 |
                            random_below(&state, UINT32_MAX),
                       again;
                char text[VERSION_TIME_BYTES];

                if (i % 2)
                        at %= FOUR_DIGITS_MAX + 1;
                version_time_format(at, text);
                ck_assert_int_eq(version_time_parse(text, &again), 0);
                ck_assert_uint_eq(again, at - at % 1000);

                /* A listing in the order of names is one in the order of time. */
                if (i % 2 && at / 1000 != earlier / 1000)
                        ck_assert_int_eq(strcmp(text, earlier_text) > 0, at > earlier);
                if (i % 2) {
                        earlier = at;
                        (void) strcpy(earlier_text, text);
                }
        }
}
END_TEST

int main(void) {
        Suite *suite = suite_create("version-time");
        TCase *tcase = tcase_create("version-time");
        SRunner *runner;
        int n_failed;

        tcase_add_loop_test(tcase, known_times, 0, (int) ELEMENTSOF(known));
        tcase_add_loop_test(tcase, bad_texts, 0, (int) ELEMENTSOF(bad));
        tcase_add_test(tcase, there_and_back);
        tcase_set_timeout(tcase, 60);
        suite_add_tcase(suite, tcase);
        runner = srunner_create(suite);
        srunner_run_all(runner, CK_ENV);
        n_failed = srunner_ntests_failed(runner);
        srunner_free(runner);
        return n_failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
