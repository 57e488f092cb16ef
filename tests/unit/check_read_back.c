/* Content read back from the medium: hashes, where two files differ, and putting them together. */

#include <fcntl.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "basic/fd.h"
#include "fs/read-back.h"
#include "test-fs.h"

enum { BLOCK = DAMAGE_BLOCK_BYTES, SIZE = 3 * 1024 * 1024 + 777 };

static const char *const types[] = { "tmpfs", "ext4", "xfs", "btrfs" };
static const size_t sizes[] = { 0, 1, 4095, 4096, 4097, 1024 * 1024, SIZE };

static uint8_t data[SIZE], other[SIZE];

static Hash hash_of(const uint8_t *bytes, size_t n) {
        Hasher *hasher;
        Hash hash;

        TEST_OK(hasher_new(&hasher));
        TEST_OK(hasher_begin(hasher));
        TEST_OK(hasher_update(hasher, bytes, n));
        TEST_OK(hasher_finish(hasher, &hash));
        hasher_free(hasher);
        return hash;
}

static int reopen(int directory_fd, const char *name) {
        return TEST_SYS(openat(directory_fd, name, O_RDONLY | O_CLOEXEC));
}

static void expect_hash(ReadBack *read_back, int fd, const uint8_t *bytes, size_t n) {
        Hash expected = hash_of(bytes, n), hash;

        TEST_OK(read_back_hash(read_back, fd, NULL, NULL, &hash));
        ck_assert_mem_eq(&hash, &expected, sizeof hash);
}

START_TEST(hashes) {
        int root = test_mount(types[_i], "m");
        ReadBack *read_back;

        if (root < 0)
                return;
        TEST_OK(read_back_new(&read_back));
        test_fill(data, SIZE, 1);
        for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
                int fd;

                (void) close(test_file(root, "f", data, sizes[i]));
                fd = reopen(root, "f");
                expect_hash(read_back, fd, data, sizes[i]); /* dirty as it is */
                expect_hash(read_back, fd, data, sizes[i]); /* once more: from the medium again */
                (void) close(fd);
                TEST_SYS(unlinkat(root, "f", 0));
        }
        ck_assert_int_eq(medium_exists(root), _i != 0);
        read_back_free(read_back);
        (void) close(root);
        test_unmount("m");
}
END_TEST

START_TEST(holes) {
        int root = test_mount(types[_i], "m"), fd;
        ReadBack *read_back;

        if (root < 0)
                return;
        TEST_OK(read_back_new(&read_back));
        fd = TEST_SYS(openat(root, "f", O_RDWR | O_CREAT, 0600));
        TEST_SYS(ftruncate(fd, SIZE));
        TEST_SYS(pwrite(fd, "x", 1, 2000000));
        data[2000000] = 'x';
        expect_hash(read_back, fd, data, SIZE);
        read_back_free(read_back);
        (void) close(fd);
        (void) close(root);
        test_unmount("m");
}
END_TEST

static bool is_cached(int fd) {
        unsigned char there = 0;
        void *map = mmap(NULL, BLOCK, PROT_READ, MAP_SHARED, fd, 0);

        ck_assert(map != MAP_FAILED);
        TEST_SYS(mincore(map, BLOCK, &there));
        (void) munmap(map, BLOCK);
        return there & 1;
}

/* Neither is anything left in the cache nor lost from it. */
START_TEST(cache_stays) {
        int root = test_mount(types[_i], "m"), fd;
        ReadBack *read_back;

        if (root < 0)
                return;
        TEST_OK(read_back_new(&read_back));
        test_fill(data, SIZE, 1);
        fd = test_file(root, "f", data, SIZE);
        TEST_SYS(fsync(fd));
        ck_assert(is_cached(fd));
        expect_hash(read_back, fd, data, SIZE);
        ck_assert(is_cached(fd));
        if (medium_exists(root)) {
                ck_assert_int_eq(posix_fadvise(fd, 0, 0, POSIX_FADV_DONTNEED), 0);
                ck_assert(!is_cached(fd));
                expect_hash(read_back, fd, data, SIZE);
                ck_assert(!is_cached(fd));
        }
        read_back_free(read_back);
        (void) close(fd);
        (void) close(root);
        test_unmount("m");
}
END_TEST

static int make(const char *name, const void *bytes, size_t n) {
        return test_file(test_fd, name, bytes, n);
}

