#include "daemon/reload-plan.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "basic/alloc.h"
#include "basic/macros.h"
#include "basic/string-util.h"
#include "config/config-keys.h"

typedef struct Name {
        const char *section, *name;
} Name;

/* Sorted as in rebackup.conf(5). */
static const Name changeable[] = {
        { "Pair", "Overwrite" },
        { "Pair", "Delete" },
        { "Pair", "OneFileSystem" },
        { "Sync", "RescanInterval" },
        { "Sync", "Settle" },
        { "Sync", "MaxDelay" },
        { "Sync", "MaxDelete" },
        { "Sync", "Exclude" },
        { "Sync", "BandwidthMax" },
        { "Integrity", "VerifyInterval" },
        { "Integrity", "VerifyBandwidthMax" },
        { "Log", "Operations" },
        { "Log", "File" },
        { "Alert", "Sound" },
        { "Alert", "MinInterval" },
        { "Report", "Interval" },
};

/* What these say of entries holds for those that are in step as well. */
static const Name of_entries[] = {
        { "Pair", "Overwrite" },     { "Pair", "Delete" },  { "Sync", "MaxDelete" },
        { "Pair", "OneFileSystem" }, { "Sync", "Exclude" },
};

static bool is_among(const ConfigKey *key, const Name *names, size_t n_names) {
        for (size_t i = 0; i < n_names; i++)
                if (streq(key->section, names[i].section) && streq(key->name, names[i].name))
                        return true;
        return false;
}

static bool is_changeable(const ConfigKey *key) {
        return is_among(key, changeable, ELEMENTSOF(changeable));
}

static bool needs_pass(const ConfigKey *key) {
        return is_among(key, of_entries, ELEMENTSOF(of_entries));
}

static size_t size_of(KeyType type) {
        switch (type) {
        case KEY_BOOL:
                return sizeof(bool);
        case KEY_ENUM:
                return sizeof(Direction);
        case KEY_PERCENT:
        case KEY_COUNT:
                return sizeof(unsigned);
        case KEY_SPAN:
                return sizeof(usec_t);
        case KEY_SIZE:
                return sizeof(uint64_t);
        default:
                return 0; /* strings, which are compared and copied by themselves */
        }
}

static bool text_equal(const char *a, const char *b) {
        return a && b ? streq(a, b) : a == b;
}

static bool value_equal(const ConfigKey *key, const Config *a, const Config *b) {
        const char *x = (const char *) a + key->offset, *y = (const char *) b + key->offset;

        switch (key->type) {
        case KEY_PATH:
                return text_equal(*(char *const *) x, *(char *const *) y);
        case KEY_LIST:
                return exclude_list_equal(*(ExcludeList *const *) (const void *) x,
                                          *(ExcludeList *const *) (const void *) y);
        default:
                return memcmp(x, y, size_of(key->type)) == 0;
        }
}

static int path_copy(const char *from, char **to) {
        char *copy = NULL;

        if (from) {
                copy = strdup(from);
                if (!copy)
                        return -ENOMEM;
        }
        free(*to);
        *to = copy;
        return 0;
}

static int value_copy(const ConfigKey *key, const Config *from, Config *to) {
        const char *x = (const char *) from + key->offset;
        char *y = (char *) to + key->offset;

        switch (key->type) {
        case KEY_PATH:
                return path_copy(*(char *const *) x, (char **) y);
        default:
                memcpy(y, x, size_of(key->type));
                return 0;
        }
}

static int add_name(char **names, const ConfigKey *key) {
        char *longer;

        if (asprintf(&longer, "%s%s%s.%s", *names ?: "", *names ? ", " : "", key->section,
                     key->name) < 0)
                return -ENOMEM;
        free(*names);
        *names = longer;
        return 0;
}

int reload_plan(const Config *current, Config *fresh, char **ret_kept) {
        _cleanup_free_ char *kept = NULL;
        int r;

        for (size_t i = 0; i < CONFIG_N_KEYS; i++) {
                const ConfigKey *key = &config_keys[i];

                if (is_changeable(key) || value_equal(key, current, fresh))
                        continue;
                r = add_name(&kept, key);
                if (r < 0)
                        return r;
                r = value_copy(key, current, fresh);
                if (r < 0)
                        return r;
        }
        *ret_kept = TAKE_PTR(kept);
        return 0;
}

bool reload_needs_pass(const Config *former, const Config *current) {
        for (size_t i = 0; i < CONFIG_N_KEYS; i++)
                if (needs_pass(&config_keys[i]) && !value_equal(&config_keys[i], former, current))
                        return true;
        return false;
}

static void put_list(StringBuffer *text, const ExcludeList *list) {
        for (size_t i = 0; list && i < list->n_patterns; i++) {
                const char *pattern = exclude_pattern_text(list->patterns[i]);

                string_buffer_appendf(text, "%zu:%s", strlen(pattern), pattern);
        }
}

static void put_value(StringBuffer *text, const ConfigKey *key, const Config *config) {
        const char *value = (const char *) config + key->offset;
        const char *path;

        if (key->type == KEY_PATH) {
                path = *(char *const *) value;
                string_buffer_appendf(text, "%zu:%s", path ? strlen(path) : 0, path ?: "");
                return;
        }
        if (key->type == KEY_LIST) {
                put_list(text, *(ExcludeList *const *) (const void *) value);
                return;
        }
        for (size_t i = 0; i < size_of(key->type); i++)
                string_buffer_appendf(text, "%02x", (unsigned) (unsigned char) value[i]);
}

int reload_text(const Config *config, char **ret) {
        _cleanup_(string_buffer_done) StringBuffer text = STRING_BUFFER_NULL;

        for (size_t i = 0; i < CONFIG_N_KEYS; i++) {
                const ConfigKey *key = &config_keys[i];

                if (is_changeable(key) && !needs_pass(key))
                        continue;
                string_buffer_appendf(&text, "%s.%s=", key->section, key->name);
                put_value(&text, key, config);
                string_buffer_append(&text, "\n");
        }
        *ret = string_buffer_take(&text);
        return *ret ? 0 : -ENOMEM;
}
