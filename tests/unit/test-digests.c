#include "test-digests.h"

#include "basic/macros.h"
#include "state/digest.h"
#include "test-fs.h"

typedef struct Side {
        CatalogReader *reader;
        DigestMaker *maker;
        bool is_replica;
} Side;

static Hash content_of(const Side *side, int64_t directory_id);

static Hash digest_of(const Side *side, const CatalogRow *row) {
        Hash content = row->hash, digest;
        const DigestEntry entry = {
                .name = row->name,
                .name_bytes = strlen(row->name),
                .stamp = side->is_replica ? &row->replica : &row->source,
                .content = row->directory_id != 0 || row->has_hash ? &content : NULL,
        };

        if (row->directory_id != 0)
                content = content_of(side, row->directory_id);
        TEST_OK(digest_entry(side->maker, &entry, &digest));
        return digest;
}

static Hash content_of(const Side *side, int64_t directory_id) {
        _cleanup_(catalog_row_done) CatalogRow row = CATALOG_ROW_NULL;
        DigestSum sum = {}, summand;
        uint64_t n = 0;
        Hash digest;

        while (TEST_OK(catalog_reader_list(side->reader, directory_id, row.name ?: "", &row, 1))) {
                digest = digest_of(side, &row);
                TEST_OK(digest_expand(side->maker, &digest, &summand));
                digest_sum_add(&sum, &summand);
                n++;
        }
        TEST_OK(digest_content(side->maker, n, &sum, &digest));
        return digest;
}

void test_expect_digests(CatalogReader *reader, const CatalogRow *row) {
        _cleanup_(digest_maker_freep) DigestMaker *maker = NULL;
        CatalogDigests digests;
        Hash source, replica;

        TEST_OK(digest_maker_new(&maker));
        TEST_OK(catalog_reader_digests(reader, row->parent, row->name, &digests));
        source = digest_of(&(const Side) { reader, maker, false }, row);
        replica = digest_of(&(const Side) { reader, maker, true }, row);
        ck_assert_mem_eq(&digests.source, &source, sizeof source);
        ck_assert_mem_eq(&digests.replica, &replica, sizeof replica);
}

void test_expect_identical(const Catalog *catalog) {
        CatalogRow row = CATALOG_ROW_NULL;
        CatalogDigests digests;
        CatalogReader *reader;

        TEST_OK(catalog_reader_open(catalog, &reader));
        TEST_OK(catalog_reader_get(reader, CATALOG_NO_DIRECTORY, "", &row));
        test_expect_digests(reader, &row);
        TEST_OK(catalog_reader_digests(reader, CATALOG_NO_DIRECTORY, "", &digests));
        ck_assert_mem_eq(&digests.source, &digests.replica, sizeof digests.source);
        catalog_row_done(&row);
        catalog_reader_close(reader);
}
