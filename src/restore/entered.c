#include "restore/entered.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

int entered_push(EnteredStack *stack, const char *path, Entered entered) {
        if (stack->n_items == stack->n_allocated) {
                size_t n = stack->n_allocated * 2 + 16;
                Entered *items = reallocarray(stack->items, n, sizeof *items);

                if (!items)
                        return -ENOMEM;
                stack->items = items;
                stack->n_allocated = n;
        }
        entered.path_length = strlen(path);
        stack->items[stack->n_items++] = entered;
        return 1;
}

bool entered_pop(EnteredStack *stack, const char *path, Entered *ret) {
        size_t length = strlen(path);

        while (stack->n_items > 0 && stack->items[stack->n_items - 1].path_length > length)
                stack->n_items--;
        if (stack->n_items == 0 || stack->items[stack->n_items - 1].path_length != length)
                return false;
        *ret = stack->items[--stack->n_items];
        return true;
}

const Entered *entered_top(const EnteredStack *stack) {
        return stack->n_items > 0 ? &stack->items[stack->n_items - 1] : NULL;
}
