/* What is done in the place that things are brought back to. */

#include <unistd.h>

#include "fs/attributes.h"
#include "test-restore.h"

/* Names, types, modes, owners, times, targets, sizes, contents, attributes and ACLs. */
static void check_same(const char *a, const char *b) {
        test_shell(
                "facts() { (cd $1; find . -printf '%%p %%y %%m %%U %%G %%T@ %%l %%s\\n' | sort; "
                "find . -type f -exec md5sum {} + | sort -k 2; "
                "find . -print0 | sort -z | xargs -0 getfattr -h -d -m -); }; facts %s >left; facts %s "
                ">right; test -s left",
                a, b);
        ck_assert_str_eq(test_shell_line("diff left right && echo same"), "same");
}

static void make_variety(void) {
        test_shell("mkdir -p replica/d/sub replica/d/empty; cd replica/d; echo file >file; "
                   "ln -s nowhere link; touch -h -d '2001-02-03 04:05:06.789012345' link; "
                   "mkfifo -m 640 fifo; ln file hard; ln fifo hard-fifo; ln link sub/hard-link; "
                   "truncate -s 8M sparse; echo x | dd of=sparse bs=1M seek=4 conv=notrunc "
                   "status=none; setfattr -n user.colour -v blue file; setfacl -m u:1234:rw file; "
                   "setfacl -d -m u:1234:rwx sub; "
                   "touch -d '1969-12-31 23:00:00.5' hard; chmod 4755 file");
        if (geteuid() == 0)
                test_shell("cd replica/d; mknod null c 1 3; chown 1234:5678 file sub; "
                           "chown -h 1234:5678 link; chmod 6755 file; "
                           "setfattr -n trusted.secret -v 42 file");
        test_shell("cd replica; touch -d '2010-10-10 10:10:10.101010101' d/sub d/empty d");
}

START_TEST(exactly) {
        test_restore_setup();
        make_variety();
        test_shell("cp -a replica/d wanted");
        test_retire("d", 100);
        ck_assert_int_eq(test_restore("d", 100, "out", 0), 0);
        ck_assert_uint_eq(test_told.counts[RESTORE_FAILED], 0);
        ck_assert_uint_eq(test_told.shortfalls, 0);
        check_same("wanted", "out/d");
        ck_assert_str_eq(test_shell_line("cd out/d; test file -ef hard -a fifo -ef hard-fifo && "
                                         "stat -c %%h link"),
                         "2");
        ck_assert_str_eq(test_shell_line("test $(stat -c %%b out/d/sparse) -lt 1000 && echo yes"),
                         "yes");

        /* Once more: everything is there. */
        ck_assert_int_eq(test_restore("d", 100, "out", 0), 0);
        ck_assert_uint_eq(test_told.counts[RESTORE_DONE] + test_told.counts[RESTORE_REPLACED] +
                                  test_told.counts[RESTORE_EXISTS],
                          0);
        ck_assert_int_eq(test_restore("d", 100, "out", TEST_FORCE), 0);
        ck_assert_uint_eq(test_told.counts[RESTORE_DONE] + test_told.counts[RESTORE_REPLACED] +
                                  test_told.counts[RESTORE_EXISTS],
                          0);
}
END_TEST

/* Some names of a group left, others are in the replica still. */
START_TEST(links_across_layers) {
        test_restore_setup();
        test_shell("mkdir replica/d; cd replica/d; echo one >a; ln a b; ln a c; echo other >o");
        test_retire("d/a", 100);
        test_retire("d/c", 200);
        ck_assert_int_eq(test_restore("d", 1, "out", 0), 0);
        ck_assert_str_eq(test_shell_line("cd out/d; test a -ef b -a a -ef c && stat -c %%h a"),
                         "3");
        ck_assert_int_eq(test_restore("d/a", 1, "single", 0), 0);
        ck_assert_str_eq(test_shell_line("stat -c %%h single/a"), "1");
}
END_TEST

