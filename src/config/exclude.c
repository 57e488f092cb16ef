#include "config/exclude.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "basic/alloc.h"

int exclude_list_add(ExcludeList **list, const char *text) {
        _cleanup_(exclude_pattern_freep) ExcludePattern *pattern = NULL;
        ExcludePattern **patterns;
        int r;

        r = exclude_pattern_new(text, &pattern);
        if (r != 0)
                return r;
        if (!*list)
                *list = new0(ExcludeList, 1);
        if (!*list)
                return -ENOMEM;
        patterns = reallocarray((*list)->patterns, (*list)->n_patterns + 1, sizeof(*patterns));
        if (!patterns)
                return -ENOMEM;
        (*list)->patterns = patterns;
        if (!exclude_pattern_is_of_names(pattern))
                (*list)->needs_paths = true;
        patterns[(*list)->n_patterns++] = TAKE_PTR(pattern);
        return 0;
}

ExcludeList *exclude_list_free(ExcludeList *list) {
        if (!list)
                return NULL;
        for (size_t i = 0; i < list->n_patterns; i++)
                exclude_pattern_free(list->patterns[i]);
        free(list->patterns);
        free(list);
        return NULL;
}

bool exclude_list_equal(const ExcludeList *a, const ExcludeList *b) {
        size_t n_a = a ? a->n_patterns : 0, n_b = b ? b->n_patterns : 0;

        if (n_a != n_b)
                return false;
        for (size_t i = 0; i < n_a; i++)
                if (strcmp(exclude_pattern_text(a->patterns[i]),
                           exclude_pattern_text(b->patterns[i])) != 0)
                        return false;
        return true;
}

/* The last pattern that matches PATH as a file or as a directory. */
static const ExcludePattern *find_last(const ExcludeList *list, const char *path, size_t length,
                                       bool is_directory) {
        for (size_t i = list->n_patterns; i > 0; i--) {
                const ExcludePattern *pattern = list->patterns[i - 1];

                if ((is_directory || !exclude_pattern_is_of_directories(pattern)) &&
                    exclude_pattern_matches(pattern, path, length))
                        return pattern;
        }
        return NULL;
}

static const char *text_if_excluding(const ExcludePattern *pattern) {
        return pattern && !exclude_pattern_is_negated(pattern) ? exclude_pattern_text(pattern)
                                                               : NULL;
}

Exclusion exclude_list_judge(const ExcludeList *list, const char *path) {
        const ExcludePattern *as_directory, *as_file;
        size_t length;

        if (!list)
                return (Exclusion) {};
        length = strlen(path);
        as_directory = find_last(list, path, length, true);
        as_file = as_directory;
        if (as_directory && exclude_pattern_is_of_directories(as_directory))
                as_file = find_last(list, path, length, false);
        return (Exclusion) { .as_file = text_if_excluding(as_file),
                             .as_directory = text_if_excluding(as_directory) };
}

const char *exclude_list_find(const ExcludeList *list, const char *path, bool is_directory,
                              size_t *ret_n) {
        size_t length = strlen(path);

        if (!list)
                return NULL;
        for (size_t n = 0; n < length; n++) {
                const char *text;

                n += strcspn(path + n, "/");
                text = text_if_excluding(find_last(list, path, n, n < length || is_directory));
                if (text) {
                        if (ret_n)
                                *ret_n = n;
                        return text;
                }
        }
        return NULL;
}

bool exclude_list_reaches(const ExcludeList *list, const char *path) {
        size_t length = strlen(path);

        for (size_t i = 0; list && i < list->n_patterns; i++)
                if (exclude_pattern_reaches(list->patterns[i], path, length))
                        return true;
        return false;
}
