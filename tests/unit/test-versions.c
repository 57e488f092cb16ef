#include "test-versions.h"

#include <dirent.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include "fs/confined.h"
#include "fs/listing.h"

int test_store_fd = -EBADF, test_staging_fd = -EBADF;

const char *const test_file_systems[N_TEST_FILE_SYSTEMS] = { "tmpfs", "ext4", "xfs", "btrfs",
                                                             "ramfs" };

static int mount_ramfs(void) {
        char path[128];

        (void) snprintf(path, sizeof(path), "%s/disk", test_path);
        TEST_SYS(mkdirat(test_fd, "disk", 0700));
        if (geteuid() == 0 && mount("disk", path, "ramfs", 0, NULL) >= 0)
                return TEST_OK(confined_open_root(path));

        test_skip("a ramfs cannot be mounted here");
        return -1;
}

bool test_store(const char *type) {
        int fd;

        if (!type)
                fd = test_fd;
        else
                fd = strcmp(type, "ramfs") == 0 ? mount_ramfs() : test_mount(type, "disk");
        if (fd < 0)
                return false;

        TEST_SYS(mkdirat(fd, "store", 0700));
        test_store_fd = TEST_OK(confined_open_child(fd, "store", O_RDONLY | O_DIRECTORY));
        TEST_SYS(mkdirat(test_store_fd, "staging", 0700));
        test_staging_fd = TEST_OK(
                confined_open_child(test_store_fd, "staging", O_RDONLY | O_DIRECTORY));
        /* As in a process with an engine. */
        (void) umask(0);
        return true;
}

Versions *test_versions(void) {
        Versions *versions;

        TEST_OK(versions_open(test_store_fd, true, &versions));
        return versions;
}

void test_stage_file(const char *name, const char *text) {
        (void) close(test_file(test_staging_fd, name, text, strlen(text)));
}

void test_stage_directory(const char *name, const char *text) {
        int fd;

        TEST_SYS(mkdirat(test_staging_fd, name, 0755));
        fd = TEST_OK(confined_open_child(test_staging_fd, name, O_RDONLY | O_DIRECTORY));
        (void) close(test_file(fd, "inside", text, strlen(text)));
        (void) close(fd);
}

void test_keep_file(Versions *versions, const char *path, usec_t at, const char *text) {
        test_stage_file("staged", text);
        TEST_OK(versions_keep(versions, test_staging_fd, "staged", path, at));
}

void test_keep_directory(Versions *versions, const char *path, usec_t at, const char *text) {
        test_stage_directory("staged", text);
        TEST_OK(versions_keep(versions, test_staging_fd, "staged", path, at));
}

static int open_versions(void) {
        return TEST_OK(confined_open_child(test_store_fd, "versions", O_RDONLY | O_DIRECTORY));
}

void test_expect_content(const char *path, const char *text) {
        int versions_fd = open_versions(), fd;
        char buffer[64] = {};

        fd = confined_open(versions_fd, path, O_RDONLY);
        ck_assert_msg(fd >= 0, "%s: %s", path, strerror(-fd));
        ck_assert_int_eq(TEST_SYS(read(fd, buffer, sizeof(buffer) - 1)), (ssize_t) strlen(text));
        ck_assert_str_eq(buffer, text);
        (void) close(fd);
        (void) close(versions_fd);
}

void test_expect_missing(const char *path) {
        int versions_fd = open_versions();

        ck_assert_msg(confined_open(versions_fd, path, O_PATH) == -ENOENT, "%s is there", path);
        (void) close(versions_fd);
}

void test_expect_staging_empty(void) {
        Listing listing = LISTING_NULL;

        TEST_OK(listing_read(&listing, test_staging_fd));
        ck_assert_uint_eq(listing.n_entries, 0);
        listing_done(&listing);
}

typedef struct Sum {
        unsigned n_entries;
        uint64_t n_bytes;
} Sum;

static void sum(int parent_fd, const char *name, Sum *total) {
        Listing listing = LISTING_NULL;
        struct stat st;
        int fd;

        TEST_SYS(fstatat(parent_fd, name, &st, AT_SYMLINK_NOFOLLOW));
        total->n_entries++;
        if (S_ISDIR(st.st_mode) || st.st_nlink == 1)
                total->n_bytes += (uint64_t) st.st_blocks * 512;
        if (!S_ISDIR(st.st_mode))
                return;

        fd = TEST_OK(confined_open_child(parent_fd, name, O_RDONLY | O_DIRECTORY));
        TEST_OK(listing_read(&listing, fd));
        for (size_t i = 0; i < listing.n_entries; i++)
                sum(fd, listing_name(&listing, i), total);
        listing_done(&listing);
        (void) close(fd);
}

static Sum sum_path(const char *path) {
        const char *slash = strrchr(path, '/');
        char *above = strndup(path, slash ? (size_t) (slash - path) : 0);
        int fd = TEST_OK(confined_open(test_store_fd, above, O_PATH));
        Sum total = {};

        sum(fd, slash ? slash + 1 : path, &total);
        (void) close(fd);
        free(above);
        return total;
}

unsigned test_count_entries(const char *path) {
        return sum_path(path).n_entries;
}

uint64_t test_allocated_bytes(const char *path) {
        return sum_path(path).n_bytes;
}

bool test_set_immutable(const char *path, bool immutable) {
        int fd = TEST_OK(confined_open(test_store_fd, path, O_RDONLY)), r, flags;

        flags = immutable ? FS_IMMUTABLE_FL : 0;
        r = ioctl(fd, FS_IOC_SETFLAGS, &flags);
        (void) close(fd);
        if (r < 0)
                test_skip("files cannot be made immutable here");
        return r >= 0;
}

const char *test_versions_path(const char *path) {
        static char buffer[512];

        (void) snprintf(buffer, sizeof(buffer), "%s/store/versions/%s", test_path, path);
        return buffer;
}

struct stat test_status(const char *path) {
        int versions_fd = TEST_OK(confined_open_child(test_store_fd, "versions", O_PATH)), fd;
        struct stat st;

        fd = TEST_OK(confined_open(versions_fd, path, O_PATH));
        TEST_SYS(fstat(fd, &st));
        (void) close(fd);
        (void) close(versions_fd);
        return st;
}

VersionKind test_find(Versions *versions, const char *path) {
        return TEST_OK(versions_find(versions, AT, path, NULL));
}

void test_expect_kinds(Versions *versions, const char *const *paths, VersionKind kind) {
        for (; *paths; paths++)
                ck_assert_msg(test_find(versions, *paths) == kind, "%s is not %d", *paths,
                              (int) kind);
}
