#include <check.h>
#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "basic/alloc.h"
#include "basic/fd.h"
#include "basic/macros.h"
#include "basic/pack.h"

static Packer packer;
static Unpacker unpacker;
static int fd;
static unsigned char *memory;
static size_t size;

static void setup(void) {
        fd = memfd_create("check_pack", MFD_CLOEXEC);
        ck_assert_int_ge(fd, 0);
        memory = NULL;
        packer_begin(&packer, fd);
}

static void teardown(void) {
        free(memory);
        (void) safe_close(fd);
}

/* A copy that ends where its memory does, for whoever looks. */
static void read_back(void) {
        ck_assert_int_eq(packer_end(&packer), 0);
        size = (size_t) packer.n_written;
        free(memory);
        memory = malloc(size ?: 1);
        ck_assert_int_eq(pread(fd, memory, size, 0), (ssize_t) size);
        unpacker = (Unpacker) { .at = memory, .end = memory + size };
}

START_TEST(test_numbers) {
        static const uint64_t numbers[] = {
                0, 1, 127, 128, 16383, 16384, UINT32_MAX, INT64_MAX, UINT64_MAX - 1, UINT64_MAX
        };

        for (size_t i = 0; i < ELEMENTSOF(numbers); i++)
                pack_number(&packer, numbers[i]);
        read_back();
        for (size_t i = 0; i < ELEMENTSOF(numbers); i++)
                ck_assert_uint_eq(unpack_number(&unpacker, UINT64_MAX), numbers[i]);
        ck_assert_ptr_eq(unpacker.at, unpacker.end);
        ck_assert_int_eq(unpacker.error, 0);
        ck_assert_uint_eq(unpack_number(&unpacker, UINT64_MAX), 0);
        ck_assert_int_eq(unpacker.error, -EBADMSG);
}
END_TEST

START_TEST(test_limits) {
        pack_number(&packer, 10);
        pack_number(&packer, 11);
        pack_number(&packer, 1);
        read_back();
        ck_assert_uint_eq(unpack_number(&unpacker, 10), 10);
        ck_assert_uint_eq(unpack_number(&unpacker, 10), 0);
        ck_assert_int_eq(unpacker.error, -EBADMSG);
        ck_assert(!unpack_flag(&unpacker));
}
END_TEST

START_TEST(test_endless_number) {
        static const unsigned char digits[] = { 0x80, 0x80, 0x80, 0x80, 0x80, 0x80,
                                                0x80, 0x80, 0x80, 0x80, 0x80, 0x01 };

        unpacker = (Unpacker) { .at = digits, .end = digits + sizeof digits };
        ck_assert_uint_eq(unpack_number(&unpacker, UINT64_MAX), 0);
        ck_assert_int_eq(unpacker.error, -EBADMSG);
}
END_TEST

START_TEST(test_strings) {
        _cleanup_free_ char *none = NULL, *empty = NULL, *text = NULL;

        pack_string(&packer, NULL);
        pack_string(&packer, "");
        pack_string(&packer, "text");
        read_back();
        none = unpack_string(&unpacker, 10);
        empty = unpack_string(&unpacker, 10);
        text = unpack_string(&unpacker, 4);
        ck_assert_ptr_null(none);
        ck_assert_str_eq(empty, "");
        ck_assert_str_eq(text, "text");
        ck_assert_int_eq(unpacker.error, 0);
}
END_TEST

START_TEST(test_refused_strings) {
        static const struct {
                const char *bytes;
                size_t n_bytes, length_max;
        } cases[] = {
                { "\1\4text", 6, 3 },                        /* too long */
                { "\1\5text", 6, 9 },                        /* beyond the end */
                { "\1\4te\0t", 6, 9 }, { "\2\4text", 6, 9 }, /* no flag */
                { "\1", 1, 9 },        { "", 0, 9 },
        };
        const unsigned char *at = (const unsigned char *) cases[_i].bytes;

        unpacker = (Unpacker) { .at = at, .end = at + cases[_i].n_bytes };
        ck_assert_ptr_null(unpack_string(&unpacker, cases[_i].length_max));
        ck_assert_int_eq(unpacker.error, -EBADMSG);
}
END_TEST

/* More than fits into the buffer, in pieces of every length. */
START_TEST(test_much) {
        static char bytes[PACK_BUFFER_SIZE * 2];
        size_t n;

        for (size_t length = 1; length <= sizeof bytes; length = length * 3 / 2 + 1) {
                memset(bytes, (int) (length % 251), length);
                pack_bytes(&packer, bytes, length);
        }
        read_back();
        for (size_t length = 1; length <= sizeof bytes; length = length * 3 / 2 + 1) {
                const void *got = unpack_bytes(&unpacker, sizeof bytes, &n);

                ck_assert_uint_eq(n, length);
                memset(bytes, (int) (length % 251), length);
                ck_assert_int_eq(memcmp(got, bytes, length), 0);
        }
        ck_assert_ptr_eq(unpacker.at, unpacker.end);
}
END_TEST

START_TEST(test_failed_write) {
        (void) safe_close(TAKE_FD(fd));
        pack_number(&packer, 1);
        ck_assert_int_eq(packer_end(&packer), -EBADF);
}
END_TEST

static Suite *pack_suite(void) {
        Suite *suite = suite_create("pack");
        TCase *tests = tcase_create("pack");

        tcase_add_checked_fixture(tests, setup, teardown);
        tcase_add_test(tests, test_numbers);
        tcase_add_test(tests, test_limits);
        tcase_add_test(tests, test_endless_number);
        tcase_add_test(tests, test_strings);
        tcase_add_loop_test(tests, test_refused_strings, 0, 6);
        tcase_add_test(tests, test_much);
        tcase_add_test(tests, test_failed_write);
        suite_add_tcase(suite, tests);
        return suite;
}

int main(void) {
        SRunner *runner = srunner_create(pack_suite());
        int n_failed;

        srunner_run_all(runner, CK_ENV);
        n_failed = srunner_ntests_failed(runner);
        srunner_free(runner);
        return n_failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
