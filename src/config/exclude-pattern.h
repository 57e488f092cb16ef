#pragma once

/* One pattern by the rules of gitignore(5), taken apart once and then held against any number of
 * paths. Bytes are compared, not characters: no locale has a say. Matching takes time in proportion
 * to the length of the path times that of the pattern at the most, whatever both are: names come
 * from strangers. */

#include <stdbool.h>
#include <stddef.h>

#include "basic/macros.h"

/* What is wrong with a pattern, beyond 0 and -errno. What git takes without a word for a pattern
 * that matches nothing is a mistake here. */
typedef enum PatternOutcome {
        PATTERN_EMPTY = 1, /* nothing is left but slashes, blanks or the exclamation mark */
        PATTERN_COMMENT,   /* begins with "#" */
        PATTERN_BACKSLASH, /* ends with a backslash that escapes nothing */
        PATTERN_BRACKET,   /* a "[" that no "]" ends */
        PATTERN_CLASS,     /* "[:word:]" with an unknown word */
        PATTERN_TOO_LONG,
        _PATTERN_OUTCOME_MAX,
} PatternOutcome;

enum { PATTERN_LENGTH_MAX = 4096 };

typedef struct ExcludePattern ExcludePattern;

/* 0 with *RET, which is the caller's; a PatternOutcome; -ENOMEM. */
int exclude_pattern_new(const char *text, ExcludePattern **ret);
ExcludePattern *exclude_pattern_free(ExcludePattern *pattern);
DEFINE_TRIVIAL_CLEANUP_FUNC(ExcludePattern *, exclude_pattern_free)

/* As it was written. */
const char *exclude_pattern_text(const ExcludePattern *pattern);
/* It brings back what an earlier one excluded. */
bool exclude_pattern_is_negated(const ExcludePattern *pattern);
/* Only directories match. */
bool exclude_pattern_is_of_directories(const ExcludePattern *pattern);
/* It has no slash but at the end: the last component of a path alone is held against it. */
bool exclude_pattern_is_of_names(const ExcludePattern *pattern);

/* Whether the path of LENGTH bytes, relative to the top, matches. Its type is the caller's to look
 * at. */
bool exclude_pattern_matches(const ExcludePattern *pattern, const char *path, size_t length);

/* Whether it may match anything below the directory PATH only because of where that directory is.
 * True in doubt. */
bool exclude_pattern_reaches(const ExcludePattern *pattern, const char *path, size_t length);
