#include <fcntl.h>
#include <linux/capability.h>
#include <stdbool.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "fs/metadata.h"
#include "fs/special.h"
#include "test-fs.h"

static const char *const file_systems[] = { "tmpfs", "ext4", "xfs", "btrfs" };
enum { N_FILE_SYSTEMS = sizeof(file_systems) / sizeof(file_systems[0]) };

static const struct vfs_cap_data capability = {
        .magic_etc = VFS_CAP_REVISION_2,
        .data = { { .permitted = 1 << CAP_NET_BIND_SERVICE } },
};

static const Stamp wanted_of_types[] = {
        { .mode = S_IFREG | 0644, .uid = 1001, .gid = 1002, .mtime = 1234567890123456789 },
        { .mode = S_IFREG | 07777, .uid = 1001, .gid = 1002, .mtime = 1 },
        { .mode = S_IFREG | 04711, .uid = 0, .gid = 1002, .mtime = 999999999 },
        { .mode = S_IFREG | 0, .uid = 1001, .gid = 0, .mtime = 4000000000000000001 },
        { .mode = S_IFDIR | 03775, .uid = 1001, .gid = 1002, .mtime = 1234567890123456789 },
        { .mode = S_IFDIR | 02700, .uid = 65534, .gid = 65534, .mtime = 0 },
        { .mode = S_IFLNK | 0777, .uid = 1001, .gid = 1002, .mtime = 1234567890123456789 },
        { .mode = S_IFIFO | 0620, .uid = 1001, .gid = 1002, .mtime = 1234567890123456789 },
        { .mode = S_IFSOCK | 0755, .uid = 1001, .gid = 1002, .mtime = 1234567890123456789 },
        { .mode = S_IFCHR | 0666, .uid = 1001, .gid = 6, .mtime = 5, .rdev = 0x103 },
        { .mode = S_IFBLK | 0660, .uid = 1001, .gid = 6, .mtime = 5, .rdev = 0x7c8 },
};
enum { N_TYPES = sizeof(wanted_of_types) / sizeof(wanted_of_types[0]) };

static const Attributes no_attributes = ATTRIBUTES_NULL;

/* Creates NAME as the type of WANTED and opens it as metadata_apply() takes it. */
static int create(int directory_fd, const char *name, const Stamp *wanted) {
        unsigned shortfalls = 0;

        if (S_ISREG(wanted->mode))
                return test_file(directory_fd, name, NULL, 0);
        if (S_ISDIR(wanted->mode)) {
                TEST_SYS(mkdirat(directory_fd, name, 0700));
                return TEST_SYS(openat(directory_fd, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC));
        }

        TEST_OK(special_create(directory_fd, name, wanted, "target", &shortfalls));
        return TEST_SYS(openat(directory_fd, name, O_PATH | O_NOFOLLOW | O_CLOEXEC));
}

START_TEST(every_type) {
        int fs_fd = test_mount(file_systems[_i], "a");

        if (fs_fd < 0)
                return;

        for (size_t i = 0; i < 2 * N_TYPES; i++) {
                Stamp wanted = wanted_of_types[i / 2];
                int fd = create(fs_fd, "entry", &wanted);
                unsigned shortfalls = 0;
                Entry before, after;

                TEST_OK(entry_acquire(fd, "", &before));
                TEST_OK(metadata_apply(fd, &wanted, i % 2 ? &before.stamp : NULL,
                                       i % 2 ? &no_attributes : NULL, &shortfalls));
                ck_assert_uint_eq(shortfalls, 0);
                TEST_OK(entry_acquire(fs_fd, "entry", &after));
                if (S_ISLNK(wanted.mode))
                        wanted.size = 6;
                ck_assert_msg(stamp_replicates(&wanted, &after.stamp),
                              "%zu: mode %o of %o, owner %u:%u, mtime %jd", i, after.stamp.mode,
                              wanted.mode, after.stamp.uid, after.stamp.gid,
                              (intmax_t) after.stamp.mtime);

                (void) close(fd);
                TEST_SYS(unlinkat(fs_fd, "entry", S_ISDIR(wanted.mode) ? AT_REMOVEDIR : 0));
        }
        (void) close(fs_fd);
}
END_TEST

