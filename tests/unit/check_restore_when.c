#include <stdio.h>
#include <stdlib.h>

#include "basic/macros.h"
#include "restore/when.h"
#include "test-fs.h"

/* 2026-11-21T06:25:38.123456Z */
#define NOW ((usec_t) 1795242338123456)

static const struct {
        const char *text;
        int result;
        usec_t at;
} cases[] = {
        { "2026-11-21T06:25:38.123Z", 0, 1795242338123000 },
        { "2026-11-21T06:25:38.123456789Z", 0, NOW },
        { "2026-11-21T06:25:38Z", 0, 1795242338000000 },
        { "2026-11-21T06:25Z", 0, 1795242300000000 },
        /* one hour ahead of UTC */
        { "2026-11-21 07:25:38.5", 0, 1795242338500000 },
        { "2026-11-21 07:25:38", 0, 1795242338000000 },
        { "2026-11-21T07:25", 0, 1795242300000000 },
        { "2026-11-21", 0, 1795215600000000 },
        { "2026-06-21 08:25:38", 0, 1782023138000000 }, /* two in summer */
        { "1970-01-01T00:00:00Z", 0, 0 },
        { "now", 0, NOW },
        { "2h", 0, NOW - 2 * USEC_PER_HOUR },
        { "3d", 0, NOW - 3 * USEC_PER_DAY },
        { "1h 30min ago", 0, NOW - 90 * USEC_PER_MINUTE },
        { "90", 0, NOW - 90 * USEC_PER_SEC },
        { "", -EINVAL, 0 },
        { " ago", -EINVAL, 0 },
        { "yesterday", -EINVAL, 0 },
        { "2026-02-30", -EINVAL, 0 },
        { "2026-13-01", -EINVAL, 0 },
        { "2026-11-21 24:00", -EINVAL, 0 },
        { "2026-11-21 07:60", -EINVAL, 0 },
        { "2026-11-21 07:25:61", -EINVAL, 0 },
        { "2026-11-21 7:25", -EINVAL, 0 },
        { "2026-11-21 07:25:38.", -EINVAL, 0 },
        { "2026-11-21 07:25:38Zx", -EINVAL, 0 },
        { "2026-11-21_07:25", -EINVAL, 0 },
        { "1969-12-31T23:00:00Z", -ERANGE, 0 },
        { "1000y", -ERANGE, 0 },
};

START_TEST(parse) {
        usec_t at = 0;
        int r;

        r = when_parse(cases[_i].text, NOW, &at);
        ck_assert_msg(r == cases[_i].result, "%s: %d", cases[_i].text, r);
        ck_assert_msg(at == cases[_i].at, "%s: %ju", cases[_i].text, (uintmax_t) at);
}
END_TEST

START_TEST(format) {
        char text[WHEN_TEXT_MAX];
        usec_t again;

        ck_assert_str_eq(when_format(text, sizeof text, NOW), "2026-11-21 07:25:38.123");
        ck_assert_int_eq(when_parse(text, 0, &again), 0);
        ck_assert_uint_eq(again, NOW - NOW % 1000);
}
END_TEST

int main(void) {
        TCase *tcase;
        Suite *suite = test_fs_suite("when", &tcase);

        (void) setenv("TZ", "CET-1CEST,M3.5.0,M10.5.0/3", 1);
        tcase_add_loop_test(tcase, parse, 0, ELEMENTSOF(cases));
        tcase_add_test(tcase, format);
        return test_fs_run(suite);
}
