#include "fs/hash.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>

#include <openssl/evp.h>

#include "basic/macros.h"

struct Hasher {
        EVP_MD *method; /* fetched once: looking it up costs more than hashing a small file */
        EVP_MD_CTX *context;
};

int hasher_new(Hasher **ret) {
        _cleanup_(hasher_freep) Hasher *hasher = NULL;

        assert(ret);

        hasher = calloc(1, sizeof(*hasher));
        if (!hasher)
                return -ENOMEM;

        hasher->method = EVP_MD_fetch(NULL, "SHA256", NULL);
        hasher->context = EVP_MD_CTX_new();
        if (!hasher->method || !hasher->context)
                return -EIO;

        *ret = TAKE_PTR(hasher);
        return 0;
}

Hasher *hasher_free(Hasher *hasher) {
        if (!hasher)
                return NULL;

        EVP_MD_CTX_free(hasher->context);
        EVP_MD_free(hasher->method);
        free(hasher);
        return NULL;
}

int hasher_begin(Hasher *hasher) {
        assert(hasher);

        return EVP_DigestInit_ex2(hasher->context, hasher->method, NULL) == 1 ? 0 : -EIO;
}

int hasher_update(Hasher *hasher, const void *data, size_t size) {
        assert(hasher);

        return EVP_DigestUpdate(hasher->context, data, size) == 1 ? 0 : -EIO;
}

int hasher_update_zeros(Hasher *hasher, uint64_t n_bytes) {
        static const uint8_t zeros[16 * 1024];

        while (n_bytes > 0) {
                size_t n = n_bytes < sizeof(zeros) ? (size_t) n_bytes : sizeof(zeros);
                int r;

                r = hasher_update(hasher, zeros, n);
                if (r < 0)
                        return r;

                n_bytes -= n;
        }

        return 0;
}

int hasher_finish(Hasher *hasher, Hash *ret) {
        Hash hash;

        assert(hasher);
        assert(ret);

        if (EVP_DigestFinal_ex(hasher->context, hash.bytes, NULL) != 1)
                return -EIO;

        *ret = hash;
        return 0;
}

char *hash_format(const Hash *hash, char *buffer) {
        static const char digits[] = "0123456789abcdef";
        char *p = buffer;

        for (size_t i = 0; i < HASH_BYTES; i++) {
                *p++ = digits[hash->bytes[i] >> 4];
                *p++ = digits[hash->bytes[i] & 15];
        }

        *p = '\0';
        return buffer;
}
