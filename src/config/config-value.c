#include "config/config-value.h"

#include <assert.h>
#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "basic/alloc.h"
#include "basic/macros.h"
#include "basic/size.h"
#include "basic/time-span.h"
#include "config/config-path.h"

/* How values of a type are spoken of, and what to write instead of a wrong one. */
static const struct {
        const char *noun;
        const char *remedy; /* NULL: the range or the words of the key are */
} types[_KEY_TYPE_MAX] = {
        [KEY_BOOL] = { "neither yes nor no", "write one of the two" },
        [KEY_ENUM] = { "not a known word", NULL },
        [KEY_SPAN] = { "not a time span", "write something like 20ms, 1s or 1min 30s" },
        [KEY_SIZE] = { "not a size", "write something like 4096, 64K or 1G" },
        [KEY_PERCENT] = { "not a percentage", "write something like 5% or 12.5%" },
        [KEY_COUNT] = { "not a number", NULL },
};

static int parse_bool(const char *text, uint64_t *ret) {
        static const char *const words[] = { "no", "yes", "false", "true", "off", "on", "0", "1" };

        for (size_t i = 0; i < ELEMENTSOF(words); i++)
                if (streq(text, words[i])) {
                        *ret = i % 2;
                        return 0;
                }

        return -EINVAL;
}

static int parse_word(const char *text, const char *const *words, uint64_t *ret) {
        for (size_t i = 0; words[i]; i++)
                if (streq(text, words[i])) {
                        *ret = i;
                        return 0;
                }

        return -EINVAL;
}

/* Digits and nothing else, of which nine cannot overflow. */
static int parse_digits(const char *text, size_t n, uint64_t *ret) {
        uint64_t number = 0;

        if (n == 0 || n > 9)
                return -EINVAL;

        for (size_t i = 0; i < n; i++) {
                if (!isdigit((unsigned char) text[i]))
                        return -EINVAL;
                number = number * 10 + (uint64_t) (text[i] - '0');
        }

        *ret = number;
        return 0;
}

/* "12", "12.5" or "12.34" and the sign, in basis points. Nothing is nothing without a sign. */
static int parse_percent(const char *text, uint64_t *ret) {
        size_t n = strcspn(text, ".%"), n_decimals = 0;
        uint64_t whole, decimals = 0;

        if (streq(text, "0")) {
                *ret = 0;
                return 0;
        }

        if (parse_digits(text, n, &whole) < 0)
                return -EINVAL;

        if (text[n] == '.') {
                n_decimals = strcspn(text + n + 1, "%");
                if (n_decimals > 2 || parse_digits(text + n + 1, n_decimals, &decimals) < 0)
                        return -EINVAL;
                n += 1 + n_decimals;
        }

        if (!streq(text + n, "%"))
                return -EINVAL;

        *ret = whole * 100 + (n_decimals == 1 ? decimals * 10 : decimals);
        return *ret <= 10000 ? 0 : -EINVAL;
}

static int parse_number(const ConfigKey *key, const char *text, uint64_t *ret) {
        if (key->zero_word && streq(text, key->zero_word)) {
                *ret = 0;
                return 0;
        }

        switch (key->type) {
        case KEY_BOOL:
                return parse_bool(text, ret);
        case KEY_ENUM:
                return parse_word(text, key->words, ret);
        case KEY_SPAN:
                return span_parse(text, ret);
        case KEY_SIZE:
                return size_parse(text, ret);
        case KEY_PERCENT:
                return parse_percent(text, ret);
        case KEY_COUNT:
                return parse_digits(text, strlen(text), ret);
        default: /* the types that are no numbers */
                assert(false);
                return -EINVAL;
        }
}

/* The texts in the table are right. */
static uint64_t table_number(const ConfigKey *key, const char *text) {
        uint64_t number = 0;
        int r;

        r = parse_number(key, text, &number);
        assert(r >= 0);
        (void) r;

        return number;
}

static bool is_in_range(const ConfigKey *key, const char *text, uint64_t number) {
        if (!key->min)
                return true;
        if (number == 0 && key->zero_word)
                return streq(text, key->zero_word) || streq(key->zero_word, "0");

        return number >= table_number(key, key->min) && number <= table_number(key, key->max);
}

