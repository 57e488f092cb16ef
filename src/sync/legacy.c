/* Going on where an engine in another process left off, with its tree. */

#include "basic/macros.h"
#include "sync/engine-internal.h"

EngineLegacy engine_bequeath(const Engine *engine) {
        return (EngineLegacy) { .next_directory_id = engine->next_directory_id };
}

/* What dirty passes displaced waits for the next one. */
static int find_parked(Engine *engine) {
        CatalogRow row = CATALOG_ROW_NULL;
        CatalogReader *reader;
        int r;

        r = catalog_reader_open(engine->pair->store.catalog, &reader);
        if (r < 0)
                return r;
        r = catalog_reader_list(reader, CATALOG_PARKED, "", &row, 1);
        if (r > 0)
                engine->parked_left = true;
        catalog_row_done(&row);
        catalog_reader_close(reader);
        return MIN(r, 0);
}

int engine_inherit(Engine *engine, const EngineLegacy *legacy) {
        engine->next_directory_id = MAX((int64_t) engine->next_directory_id,
                                        legacy->next_directory_id);
        return find_parked(engine);
}
