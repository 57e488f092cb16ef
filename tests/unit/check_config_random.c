/* The reader of files under random input: whatever the bytes, it ends with a result and a text that
 * a terminal may show; and what is written in the ways that the manual allows is read as it was
 * meant. */

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "basic/alloc.h"
#include "basic/macros.h"
#include "basic/string-util.h"
#include "config/config-file.h"
#include "config/config-keys.h"
#include "test-config.h"
#include "watch-random.h"

#define FILE_PATH "/etc/rebackup/t.conf"

enum {
        N_ROUNDS = 1000,
        SIZE_MAX_RANDOM = 400,
};

static uint64_t seed;

static const char *pick(const char *const *from, unsigned n) {
        return from[random_below(&seed, n)];
}

/* Pieces of which files are made, the wrong ones too. */
static void append_piece(StringBuffer *text) {
        static const char *const pieces[] = {
                "[",          "]",
                "=",          "\n",
                "\n",         "\n",
                " ",          "\t",
                "#",          ";",
                "\"",         "\\",
                "@",          "/",
                "..",         "0",
                "1s",         "100%",
                "yes",        "[Pair]",
                "Sync",       "[Log]",
                "\r",         "\001",
                "\177",       "'",
                "auto",       "[]\n",
                "=\n",        "\xff",
                "\xc3",       "%s%n",
                "\n[Sync]\n", "\nSettle=",
                "\nSource=/", "\nReplica=/a\n",
                "\n[Pair]\n", "9999999999999999999999",
        };
        const ConfigKey *key = &config_keys[random_below(&seed, CONFIG_N_KEYS)];

        switch (random_below(&seed, 8)) {
        case 0:
                string_buffer_appendf(text, "\n[%s]\n%s=", key->section, key->name);
                break;
        case 1:
                string_buffer_appendf(text, "%c", 1 + random_below(&seed, 255));
                break;
        default:
                string_buffer_append(text, pick(pieces, ELEMENTSOF(pieces)));
        }
}

static void check_shown(const char *error) {
        for (const char *p = error; *p; p++)
                ck_assert((unsigned char) *p >= 0x20 || *p == '\n');
}

static void load_any(const void *data, size_t size) {
        _cleanup_(config_freep) Config *config = NULL;
        _cleanup_free_ char *error = NULL;
        int r;

        test_write(FILE_PATH, data, size);
        r = config_load_instance(test_root, "t", NULL, &config, &error);
        ck_assert_msg(r == 0 || r == -EINVAL, "%s", strerror(-r));
        ck_assert(!config == (r < 0) && !error == (r == 0));
        if (error)
                check_shown(error);
}

START_TEST(pieces) {
        for (unsigned round = 0; round < N_ROUNDS; round++) {
                _cleanup_(string_buffer_done) StringBuffer text = STRING_BUFFER_NULL;

                for (unsigned n = random_below(&seed, 60); n > 0; n--)
                        append_piece(&text);
                load_any(text.text ?: "", text.length);
        }
}
END_TEST

START_TEST(bytes) {
        for (unsigned round = 0; round < N_ROUNDS; round++) {
                char data[SIZE_MAX_RANDOM];
                size_t size = random_below(&seed, sizeof(data));

                for (size_t i = 0; i < size; i++)
                        data[i] = (char) random_below(&seed, 256);
                load_any(data, size);
        }
}
END_TEST

/* A value of which each byte may stand in a file. Blanks around it and characters of comments need
 * quotes. */
static void make_value(char *value, size_t size, bool *ret_quoted) {
        static const char special[] = "#;=[]\"\\@'% \t";
        size_t n = random_below(&seed, (unsigned) size);

        for (size_t i = 0; i < n; i++)
                value[i] = random_below(&seed, 2)
                                   ? special[random_below(&seed, sizeof(special) - 1)]
                                   : (char) ('a' + random_below(&seed, 26));
        value[n] = '\0';

        *ret_quoted = random_below(&seed, 3) == 0 || strpbrk(value, " \t\"");
}

/* One assignment in a random spelling, which the reader has to deliver as *EXPECTED. */
static void append_assignment(StringBuffer *text, unsigned *line, Assignment *expected) {
        static const char *const blanks[] = { "", " ", "\t", "  \t" };
        static const char *const fillers[] = { "", "\n", "# x = y\n", "  ; [Log]\n", " \t\n" };
        const char *filler = pick(fillers, ELEMENTSOF(fillers));
        char value[40], name[2] = { (char) ('a' + random_below(&seed, 3)), '\0' };
        bool quoted;

        make_value(value, sizeof(value), &quoted);
        *line += *filler ? 2 : 1;
        *expected = (Assignment) { .section = expected->section,
                                   .key = strdup(name),
                                   .value = strdup(value),
                                   .line = *line };

        string_buffer_append(text, filler);
        string_buffer_appendf(text, "%s%s%s=%s", pick(blanks, ELEMENTSOF(blanks)), name,
                              pick(blanks, ELEMENTSOF(blanks)), pick(blanks, ELEMENTSOF(blanks)));
        string_buffer_appendf(text, quoted ? "\"%s\"" : "%s", value);
        string_buffer_appendf(text, "%s\n", pick(blanks, ELEMENTSOF(blanks)));
}

static void read_back(const StringBuffer *text, const Assignment *expected, size_t n_expected) {
        _cleanup_(string_buffer_done) StringBuffer problems = STRING_BUFFER_NULL;
        _cleanup_(assignment_list_done) AssignmentList list = {};
        char path[128];

        test_write(FILE_PATH, text->text, text->length);
        (void) snprintf(path, sizeof(path), "%s" FILE_PATH, test_root);
        ck_assert_int_eq(config_file_read(path, &problems, &list), 0);
        ck_assert_msg(!problems.text, "%s\nin\n%s", problems.text, text->text);

        ck_assert_uint_eq(list.n_items, n_expected);
        for (size_t i = 0; i < n_expected; i++) {
                ck_assert_uint_eq(list.items[i].line, expected[i].line);
                ck_assert_str_eq(list.items[i].section, expected[i].section);
                ck_assert_pstr_eq(list.items[i].key, expected[i].key);
                ck_assert_str_eq(list.items[i].value, expected[i].value);
        }
}

START_TEST(round_trip) {
        static const char *const sections[] = { "A", "B", "A b", "[c", "d]", "e#", "@1" };

        for (unsigned round = 0; round < N_ROUNDS; round++) {
                _cleanup_(string_buffer_done) StringBuffer text = STRING_BUFFER_NULL;
                Assignment expected[30] = {};
                const char *section = NULL;
                unsigned line = 0;

                for (size_t i = 0; i < ELEMENTSOF(expected); i++) {
                        bool is_header = !section || random_below(&seed, 5) == 0;

                        if (is_header)
                                section = pick(sections, ELEMENTSOF(sections));
                        expected[i].section = (char *) section;
                        if (is_header) {
                                string_buffer_appendf(&text, "[%s]\n", section);
                                expected[i].value = strdup("");
                                expected[i].line = ++line;
                        } else
                                append_assignment(&text, &line, &expected[i]);
                }

                read_back(&text, expected, ELEMENTSOF(expected));
                for (size_t i = 0; i < ELEMENTSOF(expected); i++) {
                        free(expected[i].key);
                        free(expected[i].value);
                }
        }
}
END_TEST

int main(void) {
        TCase *tcase;
        Suite *suite = test_config_suite("config-random", &tcase);

        seed = random_seed("check_config_random");
        tcase_add_test(tcase, pieces);
        tcase_add_test(tcase, bytes);
        tcase_add_test(tcase, round_trip);
        return test_config_run(suite);
}
