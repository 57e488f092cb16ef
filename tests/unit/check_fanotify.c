#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <malloc.h>
#include <poll.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "test-watch.h"

/* What the fanotify backends have beyond what all have in common. */

enum { FIRST = TEST_N_BASES * WATCH_BACKEND_DIRECTORY_MARKS };

static bool readable(void) {
        struct pollfd hint = { .fd = watch_fd(watch), .events = POLLIN };

        return poll(&hint, 1, 0) > 0;
}

static int add(Node *node, const char *name) {
        int fd = openat(base_fd, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC), r;

        ck_assert_int_ge(fd, 0);
        r = watch_add(watch, node, fd);
        (void) close(fd);
        return r;
}

static void assert_file(const char *title, const char *path) {
        struct stat status;
        Heard heard;

        ck_assert_int_eq(fstatat(base_fd, path, &status, AT_SYMLINK_NOFOLLOW), 0);
        drain(&heard);
        ck_assert_msg(heard.file.inode == status.st_ino && heard.file.device == status.st_dev,
                      "%s on %s: %lu on %lx, not %lu on %lx", title, base,
                      (unsigned long) heard.file.inode, (unsigned long) heard.file.device,
                      (unsigned long) status.st_ino, (unsigned long) status.st_dev);
}

/* The inode that events tell is that of the file, whatever name was used. */
START_TEST(test_file) {
        char path[64];
        int fd;

        if (!test_begin(_i))
                return;
        touch("f");
        ck_assert_int_eq(mkdirat(base_fd, "d", 0755), 0);
        ck_assert_int_eq(linkat(base_fd, "f", base_fd, "d/link", 0), 0);
        ck_assert_int_eq(watch_add(watch, root, base_fd), WATCH_BEGUN);
        (void) watched(root, "d", "d");
        discard();

        touch("f");
        assert_file("write", "f");
        touch("d/link");
        assert_file("write through a link", "f");
        ck_assert_int_eq(unlinkat(base_fd, "d/link", 0), 0);
        assert_file("unlink of one name", "f");
        ck_assert_int_eq(renameat(base_fd, "f", base_fd, "d/g"), 0);
        assert_file("rename", "d/g");
        ck_assert_int_eq(symlinkat("nowhere", base_fd, "s"), 0);
        assert_file("symlink", "s");

        fd = openat(base_fd, ".", O_TMPFILE | O_WRONLY | O_CLOEXEC, 0600);
        if (fd >= 0) {
                (void) snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
                ck_assert_int_eq(linkat(AT_FDCWD, path, base_fd, "t", AT_SYMLINK_FOLLOW), 0);
                assert_file("O_TMPFILE, linked", "t");
                ck_assert_int_eq(write(fd, "x", 1), 1);
                ck_assert_int_eq(close(fd), 0);
                assert_file("O_TMPFILE, closed", "t");
        }
        test_finish();
}
END_TEST

START_TEST(test_directories_are_no_files) {
        Heard heard;

        if (!test_begin(_i))
                return;
        ck_assert_int_eq(watch_add(watch, root, base_fd), WATCH_BEGUN);
        ck_assert_int_eq(mkdirat(base_fd, "d", 0755), 0);
        drain(&heard);
        ck_assert_uint_eq(heard.n_entries, 1);
        ck_assert_uint_eq(heard.file.inode, 0);
        test_finish();
}
END_TEST

