#include "generator/drop-in.h"

#include <errno.h>

#include "basic/macros.h"
#include "generator/unit-value.h"

static bool is_possible(const char *file, const Places *places) {
        bool possible = unit_value_is_possible(file);

        for (size_t i = 0; i < places->n_required; i++)
                possible = possible && unit_value_is_possible(places->required[i]);
        for (size_t i = 0; i < places->n_writable; i++)
                possible = possible && unit_value_is_possible(places->writable[i]);
        return possible;
}

static void put_unit(StringBuffer *text, const char *file, const Places *places) {
        string_buffer_append(text, "# Made by rebackup-generator. Changes here are lost: see "
                                   "rebackup-generator(8).\n\n[Unit]\nSourcePath=");
        unit_value_append_whole(text, file);
        string_buffer_append(text, "\nRequiresMountsFor=");
        for (size_t i = 0; i < places->n_required; i++) {
                string_buffer_append(text, i > 0 ? " " : "");
                unit_value_append_word(text, "", places->required[i]);
        }
        string_buffer_append(text, "\n");
}

/* What is not there yet, or any more, must not keep the service from saying so. */
static void put_path(StringBuffer *text, const char *key, const char *path) {
        string_buffer_append(text, key);
        unit_value_append_word(text, "-", path);
        string_buffer_append(text, "\n");
}

static void put_service(StringBuffer *text, const Places *places) {
        string_buffer_append(text, "\n[Service]\n");
        if (places->in_tmp)
                string_buffer_append(text, "PrivateTmp=no\n");
        if (places->in_home)
                string_buffer_append(text, "ProtectHome=no\n");
        if (places->everywhere)
                string_buffer_append(text, "ProtectSystem=full\n");
        if (places->read_only)
                put_path(text, "ReadOnlyPaths=", places->read_only);
        for (size_t i = 0; i < places->n_writable; i++)
                put_path(text, "ReadWritePaths=", places->writable[i]);
}

int drop_in_format(Scope scope, const char *file, const Places *places, char **ret) {
        StringBuffer text = STRING_BUFFER_NULL;

        if (!is_possible(file, places))
                return -EINVAL;
        put_unit(&text, file, places);
        if (scope == SCOPE_SYSTEM)
                put_service(&text, places);
        *ret = string_buffer_take(&text);
        return *ret ? 0 : -ENOMEM;
}
