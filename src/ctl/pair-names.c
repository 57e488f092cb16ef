#include "ctl/pair-names.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "basic/alloc.h"
#include "basic/edit-distance.h"
#include "basic/macros.h"
#include "basic/string-util.h"
#include "config/bus-name.h"
#include "config/config-search.h"
#include "config/config.h"
#include "ctl/say.h"

#define SUFFIX ".conf"

/* What may be mistyped of a name for another still to be suggested. */
enum { DISTANCE_MAX = 3 };

void pair_names_done(PairNames *names) {
        for (size_t i = 0; i < names->n_items; i++)
                free(names->items[i].name);
        free(names->items);
        *names = PAIR_NAMES_NULL;
}

static PairName *find(const PairNames *names, const char *name) {
        for (size_t i = 0; i < names->n_items; i++)
                if (streq(names->items[i].name, name))
                        return &names->items[i];
        return NULL;
}

const PairName *pair_names_find(const PairNames *names, const char *name) {
        return find(names, name);
}

static int compare(const void *a, const void *b) {
        return strcmp(((const PairName *) a)->name, ((const PairName *) b)->name);
}

/* The entry of NAME, made if need be. */
static int acquire(PairNames *names, const char *name, PairName **ret) {
        PairName *items = find(names, name);
        char *copy;

        if (!items) {
                items = reallocarray(names->items, names->n_items + 1, sizeof *items);
                if (!items)
                        return -ENOMEM;
                names->items = items;
                copy = strdup(name);
                if (!copy)
                        return -ENOMEM;
                items[names->n_items++] = (PairName) { .name = copy };
                qsort(items, names->n_items, sizeof *items, compare);
        }
        *ret = find(names, name);
        return 0;
}

static int add_file(PairNames *names, const char *file) {
        _cleanup_free_ char *name = NULL;
        size_t length = strlen(file);
        PairName *item;
        int r;

        if (length <= strlen(SUFFIX) || !streq(file + length - strlen(SUFFIX), SUFFIX))
                return 0;
        name = strndup(file, length - strlen(SUFFIX));
        if (!name)
                return -ENOMEM;
        if (!config_name_is_valid(name))
                return 0;
        r = acquire(names, name, &item);
        if (r >= 0)
                item->configured = true;
        return r;
}

static int add_directory(PairNames *names, const char *path) {
        const struct dirent *entry;
        DIR *directory = opendir(path);
        int r = 0;

        if (!directory)
                return errno == ENOENT ? 0 : -errno;
        while (r >= 0 && (entry = readdir(directory)))
                r = add_file(names, entry->d_name);
        (void) closedir(directory);
        return r;
}

int pair_names_add_configured(PairNames *names, const CtlOptions *options) {
        _cleanup_(config_paths_freep) char **directories = NULL;
        int r;

        r = config_directories(options->config_root, &directories);
        for (char **at = directories; r >= 0 && *at; at++)
                r = add_directory(names, *at);
        return r;
}

static int add_bus_name(PairNames *names, const char *bus_name) {
        _cleanup_free_ char *name = NULL;
        PairName *item;
        int r;

        r = bus_name_parse(bus_name, &name);
        if (r <= 0)
                return r;
        r = acquire(names, name, &item);
        if (r >= 0)
                item->running = true;
        return r;
}

int pair_names_add_running(PairNames *names, sd_bus *bus) {
        char **bus_names = NULL;
        int r;

        r = sd_bus_list_names(bus, &bus_names, NULL);
        if (r < 0)
                return r;
        for (char **at = bus_names; *at; at++) {
                if (r >= 0)
                        r = add_bus_name(names, *at);
                free(*at);
        }
        free(bus_names);
        return r;
}

const char *pair_names_nearest(const PairNames *names, const char *name) {
        size_t least = MIN((size_t) DISTANCE_MAX, strlen(name) / 2) + 1;
        const char *nearest = NULL;

        for (size_t i = 0; i < names->n_items; i++) {
                const char *other = names->items[i].name;
                size_t d;

                d = startswith(other, name) ? 1 : edit_distance(name, other);
                if (d < least) {
                        least = d;
                        nearest = other;
                }
        }
        return nearest;
}

void pair_names_suggest(const CtlOptions *options) {
        _cleanup_(pair_names_done) PairNames names = PAIR_NAMES_NULL;
        const char *near;

        if (strchr(options->pair, '/') || pair_names_add_configured(&names, options) < 0 ||
            pair_names_find(&names, options->pair))
                return;
        near = pair_names_nearest(&names, options->pair);
        if (near)
                say_error("there is no pair %s; did you mean %s?", options->pair, near);
}
