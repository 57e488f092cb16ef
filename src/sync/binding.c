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
#include "state/state-directory.h"
#include "sync/location.h"

int binding_directory(const Config *config, const char *instance, char **ret) {
        return state_directory_find(config->replica, instance, ret);
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
