/* Links and other things that somebody put where nobody should go. */

#include <stdio.h>
#include <string.h>

#include "test-restore.h"

static void check_outside_untouched(void) {
        ck_assert_str_eq(test_shell_line("cd outside; ls -A | tr '\\n' ' '; cat secret"),
                         "secret untouched");
}

static void make_outside(void) {
        test_restore_setup();
        test_shell("mkdir outside; echo untouched >outside/secret");
}

START_TEST(a_link_in_the_target) {
        make_outside();
        test_shell("mkdir -p replica/d/e; echo f >replica/d/e/f; echo s >replica/d/e/secret");
        test_retire("d", 100);

        /* Above what is restored, in it, and as the file itself. */
        test_shell("ln -s ../outside source/d");
        ck_assert_int_eq(test_restore("d/e/f", 1, NULL, TEST_FORCE), 0);
        ck_assert_str_eq(test_told.text, "exists d\n");
        ck_assert_int_eq(test_restore("d", 1, NULL, 0), 0);
        ck_assert_str_eq(test_told.text, "exists d\n");
        check_outside_untouched();

        test_shell("rm source/d; mkdir source/d; ln -s ../../outside source/d/e");
        ck_assert_int_eq(test_restore("d", 1, NULL, 0), 0);
        ck_assert_str_eq(test_told.text, "exists d/e\n");
        check_outside_untouched();
        ck_assert_int_eq(test_restore("d", 1, NULL, TEST_FORCE), 0);
        check_outside_untouched();
        ck_assert_str_eq(test_shell_line("cat source/d/e/f"), "f");

        test_shell("ln -sf ../../../outside/secret source/d/e/secret");
        ck_assert_int_eq(test_restore("d", 1, NULL, TEST_FORCE), 0);
        check_outside_untouched();
        ck_assert_str_eq(test_shell_line("cat source/d/e/secret"), "s");
}
END_TEST

START_TEST(a_link_in_the_replica) {
        make_outside();
        test_shell("ln -s ../outside replica/d; mkdir replica/e; echo f >replica/e/f");
        test_retire("e/f", 100);
        ck_assert_int_eq(test_restore("d/secret", 1, "out", 0), RESTORE_NOT_FOUND);
        ck_assert_int_eq(test_restore("d", 1, "out", 0), 0);
        ck_assert_str_eq(test_shell_line("readlink out/d"), "../outside");

        /* Where the directory was. */
        test_shell("rmdir replica/e; ln -s ../outside replica/e; rm -r out");
        ck_assert_int_eq(test_restore("e", 1, "out", 0), 0);
        ck_assert_str_eq(test_shell_line("ls -A out/e"), "f");
        check_outside_untouched();
}
END_TEST

START_TEST(a_link_in_the_versions) {
        make_outside();
        test_shell("mkdir replica/d; echo f >replica/d/f");
        test_retire("d", 100);
        test_shell("cd .replica.rebackup/versions/*/; mv d real; ln -s ../../../outside d");
        ck_assert_int_eq(test_restore("d/secret", 1, "out", 0), RESTORE_NOT_FOUND);
        ck_assert_int_eq(test_restore("", 1, "out", 0), 0);
        ck_assert_str_eq(test_shell_line("readlink out/d"), "../../../outside");
        check_outside_untouched();

        /* The time itself. */
        test_shell("cd .replica.rebackup/versions; mv * ../time; ln -s ../../outside "
                   "1970-01-01T00:01:40.000Z; rm -r ../../out");
        ck_assert_int_eq(test_restore("secret", 1, "out", 0), RESTORE_NOT_FOUND);
        check_outside_untouched();
}
END_TEST

/* A name that is a FIFO now must not be waited for, nor a device opened. */
START_TEST(a_fifo) {
        make_outside();
        test_shell("mkfifo replica/f; mkdir source/f");
        ck_assert_int_eq(test_restore("f", 1, "out", 0), 0);
        ck_assert_str_eq(test_shell_line("stat -c %%F out/f"), "fifo");
        test_shell("rm out/f; mkfifo out/f; chmod 600 out/f");
        ck_assert_int_eq(test_restore("f", 1, "out", 0), 0);
        ck_assert_uint_eq(test_told.counts[RESTORE_EXISTS], 1);
}
END_TEST

static void swap_directories(const RestoreEvent *event) {
        if (strcmp(event->path, "d/sub/x") == 0)
                TEST_SYS(renameat2(test_fd, "out/private", test_fd, "out/d", RENAME_EXCHANGE));
}

/* Somebody swaps the directory that is being filled for another one, which must get neither content
 * nor owner nor mode. */
START_TEST(a_directory_that_is_swapped) {
        make_outside();
        test_shell("mkdir -p replica/d/sub; cd replica/d; touch 1 2 sub/x z; chmod 777 .");
        test_retire("d", 100);
        test_shell("mkdir out; mkdir -m 700 out/private; touch out/private/x");
        test_on_event = swap_directories;
        ck_assert_int_eq(test_restore("d", 1, "out", 0), 0);
        ck_assert_str_eq(test_told.text,
                         "restored d/1\nrestored d/2\nrestored d/sub/x\nfailed d/sub\nfailed d/z\n"
                         "failed d\n");
        ck_assert_int_eq(test_told.error, -ESTALE);
        ck_assert_str_eq(test_shell_line("cd out/d; stat -c %%a . | tr '\\n' ' '; ls -A"), "700 x");
}
END_TEST

int main(void) {
        TCase *tcase;
        Suite *suite = test_fs_suite("restore-hostile", &tcase);

        tcase_add_test(tcase, a_link_in_the_target);
        tcase_add_test(tcase, a_link_in_the_replica);
        tcase_add_test(tcase, a_link_in_the_versions);
        tcase_add_test(tcase, a_fifo);
        tcase_add_test(tcase, a_directory_that_is_swapped);
        return test_fs_run(suite);
}
