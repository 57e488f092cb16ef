#include "state/state-directory.h"

#include <errno.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "basic/alloc.h"
#include "basic/macros.h"
#include "fs/hash.h"

static bool needs_no_escape(char c) {
        return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
               c == '_' || c == '.' || c == ':';
}

static int path_hash(const char *path, char **ret) {
        _cleanup_(hasher_freep) Hasher *hasher = NULL;
        Hash hash;
        int r;

        r = hasher_new(&hasher);
        if (r >= 0)
                r = hasher_begin(hasher);
        if (r >= 0)
                r = hasher_update(hasher, path, strlen(path));
        if (r >= 0)
                r = hasher_finish(hasher, &hash);
        if (r < 0)
                return r;

        char *text = malloc(2 * HASH_BYTES + 1);
        if (!text)
                return -ENOMEM;
        *ret = hash_format(&hash, text);
        return 0;
}

/* PATH as one readable file name: "-" for a slash, "%2d" and the like for what is no letter, digit,
 * "_", "." or ":"; nothing that a shell would take amiss. Its hash when that is too long. */
static int path_escape(const char *path, char **ret) {
        _cleanup_free_ char *text = malloc(3 * strlen(path) + 1);
        char *end = text;

        if (!text)
                return -ENOMEM;
        for (const char *p = path + strspn(path, "/"); *p; p++)
                if (*p == '/')
                        *end++ = '-';
                else if (needs_no_escape(*p) && (*p != '.' || end != text))
                        *end++ = *p;
                else
                        end += sprintf(end, "%%%02x", (unsigned char) *p);
        *end = '\0';
        if (end - text > NAME_MAX)
                return path_hash(path, ret);
        *ret = TAKE_PTR(text);
        return 0;
}

static const char *getenv_path(const char *name) {
        const char *value = secure_getenv(name);

        return value && value[0] == '/' ? value : NULL;
}

/* The directory that holds those of all pairs. */
static int base_directory(char **ret) {
        const char *home;
        int n;

        if (geteuid() == 0)
                n = asprintf(ret, "/var/lib/rebackup");
        else if ((home = getenv_path("XDG_STATE_HOME")))
                n = asprintf(ret, "%s/rebackup", home);
        else if ((home = getenv_path("HOME")))
                n = asprintf(ret, "%s/.local/state/rebackup", home);
        else
                return -ENOENT;
        return n < 0 ? -ENOMEM : 0;
}

int state_directory_find(const char *replica, const char *instance, char **ret) {
        _cleanup_free_ char *base = NULL, *escaped = NULL;
        const char *given = getenv_path("STATE_DIRECTORY");
        char *directory;
        int n, r;

        if (given)
                /* systemd separates several directories by colons, ours is the first; but an
                 * instance's name may have one, too. */
                r = (base = strndup(given,
                                    access(given, F_OK) >= 0 ? strlen(given) : strcspn(given, ":")))
                            ? 0
                            : -ENOMEM;
        else
                r = base_directory(&base);
        if (r < 0)
                return r;

        if (instance && given) {
                *ret = TAKE_PTR(base);
                return 0;
        }
        if (instance)
                n = asprintf(&directory, "%s/%s", base, instance);
        else {
                r = path_escape(replica, &escaped);
                if (r < 0)
                        return r;
                n = asprintf(&directory, "%s/foreground/%s", base, escaped);
        }
        if (n < 0)
                return -ENOMEM;
        *ret = directory;
        return 0;
}
