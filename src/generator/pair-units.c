#include "generator/pair-units.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "basic/alloc.h"
#include "basic/macros.h"
#include "basic/path-util.h"
#include "basic/string-util.h"
#include "config/config-search.h"
#include "config/config.h"
#include "generator/output.h"
#include "generator/report.h"
#include "generator/unit-name.h"

#define DROP_IN_NAME "50-paths.conf"

/* A name with a dash is written in two ways: as it is, by people, and escaped, by systemd-escape.
 */
enum { SPELLINGS_MAX = 2 };

typedef struct Spellings {
        char *units[SPELLINGS_MAX]; /* owned; the second is NULL if it is the same */
} Spellings;

static void spellings_done(Spellings *spellings) {
        for (size_t i = 0; i < SPELLINGS_MAX; i++)
                free(spellings->units[i]);
}

static char *unit_of(const char *instance) {
        char *unit;

        return asprintf(&unit, "rebackup@%s.service", instance) < 0 ? NULL : unit;
}

static int spell(const char *name, Spellings *ret) {
        _cleanup_free_ char *plain = unit_name_plain(name), *escaped = unit_name_escape(name);

        if (!plain || !escaped)
                return -ENOMEM;
        ret->units[0] = unit_of(plain);
        if (!ret->units[0])
                return -ENOMEM;
        if (!unit_name_fits(ret->units[0]))
                return -ENAMETOOLONG;
        if (streq(plain, escaped))
                return 0;
        ret->units[1] = unit_of(escaped);
        if (!ret->units[1])
                return -ENOMEM;
        if (!unit_name_fits(ret->units[1]))
                ret->units[1] = mfree(ret->units[1]);
        return 0;
}

/* The file in which a person would look: the instance's own in the directory that wins, else any
 * that is there; without the root. NULL: memory is short. */
static char *file_of(const PairUnits *pair) {
        _cleanup_(config_paths_freep) char **paths = NULL;
        _cleanup_free_ char *failed = NULL;
        size_t n_own = 0, i;

        if (config_search(pair->root, pair->name, &paths, &n_own, &failed) < 0)
                return NULL;
        for (i = n_own; i > 0; i--)
                if (access(paths[i - 1], F_OK) >= 0)
                        return strdup(paths[i - 1] + strlen(pair->root));
        i = paths[n_own] ? n_own : n_own - 1;
        return strdup(paths[i] + strlen(pair->root));
}

static int write_drop_ins(const PairUnits *pair, const Spellings *spellings, const char *text) {
        int r = 0;

        for (size_t i = 0; r >= 0 && i < SPELLINGS_MAX && spellings->units[i]; i++)
                r = output_drop_in(pair->directory_fd, spellings->units[i], DROP_IN_NAME, text);
        return r;
}

static int want_from_one(const PairUnits *pair, const char *point, const char *unit) {
        const char *target = pair->scope == SCOPE_USER ? USER_UNIT_DIR "/rebackup@.service"
                                                       : SYSTEM_UNIT_DIR "/rebackup@.service";
        _cleanup_free_ char *mount = unit_name_of_mount(point);

        if (!mount)
                return -ENOMEM;
        return unit_name_fits(mount) ? output_want(pair->directory_fd, mount, unit, target) : 0;
}

/* PATH may be on any of the file systems mounted at it or above it. */
static int want_from(const PairUnits *pair, const char *path, const char *unit) {
        char *at = strdup(path);
        int r = 0;

        while (r >= 0 && at && !streq(at, "/")) {
                char *parent = path_parent(at);

                r = want_from_one(pair, at, unit);
                free(at);
                at = parent;
        }
        r = at ? r : -ENOMEM;
        free(at);
        return r;
}

static int write_wants(const PairUnits *pair, const Spellings *spellings, const Places *places) {
        int r = 0;

        for (size_t i = 0; i < SPELLINGS_MAX && spellings->units[i]; i++) {
                if (!machine_wants(pair->machine, spellings->units[i]))
                        continue;
                for (size_t j = 0; r >= 0 && j < places->n_required; j++)
                        r = want_from(pair, places->required[j], spellings->units[i]);
        }
        return r;
}

static int write_units(const PairUnits *pair, const Spellings *spellings, const char *file,
                       const Config *config) {
        Surroundings surroundings = machine_surroundings(pair->machine);
        _cleanup_(places_done) Places places = PLACES_NULL;
        _cleanup_free_ char *text = NULL;
        int r;

        r = places_plan(config, &surroundings, &places);
        if (r >= 0)
                r = drop_in_format(pair->scope, file, &places, &text);
        if (r == -EINVAL) {
                report("%s: a path that is not UTF-8 cannot be written in a unit; rename it, or "
                       "write a drop-in for its service by hand",
                       file);
                return r;
        }
        if (r >= 0)
                r = write_drop_ins(pair, spellings, text);
        if (r >= 0)
                r = write_wants(pair, spellings, &places);
        if (r < 0)
                report("%s: cannot write the drop-in for its service: %s", file, strerror(-r));
        return r;
}

int pair_units_write(const PairUnits *pair) {
        _cleanup_(spellings_done) Spellings spellings = {};
        _cleanup_(config_freep) Config *config = NULL;
        _cleanup_free_ char *problems = NULL, *file = NULL;
        int r;

        r = config_load_instance(pair->root, pair->name, NULL, &config, &problems);
        if (r == -ENOENT) /* a directory for drop-ins without any */
                return 0;
        if (r < 0) {
                report("%s", problems ? problems : strerror(-r));
                return r;
        }
        file = file_of(pair);
        if (!file)
                return -ENOMEM;
        r = spell(pair->name, &spellings);
        if (r < 0) {
                report("%s: %s", file,
                       r == -ENAMETOOLONG ? "its name is too long for a unit's; shorten it"
                                          : strerror(-r));
                return r;
        }
        return write_units(pair, &spellings, file, config);
}