START_TEST(differences) {
        ReadBack *read_back;
        Damage damage;
        int fds[2];

        test_fill(data, SIZE, 1);
        memcpy(other, data, SIZE);
        other[5 * BLOCK + 7] ^= 1;
        other[6 * BLOCK] ^= 1;
        other[6 * BLOCK + 9] ^= 1;
        other[SIZE - 1] ^= 1;
        fds[0] = make("a", data, SIZE);
        fds[1] = make("b", other, SIZE);
        TEST_OK(read_back_new(&read_back));
        TEST_OK(read_back_compare(read_back, fds, NULL, NULL, &damage));
        ck_assert_uint_eq(damage.first_byte, 5 * BLOCK + 7);
        ck_assert_uint_eq(damage.n_blocks, 3);
        ck_assert_uint_eq(damage.n_runs, 2);
        ck_assert_uint_eq(damage.runs[0].first, 5);
        ck_assert_uint_eq(damage.runs[0].n, 2);
        ck_assert_uint_eq(damage.runs[1].first, SIZE / BLOCK);
        ck_assert_uint_eq(damage.size, SIZE);

        TEST_SYS(ftruncate(fds[1], SIZE - 1));
        ck_assert_int_eq(read_back_compare(read_back, fds, NULL, NULL, &damage), -EUCLEAN);
        fds[1] = fds[0];
        TEST_OK(read_back_compare(read_back, fds, NULL, NULL, &damage));
        ck_assert_uint_eq(damage.n_blocks, 0);
        read_back_free(read_back);
}
END_TEST

START_TEST(too_many_differences) {
        ReadBack *read_back;
        Damage damage;
        int fds[2];

        memcpy(other, data, SIZE);
        for (int i = 0; i < 100; i++)
                other[i * 3 * BLOCK] ^= 1;
        fds[0] = make("a", data, SIZE);
        fds[1] = make("b", other, SIZE);
        TEST_OK(read_back_new(&read_back));
        TEST_OK(read_back_compare(read_back, fds, NULL, NULL, &damage));
        ck_assert_uint_eq(damage.n_blocks, 100);
        ck_assert_uint_eq(damage.n_runs, DAMAGE_RUNS_MAX + 1);
        read_back_free(read_back);
}
END_TEST

/* Of two files that are wrong in different places the right one can be made. */
START_TEST(putting_together) {
        static uint8_t right[SIZE], made[SIZE];
        ReadBack *read_back;
        Damage damage;
        Hash expected, hash;
        Mixture mixture = { .damage = &damage, .choice = 1 << 1 };

        test_fill(right, SIZE, 3);
        memset(right + 100 * BLOCK, 0, 20 * BLOCK);
        memcpy(data, right, SIZE);
        memcpy(other, right, SIZE);
        other[0] ^= 1;
        data[300 * BLOCK] ^= 1;
        other[SIZE - 1] ^= 1;
        expected = hash_of(right, SIZE);
        mixture.fds[0] = make("a", data, SIZE);
        mixture.fds[1] = make("b", other, SIZE);
        mixture.target_fd = make("c", "", 0);
        TEST_OK(read_back_new(&read_back));
        TEST_OK(read_back_compare(read_back, mixture.fds, NULL, NULL, &damage));
        ck_assert_uint_eq(damage.n_runs, 3);
        TEST_OK(read_back_mix(read_back, &mixture, NULL, NULL, &hash));
        ck_assert_mem_eq(&hash, &expected, sizeof hash);
        ck_assert_int_eq(pread(mixture.target_fd, made, SIZE, 0), SIZE);
        ck_assert_mem_eq(made, right, SIZE);
        mixture.choice = 0;
        mixture.target_fd = -EBADF;
        TEST_OK(read_back_mix(read_back, &mixture, NULL, NULL, &hash));
        expected = hash_of(data, SIZE);
        ck_assert_mem_eq(&hash, &expected, sizeof hash);
        read_back_free(read_back);
}
END_TEST

static int refuse(uint64_t n_bytes, void *userdata) {
        (void) n_bytes;
        return --*(int *) userdata < 0 ? -ECANCELED : 0;
}

START_TEST(cancelled) {
        ReadBack *read_back;
        Damage damage;
        int fds[2], patience = 1;
        Hash hash;

        fds[0] = fds[1] = make("a", data, SIZE);
        TEST_OK(read_back_new(&read_back));
        ck_assert_int_eq(read_back_hash(read_back, fds[0], refuse, &patience, &hash), -ECANCELED);
        patience = 1;
        ck_assert_int_eq(read_back_compare(read_back, fds, refuse, &patience, &damage), -ECANCELED);
        read_back_free(read_back);
}
END_TEST

int main(void) {
        TCase *tcase;
        Suite *suite = test_fs_suite("read-back", &tcase);

        tcase_add_loop_test(tcase, hashes, 0, 4);
        tcase_add_loop_test(tcase, holes, 0, 4);
        tcase_add_loop_test(tcase, cache_stays, 0, 4);
        tcase_add_test(tcase, differences);
        tcase_add_test(tcase, too_many_differences);
        tcase_add_test(tcase, putting_together);
        tcase_add_test(tcase, cancelled);
        return test_fs_run(suite);
}
