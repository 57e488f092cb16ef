#include "config/lasting-place.h"

#include <stdbool.h>

#include "basic/alloc.h"
#include "basic/macros.h"
#include "basic/path-util.h"
#include "basic/string-util.h"

/* To open one of these as a whole would be to open the system. */
static bool holds_other_things(const char *top) {
        static const char *const tops[] = { "/boot", "/dev", "/etc", "/home", "/opt",
                                            "/root", "/run", "/tmp", "/usr",  "/var" };

        for (size_t i = 0; i < ELEMENTSOF(tops); i++)
                if (streq(tops[i], top))
                        return true;
        return false;
}

char *lasting_place(const char *path) {
        _cleanup_free_ char *parent = path_parent(path),
                            *top = parent ? path_head(parent, 1) : NULL;

        if (!top)
                return NULL;
        return holds_other_things(top) ? path_head(parent, 2) : TAKE_PTR(top);
}

char *lasting_place_of_log(const char *path) {
        _cleanup_free_ char *directory = path_parent(path),
                            *parent = directory ? path_parent(directory) : NULL;

        if (!parent)
                return NULL;
        if (streq(parent, "/") || streq(parent, "/home") || streq(parent, "/var"))
                return TAKE_PTR(directory);
        return TAKE_PTR(parent);
}
