#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

#include <linux/capability.h>
#include <linux/posix_acl.h>
#include <linux/posix_acl_xattr.h>

#include "fs/attributes.h"
#include "test-fs.h"

static const char *const file_systems[] = { "tmpfs", "ext4", "xfs", "btrfs" };
enum { N_FILE_SYSTEMS = sizeof(file_systems) / sizeof(file_systems[0]) };

/* u::rw-,u:1000:r--,g::r--,m::r--,o::--- */
typedef struct Acl {
        struct posix_acl_xattr_header header;
        struct posix_acl_xattr_entry entries[5];
} Acl;

static const Acl acl = {
        .header = { .a_version = POSIX_ACL_XATTR_VERSION },
        .entries = {
                { ACL_USER_OBJ, ACL_READ | ACL_WRITE, ACL_UNDEFINED_ID },
                { ACL_USER, ACL_READ, 1000 },
                { ACL_GROUP_OBJ, ACL_READ, ACL_UNDEFINED_ID },
                { ACL_MASK, ACL_READ, ACL_UNDEFINED_ID },
                { ACL_OTHER, 0, ACL_UNDEFINED_ID },
        },
};

/* cap_net_bind_service=p */
static const struct vfs_cap_data capability = {
        .magic_etc = VFS_CAP_REVISION_2,
        .data = { { .permitted = 1 << CAP_NET_BIND_SERVICE } },
};

static const struct {
        const char *name;
        const void *value;
        size_t size;
        bool for_directories;
} all[] = {
        { "security.capability", &capability, sizeof(capability), false },
        { "system.posix_acl_access", &acl, sizeof(acl), true },
        { "system.posix_acl_default", &acl, sizeof(acl), true },
        { "trusted.empty", "", 0, true },
        { "trusted.secret", "\0\xff\0", 3, true },
        { "user.long name \xc3\xa4", "v", 1, true },
        { "user.mime_type", "text/plain", 10, true },
};
enum { N_ALL = sizeof(all) / sizeof(all[0]) };

static void set(int fd, const char *name, const void *value, size_t size) {
        ck_assert_msg(fsetxattr(fd, name, value, size, 0) >= 0, "%s: %s", name, strerror(errno));
}

static bool fits(size_t i, mode_t mode) {
        if (S_ISDIR(mode))
                return all[i].for_directories;

        return strcmp(all[i].name, "system.posix_acl_default") != 0;
}

static void set_all(int fd, mode_t mode) {
        for (size_t i = 0; i < N_ALL; i++)
                if (fits(i, mode))
                        set(fd, all[i].name, all[i].value, all[i].size);
}

static void check_all(int fd, mode_t mode) {
        Attributes attributes;
        size_t n = 0;

        TEST_OK(attributes_acquire(fd, &attributes));
        for (size_t i = 0; i < N_ALL; i++)
                if (fits(i, mode)) {
                        ck_assert_uint_lt(n, attributes.n_items);
                        ck_assert_str_eq(attributes.items[n].name, all[i].name);
                        ck_assert_uint_eq(attributes.items[n].size, all[i].size);
                        ck_assert_mem_eq(attributes.items[n].value, all[i].value, all[i].size);
                        n++;
                }
        ck_assert_uint_eq(attributes.n_items, n);
        attributes_done(&attributes);
}

/* Brings B to what A has and checks that nothing is left to do then. */
static void transfer(int a_fd, int b_fd) {
        Attributes wanted, now;
        unsigned shortfalls = 0;

        TEST_OK(attributes_acquire(a_fd, &wanted));
        TEST_OK(attributes_apply(b_fd, &wanted, &shortfalls));
        ck_assert_uint_eq(shortfalls, 0);
        TEST_OK(attributes_acquire(b_fd, &now));
        ck_assert(attributes_equal(&wanted, &now));
        ck_assert_int_eq(attributes_apply(b_fd, &wanted, &shortfalls), 0);
        attributes_done(&wanted);
        attributes_done(&now);
}

