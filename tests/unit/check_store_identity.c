#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "basic/macros.h"
#include "state/store.h"
#include "test-fs.h"

#define PAIR_ID "0123456789abcdef0123456789abcdef"

static const StoreIdentity example = {
        .pair_id = (char *) PAIR_ID,
        .source = (char *) "/srv/photos",
        .replica = (char *) "/mnt/backup/photos",
        .source_file_system = { "ext4:uuid=1" },
        .replica_file_system = { "xfs:uuid=2" },
        .source_inode = 2,
        .replica_inode = UINT64_MAX,
};

static const char example_text[] = "FORMAT=1\n"
                                   "PAIR_ID=" PAIR_ID "\n"
                                   "SOURCE=/srv/photos\n"
                                   "REPLICA=/mnt/backup/photos\n"
                                   "SOURCE_FILE_SYSTEM=ext4:uuid=1\n"
                                   "REPLICA_FILE_SYSTEM=xfs:uuid=2\n"
                                   "SOURCE_INODE=2\n"
                                   "REPLICA_INODE=18446744073709551615\n";

static void write_text(const char *text, size_t size) {
        (void) unlinkat(test_fd, "identity", 0);
        (void) close(test_file(test_fd, "identity", text, size));
}

static int load(StoreIdentity *ret) {
        return store_identity_load(test_fd, "identity", ret);
}

static void expect_equal(const StoreIdentity *a, const StoreIdentity *b) {
        ck_assert_str_eq(a->pair_id, b->pair_id);
        ck_assert_str_eq(a->source, b->source);
        ck_assert_str_eq(a->replica, b->replica);
        ck_assert_str_eq(a->source_file_system.text, b->source_file_system.text);
        ck_assert_str_eq(a->replica_file_system.text, b->replica_file_system.text);
        ck_assert_uint_eq(a->source_inode, b->source_inode);
        ck_assert_uint_eq(a->replica_inode, b->replica_inode);
}

START_TEST(text_of_file) {
        char buffer[sizeof example_text + 1] = {};
        struct stat st;
        int fd;

        TEST_OK(store_identity_save(test_fd, "identity", &example));
        fd = TEST_SYS(openat(test_fd, "identity", O_RDONLY | O_CLOEXEC));
        TEST_SYS(read(fd, buffer, sizeof buffer - 1));
        ck_assert_str_eq(buffer, example_text);
        TEST_SYS(fstat(fd, &st));
        ck_assert_uint_eq(st.st_mode & 07777, 0600);
        (void) close(fd);
        ck_assert_int_lt(faccessat(test_fd, "identity.new", F_OK, 0), 0);
}
END_TEST

START_TEST(saved_and_loaded) {
        static const char *const paths[] = { "/",       "/a=b",     "/a\nb\\x0a", "/\x01\x7f\t\r",
                                             "/ö \xff", "/#;\"'$%", "/\\",        "/ trailing " };
        StoreIdentity identity = example, loaded;

        for (size_t i = 0; i < ELEMENTSOF(paths); i++) {
                identity.source = (char *) paths[i];
                identity.replica = (char *) paths[ELEMENTSOF(paths) - 1 - i];
                memset(identity.source_file_system.text, 'x', FILE_SYSTEM_ID_MAX - 1);
                identity.source_file_system.text[FILE_SYSTEM_ID_MAX - 1] = '\0';
                identity.replica_file_system.text[0] = '\0';
                TEST_OK(store_identity_save(test_fd, "identity", &identity));
                TEST_OK(load(&loaded));
                expect_equal(&loaded, &identity);
                store_identity_done(&loaded);
        }
}
END_TEST

START_TEST(long_paths) {
        char path[20000] = "/";
        StoreIdentity identity = example, loaded;

        memset(path + 1, '\n', sizeof path - 2);
        identity.source = path;
        TEST_OK(store_identity_save(test_fd, "identity", &identity));
        TEST_OK(load(&loaded));
        expect_equal(&loaded, &identity);
        store_identity_done(&loaded);
}
END_TEST

START_TEST(any_order) {
        static const char text[] = "FORMAT=1\n"
                                   "REPLICA_INODE=18446744073709551615\n"
                                   "SOURCE_INODE=2\n"
                                   "REPLICA_FILE_SYSTEM=xfs:uuid=2\n"
                                   "SOURCE_FILE_SYSTEM=ext4:uuid=1\n"
                                   "REPLICA=/mnt/\\x62ackup/photos\n"
                                   "SOURCE=/srv/photos\n"
                                   "PAIR_ID=" PAIR_ID "\n";
        StoreIdentity loaded;

        write_text(text, strlen(text));
        TEST_OK(load(&loaded));
        expect_equal(&loaded, &example);
        store_identity_done(&loaded);
}
END_TEST

/* Every beginning of a good file is recognised as cut off. */
START_TEST(cut_off) {
        StoreIdentity loaded = {};

        for (size_t n = 0; n < sizeof example_text - 1; n++) {
                write_text(example_text, n);
                ck_assert_int_eq(load(&loaded), -EBADMSG);
        }
        ck_assert_ptr_null(loaded.source);
        write_text(example_text, sizeof example_text - 1);
        TEST_OK(load(&loaded));
        store_identity_done(&loaded);
}
END_TEST

/* A fact that is left out when there is nothing to say. */
START_TEST(mount_points) {
        StoreIdentity identity = example, loaded = {};

        identity.mount_points = MOUNT_POINT_SOURCE | MOUNT_POINT_REPLICA;
        TEST_OK(store_identity_save(test_fd, "identity", &identity));
        TEST_OK(load(&loaded));
        ck_assert_uint_eq(loaded.mount_points, 3);
        store_identity_done(&loaded);
        TEST_OK(store_identity_save(test_fd, "identity", &example));
        TEST_OK(load(&loaded));
        ck_assert_uint_eq(loaded.mount_points, 0);
        store_identity_done(&loaded);
}
END_TEST

