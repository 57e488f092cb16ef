#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "test-watch.h"

START_TEST(test_add_is_idempotent) {
        Node *d;

        if (!test_begin(_i))
                return;
        ck_assert_int_eq(mkdirat(base_fd, "d", 0755), 0);
        d = watched(root, "d", "d");
        ck_assert_ptr_eq(watched(root, "d", "d"), d);
        ck_assert_uint_eq(watch_n_watched(watch), 1);
        ck_assert_uint_eq(atomic_load(&d->n_references), 2);
        touch("d/x");
        assert_heard("create", "d/x=Cc");
        watch_remove(watch, d);
        watch_remove(watch, d);
        ck_assert(!watch_covers(watch, d));
        ck_assert_uint_eq(atomic_load(&d->n_references), 1);
        touch("d/y");
        assert_heard("removed", "");
        (void) watched(root, "d", "d");
        touch("d/y");
        assert_heard("added again", "d/y=Cc");
        test_finish();
}
END_TEST

START_TEST(test_what_is_no_directory) {
        int fd;

        if (!test_begin(_i))
                return;
        touch("f");
        fd = openat(base_fd, "f", O_RDONLY | O_CLOEXEC);
        ck_assert_int_eq(watch_add(watch, root, fd), -ENOTDIR);
        (void) close(fd);
        ck_assert_int_eq(watch_add(watch, root, fd),
                         options.backend == WATCH_BACKEND_INOTIFY ? -ENOENT : -EBADF);
        ck_assert(!watch_covers(watch, root));
        test_finish();
}
END_TEST

START_TEST(test_path_descriptor) {
        int fd;

        if (!test_begin(_i))
                return;
        fd = openat(base_fd, ".", O_PATH | O_DIRECTORY | O_CLOEXEC);
        ck_assert_int_eq(watch_add(watch, root, fd), WATCH_BEGUN);
        ck_assert_int_eq(watch_add(watch, root, fd), 0);
        (void) close(fd);
        touch("f");
        assert_heard("create", "/f=Cc");
        test_finish();
}
END_TEST

START_TEST(test_the_last_node_wins) {
        Node *a, *b;

        if (!test_begin(_i))
                return;
        ck_assert_int_eq(mkdirat(base_fd, "d", 0755), 0);
        a = watched(root, "a", "d");
        touch("d/x");
        b = watched(root, "b", "d");
        ck_assert(!watch_covers(watch, a));
        ck_assert_uint_eq(atomic_load(&a->n_references), 1);
        ck_assert_uint_eq(watch_n_watched(watch), 1);
        touch("d/y");
        assert_heard("create", "b/x=Cc b/y=Cc");
        watch_remove(watch, a);
        ck_assert(watch_covers(watch, b));
        test_finish();
}
END_TEST

START_TEST(test_moved_directories_keep_their_watch) {
        Node *a, *b, *c;

        if (!test_begin(_i))
                return;
        ck_assert_int_eq(mkdirat(base_fd, "a", 0755), 0);
        ck_assert_int_eq(mkdirat(base_fd, "a/b", 0755), 0);
        ck_assert_int_eq(mkdirat(base_fd, "c", 0755), 0);
        a = watched(root, "a", "a");
        b = watched(a, "b", "a/b");
        c = watched(root, "c", "c");
        discard();
        ck_assert_int_eq(renameat(base_fd, "a", base_fd, "c/z"), 0);
        assert_heard("rename", "c/z=Cc a/=G");
        ck_assert_int_eq(tree_move(tree, a, c, "z"), 0);
        touch("c/z/x");
        touch("c/z/b/x");
        assert_heard("create", "z/x=Cc b/x=Cc");
        ck_assert(watch_covers(watch, b));
        ck_assert_uint_eq(watch_n_watched(watch), 3);
        test_finish();
}
END_TEST

START_TEST(test_deleted_directories_lose_it) {
        Node *d;

        if (!test_begin(_i))
                return;
        ck_assert_int_eq(mkdirat(base_fd, "d", 0755), 0);
        d = watched(root, "d", "d");
        ck_assert_int_eq(unlinkat(base_fd, "d", AT_REMOVEDIR), 0);
        assert_heard("rmdir", "d/=G");
        ck_assert(!watch_covers(watch, d));
        ck_assert_uint_eq(watch_n_watched(watch), 0);
        ck_assert_uint_eq(atomic_load(&d->n_references), 1);
        test_finish();
}
END_TEST

