#include <check.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "test-watch.h"

/* The table of operations: F is a file of three bytes open for writing since before the watch, in
 * the base directory, where there is also the file "g" and the watched directory "d" with the file
 * "x". */

static int f;

static int op_create(void) {
        int fd = openat(base_fd, "new", O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
        return fd; /* left open */
}

static int op_create_write_close(void) {
        int fd = op_create();
        return write(fd, "x", 1) == 1 ? close(fd) : -1;
}

static int op_write(void) {
        return write(f, "x", 1) == 1 ? 0 : -1;
}

static int op_close(void) {
        return close(dup(f)) < 0 ? -1 : close(f);
}

static int op_ftruncate(void) {
        return ftruncate(f, 1);
}

static int op_fallocate(void) {
        return fallocate(f, 0, 0, 10000);
}

static int op_copy_range(void) {
        int fd = openat(base_fd, "g", O_RDONLY | O_CLOEXEC);
        int r = copy_file_range(fd, NULL, f, NULL, 3, 0) == 3 ? 0 : -1;
        (void) close(fd);
        return r;
}

static int op_open_truncate(void) {
        int fd = openat(base_fd, "g", O_WRONLY | O_TRUNC | O_CLOEXEC);
        return fd < 0 ? -1 : 0; /* left open */
}

static int op_read(void) {
        char c;
        int fd = openat(base_fd, "g", O_RDONLY | O_CLOEXEC);
        return read(fd, &c, 1) == 1 ? close(fd) : -1;
}

static int op_map(void) {
        char *map = mmap(NULL, 3, PROT_READ | PROT_WRITE, MAP_SHARED, f, 0);
        if (map == MAP_FAILED || close(f) < 0)
                return -1;
        map[0] = 'm';
        return munmap(map, 3);
}

static int op_chmod(void) {
        return fchmodat(base_fd, "g", 0640, 0);
}

static int op_chown(void) {
        return fchownat(base_fd, "g", 0, 0, AT_SYMLINK_NOFOLLOW);
}

static int op_utimens(void) {
        return utimensat(base_fd, "g", NULL, 0);
}

static int op_setxattr(void) {
        return fsetxattr(f, "trusted.check", "1", 1, 0);
}

static int op_unlink(void) {
        return unlinkat(base_fd, "g", 0);
}

static int op_rename(void) {
        return renameat(base_fd, "g", base_fd, "h");
}

static int op_rename_over(void) {
        return renameat(base_fd, "g", base_fd, "f");
}

static int op_rename_out(void) {
        return renameat(base_fd, "g", base_fd, "unwatched/g");
}

static int op_rename_in(void) {
        return renameat(base_fd, "unwatched/y", base_fd, "d/y");
}

static int op_exchange(void) {
        return renameat2(base_fd, "g", base_fd, "d", RENAME_EXCHANGE);
}

static int op_link(void) {
        return linkat(base_fd, "g", base_fd, "l", 0);
}

static int op_write_through_link(void) {
        int fd = openat(base_fd, "d/link-to-g", O_WRONLY | O_CLOEXEC);
        return write(fd, "x", 1) == 1 ? close(fd) : -1;
}

static int op_symlink(void) {
        return symlinkat("target", base_fd, "l");
}

static int op_mkfifo(void) {
        return mkfifoat(base_fd, "p", 0600);
}

static int op_mkdir(void) {
        return mkdirat(base_fd, "e", 0700);
}

static int op_rmdir(void) {
        return unlinkat(base_fd, "unwatched/empty", AT_REMOVEDIR) < 0 ||
                               unlinkat(base_fd, "empty", AT_REMOVEDIR) < 0
                       ? -1
                       : 0;
}

static int op_remove_watched(void) {
        return unlinkat(base_fd, "d/x", 0) < 0 || unlinkat(base_fd, "d/link-to-g", 0) < 0
                       ? -1
                       : unlinkat(base_fd, "d", AT_REMOVEDIR);
}

static int op_rename_watched(void) {
        return renameat(base_fd, "d", base_fd, "e");
}

static int op_chmod_watched(void) {
        return fchmodat(base_fd, "d", 0711, 0);
}

static int op_chmod_base(void) {
        return fchmod(base_fd, 0711);
}

/* The kernel calls that a modification, not a change of attributes. */
static const struct timespec mtime_alone[2] = { { .tv_nsec = UTIME_OMIT }, { .tv_sec = 1 } };

static int op_touch_watched(void) {
        return utimensat(base_fd, "d", mtime_alone, 0);
}

static int op_touch_base(void) {
        return futimens(base_fd, mtime_alone);
}

static int op_tmpfile(void) {
        char path[64];
        int fd = openat(base_fd, ".", O_TMPFILE | O_WRONLY | O_CLOEXEC, 0600);

        (void) snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
        if (write(fd, "x", 1) != 1 || linkat(AT_FDCWD, path, base_fd, "t", AT_SYMLINK_FOLLOW) < 0 ||
            write(fd, "x", 1) != 1)
                return -1;
        return close(fd);
}

static int op_hash_name(void) {
        touch("#12");
        touch("#12a");
        touch("#");
        return 0;
}

static const struct {
        const char *title;
        int (*operation)(void);
        const char *heard;
} operations[] = {
        { "create", op_create, "/new=C" },
        { "create, write and close", op_create_write_close, "/new=Cc" },
        { "write", op_write, "/f=C" },
        { "close", op_close, "/f=Cc" },
        { "ftruncate", op_ftruncate, "/f=C" },
        { "fallocate", op_fallocate, "/f=C" },
        { "copy_file_range", op_copy_range, "/f=C" },
        { "open with O_TRUNC", op_open_truncate, "/g=C" },
        { "read", op_read, "" },
        { "write through a mapping", op_map, "/f=Cc" },
        { "chmod", op_chmod, "/g=Cc" },
        { "chown", op_chown, "/g=Cc" },
        { "utimensat", op_utimens, "/g=Cc" },
        { "setxattr", op_setxattr, "/f=Cc" },
        { "unlink", op_unlink, "/g=CL" },
        { "rename", op_rename, "/g=CL /h=Cc" },
        { "rename over another", op_rename_over, "/g=CL /f=Cc" },
        { "rename out", op_rename_out, "/g=CL" },
        { "rename in", op_rename_in, "d/y=Cc" },
        { "exchange", op_exchange, "/g=CcL /d=CcL d/=G" },
        { "link", op_link, "/l=C" },
        { "write through another link", op_write_through_link, "d/link-to-g=Cc" },
        { "symlink", op_symlink, "/l=C" },
        { "mkfifo", op_mkfifo, "/p=C" },
        { "mkdir", op_mkdir, "/e=Cc" },
        { "rmdir", op_rmdir, "/empty=CL" },
        { "removal of a watched directory", op_remove_watched, "d/x=CL d/link-to-g=CL d/=G /d=CL" },
        { "rename of a watched directory", op_rename_watched, "/d=CL /e=Cc d/=G" },
        { "chmod of a watched directory", op_chmod_watched, "/d=Cc d/=S" },
        { "chmod of the topmost directory", op_chmod_base, "/=S" },
        { "mtime of a watched directory", op_touch_watched, "/d=Cc d/=S" },
        { "mtime of the topmost directory", op_touch_base, "/=S" },
        { "O_TMPFILE, linked", op_tmpfile, "/#=CcU /t=C" },
        { "a name like that of an O_TMPFILE file", op_hash_name, "/#=CcU" },
};

enum { N_OPERATIONS = sizeof(operations) / sizeof(operations[0]) };

/* Where one backend says it in another way. */
static const struct {
        int (*operation)(void);
        WatchBackend backend;
        const char *heard;
} differences[] = {
        { op_remove_watched, WATCH_BACKEND_FILE_SYSTEM_MARKS, "d/x=CL d/link-to-g=CL /d=CL d/=G" },
        /* fanotify tells the directory alone, and so only when it is watched. */
        { op_chmod_watched, WATCH_BACKEND_DIRECTORY_MARKS, "d/=S" },
        { op_chmod_watched, WATCH_BACKEND_FILE_SYSTEM_MARKS, "d/=S" },
        { op_touch_watched, WATCH_BACKEND_DIRECTORY_MARKS, "d/=S" },
        { op_touch_watched, WATCH_BACKEND_FILE_SYSTEM_MARKS, "d/=S" },
};

static const char *expected(int i) {
        for (size_t j = 0; j < sizeof(differences) / sizeof(differences[0]); j++)
                if (differences[j].operation == operations[i].operation &&
                    differences[j].backend == options.backend)
                        return differences[j].heard;
        return operations[i].heard;
}

START_TEST(test_operation) {
        const char *title = operations[_i % N_OPERATIONS].title;

        if (!test_begin(_i / N_OPERATIONS))
                return;
        f = openat(base_fd, "f", O_RDWR | O_CREAT | O_CLOEXEC, 0600);
        ck_assert_int_eq(write(f, "abc", 3), 3);
        ck_assert_int_eq(pwrite(f, "abc", 3, 0), 3);
        touch("g");
        ck_assert_int_eq(renameat(base_fd, "f", base_fd, "g"), 0); /* "g" has three bytes */
        ck_assert_int_eq(close(f), 0);
        f = openat(base_fd, "f", O_RDWR | O_CREAT | O_CLOEXEC, 0600);
        ck_assert_int_eq(write(f, "abc", 3), 3);
        ck_assert_int_eq(mkdirat(base_fd, "d", 0755), 0);
        ck_assert_int_eq(mkdirat(base_fd, "empty", 0755), 0);
        ck_assert_int_eq(mkdirat(base_fd, "unwatched", 0755), 0);
        ck_assert_int_eq(mkdirat(base_fd, "unwatched/empty", 0755), 0);
        touch("d/x");
        touch("unwatched/y");
        ck_assert_int_eq(linkat(base_fd, "g", base_fd, "d/link-to-g", 0), 0);
        ck_assert_int_eq(watch_add(watch, root, base_fd), WATCH_BEGUN);
        (void) watched(root, "d", "d");
        discard();

        if (operations[_i % N_OPERATIONS].operation() < 0)
                printf("%s on %s skipped: %m\n", title, base);
        else
                assert_heard(title, expected(_i % N_OPERATIONS));
        test_finish();
}
END_TEST

static Suite *events_suite(void) {
        Suite *suite = suite_create("watch-events");
        TCase *tests = tcase_create("backends");

        tcase_set_timeout(tests, 120);
        tcase_add_loop_test(tests, test_operation, 0, TEST_N_PLACES * N_OPERATIONS);
        suite_add_tcase(suite, tests);
        return suite;
}

int main(void) {
        SRunner *runner = srunner_create(events_suite());
        int n_failed;

        srunner_run_all(runner, CK_ENV);
        n_failed = srunner_ntests_failed(runner);
        srunner_free(runner);
        return n_failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
