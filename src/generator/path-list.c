#include "generator/path-list.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "basic/string-util.h"

void path_list_done(PathList *list) {
        for (size_t i = 0; i < list->n_items; i++)
                free(list->items[i]);
        free(list->items);
        *list = PATH_LIST_NULL;
}

int path_list_addf(PathList *list, const char *format, ...) {
        char **items = reallocarray(list->items, list->n_items + 1, sizeof(char *));
        va_list arguments;
        int n;

        if (!items)
                return -ENOMEM;
        list->items = items;
        va_start(arguments, format);
        n = vasprintf(&items[list->n_items], format, arguments);
        va_end(arguments);
        if (n < 0)
                return -ENOMEM;
        list->n_items++;
        return 0;
}

bool path_list_has(const PathList *list, const char *item) {
        for (size_t i = 0; i < list->n_items; i++)
                if (streq(list->items[i], item))
                        return true;
        return false;
}