START_TEST(nothing_to_do_leaves_ctime) {
        int fd = test_file(test_fd, "file", NULL, 0);
        unsigned shortfalls = 0;
        Entry before, after;

        TEST_OK(entry_acquire(fd, "", &before));
        TEST_OK(metadata_apply(fd, &before.stamp, &before.stamp, &no_attributes, &shortfalls));
        TEST_OK(entry_acquire(fd, "", &after));
        ck_assert(stamp_equal(&before.stamp, &after.stamp));
}
END_TEST

START_TEST(access_time_stays) {
        struct timespec times[2] = { { .tv_sec = 77, .tv_nsec = 5 }, { .tv_sec = 88 } };
        int fd = test_file(test_fd, "file", NULL, 0);
        struct stat st;

        TEST_SYS(futimens(fd, times));
        TEST_OK(metadata_set_mtime(fd, -1));
        TEST_SYS(fstat(fd, &st));
        ck_assert_int_eq(st.st_atim.tv_sec, 77);
        ck_assert_int_eq(st.st_atim.tv_nsec, 5);
        ck_assert_int_eq(st.st_mtim.tv_sec, -1);
        ck_assert_int_eq(st.st_mtim.tv_nsec, 999999999);
}
END_TEST

/* chown(2) takes away what is set before it. */
START_TEST(setuid_with_capability_and_owner) {
        Attribute item = { (char *) "security.capability", (void *) &capability,
                           sizeof(capability) };
        Attributes attributes = { &item, 1 }, now;
        Stamp wanted = { .mode = S_IFREG | 06755, .uid = 1001, .gid = 1002, .mtime = 42 };
        int fs_fd = test_mount(file_systems[_i], "a"), fd;
        Entry before, after;

        if (fs_fd < 0)
                return;

        fd = test_file(fs_fd, "file", NULL, 0);

        /* Again and again with another owner, from the state before. */
        for (unsigned i = 0; i < 3; i++) {
                unsigned shortfalls = 0;

                wanted.uid = wanted.gid = 1001 + i;
                TEST_OK(entry_acquire(fd, "", &before));
                TEST_OK(metadata_apply(fd, &wanted, &before.stamp, &attributes, &shortfalls));
                ck_assert_uint_eq(shortfalls, 0);
                TEST_OK(entry_acquire(fd, "", &after));
                ck_assert(stamp_replicates(&wanted, &after.stamp));
                TEST_OK(attributes_acquire(fd, &now));
                ck_assert(attributes_equal(&attributes, &now));
                attributes_done(&now);
        }
}
END_TEST

