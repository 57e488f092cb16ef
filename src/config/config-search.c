#include "config/config-search.h"

#include <dirent.h>
#include <errno.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "basic/alloc.h"
#include "basic/macros.h"
#include "basic/string-util.h"

/* In the order of precedence, below those of the user. */
static const char *const system_directories[] = { "/etc/rebackup", "/usr/lib/rebackup" };

typedef struct PathList {
        char **paths; /* NULL-terminated once there is one */
        size_t n_paths;
} PathList;

static void path_list_done(PathList *list) {
        config_paths_free(list->paths);
}

static int path_list_add(PathList *list, const char *format, ...) _printf_(2, 3);

static int path_list_add(PathList *list, const char *format, ...) {
        va_list arguments;
        char **paths;
        int n;

        paths = reallocarray(list->paths, list->n_paths + 2, sizeof(char *));
        if (!paths)
                return -ENOMEM;
        list->paths = paths;

        va_start(arguments, format);
        n = vasprintf(&paths[list->n_paths], format, arguments);
        va_end(arguments);
        if (n < 0) {
                paths[list->n_paths] = NULL;
                return -ENOMEM;
        }

        paths[++list->n_paths] = NULL;
        return 0;
}

static const char *getenv_path(const char *name) {
        const char *value = secure_getenv(name);

        return value && value[0] == '/' ? value : NULL;
}

/* Only of somebody who is not root: nobody else's files tell root what to do. */
static int add_user_directory(PathList *list, const char *root) {
        const char *home;

        if (geteuid() == 0)
                return 0;
        if ((home = getenv_path("XDG_CONFIG_HOME")))
                return path_list_add(list, "%s%s/rebackup", root, home);
        if ((home = getenv_path("HOME")))
                return path_list_add(list, "%s%s/.config/rebackup", root, home);
        return 0;
}

int config_directories(const char *root, char ***ret) {
        _cleanup_(path_list_done) PathList list = {};
        int r;

        root = root ?: "";
        r = add_user_directory(&list, root);
        for (size_t i = 0; r >= 0 && i < ELEMENTSOF(system_directories); i++)
                r = path_list_add(&list, "%s%s", root, system_directories[i]);
        if (r < 0)
                return r;
        *ret = TAKE_PTR(list.paths);
        return 0;
}

static const char *base_name(const char *path) {
        return strrchr(path, '/') + 1;
}

static bool path_list_has_name(const PathList *list, const char *name) {
        for (size_t i = 0; i < list->n_paths; i++)
                if (streq(base_name(list->paths[i]), name))
                        return true;

        return false;
}

static int compare_names(const void *a, const void *b) {
        return strcmp(base_name(*(char *const *) a), base_name(*(char *const *) b));
}

static bool is_drop_in(const char *name) {
        size_t length = strlen(name);

        return name[0] != '.' && length > strlen(".conf") &&
               streq(name + length - strlen(".conf"), ".conf");
}

static void closedirp(DIR **directory) {
        if (*directory)
                (void) closedir(*directory);
}

/* Adds the drop-ins of the directory PATH whose names are not in LIST yet. */
static int add_drop_ins(PathList *list, const char *path) {
        _cleanup_(closedirp) DIR *directory = NULL;
        struct dirent *entry;

        directory = opendir(path);
        if (!directory)
                return errno == ENOENT ? 0 : -errno;

        while ((errno = 0, entry = readdir(directory))) {
                int r;

                if (!is_drop_in(entry->d_name) || path_list_has_name(list, entry->d_name))
                        continue;

                r = path_list_add(list, "%s/%s", path, entry->d_name);
                if (r < 0)
                        return r;
        }

        return -errno;
}

static int find_drop_ins(char *const *directories, const char *name, PathList *list,
                         char **ret_failed) {
        for (size_t i = 0; directories[i]; i++) {
                _cleanup_free_ char *path = NULL;
                int r;

                if (asprintf(&path, "%s/%s.conf.d", directories[i], name) < 0) {
                        path = NULL;
                        return -ENOMEM;
                }

                r = add_drop_ins(list, path);
                if (r < 0) {
                        *ret_failed = TAKE_PTR(path);
                        return r;
                }
        }

        if (list->n_paths > 0)
                qsort(list->paths, list->n_paths, sizeof(char *), compare_names);
        return 0;
}

int config_search(const char *root, const char *name, char ***ret, size_t *ret_n_own,
                  char **ret_failed) {
        _cleanup_(path_list_done) PathList drop_ins = {}, list = {};
        _cleanup_(config_paths_freep) char **directories = NULL;
        size_t n = 0;
        int r;

        r = config_directories(root, &directories);
        if (r < 0)
                return r;
        while (directories[n])
                n++;
        for (size_t i = n; i > 0; i--) {
                r = path_list_add(&list, "%s/%s.conf", directories[i - 1], name);
                if (r < 0)
                        return r;
        }

        r = find_drop_ins(directories, name, &drop_ins, ret_failed);
        if (r < 0)
                return r;

        for (size_t i = 0; i < drop_ins.n_paths; i++) {
                r = path_list_add(&list, "%s", drop_ins.paths[i]);
                if (r < 0)
                        return r;
        }

        *ret = TAKE_PTR(list.paths);
        *ret_n_own = n;
        return 0;
}

char **config_paths_free(char **paths) {
        for (size_t i = 0; paths && paths[i]; i++)
                free(paths[i]);

        free(paths);
        return NULL;
}
