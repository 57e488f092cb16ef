#include <limits.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "fs/attributes.h"
#include "fs/special.h"
#include "test-fs.h"

static void check_link(const char *target) {
        const Stamp wanted = { .mode = S_IFLNK | 0777 };
        unsigned shortfalls = 0;
        char *read_back;

        TEST_OK(special_create(test_fd, "link", &wanted, target, &shortfalls));
        TEST_OK(symlink_read(test_fd, "link", &read_back));
        ck_assert_str_eq(read_back, target);
        free(read_back);
        TEST_SYS(unlinkat(test_fd, "link", 0));
}

START_TEST(symbolic_links) {
        char longest[PATH_MAX];
        char *target;

        check_link("relative/target");
        check_link("/absolute");
        check_link("\xff\xfe\n ");
        (void) memset(longest, 'x', sizeof(longest) - 1);
        longest[PATH_MAX - 1] = '\0';
        check_link(longest);

        ck_assert_int_eq(symlink_read(test_fd, "missing", &target), -ENOENT);
        (void) close(test_file(test_fd, "file", NULL, 0));
        ck_assert_int_eq(symlink_read(test_fd, "file", &target), -EINVAL);
}
END_TEST

static const Stamp specials[] = {
        { .mode = S_IFIFO | 0777 },
        { .mode = S_IFSOCK | 0777 },
        { .mode = S_IFCHR | 0777, .rdev = 0xffffffff /* 4095, 1048575 */ },
        { .mode = S_IFBLK | 0777, .rdev = 0x703 },
        { .mode = S_IFCHR | 0777, .rdev = 0 },
};

START_TEST(nodes) {
        const Stamp *wanted = specials + _i;
        unsigned shortfalls = 0;
        Entry entry;

        if (geteuid() != 0 && wanted->rdev != 0) {
                test_skip("device nodes need root");
                return;
        }

        TEST_OK(special_create(test_fd, "node", wanted, NULL, &shortfalls));
        TEST_OK(entry_acquire(test_fd, "node", &entry));
        ck_assert_uint_eq(entry.stamp.mode, mode_type(wanted->mode) | 0600);
        ck_assert_uint_eq(entry.stamp.rdev, wanted->rdev);
        ck_assert_uint_eq(shortfalls, 0);

        ck_assert_int_eq(special_create(test_fd, "node", wanted, NULL, &shortfalls), -EEXIST);
        ck_assert_int_eq(special_create(test_fd, "a/b", wanted, NULL, &shortfalls), -EINVAL);
        ck_assert_int_eq(special_create(test_fd, "..", wanted, NULL, &shortfalls), -EINVAL);
}
END_TEST

static void create_device(void) {
        const Stamp wanted = { .mode = S_IFBLK, .rdev = makedev(7, 0) };
        unsigned shortfalls = 0;

        ck_assert_int_eq(special_create(test_fd, "node", &wanted, NULL, &shortfalls), -EOPNOTSUPP);
        ck_assert_uint_eq(shortfalls, SHORTFALL_DEVICE_NODE);
}

START_TEST(without_rights) {
        TEST_SYS(fchmod(test_fd, 0777));
        test_as_nobody(create_device);
}
END_TEST

int main(void) {
        TCase *tcase;
        Suite *suite = test_fs_suite("special", &tcase);

        tcase_add_test(tcase, symbolic_links);
        tcase_add_loop_test(tcase, nodes, 0, sizeof(specials) / sizeof(specials[0]));
        tcase_add_test(tcase, without_rights);
        return test_fs_run(suite);
}
