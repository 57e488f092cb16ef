#include "config/config-names.h"

#include <dirent.h>
#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "basic/alloc.h"
#include "basic/string-util.h"
#include "config/config-search.h"
#include "config/config.h"

typedef struct NameList {
        char **names; /* NULL-terminated */
        size_t n_names;
} NameList;

static void name_list_done(NameList *list) {
        config_paths_free(list->names);
}

static void closedirp(DIR **directory) {
        if (*directory)
                (void) closedir(*directory);
}

/* The instance that the directory entry ENTRY belongs to, a fresh string; NULL: none, or memory is
 * short. */
static char *name_of(const char *entry) {
        static const char *const suffixes[] = { ".conf", ".conf.d" };
        size_t length = strlen(entry);

        for (size_t i = 0; i < ELEMENTSOF(suffixes); i++) {
                size_t n = strlen(suffixes[i]);

                if (length > n && streq(entry + length - n, suffixes[i]))
                        return strndup(entry, length - n);
        }
        return NULL;
}

static bool has(const NameList *list, const char *name) {
        for (size_t i = 0; i < list->n_names; i++)
                if (streq(list->names[i], name))
                        return true;
        return false;
}

static int add(NameList *list, const char *entry) {
        _cleanup_free_ char *name = name_of(entry);
        char **names;

        if (!name || !config_name_is_valid(name) || has(list, name))
                return 0;
        names = reallocarray(list->names, list->n_names + 2, sizeof(char *));
        if (!names)
                return -ENOMEM;
        list->names = names;
        names[list->n_names++] = TAKE_PTR(name);
        names[list->n_names] = NULL;
        return 0;
}

static int add_all(NameList *list, const char *path) {
        _cleanup_(closedirp) DIR *directory = opendir(path);
        struct dirent *entry;
        int r = 0;

        if (!directory)
                return errno == ENOENT ? 0 : -errno;
        while (r >= 0 && (errno = 0, entry = readdir(directory)))
                r = add(list, entry->d_name);
        return r < 0 ? r : -errno;
}

static int compare(const void *a, const void *b) {
        return strcmp(*(char *const *) a, *(char *const *) b);
}

int config_names(const char *root, char ***ret, char **ret_failed) {
        _cleanup_(config_paths_freep) char **directories = NULL;
        _cleanup_(name_list_done) NameList list = { .names = new0(char *, 1) };
        _cleanup_free_ char *failed = NULL;
        int r;

        r = list.names ? config_directories(root, &directories) : -ENOMEM;
        if (r < 0)
                return r;
        for (size_t i = 0; directories[i]; i++) {
                r = add_all(&list, directories[i]);
                if (r == -ENOMEM)
                        return r;
                if (r < 0 && !failed)
                        failed = strdup(directories[i]);
        }
        qsort(list.names, list.n_names, sizeof(char *), compare);
        *ret = TAKE_PTR(list.names);
        *ret_failed = TAKE_PTR(failed);
        return 0;
}
