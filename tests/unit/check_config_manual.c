/* rebackup.conf(5) says of every key what the table of keys says, in the same order, and describes
 * no other. */

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "basic/macros.h"
#include "basic/string-util.h"
#include "config/config-keys.h"
#include "test-config.h"

#define MANUAL TOP_SRCDIR "/man/rebackup.conf.5"

/* One described key. */
typedef struct Item {
        char heading[128]; /* "[PAIR] .It Va Source Ns = Ns Ar PATH" */
        char facts[256];   /* the lines with default, range and so on */
        char text[4096];   /* all lines */
} Item;

static Item items[CONFIG_N_KEYS + 1];
static size_t n_items;

static void append(char *buffer, size_t size, const char *text) {
        ck_assert_uint_lt(strlen(buffer) + strlen(text), size);
        strcat(buffer, text);
}

static bool is_fact(const char *line) {
        return startswith(line, ".Pq Default") || startswith(line, ".Pq Range") ||
               startswith(line, ".Pq Supported") || startswith(line, ".Pq Required");
}

static void take_line(char *section, size_t section_size, const char *line) {
        Item *item = n_items > 0 ? &items[n_items - 1] : NULL;
        const char *bracket = startswith(line, ".Sh THE ");

        if (startswith(line, ".Sh "))
                (void) snprintf(section, section_size, "%.*s",
                                bracket ? (int) strcspn(bracket, " ") : 0, bracket ?: "");
        else if (startswith(line, ".It Va ")) {
                ck_assert_uint_lt(n_items, ELEMENTSOF(items));
                item = &items[n_items++];
                append(item->heading, sizeof(item->heading), section);
                append(item->heading, sizeof(item->heading), " ");
                append(item->heading, sizeof(item->heading), line);
        } else if (item && *section) {
                append(item->text, sizeof(item->text), line);
                if (is_fact(line))
                        append(item->facts, sizeof(item->facts), line);
        }
}

static void read_manual(void) {
        char line[512], section[64] = "";
        FILE *file = fopen(MANUAL, "re");

        ck_assert_msg(file, "cannot open %s", MANUAL);
        while (fgets(line, sizeof(line), file))
                take_line(section, sizeof(section), line);
        ck_assert_int_eq(fclose(file), 0);
}

static const char *type_name(KeyType type) {
        static const char *const names[_KEY_TYPE_MAX] = {
                [KEY_PATH] = "PATH",    [KEY_BOOL] = "BOOLEAN", [KEY_ENUM] = "WORD",
                [KEY_SPAN] = "SPAN",    [KEY_SIZE] = "SIZE",    [KEY_PERCENT] = "PERCENT",
                [KEY_COUNT] = "NUMBER", [KEY_LIST] = "PATTERN",
        };

        return names[type];
}

static void check_heading(const ConfigKey *key, const Item *item) {
        char expected[128], section[32] = "";

        for (size_t i = 0; key->section[i]; i++) {
                section[i] = (char) toupper((unsigned char) key->section[i]);
                section[i + 1] = '\0';
        }

        (void) snprintf(expected, sizeof(expected), "[%s] .It Va %s Ns = Ns Ar %s\n", section,
                        key->name, type_name(key->type));
        ck_assert_str_eq(item->heading, expected);
}

static void check_facts(const ConfigKey *key, const Item *item) {
        char expected[256] = "";
        size_t n = 0;

        if (key->flags & KEY_REQUIRED)
                append(expected, sizeof(expected), ".Pq Required\n");
        else if (key->fallback)
                (void) snprintf(expected, sizeof(expected), ".Pq Default : Li %s\n", key->fallback);
        else {
                /* What stands for "unset" is told in words. */
                ck_assert_ptr_nonnull(startswith(item->facts, ".Pq Default : No "));
                n = strcspn(item->facts, "\n") + 1;
        }

        if (key->min) {
                append(expected, sizeof(expected), ".Pq Range : Li ");
                append(expected, sizeof(expected), key->zero_word ?: "");
                append(expected, sizeof(expected), key->zero_word ? " , " : "");
                append(expected, sizeof(expected), key->min);
                append(expected, sizeof(expected), " to ");
                append(expected, sizeof(expected), key->max);
                append(expected, sizeof(expected), "\n");
        }

        ck_assert_str_eq(item->facts + n, expected);
}

static void check_words(const ConfigKey *key, const Item *item) {
        const char *const *words = key->words;

        for (size_t i = 0; key->words && words[i]; i++) {
                char expected[32];

                (void) snprintf(expected, sizeof(expected), ".Li %s", words[i]);
                ck_assert_msg(strstr(item->text, expected), "%s.%s: nothing is said of %s",
                              key->section, key->name, words[i]);
        }
}

START_TEST(every_key) {
        read_manual();

        for (size_t i = 0; i < CONFIG_N_KEYS; i++) {
                check_heading(&config_keys[i], &items[i]);
                check_facts(&config_keys[i], &items[i]);
                check_words(&config_keys[i], &items[i]);
        }
        ck_assert_uint_eq(n_items, CONFIG_N_KEYS);
}
END_TEST

int main(void) {
        TCase *tcase;
        Suite *suite = test_config_suite("config-manual", &tcase);

        tcase_add_test(tcase, every_key);
        return test_config_run(suite);
}
