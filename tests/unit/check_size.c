#include <check.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "basic/macros.h"
#include "basic/size.h"

#define KIB UINT64_C(1024)

static const struct {
        const char *text;
        int result;
        uint64_t size;
} sizes[] = {
        { "0", 0, 0 },
        { "4096", 0, 4096 },
        { "4096B", 0, 4096 },
        { "4K", 0, 4 * KIB },
        { "4k", 0, 4 * KIB },
        { "4 KiB", 0, 4 * KIB },
        { "4KB", 0, 4 * KIB },
        { " 1G", 0, KIB *KIB *KIB },
        { "1.5M", 0, 3 * KIB *KIB / 2 },
        { "0.001K", 0, 1 },
        { "2T", 0, 2 * KIB *KIB *KIB *KIB },
        { "1P", 0, UINT64_C(1) << 50 },
        { "15E", 0, UINT64_C(15) << 60 },
        { "15.999E", 0, (UINT64_C(15) << 60) + UINT64_C(1151768583102240129) },
        { "18446744073709551615", 0, UINT64_MAX },

        { "", -EINVAL, 0 },
        { "K", -EINVAL, 0 },
        { "-1", -EINVAL, 0 },
        { "1X", -EINVAL, 0 },
        { "1Kx", -EINVAL, 0 },
        { "1KiBs", -EINVAL, 0 },
        { "1 2", -EINVAL, 0 },
        { "5%", -EINVAL, 0 },
        { "16E", -ERANGE, 0 },
        { "18446744073709551616", -ERANGE, 0 },
        { "18014398509481984K", -ERANGE, 0 },
};

START_TEST(parse) {
        uint64_t size = 4711;

        ck_assert_int_eq(size_parse(sizes[_i].text, &size), sizes[_i].result);
        /* Left alone on failure. */
        ck_assert_uint_eq(size, sizes[_i].result == 0 ? sizes[_i].size : 4711);
}
END_TEST

static const struct {
        uint64_t size;
        const char *text;
} texts[] = {
        { 0, "0 B" },
        { 1023, "1023 B" },
        { KIB, "1.0 KiB" },
        { 3250586, "3.1 MiB" },
        { KIB * KIB - 1, "1023.9 KiB" },
        { UINT64_C(5) << 30, "5.0 GiB" },
        { UINT64_MAX, "15.9 EiB" },
};

START_TEST(format) {
        char text[SIZE_TEXT_MAX], small[4];

        ck_assert_str_eq(size_format(text, sizeof text, texts[_i].size), texts[_i].text);
        /* Cut short, but within its bounds. */
        ck_assert_uint_lt(strlen(size_format(small, sizeof small, texts[_i].size)), sizeof small);
}
END_TEST

/* What is written of a size reads as the same size, but for the last digit written. */
START_TEST(round_trip) {
        unsigned seed = (unsigned) time(NULL);

        printf("seed %u\n", seed);
        srandom(seed);
        for (size_t i = 0; i < 20000; i++) {
                uint64_t bits = (uint64_t) random() << 33 | (uint64_t) random() << 2;
                uint64_t size = bits >> (random() % 62), parsed;
                char text[SIZE_TEXT_MAX];

                ck_assert_int_eq(size_parse(size_format(text, sizeof text, size), &parsed), 0);
                ck_assert_msg(parsed <= size && size - parsed <= size / 10,
                              "%" PRIu64 " became '%s' (seed %u)", size, text, seed);
        }
}
END_TEST

int main(void) {
        Suite *suite = suite_create("size");
        TCase *tcase = tcase_create("size");
        SRunner *runner = srunner_create(suite);
        int n_failed;

        tcase_add_loop_test(tcase, parse, 0, ELEMENTSOF(sizes));
        tcase_add_loop_test(tcase, format, 0, ELEMENTSOF(texts));
        tcase_add_test(tcase, round_trip);
        suite_add_tcase(suite, tcase);
        srunner_run_all(runner, CK_ENV);
        n_failed = srunner_ntests_failed(runner);
        srunner_free(runner);
        return n_failed > 0;
}
