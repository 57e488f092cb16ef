/* A tree, its watches and what is dirty, as another process would take them over. */

#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "basic/fd.h"
#include "basic/macros.h"
#include "test-watch.h"
#include "watch/tree-pack.h"
#include "watch/watch-pack.h"

static unsigned char *memory;
static size_t size;
static WatchDescriptors descriptors;

static int duplicate(int fd) {
        return fd < 0 ? fd : fcntl(fd, F_DUPFD_CLOEXEC, 3);
}

static void save_node(const Node *node, Packer *packer, void *userdata) {
        watch_save_node(userdata, node, packer);
}

/* Writes everything down and lets it go. */
static bool leave(void) {
        static Packer packer;
        bool complete;
        int fd = memfd_create("check_watch_pack", MFD_CLOEXEC);

        packer_begin(&packer, fd);
        watch_save(watch, &packer);
        complete = tree_save(tree, save_node, &packer, watch);
        ck_assert_int_eq(packer_end(&packer), 0);
        size = (size_t) packer.n_written;
        free(memory);
        memory = malloc(size);
        ck_assert_int_eq(pread(fd, memory, size, 0), (ssize_t) size);
        (void) close(fd);

        descriptors = watch_descriptors(watch);
        descriptors.inotify_fd = duplicate(descriptors.inotify_fd);
        descriptors.fanotify_fd = duplicate(descriptors.fanotify_fd);
        watch = watch_free(watch);
        root = node_unref(root);
        tree = tree_free(tree);
        return complete;
}

static int load_node(Node *node, Unpacker *unpacker, void *userdata) {
        return watch_load_node(userdata, node, unpacker);
}

/* What remains afterwards is in any case a tree, and a watch or NULL. */
static int resume(const unsigned char *from, size_t length) {
        Unpacker unpacker = { .at = from, .end = from + length };
        int r;

        ck_assert_int_eq(tree_new(&tree), 0);
        root = tree_root(tree);
        r = watch_load(WATCH_SOURCE, &unpacker, &descriptors, &watch);
        if (r < 0)
                return r;
        r = tree_load(tree, load_node, &unpacker, watch);
        if (r >= 0 && unpacker.at != unpacker.end)
                r = unpack_refuse(&unpacker);
        return r;
}

static void make_tree(void) {
        Node *a, *b;

        ck_assert_int_eq(mkdirat(base_fd, "a", 0755), 0);
        ck_assert_int_eq(mkdirat(base_fd, "a/b", 0755), 0);
        ck_assert_int_eq(mkdirat(base_fd, "c", 0755), 0);
        a = watched(root, "a", "a");
        b = watched(a, "b", "a/b");
        (void) watched(root, "c", "c");
        ck_assert_int_eq(tree_set_id(tree, a, 17), 0);
        ck_assert_int_eq(tree_set_id(tree, b, 23), 0);
        b->mtime = -5;
        b->source_inode = UINT64_MAX;
        discard();
}

START_TEST(test_goes_on) {
        Node *b, *moved;

        if (!test_begin(_i))
                return;
        make_tree();
        touch("a/b/before");
        ck_assert(leave());
        touch("c/between");
        ck_assert_int_eq(renameat(base_fd, "a/b", base_fd, "c/b"), 0);
        touch("c/b/moved");
        ck_assert_int_eq(resume(memory, size), 0);

        ck_assert_int_eq(descriptors.inotify_fd, -EBADF);
        ck_assert_int_eq(descriptors.fanotify_fd, -EBADF);
        ck_assert_int_eq(watch_backend(watch), options.backend);
        ck_assert_uint_eq(tree_n_nodes(tree), 4);
        ck_assert_uint_eq(watch_n_watched(watch), 3);
        ck_assert_int_eq(tree_find_by_id(tree, 23, &b), 0);
        ck_assert_str_eq(b->name, "b");
        ck_assert_int_eq(b->parent->directory_id, 17);
        ck_assert_int_eq(b->mtime, -5);
        ck_assert_uint_eq(b->source_inode, UINT64_MAX);

        Heard heard = {};
        drain(&heard);
        ck_assert(!heard.overflow);
        /* By the names of the nodes, which are still where they were. */
        const char *expected[] = { "b/before", "c/between", "b/moved", "c/b" };
        for (size_t i = 0; i < ELEMENTSOF(expected); i++) {
                bool found = false;

                for (size_t j = 0; j < heard.n_entries; j++)
                        found = found || strcmp(heard.entries[j].path, expected[i]) == 0;
                ck_assert_msg(found, "%s", expected[i]);
        }
        node_unref(b);

        /* What comes is added to what was there. */
        ck_assert_int_eq(tree_find(tree, root, "c", &moved), 0);
        node_unref(moved);
        ck_assert_int_eq(mkdirat(base_fd, "c/new", 0755), 0);
        discard();
        (void) watched(moved, "new", "c/new");
        touch("c/new/x");
        assert_heard("added", "new/x=Cc");
        test_finish();
        memory = (free(memory), NULL);
}
END_TEST

