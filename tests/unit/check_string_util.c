#include <check.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "basic/alloc.h"
#include "basic/macros.h"
#include "basic/string-util.h"

static const struct {
        const char *text, *escaped;
} names[] = {
        { "", "" },
        { "photos/2024/a b.jpg", "photos/2024/a b.jpg" },
        { "a\nb\tc\rd", "a\\nb\\tc\\rd" },
        { "\033[31mred", "\\x1b[31mred" },
        { "\001\177", "\\x01\\x7f" },
        { "back\\slash", "back\\\\slash" },
        { "M\303\274nchen", "M\303\274nchen" },
        { "\346\226\207\345\255\227", "\346\226\207\345\255\227" },
        { "\360\237\223\267", "\360\237\223\267" },
        { "latin1 \374ber", "latin1 \\xfcber" },
        { "cut \303", "cut \\xc3" },
        { "cut \360\237\223", "cut \\xf0\\x9f\\x93" },
        { "overlong \300\257", "overlong \\xc0\\xaf" },
        { "surrogate \355\240\200", "surrogate \\xed\\xa0\\x80" },
        { "beyond \364\220\200\200", "beyond \\xf4\\x90\\x80\\x80" },
        { "alone \200", "alone \\x80" },
        { "no start \376\377", "no start \\xfe\\xff" },
        { "C1 \302\233", "C1 \\xc2\\x9b" },
        { "reordered \342\200\256gpj.exe", "reordered \\xe2\\x80\\xaegpj.exe" },
};

START_TEST(escape) {
        _cleanup_free_ char *escaped = escape_bytes(names[_i].text);

        ck_assert_ptr_nonnull(escaped);
        ck_assert_str_eq(escaped, names[_i].escaped);
}
END_TEST

/* The bytes that a text of escape_bytes() stands for. */
static void unescape(const char *escaped, char *ret) {
        for (const char *p = escaped; *p; p++) {
                unsigned value;

                if (*p != '\\') {
                        *ret++ = *p;
                        continue;
                }
                switch (*++p) {
                case 'n':
                        *ret++ = '\n';
                        break;
                case 't':
                        *ret++ = '\t';
                        break;
                case 'r':
                        *ret++ = '\r';
                        break;
                case 'x':
                        ck_assert_int_eq(sscanf(p + 1, "%2x", &value), 1);
                        *ret++ = (char) value;
                        p += 2;
                        break;
                default:
                        *ret++ = *p;
                }
        }
        *ret = '\0';
}

/* Whatever the bytes, no control character is left and nothing is lost. */
START_TEST(escape_random) {
        unsigned seed = (unsigned) time(NULL);

        printf("seed %u\n", seed);
        srandom(seed);
        for (size_t i = 0; i < 20000; i++) {
                char name[32], again[sizeof name];
                size_t length = (size_t) random() % (sizeof name - 1);

                for (size_t k = 0; k < length; k++)
                        name[k] = (char) (1 + random() % 255);
                name[length] = '\0';
                _cleanup_free_ char *escaped = escape_bytes(name);
                for (const char *p = escaped; *p; p++)
                        ck_assert_msg((unsigned char) *p >= 0x20 && *p != 0x7f, "seed %u", seed);
                unescape(escaped, again);
                ck_assert_msg(streq(name, again), "%s (seed %u)", escaped, seed);
        }
}
END_TEST

START_TEST(prefixes) {
        const char *text = "Sync.Watch";

        ck_assert_ptr_eq(startswith(text, "Sync."), text + 5);
        ck_assert_ptr_eq(startswith(text, ""), text);
        ck_assert_ptr_eq(startswith(text, text), text + 10);
        ck_assert_ptr_null(startswith(text, "sync"));
        ck_assert_ptr_null(startswith(text, "Sync.Watch="));
        ck_assert(streq("a", "a"));
        ck_assert(!streq("a", "b"));
}
END_TEST

START_TEST(buffer_grows) {
        StringBuffer buffer = STRING_BUFFER_NULL;
        char *text;

        for (int i = 0; i < 1000; i++) {
                string_buffer_append(&buffer, "x");
                string_buffer_appendf(&buffer, "%03d", i);
        }
        string_buffer_append_bytes(&buffer, "ab\0c", 2);
        ck_assert_uint_eq(buffer.length, 4002);
        text = string_buffer_take(&buffer);
        ck_assert_uint_eq(strlen(text), 4002);
        ck_assert_ptr_eq(startswith(text, "x000x001x002"), text + 12);
        ck_assert_str_eq(text + 3996, "x999ab");
        ck_assert_ptr_null(buffer.text);
        free(text);
}
END_TEST

START_TEST(buffer_empty) {
        _cleanup_(string_buffer_done) StringBuffer buffer = STRING_BUFFER_NULL;
        _cleanup_free_ char *text = string_buffer_take(&buffer);

        ck_assert_str_eq(text, "");
}
END_TEST

/* Once an append has failed, the text is incomplete and is not handed out. */
START_TEST(buffer_failed) {
        _cleanup_(string_buffer_done) StringBuffer buffer = STRING_BUFFER_NULL;

        string_buffer_append(&buffer, "begun");
        string_buffer_append_bytes(&buffer, "", SIZE_MAX);
        ck_assert(buffer.failed);
        string_buffer_append(&buffer, " and gone on");
        ck_assert_uint_eq(buffer.length, 5);
        ck_assert_ptr_null(string_buffer_take(&buffer));
        ck_assert_ptr_null(buffer.text);
}
END_TEST

int main(void) {
        Suite *suite = suite_create("string-util");
        TCase *tcase = tcase_create("string-util");
        SRunner *runner = srunner_create(suite);
        int n_failed;

        tcase_add_loop_test(tcase, escape, 0, ELEMENTSOF(names));
        tcase_add_test(tcase, escape_random);
        tcase_add_test(tcase, prefixes);
        tcase_add_test(tcase, buffer_grows);
        tcase_add_test(tcase, buffer_empty);
        tcase_add_test(tcase, buffer_failed);
        suite_add_tcase(suite, tcase);
        srunner_run_all(runner, CK_ENV);
        n_failed = srunner_ntests_failed(runner);
        srunner_free(runner);
        return n_failed > 0;
}
