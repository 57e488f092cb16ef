#include <fcntl.h>
#include <stdbool.h>
#include <stdlib.h>
#include <unistd.h>

#include <openssl/evp.h>

#include "fs/copy.h"
#include "test-fs.h"

enum { KIB = 1024, MIB = 1024 * 1024 };

static const size_t sizes[] = {
        0, 1, 4096, 128 * KIB - 1, 128 * KIB, 128 * KIB + 1, 256 * KIB, 3 * MIB + 13
};

typedef struct Pair {
        int a_fd, b_fd;
        uint8_t *data;
        size_t size;
} Pair;

static Pair pair_new(size_t size) {
        Pair pair = { .data = malloc(size + 1), .size = size };

        test_fill(pair.data, size, 1);
        pair.a_fd = test_file(test_fd, "a", pair.data, size);
        pair.b_fd = test_file(test_fd, "b", pair.data, size);
        return pair;
}

static void pair_done(Pair *pair) {
        (void) close(pair->a_fd);
        (void) close(pair->b_fd);
        free(pair->data);
        TEST_SYS(unlinkat(test_fd, "a", 0));
        TEST_SYS(unlinkat(test_fd, "b", 0));
}

static int compare(const Pair *pair, Hash *hash) {
        CompareJob job = { .a_fd = pair->a_fd, .b_fd = pair->b_fd, .want_hash = hash != NULL };
        Copier *copier;
        int r;

        TEST_OK(copier_new(&copier));
        r = copier_compare(copier, &job, hash, NULL);
        (void) copier_free(copier);
        return r;
}

static void check_equal(const Pair *pair) {
        uint8_t expected[HASH_BYTES];
        Hash hash;

        ck_assert_int_eq(compare(pair, &hash), 1);
        ck_assert_int_eq(compare(pair, NULL), 1);
        ck_assert_int_eq(EVP_Digest(pair->data, pair->size, expected, NULL, EVP_sha256(), NULL), 1);
        ck_assert_mem_eq(hash.bytes, expected, HASH_BYTES);
}

START_TEST(equal_and_different) {
        Pair pair = pair_new(sizes[_i]);

        check_equal(&pair);

        if (pair.size > 0) {
                uint8_t other = (uint8_t) ~pair.data[pair.size - 1];

                TEST_SYS(pwrite(pair.b_fd, &other, 1, (off_t) pair.size - 1));
                ck_assert_int_eq(compare(&pair, NULL), 0);
        }

        TEST_SYS(ftruncate(pair.b_fd, (off_t) pair.size + 1));
        ck_assert_int_eq(compare(&pair, NULL), 0);
        pair_done(&pair);
}
END_TEST

START_TEST(holes_are_zeros) {
        Pair pair = pair_new(MIB);

        /* A hole in A where B has written zeros, then holes in both. */
        (void) memset(pair.data + 300 * KIB, 0, MIB - 300 * KIB);
        TEST_SYS(ftruncate(pair.a_fd, 300 * KIB));
        TEST_SYS(ftruncate(pair.a_fd, MIB));
        TEST_SYS(pwrite(pair.b_fd, pair.data, MIB, 0));
        check_equal(&pair);

        TEST_SYS(ftruncate(pair.b_fd, 300 * KIB));
        TEST_SYS(ftruncate(pair.b_fd, MIB));
        check_equal(&pair);

        TEST_SYS(pwrite(pair.b_fd, "x", 1, 700 * KIB));
        ck_assert_int_eq(compare(&pair, NULL), 0);
        TEST_SYS(pwrite(pair.a_fd, "x", 1, 700 * KIB));
        pair.data[700 * KIB] = 'x';
        check_equal(&pair);
        pair_done(&pair);
}
END_TEST

static int truncate_once(uint64_t n_bytes, void *userdata) {
        (void) n_bytes;
        TEST_SYS(ftruncate(*(int *) userdata, 200 * KIB));
        return 0;
}

START_TEST(cut_off_meanwhile) {
        Pair pair = pair_new(MIB);
        CompareJob job = { .a_fd = pair.a_fd, .b_fd = pair.b_fd, .tick = truncate_once };
        Copier *copier;

        TEST_OK(copier_new(&copier));
        job.userdata = &pair.b_fd;
        ck_assert_int_eq(copier_compare(copier, &job, NULL, NULL), 0);
        (void) copier_free(copier);
        pair_done(&pair);
}
END_TEST

static int give_up(uint64_t n_bytes, void *userdata) {
        (void) n_bytes;
        (void) userdata;
        return -ECANCELED;
}

START_TEST(errors) {
        Pair pair = pair_new(MIB);
        CompareJob job = { .a_fd = pair.a_fd, .b_fd = pair.b_fd };
        Copier *copier;
        bool a_failed = true;

        TEST_OK(copier_new(&copier));

        job.b_fd = TEST_SYS(openat(test_fd, "b", O_WRONLY | O_CLOEXEC));
        ck_assert_int_eq(copier_compare(copier, &job, NULL, &a_failed), -EBADF);
        ck_assert(!a_failed);
        (void) close(job.b_fd);

        job.b_fd = pair.b_fd;
        job.a_fd = TEST_SYS(openat(test_fd, "a", O_WRONLY | O_CLOEXEC));
        ck_assert_int_eq(copier_compare(copier, &job, NULL, &a_failed), -EBADF);
        ck_assert(a_failed);
        (void) close(job.a_fd);

        job.a_fd = pair.a_fd;
        job.tick = give_up;
        ck_assert_int_eq(copier_compare(copier, &job, NULL, &a_failed), -ECANCELED);
        ck_assert(!a_failed);

        (void) copier_free(copier);
        pair_done(&pair);
}
END_TEST

int main(void) {
        TCase *tcase;
        Suite *suite = test_fs_suite("compare", &tcase);

        tcase_add_loop_test(tcase, equal_and_different, 0, sizeof(sizes) / sizeof(sizes[0]));
        tcase_add_test(tcase, holes_are_zeros);
        tcase_add_test(tcase, cut_off_meanwhile);
        tcase_add_test(tcase, errors);
        return test_fs_run(suite);
}
