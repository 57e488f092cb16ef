#include "config/config-path.h"

#include <errno.h>
#include <limits.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "basic/alloc.h"
#include "basic/macros.h"
#include "basic/string-util.h"

/* Takes the last component of PATH away, which is LENGTH bytes long; "/" has none and is "" here.
 */
static size_t parent_length(const char *path, size_t length) {
        while (length > 0 && path[length - 1] != '/')
                length--;

        return length > 0 ? length - 1 : 0;
}

int config_path_normalize(const char *text, const char *base, char **ret) {
        bool may_go_up = text[0] != '/';
        _cleanup_free_ char *path = NULL;
        size_t length = 0;

        if (text[0] != '/' && !base)
                return PATH_RELATIVE;

        path = malloc((may_go_up ? strlen(base) : 0) + strlen(text) + 2);
        if (!path)
                return -ENOMEM;

        if (may_go_up && !streq(base, "/")) {
                length = strlen(base);
                memcpy(path, base, length);
        }

        for (const char *p = text; *p;) {
                size_t n = strcspn(p, "/");

                if (n == 2 && memcmp(p, "..", 2) == 0) {
                        if (!may_go_up)
                                return PATH_DOT_DOT;
                        length = parent_length(path, length);
                } else if (n > 0 && !(n == 1 && p[0] == '.')) {
                        may_go_up = false;
                        path[length++] = '/';
                        memcpy(path + length, p, n);
                        length += n;
                }

                p += n;
                p += strspn(p, "/");
        }

        if (length >= PATH_MAX)
                return PATH_TOO_LONG;
        if (length == 0)
                path[length++] = '/';

        path[length] = '\0';
        *ret = TAKE_PTR(path);
        return 0;
}
