#pragma once

/* The one table of all keys. Parsing, defaults, --set, the texts of errors, and the comparison with
 * rebackup.conf(5) come from it and from nowhere else. */

#include <stddef.h>

#include "config/config.h"

typedef enum KeyType {
        KEY_PATH,    /* char *, absolute */
        KEY_BOOL,    /* bool */
        KEY_ENUM,    /* an enum whose values are the indices of the key's words */
        KEY_SPAN,    /* usec_t */
        KEY_SIZE,    /* uint64_t, bytes */
        KEY_PERCENT, /* unsigned, basis points */
        KEY_COUNT,   /* unsigned */
        KEY_LIST, /* ExcludeList *: each assignment adds a pattern, an empty one drops them all */
        _KEY_TYPE_MAX,
} KeyType;

typedef enum KeyFlags {
        KEY_REQUIRED = 1 << 0,
        KEY_NOT_ROOT = 1 << 1, /* a path that cannot be "/" */
} KeyFlags;

typedef struct ConfigKey {
        const char *section;
        const char *name;
        KeyType type;
        unsigned flags;       /* KeyFlags */
        size_t offset;        /* of the field in Config */
        const char *fallback; /* the default; NULL: unset, or zero */

        const char *zero_word; /* stands for 0, which then need not be in the range */
        const char *min, *max; /* the range, written as values are; NULL: none */

        const char *const *words; /* of a KEY_ENUM, NULL-terminated */
} ConfigKey;

enum {
        CONFIG_N_KEYS = 30,
};

/* In the order of rebackup.conf(5); the keys of a section stand together. */
extern const ConfigKey config_keys[CONFIG_N_KEYS];

/* The key of exactly that name, or NULL. */
const ConfigKey *config_key_find(const char *section, const char *name);
bool config_section_exists(const char *section);

/* What was probably meant, or NULL when nothing is near: the section, or the key of this section,
 * with the most similar name; for a key else one of this very name in another section. */
const char *config_section_suggest(const char *section);
const ConfigKey *config_key_suggest(const char *section, const char *name);
