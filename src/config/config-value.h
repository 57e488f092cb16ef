#pragma once

/* Values of keys: from text to what a field holds, and in words what is wrong with a text. */

#include <stdint.h>

#include "basic/string-util.h"
#include "config/config-keys.h"

/* What is wrong with a value, beyond 0 and -errno. */
typedef enum ValueOutcome {
        VALUE_MALFORMED = 1,
        VALUE_OUT_OF_RANGE,
        VALUE_RELATIVE,
        VALUE_DOT_DOT,
        VALUE_TOO_LONG,
        VALUE_ROOT,
        _VALUE_PATTERN, /* a PatternOutcome is added to it */
} ValueOutcome;

typedef struct ConfigValue {
        uint64_t number; /* of all types but the following, in the field's unit */
        char *text;      /* of KEY_PATH */
} ConfigValue;

/* Parses TEXT, which is not empty, as a value of KEY, which is none of KEY_LIST. A relative path is
 * taken from BASE, see config_path_normalize. ret->text is the caller's. */
int config_value_parse(const ConfigKey *key, const char *text, const char *base, ConfigValue *ret);

/* Appends what OUTCOME means for KEY, and the remedy, to a TEXT that ends with "Section.Key=VALUE".
 */
void config_value_explain(const ConfigKey *key, ValueOutcome outcome, StringBuffer *text);
