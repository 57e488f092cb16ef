#include "state/digest.h"

#include <assert.h>
#include <endian.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include <openssl/evp.h>

/* So that no entry passes for a directory's content nor the other way round, nor for one of another
 * make of digests. */
#define ENTRY_TAG "rebackup item 1"
#define CONTENT_TAG "rebackup tree 1"

enum { IV_BYTES = 16 };

struct DigestMaker {
        Hasher *hasher;
        EVP_CIPHER *cipher;
        EVP_CIPHER_CTX *context;
};

/* What comes before the name; little-endian, without gaps. */
typedef struct EntryHead {
        char tag[sizeof ENTRY_TAG]; /* with its NUL, for the sake of alignment */
        uint32_t mode, uid, gid;
        uint32_t has_content;
        uint64_t mtime, size, rdev;
        uint8_t content[HASH_BYTES];
} EntryHead;

typedef struct ContentHead {
        char tag[sizeof CONTENT_TAG];
        uint64_t n_entries;
        uint8_t sum[DIGEST_SUM_BYTES];
} ContentHead;

int digest_maker_new(DigestMaker **ret) {
        _cleanup_(digest_maker_freep) DigestMaker *maker = NULL;
        int r;

        assert(ret);

        maker = calloc(1, sizeof *maker);
        if (!maker)
                return -ENOMEM;
        r = hasher_new(&maker->hasher);
        if (r < 0)
                return r;
        maker->cipher = EVP_CIPHER_fetch(NULL, "ChaCha20", NULL);
        maker->context = EVP_CIPHER_CTX_new();
        if (!maker->cipher || !maker->context ||
            EVP_EncryptInit_ex2(maker->context, maker->cipher, NULL, NULL, NULL) != 1)
                return -EIO;

        *ret = TAKE_PTR(maker);
        return 0;
}

DigestMaker *digest_maker_free(DigestMaker *maker) {
        if (!maker)
                return NULL;

        EVP_CIPHER_CTX_free(maker->context);
        EVP_CIPHER_free(maker->cipher);
        (void) hasher_free(maker->hasher);
        free(maker);
        return NULL;
}

static int hash_two(DigestMaker *maker, const void *head, size_t head_bytes, const void *rest,
                    size_t rest_bytes, Hash *ret) {
        int r;

        r = hasher_begin(maker->hasher);
        if (r >= 0)
                r = hasher_update(maker->hasher, head, head_bytes);
        if (r >= 0 && rest_bytes > 0)
                r = hasher_update(maker->hasher, rest, rest_bytes);
        return r < 0 ? r : hasher_finish(maker->hasher, ret);
}

/* A directory's size is its file system's own affair. */
static bool has_size(uint32_t mode) {
        return S_ISREG(mode) || S_ISLNK(mode);
}

int digest_entry(DigestMaker *maker, const DigestEntry *entry, Hash *ret) {
        const Stamp *stamp = entry->stamp;
        EntryHead head = {
                .tag = ENTRY_TAG,
                .mode = htole32(stamp->mode),
                .uid = htole32(stamp->uid),
                .gid = htole32(stamp->gid),
                .has_content = htole32(entry->content != NULL),
                .mtime = htole64((uint64_t) stamp->mtime),
                .size = htole64(has_size(stamp->mode) ? stamp->size : 0),
                .rdev = htole64(stamp->rdev),
        };

        _Static_assert(sizeof head == sizeof head.tag + 16 + 24 + HASH_BYTES, "no gaps");
        assert(maker);

        if (entry->content)
                memcpy(head.content, entry->content->bytes, HASH_BYTES);
        return hash_two(maker, &head, sizeof head, entry->name, entry->name_bytes, ret);
}

int digest_content(DigestMaker *maker, uint64_t n_entries, const DigestSum *sum, Hash *ret) {
        ContentHead head = { .tag = CONTENT_TAG, .n_entries = htole64(n_entries) };

        _Static_assert(sizeof head == sizeof head.tag + 8 + DIGEST_SUM_BYTES, "no gaps");
        assert(maker);

        digest_sum_store(sum, head.sum);
        return hash_two(maker, &head, sizeof head, NULL, 0, ret);
}

int digest_expand(DigestMaker *maker, const Hash *digest, DigestSum *ret) {
        static const uint8_t zeros[DIGEST_SUM_BYTES], iv[IV_BYTES];
        uint8_t stream[DIGEST_SUM_BYTES];
        int n = 0;

        if (EVP_EncryptInit_ex2(maker->context, NULL, digest->bytes, iv, NULL) != 1 ||
            EVP_EncryptUpdate(maker->context, stream, &n, zeros, sizeof zeros) != 1 ||
            n != (int) sizeof stream)
                return -EIO;

        digest_sum_load(ret, stream);
        return 0;
}

void digest_sum_add(DigestSum *sum, const DigestSum *other) {
        for (int i = 0; i < DIGEST_LANES; i++)
                sum->lanes[i] += other->lanes[i];
}

void digest_sum_subtract(DigestSum *sum, const DigestSum *other) {
        for (int i = 0; i < DIGEST_LANES; i++)
                sum->lanes[i] -= other->lanes[i];
}

void digest_sum_store(const DigestSum *sum, uint8_t bytes[DIGEST_SUM_BYTES]) {
        for (int i = 0; i < DIGEST_LANES; i++) {
                uint64_t lane = htole64(sum->lanes[i]);

                memcpy(bytes + 8 * i, &lane, sizeof lane);
        }
}

void digest_sum_load(DigestSum *ret, const uint8_t bytes[DIGEST_SUM_BYTES]) {
        for (int i = 0; i < DIGEST_LANES; i++) {
                uint64_t lane;

                memcpy(&lane, bytes + 8 * i, sizeof lane);
                ret->lanes[i] = le64toh(lane);
        }
}
