#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include "test-watch.h"

/* Other file systems within the watched tree: which of them can be marked, whose inodes can be
 * told, and that all of them report. They are mounted in a mount namespace of the test's own and go
 * with it. */

static const struct {
        const char *name;
        const char *make; /* shell, in the base directory: mounts at "m" */
        bool inotify;     /* is left to it */
        bool inodes;      /* events tell the file */
} kinds[] = {
        { "tmpfs", "mount -t tmpfs check m", false, true },
        { "ext4", "mkdir i && truncate -s 20M i/i && mkfs.ext4 -q i/i && mount -o loop i/i m",
          false, true },
        { "xfs", "mkdir i && truncate -s 400M i/i && mkfs.xfs -q i/i && mount -o loop i/i m", false,
          true },
        { "xfs, 32 bit inodes",
          "mkdir i && truncate -s 400M i/i && mkfs.xfs -q i/i && mount -o loop,inode32 i/i m",
          false, true },
        { "btrfs", "mkdir i && truncate -s 200M i/i && mkfs.btrfs -q i/i && mount -o loop i/i m",
          false, true },
        { "btrfs, a subvolume",
          "mkdir i && truncate -s 200M i/i && mkfs.btrfs -q i/i && mount -o loop i/i m && "
          "btrfs -q subvolume create m/s && umount m && mount -o loop,subvol=s i/i m",
          true, false },
        { "overlayfs",
          "mkdir l u w && mkdir l/d && mount -t overlay -o lowerdir=l,upperdir=u,workdir=w check m",
          true, false },
        { "overlayfs for NFS",
          "mkdir t && mount -t tmpfs check t && cd t && mkdir l u w ../m/x && mount -t overlay -o "
          "index=on,nfs_export=on,lowerdir=l,upperdir=u,workdir=w check ../m",
          false, false },
        { "FUSE", "mkdir b && bindfs b m", true, false },
};

enum { N_KINDS = sizeof(kinds) / sizeof(kinds[0]) };

static bool sh(const char *command) {
        char line[1024];

        (void) snprintf(line, sizeof(line), "{ cd '%s' && %s; } >/dev/null 2>&1", base, command);
        return system(line) == 0;
}

/* In /tmp, with one of the fanotify backends. */
static bool begin(int which) {
        if (unshare(CLONE_NEWNS) < 0 || mount("none", "/", "none", MS_REC | MS_PRIVATE, NULL) < 0) {
                printf("skipped: no mount namespace of our own: %m\n");
                return false;
        }
        return test_begin(TEST_TMP + TEST_N_BASES * (WATCH_BACKEND_DIRECTORY_MARKS + which));
}

static bool make(int kind) {
        ck_assert_int_eq(mkdirat(base_fd, "m", 0755), 0);
        if (sh(kinds[kind].make))
                return true;
        printf("%s skipped: cannot be made here\n", kinds[kind].name);
        return false;
}

static void finish(void) {
        (void) sh("umount -l m t");
        test_finish();
}

static void assert_file(const char *kind, const char *path) {
        struct stat status;
        Heard heard;

        ck_assert_int_eq(fstatat(base_fd, path, &status, AT_SYMLINK_NOFOLLOW), 0);
        drain(&heard);
        ck_assert_msg(heard.file.inode == status.st_ino && heard.file.device == status.st_dev,
                      "%s: %s is %lu on %lx, not %lu on %lx", kind, path,
                      (unsigned long) heard.file.inode, (unsigned long) heard.file.device,
                      (unsigned long) status.st_ino, (unsigned long) status.st_dev);
}

/* A file system that is mounted below is watched as well, by what it allows, and when it is
 * unmounted and mounted anew. */