START_TEST(every_kind) {
        int fs_fd = test_mount(file_systems[_i], "a"), a, b, directory, other;

        if (fs_fd < 0)
                return;

        a = test_file(fs_fd, "a", "x", 1);
        b = test_file(fs_fd, "b", "x", 1);
        set_all(a, S_IFREG);
        check_all(a, S_IFREG);
        ck_assert_int_eq(fsetxattr(b, "trusted.other", "x", 1, 0), 0);
        ck_assert_int_eq(fsetxattr(b, "user.mime_type", "old", 3, 0), 0);
        transfer(a, b);
        check_all(b, S_IFREG);

        TEST_SYS(mkdirat(fs_fd, "directory", 0755));
        TEST_SYS(mkdirat(fs_fd, "other", 0755));
        directory = TEST_SYS(openat(fs_fd, "directory", O_RDONLY | O_CLOEXEC));
        other = TEST_SYS(openat(fs_fd, "other", O_RDONLY | O_CLOEXEC));
        set_all(directory, S_IFDIR);
        transfer(directory, other);
        check_all(other, S_IFDIR);

        /* And back to none. */
        TEST_SYS(mkdirat(fs_fd, "plain", 0755));
        directory = TEST_SYS(openat(fs_fd, "plain", O_RDONLY | O_CLOEXEC));
        transfer(directory, other);
        TEST_SYS(ftruncate(a, 0));
        transfer(test_file(fs_fd, "c", NULL, 0), b);
        (void) close(fs_fd);
}
END_TEST

START_TEST(through_o_path) {
        unsigned shortfalls = 0;
        Attributes wanted, now;
        int a, b;

        if (geteuid() != 0) {
                test_skip("trusted attributes need root");
                return;
        }

        TEST_SYS(symlinkat("a", test_fd, "a"));
        TEST_SYS(symlinkat("b", test_fd, "b"));
        a = TEST_SYS(openat(test_fd, "a", O_PATH | O_NOFOLLOW | O_CLOEXEC));
        b = TEST_SYS(openat(test_fd, "b", O_PATH | O_NOFOLLOW | O_CLOEXEC));

        wanted = (Attributes) {
                .items = &(Attribute) { .name = (char *) "trusted.x",
                                        .value = (char *) "1",
                                        .size = 1 },
                .n_items = 1,
        };
        ck_assert_int_eq(attributes_apply(a, &wanted, &shortfalls), 1);
        ck_assert_uint_eq(shortfalls, 0);

        TEST_OK(attributes_acquire(a, &now));
        ck_assert(attributes_equal(&wanted, &now));
        attributes_done(&now);
        TEST_OK(attributes_acquire(b, &now));
        ck_assert_uint_eq(now.n_items, 0);

        ck_assert_int_eq(attributes_apply(a, &now, &shortfalls), 1);
        TEST_OK(attributes_acquire(a, &now));
        ck_assert_uint_eq(now.n_items, 0);
}
END_TEST

START_TEST(large_and_many) {
        int fs_fd = test_mount("xfs", "a"), a, b;
        char name[64], *value;

        if (fs_fd < 0)
                return;

        a = test_file(fs_fd, "a", NULL, 0);
        b = test_file(fs_fd, "b", NULL, 0);
        value = malloc(65536);
        (void) memset(value, 'v', 65536);
        set(a, "user.large", value, 65536);
        set(a, "user.4096", value, 4096);
        set(a, "user.4097", value, 4097);
        for (unsigned i = 0; i < 200; i++) {
                (void) snprintf(name, sizeof(name), "user.attribute-with-a-long-name-%u",
                                i * 7 % 200);
                set(a, name, &i, sizeof(i));
        }
        transfer(a, b);
        free(value);
        (void) close(fs_fd);
}
END_TEST

START_TEST(what_does_not_fit) {
        int xfs_fd = test_mount("xfs", "a"), ext4_fd = test_mount("ext4", "b"), a, b;
        unsigned shortfalls = 0;
        Attributes wanted;
        char *value;

        if (xfs_fd < 0 || ext4_fd < 0)
                return;

        a = test_file(xfs_fd, "a", NULL, 0);
        b = test_file(ext4_fd, "b", NULL, 0);
        value = calloc(1, 60000);
        set(a, "user.large", value, 60000);
        set(a, "user.small", value, 6);
        TEST_OK(attributes_acquire(a, &wanted));
        TEST_OK(attributes_apply(b, &wanted, &shortfalls));
        ck_assert_uint_eq(shortfalls, SHORTFALL_XATTR_SIZE);
        attributes_done(&wanted);

        TEST_OK(attributes_acquire(b, &wanted));
        ck_assert_uint_eq(wanted.n_items, 1);
        ck_assert_str_eq(wanted.items[0].name, "user.small");
        attributes_done(&wanted);
        free(value);
}
END_TEST

