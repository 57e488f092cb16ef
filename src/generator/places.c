#include "generator/places.h"

#include <errno.h>
#include <stdlib.h>

#include "basic/alloc.h"
#include "basic/macros.h"
#include "basic/path-util.h"
#include "basic/string-util.h"
#include "config/lasting-place.h"

static bool is_top(const char *path) {
        return streq(path, "/");
}

/* The mount point that PATH is or lies in, "/" if none is known; NULL when memory is short. */
static char *mount_point_of(const Surroundings *surroundings, const char *path) {
        char *at = strdup(path);

        while (at && !is_top(at) && !surroundings->is_mount_point(at, surroundings->userdata)) {
                char *parent = path_parent(at);

                free(at);
                at = parent;
        }
        return at;
}

/* PATH, or what it is in as far as that exists. Takes PATH over. */
static char *nearest_existing(const Surroundings *surroundings, char *path) {
        while (path && !is_top(path) && !surroundings->exists(path, surroundings->userdata)) {
                char *parent = path_parent(path);

                free(path);
                path = parent;
        }
        return path;
}

/* What is to be opened for PATH: DIRECTORY, taken over, as far as it exists; or the file system
 * that PATH is on, which *RET_MOUNTED tells. */
static char *place_of(const Surroundings *surroundings, const char *path, char *directory,
                      bool *ret_mounted) {
        _cleanup_free_ char *point = mount_point_of(surroundings, path), *place = directory;

        if (!point || !place)
                return NULL;
        *ret_mounted = !is_top(point);
        return *ret_mounted ? TAKE_PTR(point) : nearest_existing(surroundings, TAKE_PTR(place));
}

/* Adds PLACE, taking it over. */
static int add_writable(Places *places, char *place) {
        if (!place)
                return -ENOMEM;
        places->everywhere |= is_top(place);
        places->writable[places->n_writable++] = place;
        return 0;
}

/* What is renamed between replica and store must not cross a mount: both are opened by what they
 * have in common. */
static int add_replica_and_store(const Config *config, const Surroundings *surroundings,
                                 Places *places) {
        bool mounted, store_mounted;
        _cleanup_free_ char *replica = place_of(surroundings, config->replica,
                                                path_parent(config->replica), &mounted),
                            *store = NULL;
        int r;

        if (!replica)
                return -ENOMEM;
        if (!config->store)
                return add_writable(places, TAKE_PTR(replica));
        store = place_of(surroundings, config->store, path_parent(config->store), &store_mounted);
        if (!store)
                return -ENOMEM;
        if (!mounted && !store_mounted)
                return add_writable(places, path_common(replica, store));
        r = add_writable(places, TAKE_PTR(replica));
        return r < 0 ? r : add_writable(places, TAKE_PTR(store));
}

static bool covers(const Places *places, size_t i, size_t j) {
        const char *outer = places->writable[i], *inner = places->writable[j];

        return i != j && path_is_within(inner, outer) && (i < j || !streq(inner, outer));
}

/* What is in the top directory is opened in another way; what is in another place is open. */
static void drop_needless(Places *places) {
        bool needless[PLACES_WRITABLE_MAX] = {};
        size_t n = 0;

        for (size_t j = 0; j < places->n_writable; j++) {
                needless[j] = places->everywhere;
                for (size_t i = 0; i < places->n_writable; i++)
                        needless[j] |= covers(places, i, j);
        }
        for (size_t i = 0; i < places->n_writable; i++)
                if (needless[i])
                        free(places->writable[i]);
                else
                        places->writable[n++] = places->writable[i];
        places->n_writable = n;
}

static int add_log(const Config *config, const Surroundings *surroundings, Places *places) {
        bool mounted;

        return add_writable(places, place_of(surroundings, config->log_file,
                                             lasting_place_of_log(config->log_file), &mounted));
}

/* The source as such, or the mounted file system that it is in. */
static char *place_of_source(const Config *config, const Surroundings *surroundings) {
        char *place = mount_point_of(surroundings, config->source);

        if (place && is_top(place)) {
                free(place);
                place = strdup(config->source);
        }
        return place;
}

/* The place of the source, unless the replica is there, too. */
static int choose_read_only(const Config *config, const Surroundings *surroundings,
                            Places *places) {
        _cleanup_free_ char *place = place_of_source(config, surroundings);

        if (!place)
                return -ENOMEM;
        for (size_t i = 0; i < places->n_writable; i++)
                if (streq(place, places->writable[i]))
                        return 0;
        places->read_only = TAKE_PTR(place);
        return 0;
}

static bool is_home(const char *path) {
        return streq(path, "/home") || streq(path, "/root") || streq(path, "/run/user");
}

static bool is_temporary(const char *path) {
        return path_is_within(path, "/tmp") || path_is_within(path, "/var/tmp");
}

static void note_peculiarities(const Config *config, Places *places) {
        for (size_t i = 0; i < places->n_writable; i++)
                places->in_home |= is_home(places->writable[i]);
        places->in_tmp = (config->log_file && is_temporary(config->log_file));
        for (size_t i = 0; i < places->n_required; i++)
                places->in_tmp |= is_temporary(places->required[i]);
}

int places_plan(const Config *config, const Surroundings *surroundings, Places *ret) {
        Places places = { .required = { config->source, config->replica }, .n_required = 2 };
        int r;

        if (config->store)
                places.required[places.n_required++] = config->store;
        r = add_replica_and_store(config, surroundings, &places);
        if (r >= 0 && config->log_file)
                r = add_log(config, surroundings, &places);
        if (r >= 0 && config_writes_source(config))
                r = add_writable(&places, place_of_source(config, surroundings));
        if (r >= 0) {
                drop_needless(&places);
                if (!config_writes_source(config))
                        r = choose_read_only(config, surroundings, &places);
        }
        if (r < 0) {
                places_done(&places);
                return r;
        }
        note_peculiarities(config, &places);
        *ret = places;
        return 0;
}

void places_done(Places *places) {
        for (size_t i = 0; i < places->n_writable; i++)
                free(places->writable[i]);
        free(places->read_only);
        *places = PLACES_NULL;
}
