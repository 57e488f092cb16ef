#include <openssl/evp.h>

#include "fs/hash.h"
#include "test-fs.h"

/* FIPS 180-2, and what sha256sum(1) says of 100 MiB of zeros. */
static const struct {
        const char *data;
        const char *hash;
} vectors[] = {
        { "", "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855" },
        { "abc", "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad" },
        { "abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq",
          "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1" },
};

static void check_hash(Hasher *hasher, const char *expected) {
        char text[2 * HASH_BYTES + 1];
        Hash hash;

        TEST_OK(hasher_finish(hasher, &hash));
        ck_assert_str_eq(hash_format(&hash, text), expected);
}

START_TEST(known_vectors) {
        Hasher *hasher;

        TEST_OK(hasher_new(&hasher));
        for (size_t i = 0; i < sizeof(vectors) / sizeof(vectors[0]); i++) {
                TEST_OK(hasher_begin(hasher));
                TEST_OK(hasher_update(hasher, vectors[i].data, strlen(vectors[i].data)));
                check_hash(hasher, vectors[i].hash);
        }
        ck_assert_ptr_null(hasher_free(hasher));
        ck_assert_ptr_null(hasher_free(NULL));
}
END_TEST

START_TEST(in_pieces) {
        static uint8_t data[100000];
        uint8_t expected[HASH_BYTES];
        Hasher *hasher;
        Hash hash;

        test_fill(data, sizeof(data), 1);
        ck_assert_int_eq(EVP_Digest(data, sizeof(data), expected, NULL, EVP_sha256(), NULL), 1);

        TEST_OK(hasher_new(&hasher));
        TEST_OK(hasher_begin(hasher));
        for (size_t at = 0, n = 1; at < sizeof(data); at += n, n = n * 3 % 4099 + 1) {
                if (n > sizeof(data) - at)
                        n = sizeof(data) - at;
                TEST_OK(hasher_update(hasher, data + at, n));
        }
        TEST_OK(hasher_finish(hasher, &hash));
        ck_assert_mem_eq(hash.bytes, expected, HASH_BYTES);
        (void) hasher_free(hasher);
}
END_TEST

START_TEST(zeros) {
        Hasher *hasher;

        TEST_OK(hasher_new(&hasher));
        TEST_OK(hasher_begin(hasher));
        TEST_OK(hasher_update_zeros(hasher, 0));
        TEST_OK(hasher_update_zeros(hasher, 1));
        TEST_OK(hasher_update_zeros(hasher, 100 * 1024 * 1024 - 1));
        check_hash(hasher, "20492a4d0d84f8beb1767f6616229f85d44c2827b64bdbfb260ee12fa1109e0e");
        (void) hasher_free(hasher);
}
END_TEST

int main(void) {
        TCase *tcase;
        Suite *suite = test_fs_suite("hash", &tcase);

        tcase_add_test(tcase, known_vectors);
        tcase_add_test(tcase, in_pieces);
        tcase_add_test(tcase, zeros);
        return test_fs_run(suite);
}
