/* Names and values of units: what is written is what systemd reads back. */

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "basic/alloc.h"
#include "basic/macros.h"
#include "generator/unit-name.h"
#include "generator/unit-value.h"
#include "watch-random.h"

enum { N_ROUNDS = 20000, LENGTH_MAX = 40 };

typedef struct Name {
        const char *name, *plain, *escaped;
} Name;

/* The last column is what systemd-escape 252 prints. */
static const Name names[] = {
        { "photos", "photos", "photos" },
        { "photos-2024", "photos-2024", "photos\\x2d2024" },
        { "a.b:c_d", "a.b:c_d", "a.b:c_d" },
        { "me@home", "me@home", "me\\x40home" },
        { "my photos", "my\\x20photos", "my\\x20photos" },
        { "50%", "50\\x25", "50\\x25" },
        { "a\\b", "a\\x5cb", "a\\x5cb" },
        { "\xc3\xa9", "\\xc3\\xa9", "\\xc3\\xa9" },
        { "\xff", "\\xff", "\\xff" },
        { "\"'$", "\\x22\\x27\\x24", "\\x22\\x27\\x24" },
};

START_TEST(instances) {
        const Name *is = &names[_i];
        _cleanup_free_ char *plain = unit_name_plain(is->name),
                            *escaped = unit_name_escape(is->name);

        ck_assert_str_eq(plain, is->plain);
        ck_assert_str_eq(escaped, is->escaped);

        /* As rebackupd reads the instance that it is given. */
        unescape_hex(plain);
        unescape_hex(escaped);
        ck_assert_str_eq(plain, is->name);
        ck_assert_str_eq(escaped, is->name);
}
END_TEST

typedef struct MountName {
        const char *path, *unit;
} MountName;

static const MountName mounts[] = {
        { "/mnt", "mnt.mount" },
        { "/mnt/back-up", "mnt-back\\x2dup.mount" },
        { "/mnt/.hidden", "mnt-.hidden.mount" },
        { "/.hidden", "\\x2ehidden.mount" },
        { "/run/media/me/My Disk", "run-media-me-My\\x20Disk.mount" },
        { "/a@b/c%", "a\\x40b-c\\x25.mount" },
};

START_TEST(mount_units) {
        _cleanup_free_ char *unit = unit_name_of_mount(mounts[_i].path);

        ck_assert_str_eq(unit, mounts[_i].unit);
}
END_TEST

START_TEST(lengths) {
        char name[300];

        memset(name, 'x', sizeof(name));
        name[255] = '\0';
        ck_assert(unit_name_fits(name));
        name[255] = 'x';
        name[256] = '\0';
        ck_assert(!unit_name_fits(name));
}
END_TEST

START_TEST(unescaping) {
        char odd[] = "\\x00\\x\\x4\\xzz\\y\\x41\\x4a\\";

        unescape_hex(odd);
        ck_assert_str_eq(odd, "\\x00\\x\\x4\\xzz\\yAJ\\");
}
END_TEST

/* What systemd does with a list of words: extract_first_word() with UNQUOTE and nothing else takes
 * a backslash for "the next character as it is" in quotes and outside, and then the specifiers are
 * resolved. Written after systemd.syntax(7) and systemd.unit(5). */
static char *read_word(const char **text) {
        StringBuffer word = STRING_BUFFER_NULL;
        char quote = '\0';
        const char *p = *text;

        while (*p == ' ')
                p++;
        for (; *p && (quote || *p != ' '); p++) {
                if (*p == quote) {
                        quote = '\0';
                        continue;
                }
                if (!quote && (*p == '"' || *p == '\'')) {
                        quote = *p;
                        continue;
                }
                if (*p == '\\')
                        p++;
                string_buffer_append_bytes(&word, p, 1);
        }
        ck_assert_int_eq(quote, '\0');
        *text = p;
        return string_buffer_take(&word);
}

static char *resolve_specifiers(const char *text) {
        StringBuffer resolved = STRING_BUFFER_NULL;

        for (; *text; text++) {
                if (*text == '%') {
                        text++;
                        ck_assert_int_eq(*text, '%'); /* any other is no path of ours */
                }
                string_buffer_append_bytes(&resolved, text, 1);
        }
        return string_buffer_take(&resolved);
}

static void check_word(const char **text, const char *prefix, const char *expected) {
        _cleanup_free_ char *word = read_word(text), *path = NULL;

        ck_assert_int_eq(strncmp(word, prefix, strlen(prefix)), 0);
        path = resolve_specifiers(word + strlen(prefix));
        ck_assert_str_eq(path, expected);
}

static void random_path(uint64_t *seed, char *path) {
        static const char *const pieces[] = { "/",  " ", "\"",       "'",     "\\", "%",
                                              "%%", "a", "\xc3\xa9", "\\x20", "%i", "#",
                                              ";",  "-", "$HOME",    "\\\"",  "= ", "b" };
        unsigned n = random_below(seed, LENGTH_MAX / 6);

        strcpy(path, "/");
        for (unsigned i = 0; i < n; i++)
                strcat(path, pieces[random_below(seed, ELEMENTSOF(pieces))]);
}

START_TEST(words_read_back) {
        uint64_t seed = random_seed("words_read_back");

        for (unsigned i = 0; i < N_ROUNDS; i++) {
                _cleanup_(string_buffer_done) StringBuffer buffer = STRING_BUFFER_NULL;
                _cleanup_free_ char *whole = NULL;
                char a[LENGTH_MAX * 2], b[LENGTH_MAX * 2];
                const char *text;

                random_path(&seed, a);
                random_path(&seed, b);
                ck_assert(unit_value_is_possible(a));
                unit_value_append_word(&buffer, "-", a);
                string_buffer_append(&buffer, " ");
                unit_value_append_word(&buffer, "", b);
                text = buffer.text;
                check_word(&text, "-", a);
                check_word(&text, "", b);
                ck_assert_str_eq(text, "");

                string_buffer_done(&buffer);
                buffer = STRING_BUFFER_NULL;
                unit_value_append_whole(&buffer, a);
                whole = resolve_specifiers(buffer.text);
                ck_assert_str_eq(whole, a);
        }
}
END_TEST

START_TEST(impossible) {
        ck_assert(unit_value_is_possible("/srv/\xc3\xa9 %\"\\'"));
        ck_assert(!unit_value_is_possible("/srv/a\nb"));
        ck_assert(!unit_value_is_possible("/srv/a\tb"));
        ck_assert(!unit_value_is_possible("/srv/\x7f"));
        ck_assert(!unit_value_is_possible("/srv/\xff"));
        ck_assert(!unit_value_is_possible("/srv/\xc3"));
}
END_TEST

int main(void) {
        Suite *suite = suite_create("generator-names");
        TCase *tcase = tcase_create("generator-names");
        SRunner *runner = srunner_create(suite);
        int n_failed;

        tcase_add_loop_test(tcase, instances, 0, ELEMENTSOF(names));
        tcase_add_loop_test(tcase, mount_units, 0, ELEMENTSOF(mounts));
        tcase_add_test(tcase, lengths);
        tcase_add_test(tcase, unescaping);
        tcase_add_test(tcase, words_read_back);
        tcase_add_test(tcase, impossible);
        suite_add_tcase(suite, tcase);
        srunner_run_all(runner, CK_ENV);
        n_failed = srunner_ntests_failed(runner);
        srunner_free(runner);
        return n_failed > 0;
}