START_TEST(to_the_source_with_its_parents) {
        test_restore_setup();
        test_shell("mkdir -p replica/d/e; echo f >replica/d/e/f; chmod 751 replica/d/e; chmod 700 "
                   "replica/d; touch -d 2001-01-01 replica/d");
        test_retire("d/e/f", 100);
        test_shell("touch -d 2001-01-01 replica/d/e");
        ck_assert_int_eq(test_restore("d/e/f", 1, NULL, 0), 0);
        ck_assert_str_eq(test_told.text, "restored d/e/f\nrestored d/e\nrestored d\n");
        ck_assert_str_eq(test_shell_line("cat source/d/e/f"), "f");
        ck_assert_str_eq(test_shell_line("stat -c '%%a %%Y' source/d/e"), "751 978307200");
        ck_assert_str_eq(test_shell_line("stat -c %%a source/d"), "700");

        /* Parents that exist stay as they are. */
        test_shell("rm source/d/e/f; chmod 711 source/d");
        ck_assert_int_eq(test_restore("d/e/f", 1, NULL, TEST_FORCE), 0);
        ck_assert_str_eq(test_told.text, "restored d/e/f\n");
        ck_assert_str_eq(test_shell_line("stat -c %%a source/d"), "711");

        /* What is not there at that time leaves no parents behind. */
        test_shell("rm -r source/d");
        ck_assert_int_eq(test_restore("d/e/f", 101, NULL, 0), RESTORE_NOT_FOUND);
        ck_assert_str_eq(test_shell_line("ls -A source"), "");
}
END_TEST

START_TEST(nothing_is_overwritten) {
        test_restore_setup();
        test_shell("mkdir -p replica/d; cd replica/d; echo a >a; echo b >b; mkdir dir; echo in "
                   ">dir/in; echo file >file; ln -s x link");
        test_retire("d", 100);
        test_shell("mkdir -p out/d/file; cd out/d; echo mine >a; echo mine >dir; echo in >file/in; "
                   "ln -s y link; chmod 711 .; touch -d 2001-01-01 . a");

        ck_assert_int_eq(test_restore("d", 1, "out", 0), 0);
        ck_assert_str_eq(test_told.text, "exists d/a\nrestored d/b\nexists d/dir\nexists d/file\n"
                                         "exists d/link\n");
        ck_assert_str_eq(
                test_shell_line("cd out/d; cat a dir file/in | tr '\\n' ' '; readlink link"),
                "mine mine in y");
        ck_assert_str_eq(test_shell_line("stat -c %%a out/d"), "711");

        ck_assert_int_eq(test_restore("d", 1, "out", TEST_FORCE | TEST_DRY_RUN), 0);
        ck_assert_str_eq(test_shell_line("cat out/d/a"), "mine");
        ck_assert_uint_eq(test_told.counts[RESTORE_REPLACED], 5);

        ck_assert_int_eq(test_restore("d", 1, "out", TEST_FORCE), 0);
        ck_assert_str_eq(test_told.text,
                         "replaced d/a\nunchanged d/b\nrestored d/dir/in\nreplaced d/dir\n"
                         "replaced d/file\nreplaced d/link\nreplaced d\n");
        ck_assert_str_eq(
                test_shell_line("cd out/d; cat a dir/in file | tr '\\n' ' '; readlink link"),
                "a in file x");
        ck_assert_str_eq(test_shell_line("ls -A out/d | tr '\\n' ' '"), "a b dir file link ");
        ck_assert_str_eq(test_shell_line("stat -c %%a out/d"), "755");
}
END_TEST

/* Same size, same time, other content. */
START_TEST(content_decides) {
        test_restore_setup();
        test_shell("echo good >replica/f; touch -d 2001-01-01 replica/f");
        test_retire("f", 100);
        test_shell("mkdir out; echo evil >out/f; touch -d 2001-01-01 out/f");
        ck_assert_int_eq(test_restore("f", 1, "out", 0), 0);
        ck_assert_str_eq(test_told.text, "exists f\n");
        ck_assert_int_eq(test_restore("f", 1, "out", TEST_FORCE), 0);
        ck_assert_str_eq(test_shell_line("cat out/f"), "good");

        /* And so do attributes. */
        test_shell("setfattr -n user.colour -v blue out/f; touch -d 2001-01-01 out/f");
        ck_assert_int_eq(test_restore("f", 1, "out", 0), 0);
        ck_assert_str_eq(test_told.text, "exists f\n");
}
END_TEST

/* Wherever it is interrupted: nothing half made stays. */
START_TEST(interrupted) {
        test_restore_setup();
        test_shell("mkdir replica/d; cd replica/d; mkdir sub; head -c 20000000 /dev/zero >large; "
                   "ln large sub/large; echo x >x");
        test_retire("d", 100);
        for (unsigned patience = 1;; patience++) {
                int r;

                test_patience = patience;
                r = test_restore("d", 1, "out", 0);
                if (r == 0)
                        break;
                ck_assert_int_eq(r, -EINTR);
                ck_assert_uint_lt(patience, 100);
                ck_assert_str_eq(test_shell_line("find out -name '.restore-*' -o -name large -size "
                                                 "-20000000c"),
                                 "");
                test_shell("rm -rf out");
        }
        ck_assert_uint_gt(test_told.counts[RESTORE_DONE], 0);
}
END_TEST

