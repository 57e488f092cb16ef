#include "basic/path-util.h"

#include <string.h>

#include "basic/string-util.h"

static char *leading(const char *path, size_t length) {
        return length > 0 ? strndup(path, length) : strdup("/");
}

char *path_parent(const char *path) {
        return leading(path, (size_t) (strrchr(path, '/') - path));
}

char *path_head(const char *path, unsigned n) {
        size_t length = 0;

        for (; n > 0 && path[length] && path[length + 1]; n--)
                length += 1 + strcspn(path + length + 1, "/");
        return leading(path, length);
}

char *path_common(const char *a, const char *b) {
        size_t length = 0;

        for (size_t i = 0;; i++) {
                bool a_ends = !a[i] || a[i] == '/', b_ends = !b[i] || b[i] == '/';

                if (a_ends && b_ends)
                        length = i;
                if (!a[i] || a[i] != b[i])
                        return leading(a, length);
        }
}

bool path_is_within(const char *path, const char *directory) {
        const char *rest = startswith(path, directory);

        return rest && (*rest == '\0' || *rest == '/' || streq(directory, "/"));
}
