#include "sync/exclusion.h"

#include <dirent.h>
#include <errno.h>

#include "basic/alloc.h"

int exclusions_open(Exclusions *exclusions, const ExcludeList *list, Tree *tree, Node *node) {
        _cleanup_free_ char *path = NULL;
        int r;

        *exclusions = (Exclusions) { .list = list, .path = STRING_BUFFER_NULL };
        if (!list || !list->needs_paths)
                return 0;
        r = tree_source_path(tree, node, NULL, &path);
        if (r < 0)
                return r;
        string_buffer_append(&exclusions->path, path);
        return exclusions->path.failed ? -ENOMEM : 0;
}

void exclusions_done(Exclusions *exclusions) {
        string_buffer_done(&exclusions->path);
}

Exclusion exclusions_judge(Exclusions *exclusions, const char *name) {
        StringBuffer *path = &exclusions->path;
        Exclusion exclusion = {};
        size_t length = path->length;

        if (!exclusions->list || !name[0])
                return exclusion;
        if (!exclusions->list->needs_paths)
                return exclude_list_judge(exclusions->list, name);
        string_buffer_append(path, length > 0 ? "/" : "");
        string_buffer_append(path, name);
        if (!path->failed)
                exclusion = exclude_list_judge(exclusions->list, path->text);
        string_buffer_truncate(path, length);
        return exclusion;
}

bool exclusions_hide(Exclusions *exclusions, int directory_fd, const char *name,
                     unsigned char type) {
        Exclusion exclusion = exclusions_judge(exclusions, name);
        Entry entry;

        if (!exclusion.as_file == !exclusion.as_directory)
                return exclusion.as_file;
        if (type != DT_UNKNOWN)
                return type == DT_DIR ? exclusion.as_directory : exclusion.as_file;
        return entry_acquire(directory_fd, name, &entry) >= 0 && exclusion_hides(exclusion, &entry);
}

bool exclusions_ignore(const ExcludeList *list, Tree *tree, Node *node, const char *name) {
        Exclusions exclusions;
        Exclusion exclusion = {};

        if (!list)
                return false;
        if (exclusions_open(&exclusions, list, tree, node) >= 0)
                exclusion = exclusions_judge(&exclusions, name);
        exclusions_done(&exclusions);
        return exclusion.as_file && exclusion.as_directory;
}

bool exclusions_cover(const ExcludeList *list, Tree *tree, Node *node) {
        _cleanup_free_ char *path = NULL;

        return list && tree_source_path(tree, node, NULL, &path) >= 0 && *path &&
               exclude_list_find(list, path, true, NULL);
}