/* An ACL changes permission bits, and an inherited one comes where none is wanted. */
START_TEST(acl_and_mode) {
        static const uint32_t acl[] = { 2,   0x60001, ~0u, 0x60002, 1000, 0x40004,
                                        ~0u, 0x60010, ~0u, 0x20,    ~0u };
        Attribute item = { (char *) "system.posix_acl_access", (void *) acl, sizeof(acl) };
        Attributes attributes = { &item, 1 }, now;
        Stamp wanted = { .mode = S_IFREG | 02660, .uid = 1001, .gid = 1002, .mtime = 42 };
        int fs_fd = test_mount(file_systems[_i], "a"), fd;
        unsigned shortfalls = 0;
        Entry before, after;

        if (fs_fd < 0)
                return;

        fd = test_file(fs_fd, "file", NULL, 0);
        TEST_OK(entry_acquire(fd, "", &before));
        TEST_OK(metadata_apply(fd, &wanted, &before.stamp, &attributes, &shortfalls));
        TEST_OK(entry_acquire(fd, "", &after));
        ck_assert(stamp_replicates(&wanted, &after.stamp));
        TEST_OK(attributes_acquire(fd, &now));
        ck_assert(attributes_equal(&attributes, &now));
        attributes_done(&now);

        ck_assert_int_eq(fsetxattr(fs_fd, "system.posix_acl_default", acl, sizeof(acl), 0), 0);
        fd = test_file(fs_fd, "heir", NULL, 0);
        TEST_OK(entry_acquire(fd, "", &before));
        wanted.mode = S_IFREG | 0604;
        TEST_OK(metadata_apply(fd, &wanted, &before.stamp, &no_attributes, &shortfalls));
        TEST_OK(entry_acquire(fd, "", &after));
        ck_assert(stamp_replicates(&wanted, &after.stamp));
        TEST_OK(attributes_acquire(fd, &now));
        ck_assert_uint_eq(now.n_items, 0);
        ck_assert_uint_eq(shortfalls, 0);
}
END_TEST

static void apply_as_nobody(void) {
        Attribute item = { (char *) "user.x", (char *) "x", 1 };
        Attributes attributes = { &item, 1 };
        Stamp wanted = { .mode = S_IFREG | 06444, .uid = 1001, .gid = 1002, .mtime = 42 };
        unsigned shortfalls = 0;
        Entry after;
        int fd;

        fd = test_file(test_fd, "mine", NULL, 0);
        TEST_OK(metadata_apply(fd, &wanted, NULL, &attributes, &shortfalls));
        ck_assert_uint_eq(shortfalls, SHORTFALL_OWNER | SHORTFALL_MODE);
        TEST_OK(entry_acquire(fd, "", &after));
        ck_assert_uint_eq(after.stamp.mode, S_IFREG | 0444);
        ck_assert_int_eq(after.stamp.mtime, 42);
        ck_assert_int_eq(fgetxattr(fd, "user.x", NULL, 0), 1);

        /* Read-only by now, and an attribute changes. */
        item.value = (char *) "y";
        shortfalls = 0;
        wanted.uid = wanted.gid = 65534;
        TEST_OK(metadata_apply(fd, &wanted, NULL, &attributes, &shortfalls));
        ck_assert_uint_eq(shortfalls, 0);
        TEST_OK(entry_acquire(fd, "", &after));
        ck_assert_uint_eq(after.stamp.mode, S_IFREG | 06444);

        /* Somebody else's. */
        fd = TEST_SYS(openat(test_fd, "foreign", O_PATH | O_NOFOLLOW | O_CLOEXEC));
        shortfalls = 0;
        TEST_OK(metadata_apply(fd, &wanted, NULL, NULL, &shortfalls));
        ck_assert_uint_eq(shortfalls, SHORTFALL_OWNER | SHORTFALL_MODE | SHORTFALL_TIMES);
}

START_TEST(without_rights) {
        if (geteuid() != 0) {
                test_skip("needs root to make what others own");
                return;
        }

        TEST_SYS(fchmod(test_fd, 0777));
        (void) close(test_file(test_fd, "foreign", NULL, 0));
        test_as_nobody(apply_as_nobody);
}
END_TEST

int main(void) {
        TCase *tcase;
        Suite *suite = test_fs_suite("metadata", &tcase);

        tcase_add_loop_test(tcase, every_type, 0, N_FILE_SYSTEMS);
        tcase_add_test(tcase, nothing_to_do_leaves_ctime);
        tcase_add_test(tcase, access_time_stays);
        tcase_add_loop_test(tcase, setuid_with_capability_and_owner, 0, N_FILE_SYSTEMS);
        tcase_add_loop_test(tcase, acl_and_mode, 0, N_FILE_SYSTEMS);
        tcase_add_test(tcase, without_rights);
        return test_fs_run(suite);
}
