#include "test-catalog.h"

#include <stdio.h>
#include <sys/stat.h>

const char *test_catalog_path(const char *name) {
        static char buffers[4][160];
        static unsigned next;
        char *buffer = buffers[next++ % 4];

        (void) snprintf(buffer, sizeof buffers[0], "%s/%s", test_path, name);
        return buffer;
}

Catalog *test_catalog(void) {
        Catalog *catalog;

        TEST_OK(catalog_open(test_catalog_path("catalog.db"), &catalog));
        return catalog;
}

CatalogReader *test_reader(const Catalog *catalog) {
        CatalogReader *reader;

        TEST_OK(catalog_reader_open(catalog, &reader));
        return reader;
}

static Stamp stamp(uint64_t seed) {
        return (Stamp) {
                .inode = seed * 2654435761U + 1,
                .size = seed * 7,
                .mtime = (int64_t) seed * 1000003,
                .ctime = (int64_t) seed * 1000033 + 1,
                .btime = -(int64_t) seed,
                .rdev = seed % 3,
                .mode = S_IFREG | (uint32_t) seed % 0777,
                .uid = (uint32_t) seed * 3,
                .gid = (uint32_t) seed * 5,
                .n_links = 1 + (uint32_t) seed % 3,
        };
}

CatalogRow test_row(int64_t parent, const char *name, uint64_t seed) {
        CatalogRow row = {
                .parent = parent,
                .name = (char *) name,
                .file_system = 1 + (int64_t) seed % 2,
                .source = stamp(seed),
                .replica = stamp(seed + 1),
                .has_hash = seed % 3 != 0,
                .flags = seed % 4,
        };

        if (row.has_hash)
                test_fill(row.hash.bytes, HASH_BYTES, (unsigned) seed);
        return row;
}

CatalogRow test_directory_row(int64_t parent, const char *name, int64_t directory_id) {
        CatalogRow row = test_row(parent, name, (uint64_t) directory_id * 3);

        row.directory_id = directory_id;
        row.source.mode = row.replica.mode = S_IFDIR | 0755;
        return row;
}

void test_put(Catalog *catalog, const CatalogRow *row) {
        TEST_OK(catalog_begin(catalog));
        TEST_OK(catalog_put(catalog, row));
        TEST_OK(catalog_commit(catalog));
}

void test_name(int i, char buffer[16]) {
        (void) snprintf(buffer, 16, "%05d", i);
}

void test_put_many(Catalog *catalog, int64_t parent, int n) {
        TEST_OK(catalog_begin(catalog));
        for (int i = 0; i < n; i++) {
                char name[16];
                CatalogRow row;

                test_name(i, name);
                row = test_row(parent, name, (uint64_t) i);
                TEST_OK(catalog_put(catalog, &row));
        }
        TEST_OK(catalog_commit(catalog));
}

static void assert_stamps_equal(const Stamp *a, const Stamp *b) {
        ck_assert_uint_eq(a->inode, b->inode);
        ck_assert_uint_eq(a->size, b->size);
        ck_assert_int_eq(a->mtime, b->mtime);
        ck_assert_int_eq(a->ctime, b->ctime);
        ck_assert_int_eq(a->btime, b->btime);
        ck_assert_uint_eq(a->rdev, b->rdev);
        ck_assert_uint_eq(a->mode, b->mode);
        ck_assert_uint_eq(a->uid, b->uid);
        ck_assert_uint_eq(a->gid, b->gid);
        ck_assert_uint_eq(a->n_links, b->n_links);
}

void test_assert_rows_equal(const CatalogRow *a, const CatalogRow *b) {
        ck_assert_int_eq(a->parent, b->parent);
        ck_assert_str_eq(a->name, b->name);
        ck_assert_int_eq(a->directory_id, b->directory_id);
        ck_assert_int_eq(a->file_system, b->file_system);
        assert_stamps_equal(&a->source, &b->source);
        assert_stamps_equal(&a->replica, &b->replica);
        ck_assert(a->has_hash == b->has_hash);
        if (a->has_hash)
                ck_assert_mem_eq(a->hash.bytes, b->hash.bytes, HASH_BYTES);
        ck_assert_uint_eq(a->flags, b->flags);
        if (a->has_hash)
                ck_assert_int_eq(a->verified, b->verified);
}

void test_expect_row(CatalogReader *reader, const CatalogRow *row) {
        CatalogRow found = CATALOG_ROW_NULL;

        TEST_OK(catalog_reader_get(reader, row->parent, row->name, &found));
        test_assert_rows_equal(&found, row);
        catalog_row_done(&found);
}

void test_expect_none(CatalogReader *reader, int64_t parent, const char *name) {
        CatalogRow row = CATALOG_ROW_NULL;

        ck_assert_int_eq(catalog_reader_get(reader, parent, name, &row), -ENOENT);
        catalog_row_done(&row);
}

int64_t test_count(CatalogReader *reader) {
        return TEST_OK(catalog_reader_count(reader));
}