/* What is still queued for the directory that was there before must not end the new one's watch. */
START_TEST(test_replaced_directory) {
        Node *d;

        if (!test_begin(_i))
                return;
        ck_assert_int_eq(mkdirat(base_fd, "d", 0755), 0);
        d = watched(root, "d", "d");
        ck_assert_int_eq(unlinkat(base_fd, "d", AT_REMOVEDIR), 0);
        ck_assert_int_eq(mkdirat(base_fd, "d", 0755), 0);
        (void) watched(root, "d", "d");
        assert_heard("rmdir, mkdir", "");
        ck_assert(watch_covers(watch, d));
        ck_assert_uint_eq(watch_n_watched(watch), 1);

        ck_assert_int_eq(renameat(base_fd, "d", base_fd, "elsewhere"), 0);
        ck_assert_int_eq(mkdirat(base_fd, "d", 0755), 0);
        (void) watched(root, "d", "d");
        touch("elsewhere/x");
        touch("d/x");
        assert_heard("create", "d/x=Cc");
        ck_assert_uint_eq(atomic_load(&d->n_references), 2);
        test_finish();
}
END_TEST

START_TEST(test_detached_nodes_fall_silent) {
        Node *d;

        if (!test_begin(_i))
                return;
        ck_assert_int_eq(mkdirat(base_fd, "d", 0755), 0);
        d = node_ref(watched(root, "d", "d"));
        tree_detach(tree, d, NULL, NULL);
        ck_assert(watch_covers(watch, d));
        touch("d/x");
        assert_heard("create", "");
        ck_assert(!watch_covers(watch, d));
        ck_assert_uint_eq(atomic_load(&d->n_references), 1);
        node_unref(d);
        test_finish();
}
END_TEST

static void remove_watch(Node *node, void *userdata) {
        (void) userdata;
        watch_remove(watch, node);
}

START_TEST(test_removal_while_detaching) {
        Node *d;

        if (!test_begin(_i))
                return;
        ck_assert_int_eq(mkdirat(base_fd, "d", 0755), 0);
        ck_assert_int_eq(mkdirat(base_fd, "d/e", 0755), 0);
        d = watched(root, "d", "d");
        (void) watched(d, "e", "d/e");
        tree_detach(tree, d, remove_watch, NULL);
        ck_assert_uint_eq(watch_n_watched(watch), 0);
        touch("d/x");
        assert_heard("create", "");
        test_finish();
}
END_TEST

START_TEST(test_no_descriptors_left) {
        struct rlimit limit = { .rlim_cur = 0, .rlim_max = 100 }, before;
        Watch *none = NULL;

        ck_assert_int_eq(getrlimit(RLIMIT_NOFILE, &before), 0);
        limit.rlim_max = before.rlim_max;
        ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &limit), 0);
        ck_assert_int_eq(watch_new(&none, &(WatchOptions) {}, -EBADF), -EMFILE);
        ck_assert_ptr_null(none);
        ck_assert_ptr_null(watch_free(NULL));
        ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &before), 0);
}
END_TEST

START_TEST(test_unmount) {
        Node *m, *e;

        if (unshare(CLONE_NEWNS) < 0 || mount("none", "/", "none", MS_REC | MS_PRIVATE, NULL) < 0) {
                printf("%s skipped: no mount namespace of our own: %m\n", __func__);
                return;
        }
        if (!test_begin(_i))
                return;
        ck_assert_int_eq(mkdirat(base_fd, "m", 0755), 0);
        ck_assert_int_eq(fchdir(base_fd), 0);
        ck_assert_int_eq(mount("check", "m", "tmpfs", 0, NULL), 0);
        ck_assert_int_eq(mkdirat(base_fd, "m/e", 0755), 0);
        m = watched(root, "m", "m");
        e = watched(m, "e", "m/e");
        ck_assert_int_eq(umount2("m", UMOUNT_NOFOLLOW), 0);
        ck_assert_int_eq(chdir("/"), 0);

        Heard heard;
        drain(&heard);
        ck_assert_uint_eq(heard.n_entries, 2);
        ck_assert_uint_eq(heard.entries[0].flags | heard.entries[1].flags, WATCH_EVENT_UNMOUNTED);
        ck_assert(!watch_covers(watch, m));
        ck_assert(!watch_covers(watch, e));
        test_finish();
}
END_TEST

