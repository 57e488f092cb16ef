#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include "fs/identity.h"
#include "test-fs.h"

static const struct {
        const char *type;
        FileSystemKind kind;
        const char *prefix;
} file_systems[] = {
        { "ext4", FILE_SYSTEM_EXT, "ext4:uuid=" },
        { "xfs", FILE_SYSTEM_XFS, "xfs:uuid=" },
        { "btrfs", FILE_SYSTEM_BTRFS, "btrfs:uuid=" },
        { "tmpfs", FILE_SYSTEM_TMPFS, "tmpfs:source=" },
        { "vfat", FILE_SYSTEM_FAT, "vfat:volume=" },
};
enum { N_FILE_SYSTEMS = sizeof(file_systems) / sizeof(file_systems[0]) };

static FileSystemId acquire(int fd) {
        FileSystemId id;

        TEST_OK(file_system_id_acquire(fd, &id));
        for (const char *p = id.text; *p; p++)
                ck_assert(*p > ' ' && *p < 127);
        return id;
}

START_TEST(same_after_remount_and_different_from_others) {
        const char *type = file_systems[_i].type, *prefix = file_systems[_i].prefix;
        int a = test_mount(type, "a"), b = test_mount(type, "b");
        FileSystemId first, second;
        FileSystemKind kind;

        if (a < 0 || b < 0)
                return;

        first = acquire(a);
        second = acquire(b);
        ck_assert_msg(strncmp(first.text, prefix, strlen(prefix)) == 0, "%s", first.text);
        ck_assert(!file_system_id_equal(&first, &second));
        TEST_OK(file_system_kind(a, &kind));
        ck_assert_int_eq(kind, file_systems[_i].kind);

        (void) close(a);
        (void) close(b);
        test_unmount("a");
        test_unmount("b");

        /* In the other order, so that the loop devices change places. */
        b = test_remount(type, "b");
        a = test_remount(type, "a");
        ck_assert(file_system_id_equal(&first, &(FileSystemId[]) { acquire(a) }[0]));
        ck_assert(file_system_id_equal(&second, &(FileSystemId[]) { acquire(b) }[0]));
        (void) close(a);
        (void) close(b);
}
END_TEST

START_TEST(below_the_root_and_bind_mounts) {
        int fs_fd = test_mount("ext4", "a"), fd;
        FileSystemId first, second;
        char from[128], to[128];

        if (fs_fd < 0)
                return;

        TEST_SYS(mkdirat(fs_fd, "sub", 0755));
        TEST_SYS(mkdirat(test_fd, "bound", 0755));
        (void) snprintf(from, sizeof(from), "%s/a/sub", test_path);
        (void) snprintf(to, sizeof(to), "%s/bound", test_path);
        TEST_SYS(mount(from, to, "", MS_BIND, NULL));
        fd = TEST_SYS(openat(test_fd, "bound", O_RDONLY | O_CLOEXEC));
        first = acquire(fs_fd);
        second = acquire(fd);
        ck_assert(file_system_id_equal(&first, &second));

        fd = TEST_SYS(openat(fs_fd, "sub", O_RDONLY | O_CLOEXEC));
        second = acquire(fd);
        ck_assert(file_system_id_equal(&first, &second));

        second = acquire(test_fd);
        ck_assert(!file_system_id_equal(&first, &second));
}
END_TEST

START_TEST(btrfs_subvolumes_differ) {
        int fs_fd = test_mount("btrfs", "a"), fd;
        FileSystemId first, second;
        char command[192];

        if (fs_fd < 0)
                return;

        (void) snprintf(command, sizeof(command),
                        "btrfs subvolume create %s/a/volume >/dev/null 2>&1", test_path);
        if (system(command) != 0) {
                test_skip("btrfs(8) is not installed");
                return;
        }

        fd = TEST_SYS(openat(fs_fd, "volume", O_RDONLY | O_CLOEXEC));
        first = acquire(fs_fd);
        second = acquire(fd);
        ck_assert(!file_system_id_equal(&first, &second));
        ck_assert_ptr_nonnull(strstr(first.text, ",subvolume=5"));
}
END_TEST

START_TEST(odd_mount_source) {
        char path[128];
        FileSystemId id;
        int fd;

        if (test_mount("tmpfs", "a") < 0)
                return;

        TEST_SYS(mkdirat(test_fd, "odd", 0755));
        (void) snprintf(path, sizeof(path), "%s/odd", test_path);
        TEST_SYS(mount("two words\\\xc3\xa4", path, "tmpfs", 0, NULL));
        fd = TEST_SYS(openat(test_fd, "odd", O_RDONLY | O_CLOEXEC));
        id = acquire(fd);
        ck_assert_str_eq(id.text, "tmpfs:source=two\\040words\\134\\303\\244");
}
END_TEST

int main(void) {
        TCase *tcase;
        Suite *suite = test_fs_suite("identity", &tcase);

        tcase_add_loop_test(tcase, same_after_remount_and_different_from_others, 0, N_FILE_SYSTEMS);
        tcase_add_test(tcase, below_the_root_and_bind_mounts);
        tcase_add_test(tcase, btrfs_subvolumes_differ);
        tcase_add_test(tcase, odd_mount_source);
        return test_fs_run(suite);
}