/* A process that ended may have had this one's number: what waits is not taken for its own. */
START_TEST(test_own_events) {
        if (!test_begin(_i))
                return;
        watch = watch_free(watch);
        options.skip_own = true;
        ck_assert_int_eq(watch_new(&watch, &options, base_fd), 0);
        make_tree();
        if (!watch_skips_own(watch)) {
                test_finish();
                return;
        }
        touch("c/before");
        (void) leave();
        ck_assert_int_eq(resume(memory, size), 0);
        ck_assert(watch_skips_own(watch));
        assert_heard("what waited", "c/before=Cc");
        touch("c/after");
        assert_heard("what came", "");
        test_finish();
        memory = (free(memory), NULL);
}
END_TEST

START_TEST(test_staged) {
        Node *a;

        if (!test_begin(_i))
                return;
        make_tree();
        ck_assert_int_eq(tree_find(tree, root, "a", &a), 0);
        ck_assert_int_eq(tree_set_place(tree, a, NODE_STAGED, "1"), 0);
        node_unref(a);
        ck_assert(!leave());
        ck_assert_int_eq(resume(memory, size), 0);
        ck_assert_uint_eq(tree_n_nodes(tree), 2);
        ck_assert_uint_eq(watch_n_watched(watch), 1);
        test_finish();
        memory = (free(memory), NULL);
}
END_TEST

/* Every shorter one, and every one with another byte: refused, or at least harmless. */
START_TEST(test_damaged) {
        size_t n_refused = 0;

        if (!test_begin(_i))
                return;
        make_tree();
        (void) leave();
        WatchDescriptors kept = descriptors;
        for (size_t i = 0; i < 2 * size; i++) {
                size_t length = i < size ? i : size;
                unsigned char *copy = malloc(length ?: 1);

                memcpy(copy, memory, length);
                if (i >= size)
                        copy[i - size] ^= (unsigned char) (1U << (i % 8));
                descriptors.inotify_fd = duplicate(kept.inotify_fd);
                descriptors.fanotify_fd = duplicate(kept.fanotify_fd);
                int r = resume(copy, length);
                if (i < size)
                        ck_assert_int_eq(r, -EBADMSG);
                n_refused += r < 0;
                watch = watch_free(watch);
                root = node_unref(root);
                tree = tree_free(tree);
                (void) safe_close(descriptors.inotify_fd);
                (void) safe_close(descriptors.fanotify_fd);
                free(copy);
        }
        ck_assert_uint_ge(n_refused, size);
        descriptors = kept;
        ck_assert_int_eq(resume(memory, size), 0);
        test_finish();
        memory = (free(memory), NULL);
}
END_TEST

START_TEST(test_wrong_descriptors) {
        if (!test_begin(_i))
                return;
        make_tree();
        (void) leave();
        int inotify_fd = descriptors.inotify_fd;

        descriptors.inotify_fd = open("/dev/null", O_RDONLY | O_CLOEXEC | O_NONBLOCK);
        ck_assert_int_eq(resume(memory, size), -EBADMSG);
        ck_assert_int_ge(descriptors.inotify_fd, 0);
        root = node_unref(root);
        tree = tree_free(tree);
        (void) close(descriptors.inotify_fd);
        descriptors.inotify_fd = -EBADF;
        ck_assert_int_eq(resume(memory, size), -EBADMSG);
        (void) close(inotify_fd);
        (void) safe_close(descriptors.fanotify_fd);
        test_finish();
        memory = (free(memory), NULL);
}
END_TEST

static Suite *watch_pack_suite(void) {
        Suite *suite = suite_create("watch-pack");
        TCase *tests = tcase_create("pack");

        tcase_set_timeout(tests, 60);
        tcase_add_loop_test(tests, test_goes_on, 0, TEST_N_PLACES);
        tcase_add_loop_test(tests, test_own_events, 0, TEST_N_PLACES);
        tcase_add_loop_test(tests, test_staged, 0, TEST_N_PLACES);
        tcase_add_loop_test(tests, test_damaged, 0, TEST_N_PLACES);
        tcase_add_loop_test(tests, test_wrong_descriptors, 0, TEST_N_PLACES);
        suite_add_tcase(suite, tests);
        return suite;
}

int main(void) {
        SRunner *runner = srunner_create(watch_pack_suite());
        int n_failed;

        srunner_run_all(runner, CK_ENV);
        n_failed = srunner_ntests_failed(runner);
        srunner_free(runner);
        return n_failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
