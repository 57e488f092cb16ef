/* Much of everything: entries beyond a batch, files beyond what a new directory is published with,
 * names and paths as long as they can be. */

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "fs/confined.h"
#include "sync/engine-internal.h"
#include "test-engine.h"

enum { NAME_BYTES = 255 };

static void make_files(const char *directory, unsigned n) {
        char name[128];

        for (unsigned i = 0; i < n; i++) {
                (void) snprintf(name, sizeof name, "%s/f%u", directory, i);
                (void) close(test_file(test_fd, name, &i, sizeof i));
        }
}

static const char *expected_copies(unsigned n_files, unsigned n_directories) {
        static char text[64];

        (void) snprintf(text, sizeof text, "copy %u, mkdir %u", n_files, n_directories);
        return text;
}

/* More than a batch holds, in directories of half the bound, just the bound, and beyond it. */
START_TEST(more_than_a_batch) {
        enum {
                N_TOP = 100,
                N_ALL = STAGED_ENTRIES_MAX / 2 + 2 * STAGED_ENTRIES_MAX + 1 +
                        (BATCH_ITEMS_MAX + 500) + N_TOP,
        };

        test_mkdir("s/half");
        test_mkdir("s/bound");
        test_mkdir("s/beyond");
        test_mkdir("s/batch");
        make_files("s/half", STAGED_ENTRIES_MAX / 2);
        make_files("s/bound", STAGED_ENTRIES_MAX);
        make_files("s/beyond", STAGED_ENTRIES_MAX + 1);
        make_files("s/batch", BATCH_ITEMS_MAX + 500);
        make_files("s", N_TOP);
        test_open(NULL, 0);
        ck_assert_str_eq(test_full(), expected_copies(N_ALL, 4));
        ck_assert_uint_eq(test.result.counters.n_bytes, N_ALL * sizeof(unsigned));
        test_expect_in_step();
        test_expect_no_orphans();
        test_run("for i in $(seq 10); do echo more >>s/batch/f$((i * 77)); done && "
                 "rm -r s/half && rm s/beyond/f*7");
        (void) test_full();
        (void) test_expect_equal();
        test_expect_in_step();
        test_expect_no_orphans();
}
END_TEST

/* Subdirectories of a new directory that is published before it is complete. */
START_TEST(large_directories_with_subdirectories) {
        char name[64];

        test_mkdir("s/d");
        make_files("s/d", STAGED_ENTRIES_MAX + 200);
        for (unsigned i = 0; i < 300; i++) {
                (void) snprintf(name, sizeof name, "s/d/e%u", i);
                test_mkdir(name);
                make_files(name, 3);
                (void) snprintf(name, sizeof name, "s/d/z%u", i);
                test_mkdir(name);
                make_files(name, 3);
        }
        test_open(NULL, 0);
        ck_assert_str_eq(test_full(), expected_copies(STAGED_ENTRIES_MAX + 200 + 1800, 601));
        test_expect_in_step();
        test_expect_no_orphans();
}
END_TEST

/* Every byte that a name may have, alone, in invalid sequences, and 255 of them. */
START_TEST(names_of_any_bytes) {
        char name[NAME_BYTES + 1] = {};
        unsigned n_files = 0;
        int fd = TEST_SYS(openat(test_fd, "s", O_RDONLY | O_DIRECTORY | O_CLOEXEC));

        for (int byte = 1; byte < 256; byte++) {
                if (byte == '/')
                        continue;
                if (byte != '.') {
                        (void) snprintf(name, sizeof name, "%c", byte);
                        (void) close(test_file(fd, name, name, 1));
                        n_files++;
                }
                (void) snprintf(name, sizeof name, "\xc3%c\xf0\x9f%c", byte, byte);
                (void) close(test_file(fd, name, name, 2));
                memset(name, byte, NAME_BYTES);
                (void) close(test_file(fd, name, name, 3));
                n_files += 2;
        }
        (void) close(fd);
        test_open(NULL, 0);
        (void) test_full();
        ck_assert_uint_eq(test.result.counters.operations[OPERATION_COPY], n_files);
        test_expect_in_step();
        test_reopen();
        ck_assert_str_eq(test_full(), "");
        test_run("rm -r s && mkdir s");
        (void) test_full();
        test_expect_in_step();
        test_expect_no_orphans();
}
END_TEST

