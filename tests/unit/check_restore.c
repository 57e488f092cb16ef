/* What a path was at a point in time. */

#include <stdio.h>
#include <stdlib.h>

#include "test-restore.h"

/* FILE of what was restored holds WANTED; NULL: it is not there. */
static void check_file(const char *file, const char *wanted) {
        if (!wanted) {
                ck_assert_str_eq(
                        test_shell_line("test ! -e out/%s -a ! -L out/%s && echo none", file, file),
                        "none");
                return;
        }
        ck_assert_str_eq(test_shell_line("cat out/%s", file), wanted);
}

static void restore_as_of(const char *path, unsigned second) {
        int r;

        test_shell("rm -rf out");
        r = test_restore(path, second, "out", 0);
        ck_assert_msg(r == 0, "%d %s", r, test_error);
        ck_assert_uint_eq(test_told.counts[RESTORE_FAILED] + test_told.counts[RESTORE_EXISTS], 0);
}

START_TEST(a_file_at_each_time) {
        static const struct {
                unsigned second;
                const char *content;
        } cases[] = { { 1, "one" },   { 99, "one" },  { 100, "one" }, { 101, "two" },
                      { 200, "two" }, { 201, "now" }, { 5000, "now" } };

        test_restore_setup();
        test_shell("echo one >replica/f");
        test_retire("f", 100);
        test_shell("echo two >replica/f");
        test_retire("f", 200);
        test_shell("echo now >replica/f");

        for (size_t i = 0; i < ELEMENTSOF(cases); i++) {
                restore_as_of("f", cases[i].second);
                check_file("f", cases[i].content);
                restore_as_of("", cases[i].second);
                check_file("f", cases[i].content);
        }
}
END_TEST

START_TEST(what_was_removed_is_gone_afterwards) {
        test_restore_setup();
        test_shell("mkdir replica/d; echo one >replica/d/f; echo x >replica/d/other");
        test_retire("d/f", 100);

        restore_as_of("d", 100);
        check_file("d/f", "one");
        check_file("d/other", "x");
        restore_as_of("d", 101);
        check_file("d/f", NULL);
        check_file("d/other", "x");
        ck_assert_int_eq(test_restore("d/f", 101, "out", 0), RESTORE_NOT_FOUND);
        ck_assert_ptr_nonnull(strstr(test_error, "d/f was not there at"));
        ck_assert_int_eq(test_restore("d/never", 1, "out", 0), RESTORE_NOT_FOUND);
        ck_assert_int_eq(test_restore("d/f/below", 1, "out", 0), RESTORE_NOT_FOUND);
}
END_TEST

/* A directory is put together from several times and the replica. */
START_TEST(a_directory_of_many_layers) {
        test_restore_setup();
        test_shell("mkdir -p replica/d/e; cd replica/d; echo a1 >a; echo b1 >b; echo c1 >e/c; "
                   "echo d1 >e/d");
        test_retire("d/a", 100);
        test_shell("echo a2 >replica/d/a");
        test_retire("d/e/c", 200);
        test_retire("d/b", 300);
        test_shell("echo b2 >replica/d/b");

        restore_as_of("d", 1);
        check_file("d/a", "a1");
        check_file("d/b", "b1");
        check_file("d/e/c", "c1");
        check_file("d/e/d", "d1");
        restore_as_of("d", 150);
        check_file("d/a", "a2");
        check_file("d/b", "b1");
        check_file("d/e/c", "c1");
        restore_as_of("d", 250);
        check_file("d/b", "b1");
        check_file("d/e/c", NULL);
        check_file("d/e/d", "d1");
        restore_as_of("d/e", 200);
        check_file("e/c", "c1");
        restore_as_of("d/e/c", 200);
        check_file("c", "c1");
}
END_TEST

/* A directory that left as a whole is what it was: what came under its name later is not of it, but
 * what left it before is. */
START_TEST(a_directory_that_left_as_a_whole) {
        test_restore_setup();
        test_shell("mkdir -p replica/d/sub; cd replica/d; echo a >a; echo b >b; echo s >sub/s");
        test_retire("d/a", 100);
        test_retire("d/sub/s", 110);
        test_retire("d", 200);
        test_shell("mkdir replica/d; echo new >replica/d/new; echo b2 >replica/d/b");
        test_retire("d/b", 300);

        restore_as_of("d", 50);
        check_file("d/a", "a");
        check_file("d/b", "b");
        check_file("d/sub/s", "s");
        check_file("d/new", NULL);
        restore_as_of("d", 150);
        check_file("d/a", NULL);
        check_file("d/b", "b");
        check_file("d/sub/s", NULL);
        ck_assert_str_eq(test_shell_line("test -d out/d/sub && echo yes"), "yes");
        restore_as_of("d", 250);
        check_file("d/b", "b2");
        check_file("d/new", "new");
        check_file("d/sub/s", NULL);
        restore_as_of("d", 350);
        check_file("d/b", NULL);
        ck_assert_int_eq(test_restore("d/new", 150, "out", 0), RESTORE_NOT_FOUND);
        restore_as_of("d/b", 1);
        check_file("b", "b");
}
END_TEST

START_TEST(types_that_changed) {
        test_restore_setup();
        test_shell("mkdir replica/x; echo in >replica/x/in");
        test_retire("x", 100);
        test_shell("echo file >replica/x");
        test_retire("x", 200);
        test_shell("ln -s target replica/x");
        test_retire("x", 300);
        test_shell("mkdir replica/x; echo in2 >replica/x/in");

        restore_as_of("x", 100);
        check_file("x/in", "in");
        restore_as_of("x", 200);
        check_file("x", "file");
        restore_as_of("x", 300);
        ck_assert_str_eq(test_shell_line("readlink out/x"), "target");
        restore_as_of("x", 301);
        check_file("x/in", "in2");
        restore_as_of("x/in", 50);
        check_file("in", "in");
        ck_assert_int_eq(test_restore("x/in", 150, "out", 0), RESTORE_NOT_FOUND);
        ck_assert_int_eq(test_restore("x/in", 250, "out", 0), RESTORE_NOT_FOUND);
}
END_TEST