START_TEST(test_mounted) {
        const char *kind = kinds[_i % N_KINDS].name;
        Node *m, *d, *e;
        Heard heard;

        if (!begin(_i / N_KINDS))
                return;
        if (!make(_i % N_KINDS)) {
                finish();
                return;
        }
        ck_assert_int_eq(watch_add(watch, root, base_fd), WATCH_BEGUN);
        if (faccessat(base_fd, "m/d", F_OK, 0) < 0)
                ck_assert_int_eq(mkdirat(base_fd, "m/d", 0755), 0);
        ck_assert_int_eq(mkdirat(base_fd, "m/e", 0755), 0);
        m = watched(root, "m", "m");
        d = watched(m, "d", "m/d");
        e = watched(m, "e", "m/e");
        if (!kinds[_i % N_KINDS].inotify)
                ck_assert_msg(watch_n_fallen_back(watch) == 0, "%s: left to inotify", kind);
        else if (strncmp(kind, "btrfs", 5) != 0) /* some kernels mark directories in subvolumes */
                ck_assert_msg(watch_n_fallen_back(watch) == 3, "%s: not left to inotify", kind);
        discard();

        touch("m/d/f");
        if (kinds[_i % N_KINDS].inodes)
                assert_file(kind, "m/d/f");
        else
                assert_heard(kind, "d/f=Cc");
        ck_assert_int_eq(renameat(base_fd, "m/d/f", base_fd, "m/e/g"), 0);
        assert_heard(kind, "d/f=CL e/g=Cc");
        ck_assert_int_eq(unlinkat(base_fd, "m/e/g", 0), 0);
        assert_heard(kind, "e/g=CL");
        touch("f");
        assert_heard(kind, "/f=Cc");

        ck_assert(sh("umount m"));
        drain(&heard);
        ck_assert_msg(heard.n_entries == 3, "%s: %zu told of the unmounting", kind,
                      heard.n_entries);
        for (size_t i = 0; i < heard.n_entries; i++)
                ck_assert_uint_eq(heard.entries[i].flags, WATCH_EVENT_UNMOUNTED);
        ck_assert(!watch_covers(watch, m) && !watch_covers(watch, d) && !watch_covers(watch, e));
        ck_assert_uint_eq(watch_n_watched(watch), 1);
        if (faccessat(base_fd, "i/i", F_OK, 0) == 0) {
                ck_assert(sh("mount -o loop i/i m"));
                ck_assert_int_eq(mkdirat(base_fd, "m/n", 0755), 0);
                (void) watched(root, "m", "m");
                discard();
                touch("m/new");
                assert_heard(kind, "m/new=Cc");
        }
        finish();
}
END_TEST

/* A copy of a file system beside its original: by name they are one, and so are their handles. */
START_TEST(test_twins) {
        Node *a, *b;

        if (!begin(_i))
                return;
        if (!sh("mkdir a b && truncate -s 20M i && mkfs.ext4 -q i && mount -o loop i a && "
                "mkdir a/d && umount a && cp i j && mount -o loop i a && mount -o loop j b")) {
                printf("%s skipped: cannot be made here\n", __func__);
                finish();
                return;
        }
        a = watched(root, "a", "a/d");
        b = watched(root, "b", "b/d");
        ck_assert(watch_covers(watch, a));
        ck_assert(watch_covers(watch, b));
        discard();
        touch("a/d/x");
        touch("b/d/y");
        assert_heard("twins", "a/x=Cc b/y=Cc");
        (void) sh("umount a b");
        test_finish();
}
END_TEST

/* The directory that guards its file system may be deleted: another takes its place. */
START_TEST(test_guard_deleted) {
        Heard heard;
        Node *e;

        if (!begin(_i))
                return;
        if (!make(0)) {
                finish();
                return;
        }
        ck_assert_int_eq(mkdirat(base_fd, "m/d", 0755), 0);
        ck_assert_int_eq(mkdirat(base_fd, "m/e", 0755), 0);
        (void) watched(root, "d", "m/d");
        ck_assert_int_eq(unlinkat(base_fd, "m/d", AT_REMOVEDIR), 0);
        discard();
        e = watched(root, "e", "m/e");
        ck_assert(sh("umount m"));
        drain(&heard);
        ck_assert_uint_eq(heard.n_entries, 1);
        ck_assert_uint_eq(heard.entries[0].flags, WATCH_EVENT_UNMOUNTED);
        ck_assert(!watch_covers(watch, e));
        finish();
}
END_TEST

/* Files of another subvolume have inode numbers of their own: they must not pass for ours. */
START_TEST(test_nested_subvolume) {
        Heard heard;

        if (!begin(1))
                return;
        if (!make(4) || !sh("btrfs -q subvolume create m/s")) {
                finish();
                return;
        }
        (void) watched(root, "m", "m");
        (void) watched(root, "s", "m/s");
        discard();
        touch("m/s/f");
        drain(&heard);
        ck_assert_uint_eq(heard.n_entries, 1);
        ck_assert_str_eq(heard.entries[0].path, "s/f");
        ck_assert_uint_eq(heard.n_files, 0);
        ck_assert_uint_eq(heard.file.inode, 0);
        finish();
}
END_TEST

static Suite *mounts_suite(void) {
        Suite *suite = suite_create("fanotify-mounts");
        TCase *tests = tcase_create("mounts");

        tcase_set_timeout(tests, 120);
        tcase_add_loop_test(tests, test_mounted, 0, 2 * N_KINDS);
        tcase_add_loop_test(tests, test_twins, 0, 2);
        tcase_add_loop_test(tests, test_guard_deleted, 0, 2);
        tcase_add_test(tests, test_nested_subvolume);
        suite_add_tcase(suite, tests);
        return suite;
}

int main(void) {
        SRunner *runner = srunner_create(mounts_suite());
        int n_failed;

        srunner_run_all(runner, CK_ENV);
        n_failed = srunner_ntests_failed(runner);
        srunner_free(runner);
        return n_failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
