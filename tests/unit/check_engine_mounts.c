/* File systems mounted inside the source that go, are exchanged, or hide what was there: the
 * replica of that place is left as it is, whichever way a pass comes to it, and over a restart. */

#include <stdlib.h>
#include <syslog.h>
#include <unistd.h>

#include "test-engine.h"

/* Mounts a fresh tmpfs with the directory x and the files NAMES in it on s/sub. The first one's
 * directories have the inode numbers of the second one's. False: not here. */
static bool mount_disk(const char *id, const char *names) {
        int fd = test_mount("tmpfs", id);

        if (fd < 0)
                return false;
        (void) close(fd);
        test_run("mkdir %s/x && cd %s/x && touch %s", id, id, names);
        test_run("mkdir -p s/sub && mount --move %s s/sub", id);
        return true;
}

static void expect_kept(void) {
        test_run("test -e r/sub/x/1 && test -e r/sub/x/2 && test -e r/sub/x/3");
        ck_assert_uint_eq(engine_n_held(test.engine), 1);
}

static bool open_with_disk(void) {
        if (!mount_disk("disk", "1 2 3"))
                return false;
        test_open(NULL, 0);
        (void) test_full();
        test_expect_in_step();
        ck_assert_uint_eq(engine_n_held(test.engine), 0);
        return true;
}

/* Whoever comes for a name of a directory below meets another disk's, with the same number. */
START_TEST(exchanged_disk_is_not_followed_from_inside) {
        uint64_t inode;

        if (!open_with_disk())
                return;
        inode = test_inode("s/sub/x");
        test_run("umount s/sub");
        ck_assert(mount_disk("twin", "1 2 foreign"));
        ck_assert_uint_eq(test_inode("s/sub/x"), inode);
        ck_assert_str_eq(test_dirty("sub/x", "3"), "");
        expect_kept();
        ck_assert_str_eq(test_dirty("", "sub"), "");
        expect_kept();
        ck_assert_str_eq(test_full(), "");
        expect_kept();
        ck_assert(!test_exists("r/sub/x/foreign"));
        ck_assert(test_logged(LOG_ERR, "tmpfs:source=disk"));
        ck_assert(test_logged(LOG_ERR, "tmpfs:source=twin"));
        test_reopen();
        ck_assert_str_eq(test_full(), "");
        expect_kept();
        test_run("umount s/sub");
        ck_assert_str_eq(test_full(), "");
        expect_kept();
        test_close();
}
END_TEST

START_TEST(removal_from_the_replica_confirms) {
        if (!open_with_disk())
                return;
        test_run("umount s/sub && touch s/sub/new");
        ck_assert_str_eq(test_full(), "");
        expect_kept();
        test_run("rm -r r/sub");
        ck_assert_str_eq(test_full(), "copy 1, mkdir 1");
        ck_assert_uint_eq(engine_n_held(test.engine), 0);
        test_expect_in_step();
        test_reopen();
        ck_assert_str_eq(test_full(), "");
        test_expect_no_orphans();
        test_close();
}
END_TEST

START_TEST(covered_directory_is_kept) {
        int fd;

        test_run("mkdir -p s/sub/x s/empty && touch s/sub/x/1 s/sub/x/2 s/sub/x/3");
        test_open(NULL, 0);
        (void) test_full();
        fd = test_mount("tmpfs", "disk");
        if (fd < 0)
                return;
        (void) close(fd);
        test_run("touch disk/over && mount --bind disk s/sub && mount --bind disk s/empty");
        ck_assert_str_eq(test_dirty("sub", "x"), "");
        ck_assert_str_eq(test_full(), "copy 1, mkdir 1");
        expect_kept();
        ck_assert(test_exists("r/empty/over") && !test_exists("r/sub/over"));
        test_run("umount s/sub");
        ck_assert_str_eq(test_full(), "");
        ck_assert_uint_eq(engine_n_held(test.engine), 0);
        test_expect_in_step();
        test_run("umount s/empty");
        test_close();
        test_unmount("disk");
}
END_TEST

/* A place that is gone with all above it is no longer counted. */
START_TEST(forgotten_place) {
        test_run("mkdir -p s/above");
        if (!open_with_disk())
                return;
        test_run("umount s/sub");
        (void) test_full();
        expect_kept();
        test_run("rm -r r/sub s/sub");
        (void) test_full();
        ck_assert_uint_eq(engine_n_held(test.engine), 0);
        test_expect_in_step();
        test_close();
}
END_TEST

static void forget(const char *path, const char *at, const char *name) {
        char *found, *where;
        Node *node;

        TEST_OK(engine_forget(test.engine, path, &node, &found));
        TEST_OK(tree_source_path(test.tree, node, NULL, &where));
        ck_assert_str_eq(where, at);
        ck_assert_str_eq(found, name);
        node_unref(node);
        free(found);
        free(where);
}

/* Below a directory that is watched nobody looks without an event; below one that was forgotten,
 * everybody does. */
START_TEST(forgotten_directories_are_looked_at_as_a_whole) {
        test_run("mkdir -p s/d/e/f && touch s/d/e/f/1");
        test_open(NULL, TEST_WATCH);
        (void) test_full();
        test_run("touch s/d/e/f/2");
        ck_assert_str_eq(test_dirty("", "d"), "");
        forget("d/e", "d", "e");
        ck_assert_str_eq(test_dirty("d", "e"), "copy 1");
        forget("d/none/x", "d", "none");
        test_expect_in_step();
        test_close();
}
END_TEST

int main(void) {
        TCase *tcase;
        Suite *suite = test_engine_suite("engine-mounts", &tcase);

        tcase_add_test(tcase, exchanged_disk_is_not_followed_from_inside);
        tcase_add_test(tcase, removal_from_the_replica_confirms);
        tcase_add_test(tcase, covered_directory_is_kept);
        tcase_add_test(tcase, forgotten_place);
        tcase_add_test(tcase, forgotten_directories_are_looked_at_as_a_whole);
        return test_fs_run(suite);
}