/* Own events are left out, those of a child are not. */
START_TEST(test_skip_own) {
        int status;
        pid_t pid;
        Node *d;

        if (!test_begin(_i))
                return;
        watch_free(watch);
        options.skip_own = true;
        ck_assert_int_eq(watch_new(&watch, &options, base_fd), 0);
        ck_assert_int_eq(watch_skips_own(watch), watch_rights() > 0);
        if (!watch_skips_own(watch)) {
                printf("%s skipped: true process numbers are not shown\n", __func__);
                test_finish();
                return;
        }
        ck_assert_int_eq(watch_add(watch, root, base_fd), WATCH_BEGUN);
        touch("own");
        ck_assert_int_eq(mkdirat(base_fd, "d", 0755), 0);
        d = watched(root, "d", "d");
        assert_heard("own", "");

        pid = fork();
        if (pid == 0) {
                int fd = openat(base_fd, "child", O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
                _exit(fd < 0);
        }
        ck_assert_int_eq(waitpid(pid, &status, 0), pid);
        ck_assert_int_eq(status, 0);
        touch("own");
        assert_heard("a child's", "/child=Cc");

        /* What goes with an own event is noted all the same. */
        ck_assert_int_eq(unlinkat(base_fd, "d", AT_REMOVEDIR), 0);
        assert_heard("own removal", "");
        ck_assert(!watch_covers(watch, d));
        test_finish();
}
END_TEST

/* A directory that was moved out falls silent for good, so that its writers wake nobody. */
START_TEST(test_moved_out) {
        Node *d;

        if (!test_begin(FIRST + _i))
                return;
        ck_assert_int_eq(mkdirat(base_fd, "in", 0755), 0);
        ck_assert_int_eq(mkdirat(base_fd, "in/d", 0755), 0);
        ck_assert_int_eq(mkdirat(base_fd, "in/d/e", 0755), 0);
        ck_assert_int_eq(add(root, "in"), WATCH_BEGUN);
        d = watched(root, "d", "in/d");
        (void) watched(d, "e", "in/d/e");
        ck_assert_int_eq(renameat(base_fd, "in/d", base_fd, "out"), 0);
        assert_heard("rename", "/d=CL d/=G");

        /* One by removal, the other when it reports. */
        watch_remove(watch, d);
        tree_detach(tree, d, NULL, NULL);
        touch("out/e/x");
        assert_heard("detached", "");
        ck_assert_uint_eq(watch_n_watched(watch), 1);
        ck_assert_int_eq(add(root, "in"), 0); /* at the next occasion */
        discard();
        touch("out/x");
        touch("out/e/y");
        if (watch_rights() > 0)
                ck_assert(!readable());
        assert_heard("moved out", "");

        /* Moved in again it is as any other. */
        ck_assert_int_eq(renameat(base_fd, "out", base_fd, "in/d"), 0);
        (void) watched(root, "d", "in/d");
        discard();
        touch("in/d/z");
        assert_heard("moved in", "d/z=Cc");
        test_finish();
}
END_TEST

/* One tree, watched on both sides: the directory of one node is another's on the other. */
START_TEST(test_two_sides) {
        Node *d, *e;
        Watch *other = NULL;
        WatchOptions other_options;

        if (!test_begin(_i))
                return;
        other_options = options;
        other_options.side = WATCH_REPLICA;
        ck_assert_int_eq(watch_new(&other, &other_options, base_fd), 0);
        ck_assert_int_eq(mkdirat(base_fd, "d", 0755), 0);
        ck_assert_int_eq(mkdirat(base_fd, "e", 0755), 0);
        d = watched(root, "d", "d");
        e = watched(root, "e", "e");
        int fd = openat(base_fd, "d", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        ck_assert_int_eq(watch_add(other, e, fd), WATCH_BEGUN);
        (void) close(fd);
        ck_assert(!watch_covers(other, d));
        discard();

        touch("d/x");
        assert_heard("the source's", "d/x=Cc");
        Watch *source = watch;
        watch = other;
        assert_heard("the replica's", "e/x=Cc");
        watch = source;
        watch_remove(watch, e);
        ck_assert(watch_covers(other, e));
        watch_free(other);
        ck_assert(!watch_covers(watch, e));
        ck_assert(watch_covers(watch, d));
        test_finish();
}
END_TEST

enum { N_MANY = 10000 };

static size_t used_bytes(void) {
        return mallinfo2().uordblks;
}

/* Memory goes with the directories, and comes back. */
START_TEST(test_many) {
        static Node *nodes[N_MANY];
        char name[32];

        if (!test_begin(_i))
                return;
        for (int i = 0; i < N_MANY; i++) {
                (void) snprintf(name, sizeof(name), "%d", i);
                ck_assert(mkdirat(base_fd, name, 0755) == 0 &&
                          tree_child(tree, root, name, &nodes[i]) == 1);
        }
        ck_assert_int_eq(watch_add(watch, root, base_fd), WATCH_BEGUN);
        discard();

        size_t before = used_bytes(), after;
        for (int round = 0; round < 3; round++) {
                for (int i = 0; i < N_MANY; i++) {
                        (void) snprintf(name, sizeof(name), "%d", i);
                        int fd = openat(base_fd, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
                        if (watch_add(watch, nodes[i], fd) != WATCH_BEGUN)
                                ck_abort_msg("cannot add %s", name);
                        (void) close(fd);
                }
                after = used_bytes();
                ck_assert_uint_eq(watch_n_watched(watch), N_MANY + 1);
                printf("%.1f bytes a directory\n", (double) (after - before) / N_MANY);
                ck_assert_uint_lt((after - before) / N_MANY + sizeof(nodes[0]->watch_slots[0]), 64);
                if (round == 1) {
                        for (int i = 0; i < N_MANY; i++) {
                                (void) snprintf(name, sizeof(name), "%d", i);
                                ck_assert(unlinkat(base_fd, name, AT_REMOVEDIR) == 0 &&
                                          mkdirat(base_fd, name, 0755) == 0);
                                if (i % 1000 == 999)
                                        discard();
                        }
                        discard();
                } else {
                        for (int i = 0; i < N_MANY; i++)
                                watch_remove(watch, nodes[i]);
                }
                ck_assert_uint_eq(watch_n_watched(watch), 1);
        }
        /* The table of the index stays as large as it was. */
        ck_assert_uint_lt(used_bytes() - before, N_MANY * 8 * 4 + 4096);
        for (int i = 0; i < N_MANY; i++)
                node_unref(nodes[i]);
        test_finish();
}
END_TEST

/* A limit of its own, in a user namespace of its own. */
static bool limit_marks(int n) {
        bool done;
        int fd;

        if (unshare(CLONE_NEWUSER) < 0)
                return false;
        fd = open("/proc/sys/user/max_fanotify_marks", O_WRONLY | O_CLOEXEC);
        if (fd < 0)
                return false;
        done = dprintf(fd, "%d\n", n) > 0;
        (void) close(fd);
        return done;
}

/* Without rights: marks on directories alone, up to a limit, and nobody is told apart. */
START_TEST(test_no_rights) {
        static const char *const names[] = { "0", "1", "2", "3" };
        Node *nodes[4];

        if (!test_begin(FIRST))
                return;
        for (int i = 0; i < 4; i++) {
                ck_assert_int_eq(mkdirat(base_fd, names[i], 0755), 0);
                ck_assert_int_eq(tree_child(tree, root, names[i], &nodes[i]), 1);
        }
        watch = watch_free(watch);
        if (!limit_marks(3)) {
                printf("%s skipped: no user namespace of our own: %m\n", __func__);
        } else {
                options.skip_own = true;
                ck_assert_int_eq(watch_rights(), 0);
                options.backend = WATCH_BACKEND_FILE_SYSTEM_MARKS;
                ck_assert_int_eq(watch_new(&watch, &options, base_fd), -EPERM);
                options.backend = WATCH_BACKEND_DIRECTORY_MARKS;
                ck_assert_int_eq(watch_new(&watch, &options, -EBADF), 0);
                ck_assert(!watch_skips_own(watch));
                for (int i = 0; i < 3; i++)
                        ck_assert_int_eq(add(nodes[i], names[i]), WATCH_BEGUN);
                ck_assert_int_eq(add(nodes[3], names[3]), WATCH_E_LIMIT);
                ck_assert_int_eq(add(nodes[3], names[3]), WATCH_E_LIMIT);
                ck_assert_uint_eq(watch_n_refused(watch), 1);
                ck_assert_uint_eq(watch_n_fallen_back(watch), 0);
                touch("1/x");
                assert_heard("without rights", "1/x=Cc");

                /* A deleted directory makes room. */
                ck_assert_int_eq(unlinkat(base_fd, "0", AT_REMOVEDIR), 0);
                ck_assert_int_eq(add(nodes[3], names[3]), WATCH_BEGUN);
                ck_assert_uint_eq(watch_n_refused(watch), 0);
        }
        for (int i = 0; i < 4; i++)
                node_unref(nodes[i]);
        if (!watch)
                ck_assert_int_eq(watch_new(&watch, &options, -EBADF), 0);
        test_finish();
}
END_TEST

static Suite *fanotify_suite(void) {
        Suite *suite = suite_create("fanotify");
        TCase *tests = tcase_create("fanotify");

        tcase_set_timeout(tests, 120);
        tcase_add_loop_test(tests, test_file, FIRST, TEST_N_PLACES);
        tcase_add_loop_test(tests, test_directories_are_no_files, 0, TEST_N_PLACES);
        tcase_add_loop_test(tests, test_skip_own, FIRST, TEST_N_PLACES);
        tcase_add_loop_test(tests, test_moved_out, 0, TEST_N_BASES);
        tcase_add_loop_test(tests, test_two_sides, 0, TEST_N_PLACES);
        for (int i = TEST_TMPFS; i < TEST_N_PLACES; i += TEST_N_BASES)
                tcase_add_loop_test(tests, test_many, i, i + 1);
        tcase_add_test(tests, test_no_rights);
        suite_add_tcase(suite, tests);
        return suite;
}

int main(void) {
        SRunner *runner = srunner_create(fanotify_suite());
        int n_failed;

        srunner_run_all(runner, CK_ENV);
        n_failed = srunner_ntests_failed(runner);
        srunner_free(runner);
        return n_failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
