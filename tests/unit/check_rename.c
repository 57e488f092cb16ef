#include <fcntl.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <stdio.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "fs/durability.h"
#include "fs/rename.h"
#include "test-fs.h"

/* From now on this process meets only file systems without flags of renameat2(2). */
static void refuse_flags(int error) {
        struct sock_filter filter[] = {
                BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
                BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_renameat2, 0, 1),
                BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | (unsigned) error),
                BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
        };
        struct sock_fprog program = { sizeof(filter) / sizeof(filter[0]), filter };

        TEST_SYS(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0));
        TEST_SYS((int) syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, &program));
}

static void make(const char *name, const char *content) {
        (void) close(test_file(test_fd, name, content, strlen(content)));
}

static void is(const char *name, const char *content) {
        char buffer[16] = "";
        int fd = TEST_SYS(openat(test_fd, name, O_RDONLY | O_CLOEXEC));

        TEST_SYS((int) read(fd, buffer, sizeof(buffer) - 1));
        (void) close(fd);
        ck_assert_str_eq(buffer, content);
}

/* 0: flags are known. */
static const int refusals[] = { 0, EINVAL, ENOSYS, EOPNOTSUPP };

START_TEST(replaces_nothing) {
        if (refusals[_i] != 0)
                refuse_flags(refusals[_i]);

        make("old", "old");
        make("new", "new");
        TEST_SYS(mkdirat(test_fd, "empty", 0700));
        TEST_SYS(mkdirat(test_fd, "directory", 0700));
        TEST_SYS(symlinkat("nowhere", test_fd, "dangling"));

        ck_assert_int_eq(rename_new(test_fd, "new", test_fd, "old"), -EEXIST);
        ck_assert_int_eq(rename_new(test_fd, "new", test_fd, "dangling"), -EEXIST);
        ck_assert_int_eq(rename_new(test_fd, "new", test_fd, "empty"), -EEXIST);
        ck_assert_int_eq(rename_new(test_fd, "directory", test_fd, "empty"), -EEXIST);
        is("old", "old");
        is("new", "new");

        TEST_OK(rename_new(test_fd, "new", test_fd, "free"));
        is("free", "new");
        TEST_OK(rename_new(test_fd, "directory", test_fd, "free-directory"));
        ck_assert_int_eq(rename_new(test_fd, "missing", test_fd, "other"), -ENOENT);
        ck_assert_int_eq(rename_new(test_fd, "old", test_fd, "missing/other"), -ENOENT);
}
END_TEST

START_TEST(other_errors_are_told) {
        refuse_flags(EACCES);
        make("old", "old");
        ck_assert_int_eq(rename_new(test_fd, "old", test_fd, "new"), -EACCES);
        is("old", "old");
}
END_TEST

START_TEST(types) {
        static const uint64_t whole[] = {
                0xef53 /* ext4 */,      0x58465342 /* xfs */,       0x9123683e /* btrfs */,
                0x01021994 /* tmpfs */, 0x6969 /* NFS */,           0x4d44 /* FAT */,
                0x2011bab0 /* exFAT */, 0x794c7630 /* overlayfs */,
        };
        static const uint64_t short_of[] = { 0x65735546, 0x01021997, 0xff534d42, 0xfe534d42 };

        for (size_t i = 0; i < sizeof(whole) / sizeof(whole[0]); i++)
                ck_assert_msg(!syncfs_stops_short(whole[i]), "%#jx", (uintmax_t) whole[i]);
        for (size_t i = 0; i < sizeof(short_of) / sizeof(short_of[0]); i++)
                ck_assert_msg(syncfs_stops_short(short_of[i]), "%#jx", (uintmax_t) short_of[i]);
}
END_TEST

START_TEST(directories) {
        int fd;

        ck_assert_int_eq(durability_needs_fsync(test_fd), 0);
        fd = TEST_SYS(openat(test_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC));
        TEST_OK(directory_fsync(fd));
        (void) close(fd);
        fd = TEST_SYS(openat(test_fd, ".", O_PATH | O_DIRECTORY | O_CLOEXEC));
        ck_assert_int_eq(directory_fsync(fd), -EBADF);
        ck_assert_int_eq(durability_needs_fsync(fd), 0);
        (void) close(fd);
}
END_TEST

int main(void) {
        TCase *tcase;
        Suite *suite = test_fs_suite("rename", &tcase);

        tcase_add_loop_test(tcase, replaces_nothing, 0, sizeof(refusals) / sizeof(refusals[0]));
        tcase_add_test(tcase, other_errors_are_told);
        tcase_add_test(tcase, types);
        tcase_add_test(tcase, directories);
        return test_fs_run(suite);
}
