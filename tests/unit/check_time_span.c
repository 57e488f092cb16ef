#include <check.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "basic/macros.h"
#include "basic/time-span.h"

static const struct {
        const char *text;
        int result;
        usec_t span;
} spans[] = {
        { "0", 0, 0 },
        { "90", 0, 90 * USEC_PER_SEC },
        { " 90\t", 0, 90 * USEC_PER_SEC },
        { "1.5", 0, 1500 * USEC_PER_MSEC },
        { ".5s", 0, 500 * USEC_PER_MSEC },
        { "20ms", 0, 20 * USEC_PER_MSEC },
        { "20 msec", 0, 20 * USEC_PER_MSEC },
        { "7us", 0, 7 },
        { "7usec", 0, 7 },
        { "7\302\265s", 0, 7 },
        { "7\316\274s", 0, 7 },
        { "2m", 0, 2 * USEC_PER_MINUTE },
        { "2min", 0, 2 * USEC_PER_MINUTE },
        { "2minutes", 0, 2 * USEC_PER_MINUTE },
        { "2M", 0, 2 * USEC_PER_MONTH },
        { "1h 30min", 0, 90 * USEC_PER_MINUTE },
        { "1h30min", 0, 90 * USEC_PER_MINUTE },
        { "1hr 1 minute 1 second", 0, 3661 * USEC_PER_SEC },
        { "4week", 0, 28 * USEC_PER_DAY },
        { "1w", 0, 7 * USEC_PER_DAY },
        { "30d", 0, 30 * USEC_PER_DAY },
        { "1y 12month", 0, 2 * USEC_PER_YEAR },
        { "0.999999y", 0, UINT64_C(31557568442400) },
        { "1 2", 0, 3 * USEC_PER_SEC },
        { "12.34 .56", 0, 12900 * USEC_PER_MSEC },
        { "18446744073709551614us", 0, USEC_INFINITY - 1 },

        { "", -EINVAL, 0 },
        { "  ", -EINVAL, 0 },
        { "s", -EINVAL, 0 },
        { ".", -EINVAL, 0 },
        { "1.", -EINVAL, 0 },
        { "1.s", -EINVAL, 0 },
        { "12.34.56", -EINVAL, 0 },
        { "-1", -EINVAL, 0 },
        { "+1", -EINVAL, 0 },
        { "0x10", -EINVAL, 0 },
        { "1,5", -EINVAL, 0 },
        { "1fortnight", -EINVAL, 0 },
        { "1S", -EINVAL, 0 },
        { "1s foo", -EINVAL, 0 },
        { "infinity", -ERANGE, 0 },
        { "18446744073709551615us", -ERANGE, 0 },
        { "18446744073709551616", -ERANGE, 0 },
        { "18446744073709551", -ERANGE, 0 },
        { "600000y", -ERANGE, 0 },
};

START_TEST(parse) {
        usec_t span = 4711;

        ck_assert_int_eq(span_parse(spans[_i].text, &span), spans[_i].result);
        /* Left alone on failure. */
        ck_assert_uint_eq(span, spans[_i].result == 0 ? spans[_i].span : 4711);
}
END_TEST

static const struct {
        usec_t span;
        const char *text;
} texts[] = {
        { 0, "0us" },
        { 999, "999us" },
        { USEC_PER_MSEC, "1ms" },
        { 210 * USEC_PER_MSEC, "210ms" },
        { USEC_PER_SEC, "1s" },
        { 2150 * USEC_PER_MSEC, "2.1s" },
        { 10 * USEC_PER_SEC + 1, "10s" },
        { 62 * USEC_PER_SEC, "1min 2s" },
        { USEC_PER_HOUR, "1h" },
        { USEC_PER_HOUR + 2 * USEC_PER_MINUTE + USEC_PER_SEC, "1h 2min" },
        { 25 * USEC_PER_HOUR, "1d 1h" },
        { 400 * USEC_PER_DAY, "400d" },
};

START_TEST(format) {
        char text[SPAN_TEXT_MAX], small[4];

        ck_assert_str_eq(span_format(text, sizeof text, texts[_i].span), texts[_i].text);
        /* Cut short, but within its bounds. */
        ck_assert_int_lt(strlen(span_format(small, sizeof small, texts[_i].span)), sizeof small);
}
END_TEST

/* What is written of a span reads as the same span, down to the unit that was left out. */
START_TEST(round_trip) {
        unsigned seed = (unsigned) now_usec(CLOCK_MONOTONIC);

        printf("seed %u\n", seed);
        srandom(seed);
        for (size_t i = 0; i < 20000; i++) {
                uint64_t bits = (uint64_t) random() << 31 | (uint64_t) random();
                usec_t span = bits >> (random() % 62), parsed, lost;
                char text[SPAN_TEXT_MAX];

                ck_assert_int_eq(span_parse(span_format(text, sizeof text, span), &parsed), 0);
                lost = span >= USEC_PER_DAY        ? USEC_PER_HOUR
                       : span >= USEC_PER_HOUR     ? USEC_PER_MINUTE
                       : span >= 10 * USEC_PER_SEC ? USEC_PER_SEC
                       : span >= USEC_PER_SEC      ? USEC_PER_SEC / 10
                                                   : USEC_PER_MSEC;
                ck_assert_msg(parsed <= span && span - parsed < lost,
                              "%" PRIu64 " became '%s' (seed %u)", span, text, seed);
        }
}
END_TEST

START_TEST(now) {
        usec_t before = now_usec(CLOCK_MONOTONIC), after = now_usec(CLOCK_MONOTONIC);

        ck_assert_uint_le(before, after);
        /* After the year 2020. */
        ck_assert_uint_gt(now_usec(CLOCK_REALTIME), 50 * USEC_PER_YEAR);
}
END_TEST

int main(void) {
        Suite *suite = suite_create("time-span");
        TCase *tcase = tcase_create("time-span");
        SRunner *runner = srunner_create(suite);
        int n_failed;

        tcase_add_loop_test(tcase, parse, 0, ELEMENTSOF(spans));
        tcase_add_loop_test(tcase, format, 0, ELEMENTSOF(texts));
        tcase_add_test(tcase, round_trip);
        tcase_add_test(tcase, now);
        suite_add_tcase(suite, tcase);
        srunner_run_all(runner, CK_ENV);
        n_failed = srunner_ntests_failed(runner);
        srunner_free(runner);
        return n_failed > 0;
}