/* A version below a directory that then became a file without leaving a version itself. */
START_TEST(a_frame_without_a_directory) {
        test_restore_setup();
        test_shell("mkdir replica/d; echo f >replica/d/f");
        test_retire("d/f", 100);
        test_shell("rmdir replica/d; echo file >replica/d");

        restore_as_of("d", 100);
        check_file("d/f", "f");
        ck_assert_str_eq(test_shell_line("stat -c %%a out/d"), "700");
        ck_assert_str_eq(test_shell_line("getfattr -d --absolute-names out/d | grep -c rebackup"),
                         "0");
        restore_as_of("d", 101);
        check_file("d", "file");
}
END_TEST

START_TEST(without_a_replica) {
        test_restore_setup();
        test_shell("mkdir replica/d; echo f >replica/d/f; echo g >replica/g");
        test_retire("d", 100);
        test_retire("g", 100);
        restore_as_of("", 100);
        check_file("d/f", "f");
        check_file("g", "g");
}
END_TEST

START_TEST(the_store_is_no_part) {
        test_restore_setup();
        test_shell("echo f >replica/f");
        test_retire("f", 100);
        test_shell("mv .replica.rebackup replica/.rebackup; mkdir replica/d replica/d/.rebackup");
        restore_as_of("", 1);
        check_file("f", "f");
        check_file(".rebackup", NULL);
        ck_assert_str_eq(test_shell_line("ls -A out/d"), ".rebackup");
}
END_TEST

START_TEST(history) {
        _cleanup_(restore_pair_close) RestorePair pair = RESTORE_PAIR_NULL;
        _cleanup_(history_done) History h = HISTORY_NULL;
        char path[128], *error = NULL;
        usec_t newest;

        test_restore_setup();
        test_shell("mkdir replica/d; echo one >replica/d/f");
        test_retire("d/f", 100);
        test_shell("echo three >replica/d/f");
        test_retire("d/f", 200);
        test_retire("d", 300);
        (void) snprintf(path, sizeof path, "%s/replica", test_path);
        ck_assert_int_eq(restore_pair_open(path, NULL, &pair, &error), 0);

        TEST_OK(history_acquire(&pair, "d/f", &h));
        ck_assert_uint_eq(h.n_items, 2);
        ck_assert(!h.is_present);
        ck_assert_uint_eq(h.items[0].at, TEST_AT(100));
        ck_assert_uint_eq(h.items[0].stamp.size, 4);
        ck_assert_int_eq(h.items[0].reason, VERSION_REPLACED);
        ck_assert_uint_eq(h.items[1].stamp.size, 6);
        ck_assert_int_eq(h.items[1].reason, VERSION_REMOVED);
        history_done(&h);

        TEST_OK(history_acquire(&pair, "d", &h));
        ck_assert_uint_eq(h.n_items, 3);
        ck_assert_int_eq(h.items[0].reason, VERSION_BELOW);
        ck_assert_int_eq(h.items[2].reason, VERSION_REMOVED);
        history_done(&h);

        test_shell("mkdir replica/d");
        TEST_OK(history_acquire(&pair, "d", &h));
        ck_assert(h.is_present);
        ck_assert_int_eq(h.items[2].reason, VERSION_REPLACED);

        ck_assert_int_eq(restore_newest(&pair, "d/f", &newest, &error), 0);
        ck_assert_uint_eq(newest, TEST_AT(200));
        ck_assert_int_eq(restore_newest(&pair, "d", &newest, &error), 0);
        ck_assert_uint_eq(newest, TEST_AT(300));
        ck_assert_int_eq(restore_newest(&pair, "none", &newest, &error), RESTORE_NOT_FOUND);
        free(error);
}
END_TEST

/* Deeper than a path may be long, and than descriptors may be many. */
START_TEST(very_deep) {
        test_restore_setup();
        test_shell("perl -e 'chdir \"replica\" or die; my $n = \"x\" x 100; for (1..1500) "
                   "{ mkdir $n or die; chdir $n or die } open my $f, \">\", \"f\" or die; "
                   "print $f \"deep\\n\"'");
        test_retire(
                "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"
                "xxxxxxxxxxxxxxxx",
                100);
        TEST_OK(test_restore("", 1, "out", 0));
        ck_assert_uint_eq(test_told.counts[RESTORE_FAILED], 0);
        ck_assert_uint_eq(test_told.counts[RESTORE_DONE], 1502);
        ck_assert_str_eq(test_shell_line("perl -e 'chdir \"out\"; chdir \"x\" x 100 for 1..1500; "
                                         "exec \"cat\", \"f\"'"),
                         "deep");
}
END_TEST

int main(void) {
        TCase *tcase;
        Suite *suite = test_fs_suite("restore", &tcase);

        tcase_add_test(tcase, a_file_at_each_time);
        tcase_add_test(tcase, what_was_removed_is_gone_afterwards);
        tcase_add_test(tcase, a_directory_of_many_layers);
        tcase_add_test(tcase, a_directory_that_left_as_a_whole);
        tcase_add_test(tcase, types_that_changed);
        tcase_add_test(tcase, a_frame_without_a_directory);
        tcase_add_test(tcase, without_a_replica);
        tcase_add_test(tcase, the_store_is_no_part);
        tcase_add_test(tcase, history);
        tcase_add_test(tcase, very_deep);
        return test_fs_run(suite);
}
