/* Entries and frames: how they make room for one another, and what is found where. */

#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "basic/macros.h"
#include "test-versions.h"

/* What comes at the same time in the place of a frame takes it. */
START_TEST(entry_in_the_place_of_a_frame) {
        Versions *versions;

        ck_assert(test_store(NULL));
        versions = test_versions();

        test_keep_file(versions, "d/e/file", AT, "below");
        test_keep_directory(versions, "d", AT, "d");
        test_expect_content(AT_NAME "/d/inside", "d");
        test_expect_content(AT_NAME "/d.1/e/file", "below");
        TEST_EXPECT_KINDS(versions, VERSION_ENTRY, "d", "d/inside", "d.1/e/file");
        TEST_EXPECT_KINDS(versions, VERSION_FRAME, "d.1", "d.1/e");

        /* What comes below it later stays out of what was retired. */
        test_keep_file(versions, "d/e/file", AT, "later");
        test_keep_file(versions, "d/inside", AT, "later");
        test_expect_content(AT_NAME "/d/inside", "d");
        test_expect_content(AT_NAME "/d.1/e/file.1", "later");
        test_expect_content(AT_NAME "/d.1/inside", "later");
        test_expect_missing(AT_NAME "/d/e");

        test_keep_directory(versions, "d/e", LATER, "e");
        test_expect_content(LATER_NAME "/d/e/inside", "e");
        test_expect_staging_empty();
        versions_close(versions);
}
END_TEST

START_TEST(frame_in_the_place_of_an_entry) {
        Versions *versions;

        ck_assert(test_store(NULL));
        versions = test_versions();

        test_keep_directory(versions, "d", AT, "d");
        test_keep_file(versions, "f", AT, "f");
        TEST_SYS(symlinkat("d", test_staging_fd, "1"));
        TEST_OK(versions_keep(versions, test_staging_fd, "1", "l", AT));
        for (int i = 0; i < 3; i++) {
                test_keep_file(versions, "d/inside", AT, "below");
                test_keep_file(versions, "f/x", AT, "below");
                test_keep_file(versions, "l/x", AT, "below");
        }
        ck_assert_uint_eq(test_count_entries("versions/" AT_NAME "/d"), 2);
        ck_assert_uint_eq(test_count_entries("versions/" AT_NAME "/d.1"), 4);
        ck_assert_uint_eq(test_count_entries("versions/" AT_NAME "/f.1"), 4);
        ck_assert_uint_eq(test_count_entries("versions/" AT_NAME "/l.1"), 4);
        test_expect_content(AT_NAME "/d/inside", "d");
        TEST_EXPECT_KINDS(versions, VERSION_ENTRY, "d", "f", "l", "d/inside");
        TEST_EXPECT_KINDS(versions, VERSION_NONE, "f/x", "l/x", "l/inside");

        /* Not so where the same path was no entry. */
        test_keep_file(versions, "d/inside", LATER, "below");
        test_expect_content(LATER_NAME "/d/inside", "below");
        test_expect_staging_empty();
        versions_close(versions);
}
END_TEST

START_TEST(find_gives_a_descriptor) {
        int fd = -1, time_fd;
        struct stat found, there;
        Versions *versions;

        ck_assert(test_store(NULL));
        versions = test_versions();
        test_keep_directory(versions, "a/d", AT, "x");
        TEST_SYS(symlinkat("d", test_staging_fd, "1"));
        TEST_OK(versions_keep(versions, test_staging_fd, "1", "a/link", AT));

        ck_assert_int_eq(versions_find(versions, AT, "a/d", &fd), VERSION_ENTRY);
        TEST_SYS(fstat(fd, &found));
        there = test_status(AT_NAME "/a/d");
        ck_assert_uint_eq(found.st_ino, there.st_ino);
        ck_assert_int_eq(fcntl(fd, F_GETFL) & O_PATH, O_PATH);
        ck_assert_int_eq(fcntl(fd, F_GETFD), FD_CLOEXEC);
        (void) close(fd);

        ck_assert_int_eq(versions_find(versions, AT, "a/link", &fd), VERSION_ENTRY);
        TEST_SYS(fstat(fd, &found));
        ck_assert_uint_eq(found.st_mode & S_IFMT, S_IFLNK);
        (void) close(fd);
        ck_assert_int_eq(versions_find(versions, AT, "a/link/inside", &fd), VERSION_NONE);
        ck_assert_int_eq(fd, -EBADF);

        /* The root of all paths. */
        ck_assert_int_eq(versions_find(versions, AT, "", &time_fd), VERSION_FRAME);
        (void) close(time_fd);
        ck_assert_int_eq(versions_find(versions, LATER, "", &time_fd), VERSION_NONE);
        ck_assert_int_eq(versions_find(versions, LATER, "a/d", NULL), VERSION_NONE);

        ck_assert_int_eq(versions_find(versions, AT, "a/../a/d", &fd), -EINVAL);
        ck_assert_int_eq(versions_find(versions, AT, "a//d", &fd), -EINVAL);
        ck_assert_int_eq(versions_find(versions, AT, "/a", &fd), -EINVAL);
        versions_close(versions);
}
END_TEST

