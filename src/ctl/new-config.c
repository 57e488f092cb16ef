#include "ctl/new-config.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "basic/alloc.h"
#include "basic/fd.h"
#include "basic/macros.h"
#include "basic/string-util.h"
#include "config/config-search.h"

/* The text */

/* Values that could be read as something else are written in quotes. */
static void append_value(StringBuffer *text, const char *value) {
        bool plain = value[0] && !strpbrk(value, "#;\"'\\") && !strchr(" \t", value[0]) &&
                     !strchr(" \t", value[strlen(value) - 1]);

        string_buffer_appendf(text, plain ? "%s\n" : "\"%s\"\n", value);
}

typedef struct Setting {
        const char *section, *key, *value;
        size_t n_section, n_key;
} Setting;

static bool take_setting(const char *text, Setting *ret) {
        const char *dot = strchr(text, '.'), *sign = strchr(text, '=');

        if (!dot || !sign || dot > sign || dot == text || sign == dot + 1)
                return false;
        *ret = (Setting) { text, dot + 1, sign + 1, (size_t) (dot - text),
                           (size_t) (sign - dot - 1) };
        return true;
}

static bool same_section(const Setting *a, const Setting *b) {
        return a->n_section == b->n_section && strncmp(a->section, b->section, a->n_section) == 0;
}

/* Those of FIRST's section, from the setting FIRST on. */
static void append_section(StringBuffer *text, const NewConfig *config, const Setting *first,
                           int from) {
        for (int i = from; i < config->n_settings; i++) {
                Setting setting;

                if (!take_setting(config->settings[i], &setting) || !same_section(&setting, first))
                        continue;
                string_buffer_append_bytes(text, setting.key, setting.n_key);
                string_buffer_append(text, "=");
                append_value(text, setting.value);
        }
}

/* Whether an earlier setting, or the pair's own section, began the section of the one at I. */
static bool is_begun(const NewConfig *config, const Setting *setting, int i) {
        const Setting pair = { .section = "Pair", .n_section = strlen("Pair") };
        Setting other;

        if (same_section(setting, &pair))
                return true;
        for (int k = 0; k < i; k++)
                if (take_setting(config->settings[k], &other) && same_section(setting, &other))
                        return true;
        return false;
}

int new_config_format(const NewConfig *config, char **ret, char **ret_error) {
        _cleanup_(string_buffer_done) StringBuffer text = STRING_BUFFER_NULL;
        const Setting pair = { .section = "Pair", .n_section = strlen("Pair") };
        Setting setting;
        char *result;

        for (int i = 0; i < config->n_settings; i++)
                if (!take_setting(config->settings[i], &setting))
                        return asprintf(ret_error, "'%s' is no setting: write Section.Key=VALUE",
                                        config->settings[i]) < 0
                                       ? -ENOMEM
                                       : -EINVAL;
        string_buffer_append(&text, "# Made by 'rebackupctl create'. All keys are described in "
                                    "rebackup.conf(5).\n[Pair]\nSource=");
        append_value(&text, config->source);
        string_buffer_append(&text, "Replica=");
        append_value(&text, config->replica);
        append_section(&text, config, &pair, 0);
        for (int i = 0; i < config->n_settings; i++) {
                if (!take_setting(config->settings[i], &setting) || is_begun(config, &setting, i))
                        continue;
                string_buffer_appendf(&text, "\n[%.*s]\n", (int) setting.n_section,
                                      setting.section);
                append_section(&text, config, &setting, i);
        }
        result = string_buffer_take(&text);
        if (!result)
                return -ENOMEM;
        *ret = result;
        return 0;
}

/* The file */

/* Makes PATH with its parents. */
static int make_directories(char *path) {
        for (char *p = path + 1; *p; p++) {
                int r;

                if (*p != '/')
                        continue;
                *p = '\0';
                r = mkdir(path, 0755) < 0 && errno != EEXIST ? -errno : 0;
                *p = '/';
                if (r < 0)
                        return r;
        }
        return mkdir(path, 0755) < 0 && errno != EEXIST ? -errno : 0;
}

/* A file that is complete before it has a name; nothing that exists is replaced. */
static int write_file(const char *path, const char *directory, const char *text) {
        _cleanup_free_ char *temporary = NULL;
        _cleanup_close_ int fd = -EBADF, directory_fd = -EBADF;
        int r;

        if (asprintf(&temporary, "%s/.rebackupctl-XXXXXX", directory) < 0)
                return -ENOMEM;
        fd = mkostemp(temporary, O_CLOEXEC);
        if (fd < 0)
                return -errno;
        r = loop_write(fd, text, strlen(text));
        if (r >= 0 && (fchmod(fd, 0644) < 0 || fsync(fd) < 0 || link(temporary, path) < 0))
                r = -errno;
        (void) unlink(temporary);
        if (r < 0)
                return r;
        directory_fd = open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        return directory_fd < 0 || fsync(directory_fd) < 0 ? -errno : 0;
}

static int write_to(const char *given, const char *name, const char *text, char **ret_path) {
        _cleanup_free_ char *directory = strdup(given);
        int r;

        if (!directory || asprintf(ret_path, "%s/%s.conf", given, name) < 0) {
                *ret_path = NULL;
                return -ENOMEM;
        }
        r = make_directories(directory);
        return r < 0 ? r : write_file(*ret_path, directory, text);
}

int new_config_write(const char *root, const char *name, const char *text, char **ret_path) {
        _cleanup_(config_paths_freep) char **directories = NULL;
        int r;

        *ret_path = NULL;
        r = config_directories(root, &directories);
        return r < 0 ? r : write_to(directories[0], name, text, ret_path);
}

/* PROBLEMS with the name of the directory that nobody knows left out. */
static void forget_directory(char *problems, const char *directory) {
        size_t n = strlen(directory);
        char *at;

        while ((at = strstr(problems, directory)))
                memmove(at, at + n, strlen(at + n) + 1);
}

int new_config_check(const char *name, const char *text, Config **ret, char **ret_error) {
        char root[] = "/tmp/rebackupctl-XXXXXX";
        _cleanup_free_ char *path = NULL, *directory = NULL, *above = NULL;
        int r;

        if (!mkdtemp(root))
                return -errno;
        if (asprintf(&above, "%s/etc", root) < 0 ||
            asprintf(&directory, "%s/etc/rebackup/", root) < 0)
                r = -ENOMEM;
        else
                r = write_to(directory, name, text, &path);
        if (r >= 0)
                r = config_load_instance(root, name, NULL, ret, ret_error);
        if (r < 0 && *ret_error)
                forget_directory(*ret_error, directory);
        if (path)
                (void) unlink(path);
        if (directory)
                (void) rmdir(directory);
        if (above)
                (void) rmdir(above);
        (void) rmdir(root);
        return r;
}
