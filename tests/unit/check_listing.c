#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "fs/listing.h"
#include "test-fs.h"

static void touch(const char *name) {
        (void) close(test_file(test_fd, name, NULL, 0));
}

static void check_sorted(const Listing *listing) {
        for (size_t i = 1; i < listing->n_entries; i++)
                ck_assert_int_lt(strcmp(listing_name(listing, i - 1), listing_name(listing, i)), 0);
}

START_TEST(empty_directory) {
        Listing listing = LISTING_NULL;

        TEST_OK(listing_read(&listing, test_fd));
        ck_assert_uint_eq(listing.n_entries, 0);
        listing_done(&listing);
        listing_done(&listing);
}
END_TEST

START_TEST(order_is_of_bytes) {
        static const char *const names[] = { "\x01", "-",        "...",  "..a",     ".a",
                                             "A",    "Z",        "a",    "aa",      "z",
                                             "\x7f", "\xc3\xa4", "\xff", "\xff\xfe" };
        enum { N_NAMES = sizeof(names) / sizeof(names[0]) };
        Listing listing = LISTING_NULL;

        for (size_t i = 0; i < N_NAMES; i++)
                touch(names[(i * 5) % N_NAMES]);

        TEST_OK(listing_read(&listing, test_fd));
        ck_assert_uint_eq(listing.n_entries, N_NAMES);
        for (size_t i = 0; i < N_NAMES; i++)
                ck_assert_int_ne(faccessat(test_fd, listing_name(&listing, i), F_OK, 0), -1);
        check_sorted(&listing);
        ck_assert_str_eq(listing_name(&listing, N_NAMES - 1), "\xff\xfe");
        listing_done(&listing);
}
END_TEST

START_TEST(types) {
        Listing listing = LISTING_NULL;

        TEST_SYS(mkdirat(test_fd, "directory", 0755));
        TEST_SYS(mkfifoat(test_fd, "fifo", 0600));
        touch("file");
        TEST_SYS(symlinkat("x", test_fd, "link"));

        TEST_OK(listing_read(&listing, test_fd));
        ck_assert_uint_eq(listing.n_entries, 4);
        ck_assert_uint_eq(listing_type(&listing, 0), DT_DIR);
        ck_assert_uint_eq(listing_type(&listing, 1), DT_FIFO);
        ck_assert_uint_eq(listing_type(&listing, 2), DT_REG);
        ck_assert_uint_eq(listing_type(&listing, 3), DT_LNK);
        listing_done(&listing);
}
END_TEST

START_TEST(long_names) {
        Listing listing = LISTING_NULL;
        char name[256];

        (void) memset(name, '\xee', 255);
        name[255] = '\0';
        touch(name);
        name[0] = 'a';
        touch(name);

        TEST_OK(listing_read(&listing, test_fd));
        ck_assert_uint_eq(listing.n_entries, 2);
        ck_assert_str_eq(listing_name(&listing, 0), name);
        ck_assert_uint_eq(strlen(listing_name(&listing, 1)), 255);
        listing_done(&listing);
}
END_TEST

START_TEST(many_names) {
        enum { N_NAMES = 100000 };
        Listing listing = LISTING_NULL;
        char name[32];
        int fd;

        touch("target");
        for (unsigned i = 0; i < N_NAMES; i++) {
                (void) snprintf(name, sizeof(name), "%x", i * 2654435761u);
                TEST_SYS(linkat(test_fd, "target", test_fd, name, 0));
        }

        /* Twice: the descriptor is rewound and the arrays are used again. */
        for (unsigned i = 0; i < 2; i++) {
                TEST_OK(listing_read(&listing, test_fd));
                ck_assert_uint_eq(listing.n_entries, N_NAMES + 1);
                check_sorted(&listing);
        }

        TEST_SYS(mkdirat(test_fd, "zz", 0755));
        fd = TEST_SYS(openat(test_fd, "zz", O_RDONLY | O_CLOEXEC));
        TEST_OK(listing_read(&listing, fd));
        (void) close(fd);
        ck_assert_uint_eq(listing.n_entries, 0);
        listing_done(&listing);
}
END_TEST

START_TEST(errors_empty_the_listing) {
        Listing listing = LISTING_NULL;
        int fd;

        touch("file");
        TEST_OK(listing_read(&listing, test_fd));
        ck_assert_uint_eq(listing.n_entries, 1);

        fd = TEST_SYS(openat(test_fd, "file", O_RDONLY | O_CLOEXEC));
        ck_assert_int_eq(listing_read(&listing, fd), -ENOTDIR);
        ck_assert_uint_eq(listing.n_entries, 0);

        fd = TEST_SYS(openat(test_fd, ".", O_PATH | O_CLOEXEC));
        ck_assert_int_eq(listing_read(&listing, fd), -EBADF);
        listing_done(&listing);
}
END_TEST

int main(void) {
        TCase *tcase;
        Suite *suite = test_fs_suite("listing", &tcase);

        tcase_add_test(tcase, empty_directory);
        tcase_add_test(tcase, order_is_of_bytes);
        tcase_add_test(tcase, types);
        tcase_add_test(tcase, long_names);
        tcase_add_test(tcase, many_names);
        tcase_add_test(tcase, errors_empty_the_listing);
        return test_fs_run(suite);
}