/* Frames that are none: their owner, or whoever may write into them, gave them the mark; or they
 * are those of another store that was mirrored. */
START_TEST(forged_frames) {
        static const char *const names[] = { "of-nobody", "open", "whole/copied" };
        Versions *versions;

        ck_assert(test_store(NULL));
        if (geteuid() != 0) {
                test_skip("owners can only be given by root");
                return;
        }
        versions = test_versions();

        test_keep_directory(versions, "of-nobody", AT, "x");
        test_keep_directory(versions, "open", AT, "x");
        test_keep_directory(versions, "whole", AT, "x");
        test_keep_file(versions, "real/x", AT, "x");
        TEST_SYS(mkdir(test_versions_path(AT_NAME "/whole/copied"), 0700));
        TEST_SYS(chown(test_versions_path(AT_NAME "/of-nobody"), 65534, 65534));
        TEST_SYS(chmod(test_versions_path(AT_NAME "/open"), 0707));
        for (size_t i = 0; i < ELEMENTSOF(names); i++) {
                char path[64];

                (void) snprintf(path, sizeof(path), AT_NAME "/%s", names[i]);
                TEST_SYS(setxattr(test_versions_path(path), FRAME, "1", 1, 0));
                ck_assert_int_eq(test_find(versions, names[i]), VERSION_ENTRY);
        }

        ck_assert_int_eq(test_find(versions, "real"), VERSION_FRAME);
        TEST_SYS(setxattr(test_versions_path(AT_NAME "/real"), FRAME, "10", 2, 0));
        ck_assert_int_eq(test_find(versions, "real"), VERSION_ENTRY);

        test_keep_file(versions, "of-nobody/x", AT, "below");
        test_expect_content(AT_NAME "/of-nobody.1/x", "below");
        test_expect_missing(AT_NAME "/of-nobody/x");
        versions_close(versions);
}
END_TEST

/* Where frames have no mark, what is somebody else's still is none. */
START_TEST(unmarked_frames) {
        char path[256];
        Versions *versions;

        if (geteuid() != 0 || !test_store(test_file_systems[N_TEST_FILE_SYSTEMS - 1]))
                return;
        versions = test_versions();
        test_keep_directory(versions, "d", AT, "x");
        (void) snprintf(path, sizeof(path), "%s/disk/store/versions/" AT_NAME "/d", test_path);
        TEST_SYS(chown(path, 65534, 65534));
        for (unsigned i = 0; i < 3; i++) {
                test_keep_file(versions, "d/file", AT, "below");
                test_keep_file(versions, "e/file", AT, "beside");
        }
        test_expect_missing(AT_NAME "/d/file");
        test_expect_content(AT_NAME "/d.1/file.2", "below");
        versions_close(versions);
}
END_TEST

int main(void) {
        TCase *tcase;
        Suite *suite = test_fs_suite("versions-frames", &tcase);

        tcase_add_test(tcase, entry_in_the_place_of_a_frame);
        tcase_add_test(tcase, frame_in_the_place_of_an_entry);
        tcase_add_test(tcase, find_gives_a_descriptor);
        tcase_add_test(tcase, forged_frames);
        tcase_add_test(tcase, unmarked_frames);
        return test_fs_run(suite);
}
