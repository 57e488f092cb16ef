#include "config/config-builder.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "basic/alloc.h"
#include "basic/macros.h"
#include "config/config-value.h"

static size_t key_index(const char *section, const char *name) {
        return (size_t) (config_key_find(section, name) - config_keys);
}

/* Puts VALUE, whose text it takes over, into the field of KEY. */
static void store_value(Config *config, const ConfigKey *key, ConfigValue value) {
        void *field = (char *) config + key->offset;

        switch (key->type) {
        case KEY_PATH:
                free(*(char **) field);
                *(char **) field = value.text;
                break;
        case KEY_BOOL:
                *(bool *) field = value.number;
                break;
        case KEY_ENUM:
                *(int *) field = (int) value.number;
                break;
        case KEY_SPAN:
        case KEY_SIZE:
                *(uint64_t *) field = value.number;
                break;
        case KEY_PERCENT:
        case KEY_COUNT:
                *(unsigned *) field = (unsigned) value.number;
                break;
        case KEY_LIST: /* no value but the empty one: see add_pattern */
                *(ExcludeList **) field = exclude_list_free(*(ExcludeList **) field);
                break;
        case _KEY_TYPE_MAX:
                assert(false);
        }
}

/* Gives KEY its default. */
static int reset_value(Config *config, const ConfigKey *key) {
        ConfigValue value = {};
        int r;

        if (key->fallback) {
                r = config_value_parse(key, key->fallback, NULL, &value);
                assert(r <= 0);
                if (r < 0)
                        return r;
        }

        store_value(config, key, value);
        return 0;
}

int config_builder_init(ConfigBuilder *builder) {
        *builder = (ConfigBuilder) { .config = new0(Config, 1) };
        if (!builder->config)
                return -ENOMEM;

        /* Without one, relative paths are refused. */
        builder->working_directory = getcwd(NULL, 0);

        for (size_t i = 0; i < CONFIG_N_KEYS; i++) {
                int r = reset_value(builder->config, &config_keys[i]);

                if (r < 0)
                        return r;
        }

        return 0;
}

void config_builder_done(ConfigBuilder *builder) {
        config_free(builder->config);
        string_buffer_done(&builder->problems);
        free(builder->working_directory);
}

static void add_problem(ConfigBuilder *builder, const ConfigPlace *place,
                        const StringBuffer *text) {
        if (text->failed)
                builder->problems.failed = true;
        else
                config_problem_add(&builder->problems, place, "%s", text->text);
}

static void unknown_section(ConfigBuilder *builder, const ConfigPlace *place, const char *section) {
        _cleanup_(string_buffer_done) StringBuffer text = STRING_BUFFER_NULL;
        const char *nearest = config_section_suggest(section);

        string_buffer_appendf(&text, "[%s]: unknown section; ", section);
        if (nearest)
                string_buffer_appendf(&text, "did you mean [%s]?", nearest);
        else {
                string_buffer_append(&text, "there are");
                for (size_t i = 0; i < CONFIG_N_KEYS; i++)
                        if (i == 0 || !streq(config_keys[i].section, config_keys[i - 1].section))
                                string_buffer_appendf(&text, " [%s]", config_keys[i].section);
        }

        add_problem(builder, place, &text);
}

static void unknown_key(ConfigBuilder *builder, const ConfigPlace *place, const char *section,
                        const char *name) {
        _cleanup_(string_buffer_done) StringBuffer text = STRING_BUFFER_NULL;
        const ConfigKey *nearest = config_key_suggest(section, name);

        string_buffer_appendf(&text, "%s.%s: unknown key; ", section, name);
        if (nearest)
                string_buffer_appendf(&text, "did you mean %s.%s?", nearest->section,
                                      nearest->name);
        else {
                string_buffer_appendf(&text, "[%s] has", section);
                for (size_t i = 0; i < CONFIG_N_KEYS; i++)
                        if (streq(config_keys[i].section, section))
                                string_buffer_appendf(&text, " %s", config_keys[i].name);
        }

        add_problem(builder, place, &text);
}

void config_builder_enter(ConfigBuilder *builder, const ConfigPlace *place, const char *section) {
        if (!config_section_exists(section))
                unknown_section(builder, place, section);
}

/* 0, a ValueOutcome, or -ENOMEM. */
static int add_pattern(Config *config, const ConfigKey *key, const char *text) {
        int r = exclude_list_add((ExcludeList **) (void *) ((char *) config + key->offset), text);

        return r > 0 ? _VALUE_PATTERN + r : r;
}