static long read_number(const char *path) {
        FILE *file = fopen(path, "re");
        long n = -1;

        if (file) {
                if (fscanf(file, "%ld", &n) != 1)
                        n = -1;
                (void) fclose(file);
        }
        return n;
}

/* No assertion in here: each costs a system call. */
static void count_event(const WatchEvent *event, void *userdata) {
        Heard *heard = userdata;

        heard->n_events++;
        heard->overflow |= event->flags & WATCH_EVENT_OVERFLOW;
}

static double now_ns(void) {
        struct timespec now;

        (void) clock_gettime(CLOCK_MONOTONIC, &now);
        return (double) now.tv_sec * 1e9 + (double) now.tv_nsec;
}

START_TEST(test_overflow) {
        size_t n_calls = 0;
        long n_queued_max;
        Heard heard = {};
        double start;
        char name[32];
        int r = 0;

        if (!test_begin(_i))
                return;
        n_queued_max = read_number(options.backend == WATCH_BACKEND_INOTIFY
                                           ? "/proc/sys/fs/inotify/max_queued_events"
                                           : "/proc/sys/fs/fanotify/max_queued_events");
        if (n_queued_max < 0 || n_queued_max > 200000) {
                printf("%s skipped: a queue of %ld events\n", __func__, n_queued_max);
                test_finish();
                return;
        }
        ck_assert_int_eq(watch_add(watch, root, base_fd), WATCH_BEGUN);
        for (long i = 0; i < n_queued_max + 10; i++) { /* each of its own: equal ones merge */
                (void) snprintf(name, sizeof(name), "%ld", i);
                r |= mknodat(base_fd, name, S_IFREG | 0600, 0);
        }
        ck_assert_int_eq(r, 0);

        start = now_ns();
        while ((r = watch_drain(watch, count_event, &heard)) > 0)
                n_calls++;
        printf("%.0f ns an event\n", (now_ns() - start) / (double) heard.n_events);
        ck_assert_int_eq(r, 0);
        ck_assert(heard.overflow);
        ck_assert_uint_le(heard.n_events, n_queued_max + 1);
        ck_assert_uint_gt(heard.n_events, n_queued_max / 2); /* others may write there too */
        ck_assert_uint_gt(n_calls, 2);                       /* in bounded steps */

        touch("c");
        assert_heard("after an overflow", "/c=Cc");
        test_finish();
}
END_TEST

/* A limit of its own, in a user namespace of its own. */
static bool limit_watches(int n) {
        int fd;
        bool done;

        if (unshare(CLONE_NEWUSER) < 0)
                return false;
        fd = open("/proc/sys/user/max_inotify_watches", O_WRONLY | O_CLOEXEC);
        if (fd < 0)
                return false;
        done = dprintf(fd, "%d\n", n) > 0;
        (void) close(fd);
        return done && read_number("/proc/sys/user/max_inotify_watches") == n;
}

static int add(Node *node, const char *name) {
        int fd = openat(base_fd, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC), r;

        ck_assert_int_ge(fd, 0);
        r = watch_add(watch, node, fd);
        (void) close(fd);
        return r;
}

