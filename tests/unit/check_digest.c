/* Digests of entries and sums over them: fixed values, what counts and what does not. */

#include <stdlib.h>
#include <sys/stat.h>

#include "basic/macros.h"
#include "state/digest.h"
#include "test-fs.h"
#include "watch-random.h"

static DigestMaker *maker;

static void set_up(void) {
        TEST_OK(digest_maker_new(&maker));
}

static void tear_down(void) {
        maker = digest_maker_free(maker);
}

static Hash digest(const char *name, const Stamp *stamp, const Hash *content) {
        Hash result;

        TEST_OK(digest_entry(maker,
                             &(const DigestEntry) { .name = name,
                                                    .name_bytes = strlen(name),
                                                    .stamp = stamp,
                                                    .content = content },
                             &result));
        return result;
}

static Hash content(uint64_t n, const DigestSum *sum) {
        Hash result;

        TEST_OK(digest_content(maker, n, sum, &result));
        return result;
}

static void add(DigestSum *sum, const Hash *digest, int sign) {
        DigestSum summand;

        TEST_OK(digest_expand(maker, digest, &summand));
        if (sign > 0)
                digest_sum_add(sum, &summand);
        else
                digest_sum_subtract(sum, &summand);
}

static void expect(const Hash *hash, const char *text) {
        char buffer[2 * HASH_BYTES + 1];

        ck_assert_str_eq(hash_format(hash, buffer), text);
}

static bool equal(const Hash *a, const Hash *b) {
        return memcmp(a, b, sizeof *a) == 0;
}

static const Stamp a_file = { .inode = 12,
                              .size = 5,
                              .mtime = 1795243538123456789,
                              .ctime = 3,
                              .btime = 4,
                              .mode = S_IFREG | 0644,
                              .uid = 1000,
                              .gid = 100,
                              .n_links = 1 };

/* Computed by another program from the description; catalogs hold such values. */
START_TEST(vectors) {
        const Hash hash = { { 1, 2, 3 } };
        const DigestSum zero = {};
        uint8_t bytes[DIGEST_SUM_BYTES];
        DigestSum sum = {};
        Hash result;

        result = digest("a.jpg", &a_file, &hash);
        expect(&result, "db55c633f935256ae790313511eee73462b3bb70bb77c5b7f9ed61c6f58294c6");
        add(&sum, &result, 1);
        digest_sum_store(&sum, bytes);
        memcpy(result.bytes, bytes, HASH_BYTES);
        expect(&result, "d955962537c092a2b823350f89c6d1132aa33bddafda4d57337baae2a71f6288");
        result = content(1, &sum);
        expect(&result, "e37f4190d23a65c8f18118194d0adb4baa75781f7897d206b01c929002ec473d");
        result = content(0, &zero);
        expect(&result, "d28cf5896efe03607c0acfa9b5f361b705f21d1f7c48f5c8215aca1ccd027ffe");
}
END_TEST

START_TEST(every_field_counts) {
        Stamp others[] = { a_file, a_file, a_file, a_file, a_file, a_file, a_file };
        const Hash hash = { { 1 } }, zero = {};
        Hash one = digest("name", &a_file, &hash), other;

        others[0].size++;
        others[1].mtime++;
        others[2].mode ^= 1;
        others[3].mode = S_IFIFO | 0644;
        others[4].uid++;
        others[5].gid++;
        others[6].rdev++;
        for (size_t i = 0; i < ELEMENTSOF(others); i++) {
                other = digest("name", &others[i], &hash);
                ck_assert(!equal(&one, &other));
        }
        other = digest("nam", &a_file, &hash);
        ck_assert(!equal(&one, &other));
        other = digest("name", &a_file, &zero);
        ck_assert(!equal(&one, &other));
        one = digest("name", &a_file, NULL);
        ck_assert(!equal(&one, &other));
}
END_TEST

START_TEST(what_is_a_sides_own_does_not) {
        Stamp file = a_file, directory = a_file, other;
        const Hash hash = { { 1 } };
        Hash one = digest("name", &a_file, &hash), two;

        file.inode++, file.ctime++, file.btime++, file.n_links++;
        two = digest("name", &file, &hash);
        ck_assert(equal(&one, &two));

        directory.mode = S_IFDIR | 0755;
        other = directory;
        other.size += 4096;
        one = digest("name", &directory, &hash);
        two = digest("name", &other, &hash);
        ck_assert(equal(&one, &two));
}
END_TEST

START_TEST(order_plays_no_part) {
        enum { N = 50 };
        uint64_t random = random_seed("digest");
        DigestSum one = {}, two = {};
        Hash digests[N];

        for (int i = 0; i < N; i++) {
                char name[16];

                (void) snprintf(name, sizeof name, "%d", i);
                digests[i] = digest(name, &a_file, NULL);
                add(&one, &digests[i], 1);
        }
        for (int i = N - 1; i > 0; i--) {
                unsigned j = random_below(&random, (unsigned) i + 1);
                Hash swapped = digests[i];

                digests[i] = digests[j];
                digests[j] = swapped;
        }
        for (int i = 0; i < N; i++) {
                add(&two, &digests[random_below(&random, N)], 1);
                add(&two, &digests[i], 1);
        }
        ck_assert_mem_ne(&one, &two, sizeof one);
        two = (DigestSum) {};
        for (int i = 0; i < N; i++)
                add(&two, &digests[i], 1);
        ck_assert_mem_eq(&one, &two, sizeof one);
}
END_TEST

START_TEST(taking_out_undoes_putting_in) {
        Hash a = digest("a", &a_file, NULL), b = digest("b", &a_file, NULL), one, two;
        DigestSum sum = {}, with_a;
        const DigestSum zero = {};

        add(&sum, &a, 1);
        with_a = sum;
        add(&sum, &b, 1);
        ck_assert_mem_ne(&sum, &with_a, sizeof sum);
        add(&sum, &b, -1);
        ck_assert_mem_eq(&sum, &with_a, sizeof sum);
        one = content(1, &sum);
        two = content(2, &sum);
        ck_assert(!equal(&one, &two));
        add(&sum, &a, -1);
        ck_assert_mem_eq(&sum, &zero, sizeof sum);
        /* Also below nothing, and back. */
        add(&sum, &a, -1);
        add(&sum, &b, 1);
        add(&sum, &a, 1);
        add(&sum, &b, -1);
        ck_assert_mem_eq(&sum, &zero, sizeof sum);
}
END_TEST

START_TEST(bytes_and_back) {
        Hash a = digest("a", &a_file, NULL);
        uint8_t bytes[DIGEST_SUM_BYTES];
        DigestSum sum = {}, loaded;

        add(&sum, &a, 1);
        digest_sum_store(&sum, bytes);
        digest_sum_load(&loaded, bytes);
        ck_assert_mem_eq(&sum, &loaded, sizeof sum);
}
END_TEST

int main(void) {
        TCase *tests;
        Suite *suite = test_fs_suite("digest", &tests);

        tcase_add_checked_fixture(tests, set_up, tear_down);
        tcase_add_test(tests, vectors);
        tcase_add_test(tests, every_field_counts);
        tcase_add_test(tests, what_is_a_sides_own_does_not);
        tcase_add_test(tests, order_plays_no_part);
        tcase_add_test(tests, taking_out_undoes_putting_in);
        tcase_add_test(tests, bytes_and_back);
        return test_fs_run(suite);
}