static int set_value(ConfigBuilder *builder, const ConfigPlace *place, const ConfigKey *key,
                     const char *text) {
        _cleanup_(string_buffer_done) StringBuffer problem = STRING_BUFFER_NULL;
        const char *base = place->file ? NULL : builder->working_directory;
        ConfigValue value = {};
        int r;

        r = key->type == KEY_LIST ? add_pattern(builder->config, key, text)
                                  : config_value_parse(key, text, base, &value);
        if (r < 0)
                return r;
        if (r > 0) {
                string_buffer_appendf(&problem, "%s.%s=%s", key->section, key->name, text);
                config_value_explain(key, (ValueOutcome) r, &problem);
                add_problem(builder, place, &problem);
                return 0;
        }

        if (key->type != KEY_LIST)
                store_value(builder->config, key, value);
        return 0;
}

int config_builder_assign(ConfigBuilder *builder, const ConfigPlace *place, const char *section,
                          const char *name, const char *value) {
        const ConfigKey *key = config_key_find(section, name);
        size_t i;

        if (!key) {
                if (config_section_exists(section))
                        unknown_key(builder, place, section, name);
                return 0;
        }

        i = (size_t) (key - config_keys);
        builder->is_set[i] = *value;
        builder->places[i] = *place;

        return *value ? set_value(builder, place, key, value) : reset_value(builder->config, key);
}

int config_builder_override(ConfigBuilder *builder, const char *text) {
        const ConfigPlace place = { .file = NULL };
        _cleanup_free_ char *section = NULL, *name = NULL;
        size_t n_section = strcspn(text, ".="), n_name;

        n_name = text[n_section] == '.' ? strcspn(text + n_section + 1, "=") : 0;
        if (n_section == 0 || n_name == 0 || text[n_section + 1 + n_name] != '=') {
                config_problem_add(&builder->problems, &place,
                                   "%.60s: not a setting; write Section.Key=VALUE", text);
                return 0;
        }

        section = strndup(text, n_section);
        name = strndup(text + n_section + 1, n_name);
        if (!section || !name)
                return -ENOMEM;

        config_builder_enter(builder, &place, section);
        return config_builder_assign(builder, &place, section, name,
                                     text + n_section + 1 + n_name + 1);
}

/* What says which side gives way says nothing where either does. */
static void check_two_way(ConfigBuilder *builder) {
        const Config *config = builder->config;
        const struct {
                const char *section, *name;
                bool is_meant;
        } one_way_only[] = {
                { "Pair", "Overwrite", !config->overwrite },
                { "Pair", "Delete", !config->delete_ },
                { "Sync", "ProtectReplica", config->protect_replica != PROTECT_REPLICA_HEAL },
        };

        for (size_t i = 0; i < ELEMENTSOF(one_way_only); i++)
                if (one_way_only[i].is_meant)
                        config_problem_add(
                                &builder->problems,
                                &builder->places[key_index(one_way_only[i].section,
                                                           one_way_only[i].name)],
                                "%s.%s: means nothing with Pair.Direction=two-way; leave it out",
                                one_way_only[i].section, one_way_only[i].name);
}

/* What cannot be seen from one assignment alone. */
static void check_whole(ConfigBuilder *builder, const ConfigPlace *home) {
        const size_t max_delay = key_index("Sync", "MaxDelay"),
                     settle = key_index("Sync", "Settle");

        for (size_t i = 0; i < CONFIG_N_KEYS; i++)
                if ((config_keys[i].flags & KEY_REQUIRED) && !builder->is_set[i])
                        config_problem_add(&builder->problems, home,
                                           "%s.%s: not set; give it the path of a directory",
                                           config_keys[i].section, config_keys[i].name);

        /* A key with a wrong value has its default, which says nothing. */
        if (builder->problems.length > 0)
                return;

        if (builder->config->settle > builder->config->max_delay)
                config_problem_add(
                        &builder->problems,
                        &builder->places[builder->is_set[max_delay] ? max_delay : settle],
                        "Sync.MaxDelay: shorter than Sync.Settle; make it at least as long");
        if (builder->config->direction == DIRECTION_TWO_WAY)
                check_two_way(builder);
}

int config_builder_fail(ConfigBuilder *builder, int error, char **ret_error) {
        char *problems;

        problems = string_buffer_take(&builder->problems);
        if (!problems)
                return -ENOMEM;

        *ret_error = problems;
        return error;
}

int config_builder_finish(ConfigBuilder *builder, const ConfigPlace *home, Config **ret,
                          char **ret_error) {
        check_whole(builder, home);

        if (builder->problems.length > 0 || builder->problems.failed)
                return config_builder_fail(builder, -EINVAL, ret_error);

        *ret = TAKE_PTR(builder->config);
        return 0;
}
