#include "daemon/runtime-directory.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* systemd separates several directories by colons, and an instance's name may have one. */
int runtime_directory(char **ret) {
        const char *given = secure_getenv("RUNTIME_DIRECTORY");

        if (!given || given[0] != '/') {
                *ret = NULL;
                return 0;
        }
        *ret = strndup(given, access(given, F_OK) >= 0 ? strlen(given) : strcspn(given, ":"));
        return *ret ? 0 : -ENOMEM;
}