/* What is put in place of a line of the example. */
static const struct BadCase {
        const char *line, *instead;
} bad_cases[] = {
        { "FORMAT=1\n", "FORMAT=2\n" },
        { "FORMAT=1\n", "" },
        { "FORMAT=1\n", "FORMAT=1\nFORMAT=1\n" },
        { "FORMAT=1\n", "\nFORMAT=1\n" },
        { "SOURCE_INODE=2\n", "SOURCE_INODE=2\nSOURCE_INODE=2\n" },
        { "SOURCE_INODE=2\n", "SOURCE_INODE=\n" },
        { "SOURCE_INODE=2\n", "SOURCE_INODE=-2\n" },
        { "SOURCE_INODE=2\n", "SOURCE_INODE=2x\n" },
        { "SOURCE_INODE=2\n", "SOURCE_INODE=18446744073709551616\n" },
        { "SOURCE_INODE=2\n", "SOURCE_INODE=99999999999999999999999\n" },
        { "SOURCE_INODE=2\n", "SOURCE_INODE\n" },
        { "SOURCE_INODE=2\n", "SOURCE_INODE=2\nCOLOUR=red\n" },
        { "SOURCE_INODE=2\n", "SOURCE_INODE=2\nMOUNT_POINTS=x\n" },
        { "SOURCE_INODE=2\n", "SOURCE_INODE=2\nMOUNT_POINTS=1\nMOUNT_POINTS=1\n" },
        { "SOURCE_INODE=2\n", "SOURCE_INODE=2\n\n" },
        { "PAIR_ID=" PAIR_ID, "PAIR_ID=" },
        { "PAIR_ID=" PAIR_ID, "PAIR_ID=" PAIR_ID "0" },
        { "PAIR_ID=" PAIR_ID, "PAIR_ID=0123456789ABCDEF0123456789abcdef" },
        { "/srv/photos", "/srv/\\" },
        { "/srv/photos", "/srv/\\x" },
        { "/srv/photos", "/srv/\\x1" },
        { "/srv/photos", "/srv/\\x1g" },
        { "/srv/photos", "/srv/\\x00" },
        { "/srv/photos", "/srv/\\n" },
};

START_TEST(bad) {
        const struct BadCase *c = &bad_cases[_i];
        const char *at = strstr(example_text, c->line);
        char text[1024];
        StoreIdentity loaded = {};

        ck_assert_ptr_nonnull(at);
        (void) snprintf(text, sizeof text, "%.*s%s%s", (int) (at - example_text), example_text,
                        c->instead, at + strlen(c->line));
        write_text(text, strlen(text));
        ck_assert_int_eq(load(&loaded), -EBADMSG);
        ck_assert_ptr_null(loaded.source);
}
END_TEST

START_TEST(not_a_file_of_ours) {
        char text[sizeof example_text] = {};
        StoreIdentity loaded = {};
        char *large;

        ck_assert_int_eq(load(&loaded), -ENOENT);

        /* A NUL hides nothing. */
        memcpy(text, example_text, sizeof example_text - 1);
        write_text(text, sizeof text);
        ck_assert_int_eq(load(&loaded), -EBADMSG);

        large = calloc(1, 1 << 20);
        write_text(large, 1 << 20);
        free(large);
        ck_assert_int_eq(load(&loaded), -EBADMSG);

        TEST_SYS(unlinkat(test_fd, "identity", 0));
        TEST_SYS(mkfifoat(test_fd, "identity", 0600));
        ck_assert_int_eq(load(&loaded), -EBADMSG);
        TEST_SYS(unlinkat(test_fd, "identity", 0));
        TEST_SYS(symlinkat("/etc/passwd", test_fd, "identity"));
        ck_assert_int_eq(load(&loaded), -ELOOP);
        TEST_SYS(unlinkat(test_fd, "identity", 0));
        TEST_SYS(mkdirat(test_fd, "identity", 0700));
        ck_assert_int_eq(load(&loaded), -EBADMSG);
        ck_assert_int_lt(store_identity_save(test_fd, "identity", &example), 0);
        ck_assert_int_lt(faccessat(test_fd, "identity.new", F_OK, 0), 0);
}
END_TEST

/* What an interrupted writing left, be it a trap, is not in the way. */
START_TEST(leftover) {
        StoreIdentity loaded;

        (void) close(test_file(test_fd, "victim", "x", 1));
        TEST_SYS(symlinkat("victim", test_fd, "identity.new"));
        TEST_OK(store_identity_save(test_fd, "identity", &example));
        TEST_OK(load(&loaded));
        expect_equal(&loaded, &example);
        store_identity_done(&loaded);
        ck_assert_int_lt(faccessat(test_fd, "identity.new", F_OK, AT_SYMLINK_NOFOLLOW), 0);

        struct stat st;
        TEST_SYS(fstatat(test_fd, "victim", &st, 0));
        ck_assert_int_eq(st.st_size, 1);
}
END_TEST

int main(void) {
        TCase *tests;
        Suite *suite = test_fs_suite("identity of a store", &tests);

        tcase_add_test(tests, text_of_file);
        tcase_add_test(tests, saved_and_loaded);
        tcase_add_test(tests, mount_points);
        tcase_add_test(tests, long_paths);
        tcase_add_test(tests, any_order);
        tcase_add_test(tests, cut_off);
        tcase_add_loop_test(tests, bad, 0, ELEMENTSOF(bad_cases));
        tcase_add_test(tests, not_a_file_of_ours);
        tcase_add_test(tests, leftover);
        return test_fs_run(suite);
}
