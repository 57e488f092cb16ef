#include "config/config.h"

#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "basic/alloc.h"
#include "basic/string-util.h"
#include "config/config-builder.h"
#include "config/config-file.h"
#include "config/config-search.h"

static const ConfigPlace command_line = { .file = NULL };

bool config_name_is_valid(const char *name) {
        if (!*name || *name == '.' || strlen(name) + strlen(".conf.d") > NAME_MAX)
                return false;

        for (; *name; name++)
                if (*name == '/' || (unsigned char) *name < 0x20 || *name == 0x7f)
                        return false;

        return true;
}

/* Adds one file's assignments. 1, 0 when there is no such file, or -errno, which is told already
 * unless it is -ENOMEM. */
static int add_file(ConfigBuilder *builder, const char *path) {
        _cleanup_(assignment_list_done) AssignmentList list = {};
        ConfigPlace place = { .file = path };
        int r;

        r = config_file_read(path, &builder->problems, &list);
        if (r == -ENOENT)
                return 0;
        if (r < 0) {
                config_problem_add(&builder->problems, &place, "cannot be read: %s", strerror(-r));
                return r;
        }

        for (size_t i = 0; i < list.n_items; i++) {
                const Assignment *item = &list.items[i];

                place.line = item->line;
                if (!item->key) {
                        config_builder_enter(builder, &place, item->section);
                        continue;
                }

                r = config_builder_assign(builder, &place, item->section, item->key, item->value);
                if (r < 0)
                        return r;
        }

        return 1;
}

/* Adds all files. How many there were, or the -errno of the first that could not be read. */
static int add_files(ConfigBuilder *builder, char *const *paths) {
        int n_files = 0, error = 0;

        for (size_t i = 0; paths[i]; i++) {
                int r = add_file(builder, paths[i]);

                if (r == -ENOMEM)
                        return r;
                if (r < 0 && error == 0)
                        error = r;
                if (r > 0)
                        n_files++;
        }

        return error < 0 ? error : n_files;
}

static int add_overrides(ConfigBuilder *builder, const char *const *overrides) {
        for (size_t i = 0; overrides && overrides[i]; i++) {
                int r = config_builder_override(builder, overrides[i]);

                if (r < 0)
                        return r;
        }

        return 0;
}

/* Names the file that should be there, and where else it was looked for. */
static void add_missing(ConfigBuilder *builder, char *const *paths, size_t n_own) {
        const ConfigPlace home = { .file = paths[n_own - 1] };
        _cleanup_(string_buffer_done) StringBuffer others = STRING_BUFFER_NULL;

        for (size_t i = n_own - 1; i > 0; i--)
                string_buffer_appendf(&others, ", nor does %s", paths[i - 1]);
        config_problem_add(&builder->problems, &home,
                           "does not exist%s; write it, or check the name",
                           others.text ? others.text : "");
}

/* The first N_OWN of PATHS are the instance's own file in each directory, the last of them winning.
 */
static int load(ConfigBuilder *builder, char *const *paths, size_t n_own,
                const char *const *overrides, Config **ret, char **ret_error) {
        const ConfigPlace home = { .file = paths[n_own - 1] };
        int r;

        r = add_files(builder, paths);
        if (r == -ENOMEM)
                return r;
        if (r < 0)
                return config_builder_fail(builder, r, ret_error);
        if (r == 0) {
                add_missing(builder, paths, n_own);
                return config_builder_fail(builder, -ENOENT, ret_error);
        }

        r = add_overrides(builder, overrides);
        if (r < 0)
                return r;

        return config_builder_finish(builder, &home, ret, ret_error);
}

int config_load_instance(const char *root, const char *name, const char *const *overrides,
                         Config **ret, char **ret_error) {
        _cleanup_(config_paths_freep) char **paths = NULL;
        _cleanup_(config_builder_done) ConfigBuilder builder = {};
        _cleanup_free_ char *failed = NULL;
        size_t n_own = 0;
        int r;

        r = config_builder_init(&builder);
        if (r < 0)
                return r;

        if (!config_name_is_valid(name)) {
                config_problem_add(&builder.problems, &command_line,
                                   "\"%s\": cannot be the name of an instance; use one without "
                                   "slashes and control characters, and without a dot in front",
                                   name);
                return config_builder_fail(&builder, -EINVAL, ret_error);
        }

        r = config_search(root ?: "", name, &paths, &n_own, &failed);
        if (r == -ENOMEM)
                return r;
        if (r < 0) {
                config_problem_add(&builder.problems, &(ConfigPlace) { .file = failed },
                                   "cannot be read: %s", strerror(-r));
                return config_builder_fail(&builder, r, ret_error);
        }

        return load(&builder, paths, n_own, overrides, ret, ret_error);
}

int config_from_arguments(const char *source, const char *replica, const char *const *overrides,
                          Config **ret, char **ret_error) {
        _cleanup_(config_builder_done) ConfigBuilder builder = {};
        int r;

        r = config_builder_init(&builder);
        if (r < 0)
                return r;

        r = config_builder_assign(&builder, &command_line, "Pair", "Source", source);
        if (r < 0)
                return r;

        r = config_builder_assign(&builder, &command_line, "Pair", "Replica", replica);
        if (r < 0)
                return r;

        r = add_overrides(&builder, overrides);
        if (r < 0)
                return r;

        return config_builder_finish(&builder, &command_line, ret, ret_error);
}

Config *config_free(Config *config) {
        if (!config)
                return NULL;

        free(config->source);
        free(config->replica);
        free(config->store);
        exclude_list_free(config->exclude);
        free(config->log_file);
        free(config);
        return NULL;
}