/* A chain of directories, the last with a file in it. */
static void make_chain(const char *name, unsigned n_levels) {
        int fd = TEST_SYS(openat(test_fd, "s", O_RDONLY | O_DIRECTORY | O_CLOEXEC)), next;

        for (unsigned i = 0; i < n_levels; i++) {
                TEST_SYS(mkdirat(fd, name, 0755));
                next = TEST_OK(confined_open_child(fd, name, O_RDONLY | O_DIRECTORY));
                (void) close(fd);
                fd = next;
        }
        (void) close(test_file(fd, "file", "deep", 4));
        (void) close(fd);
}

static void expect_chain(const char *name, unsigned n_levels) {
        make_chain(name, n_levels);
        test_open(NULL, TEST_WATCH);
        ck_assert_str_eq(test_full(), expected_copies(1, n_levels));
        test_expect_in_step();
        test_expect_no_orphans();
        /* Something new in the middle, then the whole is renamed and goes. */
        test_run("echo new >s/%s/new", name);
        ck_assert_str_eq(test_full(), "copy 1");
        test_run("mv s/%s s/renamed", name);
        ck_assert_str_eq(test_full(), "rename 1");
        test_expect_in_step();
        test_remove("s/renamed");
        ck_assert_str_eq(test_full(), "remove 1");
        test_expect_in_step();
        test_expect_no_orphans();
        ck_assert_uint_eq(tree_n_nodes(test.tree), 1);
}

START_TEST(thousand_levels) {
        expect_chain("d", 1000);
}
END_TEST

/* 30 levels are beyond PATH_MAX. */
START_TEST(paths_beyond_the_limit) {
        char name[NAME_BYTES + 1];

        memset(name, 'n', NAME_BYTES);
        name[NAME_BYTES] = '\0';
        expect_chain(name, 30);
}
END_TEST

/* A long directory name has names of its own. */
START_TEST(names_of_one_prefix) {
        char name[NAME_BYTES + 3] = "s/";

        memset(name + 2, 'p', NAME_BYTES);
        for (int i = 0; i < 200; i++) {
                name[NAME_BYTES] = (char) ('A' + i / 20);
                name[NAME_BYTES + 1] = (char) ('A' + i % 20);
                (void) close(test_file(test_fd, name, name, (size_t) i));
        }
        test_open(NULL, 0);
        ck_assert_str_eq(test_full(), "copy 200");
        test_expect_in_step();
}
END_TEST

/* Many changes of many kinds at once, in a tree with many directories. */
START_TEST(many_changes_at_once) {
        test_run("for i in $(seq 60); do mkdir -p s/$i/a s/$i/b && for j in $(seq 20); do "
                 "echo $i $j >s/$i/$j && echo $j >s/$i/a/$j; done && ln s/$i/1 s/$i/b/link; done");
        test_open(NULL, 0);
        ck_assert_str_eq(test_full(), "copy 2400, link 60, mkdir 180");
        test_expect_in_step();
        test_run(
                "cd s && for i in $(seq 1 4 60); do mv $i x$i; done && "
                "for i in $(seq 2 4 60); do rm -r $i/a && echo file >$i/a; done && "
                "for i in $(seq 3 4 60); do for j in $(seq 20); do echo more >>$i/$j; done; done && "
                "for i in $(seq 4 4 60); do mv $i/a $i/b/a && chmod 0700 $i/b && rm $i/1*; done");
        (void) test_full();
        (void) test_expect_equal();
        (void) test_retry();
        test_expect_in_step();
        test_expect_no_orphans();
}
END_TEST

int main(void) {
        TCase *tcase;
        Suite *suite = test_engine_suite("engine_limits", &tcase);

        tcase_add_test(tcase, more_than_a_batch);
        tcase_add_test(tcase, large_directories_with_subdirectories);
        tcase_add_test(tcase, names_of_any_bytes);
        tcase_add_test(tcase, thousand_levels);
        tcase_add_test(tcase, paths_beyond_the_limit);
        tcase_add_test(tcase, names_of_one_prefix);
        tcase_add_test(tcase, many_changes_at_once);
        return test_fs_run(suite);
}
