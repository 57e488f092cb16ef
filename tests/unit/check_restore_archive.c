/* Archives, read back by tar(1) and bsdtar(1). */

#include <sys/stat.h>
#include <unistd.h>

#include "test-restore.h"

/* Names, types, modes, owners, times, link counts, targets, sizes, contents, attributes and ACLs.
 */
static void check_same(const char *a, const char *b) {
        test_shell("facts() { (cd $1; find . -printf '%%p %%y %%m %%U %%G %%T@ %%l %%s\\n' | sort; "
                   "find . -type f -printf '%%p %%n\\n' | sort; "
                   "find . -type f -exec md5sum {} + | sort -k 2; "
                   "find . -print0 | sort -z | xargs -0 getfattr -h -d -m -); }; "
                   "facts %s >left; facts %s >right; test -s left",
                   a, b);
        ck_assert_str_eq(test_shell_line("diff left right && echo same"), "same");
}

static void make_variety(void) {
        test_shell(
                "mkdir -p replica/d/sub replica/d/empty; cd replica/d; echo file >file; : >none; "
                "ln -s nowhere link; touch -h -d '2001-02-03 04:05:06.789012345' link; "
                "mkfifo -m 640 fifo; ln file hard; head -c 700000 /dev/urandom >large; "
                "truncate -s 8M hole; truncate -s 8M sparse; echo x | dd of=sparse bs=1M seek=4 "
                "conv=notrunc status=none; head -c 300000 /dev/urandom | dd of=tail bs=1M seek=3 "
                "status=none; setfattr -n user.colour -v blue file; setfacl -m "
                "u:1234:rw,g:77:r,m::r file; setfacl -d -m u:1234:rwx sub; "
                "touch -d '1969-12-31 23:00:00.5' hard; "
                "touch $(printf 'caf\\303\\251 cafe\\314\\201 bad\\377'); "
                "touch \"$(printf '%%0200d' 1)\"; "
                "ln -s \"$(printf '%%0300d' 1)\" sub/long");
        if (geteuid() == 0)
                test_shell("cd replica/d; mknod null c 1 3; chown 1234:5678 large sub; "
                           "chown -h 3000000:5678 link; chmod 6755 large; "
                           "setfattr -n trusted.secret -v 42 large");
        test_shell("cd replica; touch -d '2010-10-10 10:10:10.101010101' d/sub d/empty d");
}

START_TEST(read_by_bsdtar) {
        test_restore_setup();
        make_variety();
        test_shell("cp -a replica/d wanted");
        /* bsdtar takes names for one that differ in their composition alone. */
        test_shell("rm replica/d/cafe*; touch -r wanted replica/d; rm -r wanted; cp -a replica/d "
                   "wanted");
        test_retire("d/large", 100);
        test_shell("touch -r wanted replica/d");
        ck_assert_int_eq(test_restore_archive("d", 100), 0);
        ck_assert_uint_eq(test_told.counts[RESTORE_FAILED], 0);
        test_shell("mkdir out; bsdtar -x -p --numeric-owner --acls --xattrs -f archive -C out");
        check_same("wanted", "out/d");
        ck_assert_str_eq(test_shell_line("test out/d/file -ef out/d/hard && echo linked"),
                         "linked");
}
END_TEST

START_TEST(read_by_tar) {
        test_restore_setup();
        make_variety();
        /* Of times before 1970 with a fraction tar and libarchive think differently. */
        test_shell("touch -d '1969-12-31 23:00:00' replica/d/hard; cp -a replica/d wanted");
        test_retire("d", 100);
        ck_assert_int_eq(test_restore_archive("d", 100), 0);
        test_shell("mkdir out; tar -x -p --numeric-owner --acls --xattrs --xattrs-include='*' "
                   "-f archive -C out 2>messages || { cat messages >&2; false; }");
        check_same("wanted", "out/d");
        ck_assert_str_eq(test_shell_line("test $(stat -c %%s archive) -lt 3000000 && echo small"),
                         "small");
        ck_assert_str_eq(
                test_shell_line("test $(stat -c %%b out/d/sparse) -lt 1000 && echo sparse"),
                "sparse");
}
END_TEST

START_TEST(names) {
        test_restore_setup();
        test_shell("mkdir -p replica/a/b; echo c >replica/a/b/c");
        test_retire("a", 100);
        ck_assert_int_eq(test_restore_archive("a/b/c", 100), 0);
        ck_assert_str_eq(test_shell_line("tar tf archive | tr '\\n' ' '"), "c ");
        ck_assert_int_eq(test_restore_archive("a/b", 100), 0);
        ck_assert_str_eq(test_shell_line("tar tf archive | tr '\\n' ' '"), "b/ b/c ");
        ck_assert_int_eq(test_restore_archive("", 100), 0);
        ck_assert_str_eq(test_shell_line("tar tf archive | tr '\\n' ' '"), "./ a/ a/b/ a/b/c ");
        ck_assert_int_eq(test_restore_archive("a", 101), RESTORE_NOT_FOUND);
}
END_TEST

/* What an archive cannot hold is told of, and the rest is whole. */
START_TEST(a_socket) {
        test_restore_setup();
        test_shell("mkdir replica/d; echo a >replica/d/a; echo z >replica/d/z");
        TEST_SYS(mknodat(test_fd, "replica/d/socket", S_IFSOCK | 0600, 0));
        test_retire("d", 100);
        ck_assert_int_eq(test_restore_archive("d", 100), 0);
        ck_assert_uint_eq(test_told.counts[RESTORE_FAILED], 1);
        ck_assert_ptr_nonnull(strstr(test_told.text, "failed d/socket\n"));
        ck_assert_str_eq(test_shell_line("tar xOf archive d/z"), "z");
}
END_TEST

int main(void) {
        TCase *tcase;
        Suite *suite = test_fs_suite("restore-archive", &tcase);

        tcase_add_test(tcase, read_by_bsdtar);
        tcase_add_test(tcase, read_by_tar);
        tcase_add_test(tcase, names);
        tcase_add_test(tcase, a_socket);
        return test_fs_run(suite);
}
