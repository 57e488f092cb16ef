#include "sync/binding.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "basic/alloc.h"
#include "basic/fd.h"
#include "basic/macros.h"
#include "fs/confined.h"
#include "fs/hash.h"
#include "sync/location.h"

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

int binding_directory(const Config *config, const char *instance, char **ret) {
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
                r = path_escape(config->replica, &escaped);
                if (r < 0)
                        return r;
                n = asprintf(&directory, "%s/foreground/%s", base, escaped);
        }
        if (n < 0)
                return -ENOMEM;
        *ret = directory;
        return 0;
}

int binding_load(const char *directory, StoreIdentity *ret) {
        _cleanup_(location_done) Location location = LOCATION_NULL;
        _cleanup_close_ int fd = -EBADF;
        int r;

        r = location_find(directory, &location);
        if (r < 0)
                return r;
        if (!location_exists(&location))
                return -ENOENT;
        fd = location_open(&location);
        return fd < 0 ? fd : store_identity_load(fd, BINDING_FILE_NAME, ret);
}

int binding_save(const char *directory, const StoreIdentity *identity) {
        _cleanup_(location_done) Location location = LOCATION_NULL;
        _cleanup_close_ int fd = -EBADF;
        int r;

        r = location_find(directory, &location);
        if (r >= 0)
                r = location_make(&location, 0700);
        if (r < 0)
                return r;
        fd = location_open(&location);
        return fd < 0 ? fd : store_identity_save(fd, BINDING_FILE_NAME, identity);
}

/* On a file system that keeps no owners nothing can be told. */
static int check_owner(int fd) {
        FileSystemKind kind;
        struct stat st;
        int r;

        if (fstat(fd, &st) < 0)
                return -errno;
        if (st.st_uid == geteuid())
                return 0;
        r = file_system_kind(fd, &kind);
        if (r < 0)
                return r;
        return kind == FILE_SYSTEM_FAT ? 0 : -EPERM;
}

int binding_open_store(const char *path) {
        _cleanup_(location_done) Location parent = LOCATION_NULL;
        _cleanup_free_ char *directory = strdup(path);
        _cleanup_close_ int fd = -EBADF;
        int r;

        if (!directory)
                return -ENOMEM;
        char *slash = strrchr(directory, '/');
        *slash = '\0';
        r = location_find(slash == directory ? "/" : directory, &parent);
        if (r < 0)
                return r;
        if (!location_exists(&parent))
                return -ENOENT;

        fd = confined_open_child(parent.fd, slash + 1, O_RDONLY | O_DIRECTORY);
        if (fd < 0)
                return fd == -ELOOP ? -EPERM : fd;
        r = check_owner(fd);
        return r < 0 ? r : TAKE_FD(fd);
}

int binding_load_store(const char *path, StoreIdentity *ret) {
        _cleanup_close_ int fd = binding_open_store(path);

        return fd < 0 ? fd : store_identity_load(fd, BINDING_FILE_NAME, ret);
}

static bool text_equal(const char *a, const char *b) {
        return strcmp(a ?: "", b ?: "") == 0;
}

bool store_identity_equal(const StoreIdentity *a, const StoreIdentity *b) {
        return text_equal(a->pair_id, b->pair_id) && text_equal(a->source, b->source) &&
               text_equal(a->replica, b->replica) &&
               file_system_id_equal(&a->source_file_system, &b->source_file_system) &&
               file_system_id_equal(&a->replica_file_system, &b->replica_file_system) &&
               a->source_inode == b->source_inode && a->replica_inode == b->replica_inode &&
               a->mount_points == b->mount_points;
}
