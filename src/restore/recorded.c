#include "restore/recorded.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "basic/alloc.h"
#include "basic/macros.h"

int recorded_open(const RestorePair *pair, Recorded *ret) {
        Recorded recorded = RECORDED_NULL;
        int r;

        r = catalog_open_snapshot(pair->store_fd, &recorded.catalog);
        if (r >= 0)
                r = catalog_reader_open(recorded.catalog, &recorded.reader);
        if (r < 0) {
                recorded_close(&recorded);
                return r;
        }
        *ret = recorded;
        return 0;
}

void recorded_close(Recorded *recorded) {
        (void) catalog_reader_close(recorded->reader);
        (void) catalog_close(recorded->catalog);
        *recorded = RECORDED_NULL;
}

int recorded_find(const Recorded *recorded, const char *path, CatalogRow *ret) {
        _cleanup_free_ char *copy = strdup(path);
        char *rest = copy, *name;
        int r;

        if (!copy)
                return -ENOMEM;
        if (!*path)
                return catalog_reader_get(recorded->reader, CATALOG_NO_DIRECTORY, "", ret);
        ret->directory_id = CATALOG_ROOT;
        do {
                name = strsep(&rest, "/");
                r = ret->directory_id == 0
                            ? -ENOENT
                            : catalog_reader_get(recorded->reader, ret->directory_id, name, ret);
        } while (r >= 0 && rest);
        return r;
}

int recorded_proof(const Recorded *recorded, const char *path, RecordedProof *ret) {
        _cleanup_(catalog_row_done) CatalogRow row = CATALOG_ROW_NULL;
        _cleanup_free_ char *text = NULL;
        RecordedProof proof = {};
        int r;

        r = recorded_find(recorded, path, &row);
        if (r >= 0)
                r = catalog_reader_digests(recorded->reader, row.parent, row.name, &proof.digests);
        if (r < 0)
                return r;
        r = catalog_reader_count_kept(recorded->reader, &proof.n_kept);
        if (r < 0)
                return r;
        proof.is_identical = memcmp(&proof.digests.source, &proof.digests.replica,
                                    sizeof proof.digests.source) == 0;
        if (catalog_get_fact(recorded->catalog, CATALOG_FACT_HELD_REMOVALS, &text) >= 0)
                proof.is_identical = false;
        free(TAKE_PTR(text));
        r = catalog_get_fact(recorded->catalog, CATALOG_FACT_PROVEN, &text);
        if (r < 0 && r != -ENOENT)
                return r;
        if (r >= 0)
                proof.proven = strtoull(text, NULL, 10);
        r = catalog_reader_coverage(recorded->reader, 0, &proof.coverage);
        if (r < 0)
                return r;
        *ret = proof;
        return 0;
}