START_TEST(test_limit) {
        static const char *const names[] = { "0", "1", "2", "3", "4" };
        Node *nodes[5];

        if (!test_begin(_i))
                return;
        for (int i = 0; i < 5; i++) {
                ck_assert_int_eq(mkdirat(base_fd, names[i], 0755), 0);
                ck_assert_int_eq(tree_child(tree, root, names[i], &nodes[i]), 1);
        }
        watch_free(watch);
        if (!limit_watches(3))
                printf("%s skipped: no user namespace of our own: %m\n", __func__);
        ck_assert_int_eq(watch_new(&watch, &(WatchOptions) {}, -EBADF), 0);
        if (read_number("/proc/sys/user/max_inotify_watches") == 3) {
                for (int i = 0; i < 3; i++)
                        ck_assert_int_eq(add(nodes[i], names[i]), WATCH_BEGUN);
                for (int i = 3; i < 5; i++)
                        ck_assert_int_eq(add(nodes[i], names[i]), WATCH_E_LIMIT);
                ck_assert_int_eq(add(nodes[3], names[3]), WATCH_E_LIMIT);
                ck_assert_int_eq(add(nodes[2], names[2]), 0);
                ck_assert_uint_eq(watch_n_refused(watch), 2);
                ck_assert_uint_eq(watch_n_watched(watch), 3);
                ck_assert(!watch_covers(watch, nodes[3]));

                /* Another directory for a node that has a watch: that one is used. */
                ck_assert_int_eq(add(nodes[2], names[3]), WATCH_BEGUN);
                ck_assert_uint_eq(watch_n_watched(watch), 3);

                /* A place becomes free. */
                watch_remove(watch, nodes[0]);
                ck_assert_int_eq(add(nodes[4], names[4]), WATCH_BEGUN);
                ck_assert_uint_eq(watch_n_refused(watch), 1);
                watch_remove(watch, nodes[3]);
                ck_assert_uint_eq(watch_n_refused(watch), 0);

                /* Counted anew in the next pass. */
                ck_assert_int_eq(add(nodes[3], names[3]),
                                 WATCH_BEGUN); /* is watched, for another */
                ck_assert(!watch_covers(watch, nodes[2]));
                ck_assert_int_eq(add(nodes[0], names[0]), WATCH_E_LIMIT);
                watch_reset_refused(watch);
                ck_assert_uint_eq(watch_n_refused(watch), 0);
                ck_assert_int_eq(add(nodes[0], names[0]), WATCH_E_LIMIT);
                ck_assert_int_eq(add(nodes[0], names[0]), WATCH_E_LIMIT);
                ck_assert_uint_eq(watch_n_refused(watch), 1);
        }
        for (int i = 0; i < 5; i++)
                node_unref(nodes[i]);
        test_finish();
}
END_TEST

static Suite *watch_suite(void) {
        Suite *suite = suite_create("watch");
        TCase *tests = tcase_create("backends");

        tcase_set_timeout(tests, 120);
        tcase_add_loop_test(tests, test_add_is_idempotent, 0, TEST_N_PLACES);
        tcase_add_loop_test(tests, test_what_is_no_directory, 0, TEST_N_PLACES);
        tcase_add_loop_test(tests, test_path_descriptor, 0, TEST_N_PLACES);
        tcase_add_loop_test(tests, test_the_last_node_wins, 0, TEST_N_PLACES);
        tcase_add_loop_test(tests, test_moved_directories_keep_their_watch, 0, TEST_N_PLACES);
        tcase_add_loop_test(tests, test_deleted_directories_lose_it, 0, TEST_N_PLACES);
        tcase_add_loop_test(tests, test_replaced_directory, 0, TEST_N_PLACES);
        tcase_add_loop_test(tests, test_detached_nodes_fall_silent, 0, TEST_N_PLACES);
        tcase_add_loop_test(tests, test_removal_while_detaching, 0, TEST_N_PLACES);
        tcase_add_test(tests, test_no_descriptors_left);
        tcase_add_loop_test(tests, test_unmount, 0, TEST_N_PLACES);
        for (int i = TEST_TMPFS; i < TEST_N_PLACES; i += TEST_N_BASES) /* the other may be slow */
                tcase_add_loop_test(tests, test_overflow, i, i + 1);
        tcase_add_test(tests, test_limit);
        suite_add_tcase(suite, tests);
        return suite;
}

int main(void) {
        SRunner *runner = srunner_create(watch_suite());
        int n_failed;

        srunner_run_all(runner, CK_ENV);
        n_failed = srunner_ntests_failed(runner);
        srunner_free(runner);
        return n_failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