/* XFS lists an ACL twice, ext4 once. */
START_TEST(acl_between_xfs_and_ext4) {
        int xfs_fd = test_mount("xfs", "a"), ext4_fd = test_mount("ext4", "b"), a, b;

        if (xfs_fd < 0 || ext4_fd < 0)
                return;

        a = test_file(ext4_fd, "a", NULL, 0);
        b = test_file(xfs_fd, "b", NULL, 0);
        set_all(a, S_IFREG);
        set(b, "system.posix_acl_access", &acl, sizeof(acl));
        transfer(a, b);
        check_all(b, S_IFREG);
        ck_assert_int_eq(fremovexattr(a, "system.posix_acl_access"), 0);
        transfer(a, b);
        ck_assert_int_lt(fgetxattr(b, "system.posix_acl_access", NULL, 0), 0);
}
END_TEST

static void apply_as_nobody(void) {
        int fd = TEST_SYS(openat(test_fd, "mine", O_RDWR | O_CREAT | O_CLOEXEC, 0600));
        Attribute items[] = {
                { (char *) "security.capability", (void *) &capability, sizeof(capability) },
                { (char *) "security.evm", (char *) "x", 1 },
                { (char *) "system.nfs4_acl", (char *) "x", 1 },
                { (char *) "trusted.x", (char *) "x", 1 },
        };
        Attributes wanted = { .items = items, .n_items = 4 };
        unsigned shortfalls = 0;

        TEST_OK(attributes_apply(fd, &wanted, &shortfalls));
        ck_assert_uint_eq(shortfalls, SHORTFALL_XATTR_SECURITY | SHORTFALL_XATTR_TRUSTED |
                                              SHORTFALL_XATTR_OTHER);

        items[0] = (Attribute) { (char *) "user.x", (char *) "x", 1 };
        wanted.n_items = 1;
        shortfalls = 0;
        ck_assert_int_eq(attributes_apply(fd, &wanted, &shortfalls), 1);
        TEST_SYS(fchmod(fd, 0400));
        items[0].value = (char *) "y";
        ck_assert_int_eq(attributes_apply(fd, &wanted, &shortfalls), -EACCES);
        ck_assert_uint_eq(shortfalls, 0);
}

START_TEST(without_rights) {
        TEST_SYS(fchmod(test_fd, 0777));
        test_as_nobody(apply_as_nobody);
}
END_TEST

START_TEST(comparing) {
        Attribute x = { (char *) "user.x", (char *) "1", 1 },
                  y = { (char *) "user.x", (char *) "2", 1 },
                  z = { (char *) "user.z", (char *) "1", 1 };
        Attributes none = ATTRIBUTES_NULL, one = { &x, 1 };

        ck_assert(attributes_equal(&none, &none));
        ck_assert(!attributes_equal(&none, &one));
        ck_assert(attributes_equal(&one, &(Attributes) { &x, 1 }));
        ck_assert(!attributes_equal(&one, &(Attributes) { &y, 1 }));
        ck_assert(!attributes_equal(&one, &(Attributes) { &z, 1 }));
        attributes_done(&none);
}
END_TEST

START_TEST(names_of_shortfalls) {
        for (unsigned i = 0; i < N_SHORTFALLS; i++)
                ck_assert_ptr_nonnull(shortfall_to_string(1u << i));
        ck_assert_ptr_null(shortfall_to_string(1u << N_SHORTFALLS));
        ck_assert_ptr_null(shortfall_to_string(SHORTFALL_OWNER | SHORTFALL_MODE));
}
END_TEST

int main(void) {
        TCase *tcase;
        Suite *suite = test_fs_suite("attributes", &tcase);

        tcase_add_loop_test(tcase, every_kind, 0, N_FILE_SYSTEMS);
        tcase_add_test(tcase, through_o_path);
        tcase_add_test(tcase, large_and_many);
        tcase_add_test(tcase, what_does_not_fit);
        tcase_add_test(tcase, acl_between_xfs_and_ext4);
        tcase_add_test(tcase, without_rights);
        tcase_add_test(tcase, comparing);
        tcase_add_test(tcase, names_of_shortfalls);
        return test_fs_run(suite);
}
