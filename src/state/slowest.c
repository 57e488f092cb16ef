#include "state/slowest.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

void slowest_done(Slowest *slowest) {
        for (size_t i = 0; i < slowest->n_items; i++)
                free(slowest->items[i].path);
        *slowest = SLOWEST_NULL;
}

bool slowest_takes(const Slowest *slowest, usec_t duration) {
        return slowest->n_items < SLOWEST_MAX ||
               duration > slowest->items[SLOWEST_MAX - 1].duration;
}

static char *copy_path(const char *path) {
        size_t length = strlen(path);

        return strdup(length > SLOWEST_PATH_MAX ? path + length - SLOWEST_PATH_MAX : path);
}

int slowest_add(Slowest *slowest, const SlowOperation *operation) {
        SlowOperation *items = slowest->items, copy = *operation;
        size_t i = 0;

        if (!slowest_takes(slowest, operation->duration))
                return 0;
        copy.path = copy_path(operation->path);
        if (!copy.path)
                return -ENOMEM;
        if (slowest->n_items == SLOWEST_MAX)
                free(items[--slowest->n_items].path);
        while (i < slowest->n_items && items[i].duration >= copy.duration)
                i++;
        memmove(&items[i + 1], &items[i], (slowest->n_items - i) * sizeof *items);
        items[i] = copy;
        slowest->n_items++;
        return 1;
}
