#pragma once

/* A list of strings that owns them. */

#include <stdbool.h>
#include <stddef.h>

#include "basic/macros.h"

typedef struct PathList {
        char **items;
        size_t n_items;
} PathList;

#define PATH_LIST_NULL ((PathList) {})
void path_list_done(PathList *list);

/* 0 or -ENOMEM. */
int path_list_addf(PathList *list, const char *format, ...) _printf_(2, 3);

bool path_list_has(const PathList *list, const char *item);