static int parse_path(const ConfigKey *key, const char *text, const char *base, char **ret) {
        _cleanup_free_ char *path = NULL;
        int r;

        r = config_path_normalize(text, base, &path);
        if (r < 0)
                return r;

        switch (r) {
        case PATH_RELATIVE:
                return VALUE_RELATIVE;
        case PATH_DOT_DOT:
                return VALUE_DOT_DOT;
        case PATH_TOO_LONG:
                return VALUE_TOO_LONG;
        }

        if ((key->flags & KEY_NOT_ROOT) && streq(path, "/"))
                return VALUE_ROOT;

        *ret = TAKE_PTR(path);
        return 0;
}

int config_value_parse(const ConfigKey *key, const char *text, const char *base, ConfigValue *ret) {
        ConfigValue value = {};
        int r;

        if (key->type == KEY_PATH) {
                r = parse_path(key, text, base, &value.text);
                if (r != 0)
                        return r;
        } else {
                r = parse_number(key, text, &value.number);
                if (r < 0)
                        return r == -ERANGE && key->min ? VALUE_OUT_OF_RANGE : VALUE_MALFORMED;
                if (!is_in_range(key, text, value.number))
                        return VALUE_OUT_OF_RANGE;
        }

        *ret = value;
        return 0;
}

/* "a", "a or b", "a, b or c". */
static void append_words(StringBuffer *text, const char *const *words) {
        for (size_t i = 0; words[i]; i++) {
                if (i > 0)
                        string_buffer_append(text, words[i + 1] ? ", " : " or ");
                string_buffer_append(text, words[i]);
        }
}

static void append_range(StringBuffer *text, const ConfigKey *key) {
        string_buffer_append(text, "write ");
        if (key->zero_word)
                string_buffer_appendf(text, "%s, or ", key->zero_word);
        string_buffer_appendf(text, "a value from %s to %s", key->min, key->max);
}

static void append_malformed(StringBuffer *text, const ConfigKey *key) {
        string_buffer_appendf(text, ": %s; ", types[key->type].noun);

        if (types[key->type].remedy)
                string_buffer_append(text, types[key->type].remedy);
        else if (key->words) {
                string_buffer_append(text, "write ");
                append_words(text, key->words);
        } else
                append_range(text, key);
}

static const char *const pattern_texts[_PATTERN_OUTCOME_MAX] = {
        [PATTERN_EMPTY] = "names nothing; write the name or the path that is to be left out",
        [PATTERN_COMMENT] = "would be a comment in a .gitignore; put a backslash before the # of a "
                            "name, or leave it out",
        [PATTERN_BACKSLASH] = "ends with a backslash that escapes nothing; double it, or put a "
                              "pattern that ends with a blank in double quotes",
        [PATTERN_BRACKET] = "has a [ without its ]; put a backslash before a [ that is part of a "
                            "name",
        [PATTERN_CLASS] = "names an unknown class; there are [:alnum:], [:alpha:], [:blank:], "
                          "[:cntrl:], [:digit:], [:graph:], [:lower:], [:print:], [:punct:], "
                          "[:space:], [:upper:] and [:xdigit:]",
        [PATTERN_TOO_LONG] = "longer than 4096 bytes; use a shorter pattern",
};

void config_value_explain(const ConfigKey *key, ValueOutcome outcome, StringBuffer *text) {
        switch (outcome) {
        case VALUE_MALFORMED:
                append_malformed(text, key);
                break;
        case VALUE_OUT_OF_RANGE:
                string_buffer_append(text, ": out of range; ");
                append_range(text, key);
                break;
        case VALUE_RELATIVE:
                string_buffer_append(text, ": not an absolute path; write one that begins with /");
                break;
        case VALUE_DOT_DOT:
                string_buffer_append(text, ": has \"..\" in it; write the path without");
                break;
        case VALUE_TOO_LONG:
                string_buffer_append(text, ": longer than 4095 bytes; use a shorter path");
                break;
        case VALUE_ROOT:
                string_buffer_append(text, ": the root directory; use a directory of its own");
                break;
        default:
                string_buffer_appendf(text, ": %s", pattern_texts[outcome - _VALUE_PATTERN]);
                break;
        }
}