START_TEST(force_makes_links_again) {
        test_restore_setup();
        test_shell("mkdir replica/d; cd replica/d; echo one >a; ln a b");
        test_retire("d", 100);
        test_shell("mkdir -p out/d; cp -a .replica.rebackup/versions/*/d/a out/d/a; cp -a out/d/a "
                   "out/d/b");
        ck_assert_int_eq(test_restore("d", 1, "out", 0), 0);
        ck_assert_str_eq(test_told.text, "unchanged d/a\nunchanged d/b\n");
        ck_assert_int_eq(test_restore("d", 1, "out", TEST_FORCE), 0);
        ck_assert_str_eq(test_shell_line("test out/d/a -ef out/d/b && ls -A out/d | wc -l"), "2");
}
END_TEST

START_TEST(a_dry_run_changes_nothing) {
        test_restore_setup();
        test_shell("mkdir -p replica/d/e; echo f >replica/d/e/f; ln replica/d/e/f replica/d/g");
        test_retire("d", 100);
        ck_assert_int_eq(test_restore("d", 1, "out", TEST_DRY_RUN), 0);
        ck_assert_str_eq(test_told.text,
                         "restored d/e/f\nrestored d/e\nrestored d/g\nrestored d\n");
        ck_assert_str_eq(test_shell_line("ls"), "replica");
        test_shell("mkdir out; echo in the way >out/d");
        ck_assert_int_eq(test_restore("d", 1, "out", TEST_DRY_RUN), 0);
        ck_assert_str_eq(test_told.text, "exists d\n");
        ck_assert_int_eq(test_restore("d", 1, "out", TEST_DRY_RUN | TEST_FORCE), 0);
        ck_assert_str_eq(test_told.text,
                         "restored d/e/f\nrestored d/e\nrestored d/g\nreplaced d\n");
        ck_assert_str_eq(test_shell_line("cat out/d"), "in the way");
}
END_TEST

START_TEST(the_root_itself) {
        test_restore_setup();
        test_shell("echo f >replica/f; chmod 750 replica; touch -d 2001-01-01 replica");
        ck_assert_int_eq(test_restore("", 1, "out", 0), 0);
        ck_assert_str_eq(test_shell_line("stat -c '%%a %%Y' out; cat out/f"), "750 978307200");
        test_shell("chmod 700 source");
        ck_assert_int_eq(test_restore("", 1, NULL, 0), 0);
        ck_assert_str_eq(test_shell_line("stat -c %%a source"), "700");
        ck_assert_int_eq(test_restore("", 1, NULL, TEST_FORCE), 0);
        ck_assert_str_eq(test_shell_line("stat -c %%a source"), "750");
}
END_TEST

/* vfat takes neither links nor owners, and tells what is missing. */
START_TEST(a_poor_target) {
        int fd;

        test_restore_setup();
        fd = test_mount("vfat", "fat");
        if (fd < 0)
                return;
        (void) close(fd);
        test_shell(
                "mkdir replica/d; cd replica/d; echo one >a; ln a b; ln -s x link; chown 1234 a; "
                "mkdir sub; echo s >sub/s");
        test_retire("d", 100);
        ck_assert_int_eq(test_restore("d", 1, "fat", 0), 0);
        ck_assert_str_eq(test_shell_line("cd fat/d; cat a b sub/s | tr '\\n' ' '"), "one one s ");
        ck_assert_uint_eq(test_told.counts[RESTORE_FAILED], 1);
        ck_assert_int_eq(test_told.error, -EOPNOTSUPP);
        ck_assert(test_told.shortfalls & SHORTFALL_OWNER);
        ck_assert(test_told.shortfalls & SHORTFALL_HARD_LINK);
        test_unmount("fat");
}
END_TEST

int main(void) {
        TCase *tcase;
        Suite *suite = test_fs_suite("restore-target", &tcase);

        tcase_add_test(tcase, exactly);
        tcase_add_test(tcase, links_across_layers);
        tcase_add_test(tcase, to_the_source_with_its_parents);
        tcase_add_test(tcase, nothing_is_overwritten);
        tcase_add_test(tcase, content_decides);
        tcase_add_test(tcase, interrupted);
        tcase_add_test(tcase, force_makes_links_again);
        tcase_add_test(tcase, a_dry_run_changes_nothing);
        tcase_add_test(tcase, the_root_itself);
        tcase_add_test(tcase, a_poor_target);
        return test_fs_run(suite);
}
