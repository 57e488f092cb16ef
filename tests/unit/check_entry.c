#include <fcntl.h>
#include <stddef.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "fs/entry.h"
#include "test-fs.h"

static Entry acquire(const char *name) {
        Entry entry;

        TEST_OK(entry_acquire(test_fd, name, &entry));
        return entry;
}

START_TEST(types_and_fields) {
        struct timespec times[2] = { { .tv_nsec = UTIME_OMIT },
                                     { .tv_sec = 1234, .tv_nsec = 987654321 } };
        Entry entry;
        int fd;

        fd = test_file(test_fd, "file", "12345", 5);
        TEST_SYS(futimens(fd, times));
        TEST_SYS(fchmod(fd, 04751));
        TEST_SYS(linkat(test_fd, "file", test_fd, "link", 0));

        entry = acquire("file");
        ck_assert_uint_eq(entry.stamp.mode, S_IFREG | 04751);
        ck_assert_uint_eq(entry.stamp.size, 5);
        ck_assert_uint_eq(entry.stamp.n_links, 2);
        ck_assert_uint_eq(entry.stamp.uid, geteuid());
        ck_assert_int_eq(entry.stamp.mtime, 1234987654321);
        ck_assert_uint_eq(entry.n_blocks, 8);
        ck_assert(!entry.is_mount_root);
        (void) close(fd);

        TEST_SYS(symlinkat("no/where", test_fd, "symlink"));
        entry = acquire("symlink");
        ck_assert_uint_eq(mode_type(entry.stamp.mode), S_IFLNK);
        ck_assert_uint_eq(entry.stamp.size, 8);

        entry = acquire("");
        ck_assert_uint_eq(mode_type(entry.stamp.mode), S_IFDIR);
        ck_assert_uint_eq(entry.stamp.size, 0);

        ck_assert_int_eq(entry_acquire(test_fd, "missing", &entry), -ENOENT);
}
END_TEST

START_TEST(device_numbers) {
        Entry entry;
        int fd;

        fd = TEST_SYS(open("/dev", O_RDONLY | O_DIRECTORY | O_CLOEXEC));
        TEST_OK(entry_acquire(fd, "null", &entry));
        ck_assert_uint_eq(entry.stamp.rdev, makedev(1, 3));
        ck_assert_uint_eq(entry.stamp.size, 0);
        (void) close(fd);
}
END_TEST

START_TEST(mount_roots) {
        int fd = test_mount("tmpfs", "mounted");
        Entry entry;

        if (fd < 0)
                return;

        TEST_OK(entry_acquire(test_fd, "mounted", &entry));
        ck_assert(entry.is_mount_root);
        ck_assert_uint_ne(entry.device, acquire("").device);
        (void) close(fd);
}
END_TEST

START_TEST(times_outside_of_range) {
        struct timespec times[2] = { { .tv_nsec = UTIME_OMIT },
                                     { .tv_sec = -1, .tv_nsec = 999999999 } };
        int fd = test_file(test_fd, "file", NULL, 0);

        TEST_SYS(futimens(fd, times));
        ck_assert_int_eq(acquire("file").stamp.mtime, -1);

        times[1].tv_sec = 10000000000;
        TEST_SYS(futimens(fd, times));
        ck_assert_int_eq(acquire("file").stamp.mtime, INT64_MAX);

        times[1].tv_sec = -10000000000;
        TEST_SYS(futimens(fd, times));
        ck_assert_int_eq(acquire("file").stamp.mtime, INT64_MIN);
        (void) close(fd);
}
END_TEST

static const Stamp base = {
        .inode = 1,
        .size = 2,
        .mtime = 3,
        .ctime = 4,
        .btime = 5,
        .rdev = 6,
        .mode = S_IFREG | 0644,
        .uid = 7,
        .gid = 8,
        .n_links = 9,
};

#define FIELD(NAME) #NAME, offsetof(Stamp, NAME), sizeof(base.NAME)

/* Which comparison takes two stamps for equal when one field differs. */
static const struct {
        const char *field;
        size_t offset, size;
        bool content_equal, equal, replicates;
} comparisons[] = {
        { "nothing", 0, 0, true, true, true }, { FIELD(inode), false, false, true },
        { FIELD(size), false, false, false },  { FIELD(mtime), false, false, false },
        { FIELD(ctime), true, false, true },   { FIELD(btime), false, false, true },
        { FIELD(rdev), false, false, false },  { FIELD(mode), false, false, false },
        { FIELD(uid), true, false, false },    { FIELD(gid), true, false, false },
        { FIELD(n_links), true, false, true },
};

START_TEST(comparing) {
        const char *field = comparisons[_i].field;
        Stamp other = base;

        (void) memset((char *) &other + comparisons[_i].offset, 'x', comparisons[_i].size);

        ck_assert_msg(stamp_content_equal(&base, &other) == comparisons[_i].content_equal,
                      "content, %s", field);
        ck_assert_msg(stamp_equal(&base, &other) == comparisons[_i].equal, "all, %s", field);
        ck_assert_msg(stamp_replicates(&base, &other) == comparisons[_i].replicates, "replica, %s",
                      field);
}
END_TEST

START_TEST(comparing_permission_bits) {
        Stamp other = base;

        other.mode ^= S_ISUID;
        ck_assert(stamp_content_equal(&base, &other));
        ck_assert(!stamp_equal(&base, &other));
        ck_assert(!stamp_replicates(&base, &other));
}
END_TEST

START_TEST(comparing_directories) {
        Stamp a = base, b = base;

        a.mode = b.mode = S_IFDIR | 0755;
        b.n_links = 99;
        b.btime = 99;
        b.size = 99;
        ck_assert(stamp_equal(&a, &b));
        b.ctime = 99;
        ck_assert(!stamp_equal(&a, &b));
}
END_TEST

int main(void) {
        TCase *tcase;
        Suite *suite = test_fs_suite("entry", &tcase);

        tcase_add_test(tcase, types_and_fields);
        tcase_add_test(tcase, device_numbers);
        tcase_add_test(tcase, mount_roots);
        tcase_add_test(tcase, times_outside_of_range);
        tcase_add_loop_test(tcase, comparing, 0, sizeof(comparisons) / sizeof(comparisons[0]));
        tcase_add_test(tcase, comparing_permission_bits);
        tcase_add_test(tcase, comparing_directories);
        return test_fs_run(suite);
}
