#include "sync/row-cursor.h"

#include <string.h>

#include "basic/macros.h"
#include "sync/disk.h"

CatalogRow *row_cursor_peek(RowCursor *cursor) {
        if (cursor->i < cursor->n)
                return &cursor->rows[cursor->i];
        if (cursor->ended)
                return NULL;
        int n = catalog_reader_list(cursor->reader, cursor->directory_id, cursor->after,
                                    cursor->rows, ROWS_CHUNK);
        cursor->i = 0;
        cursor->n = MAX(n, 0);
        cursor->error = MIN(n, 0);
        cursor->ended = n < ROWS_CHUNK;
        if (n <= 0)
                return NULL;
        size_t length = strlen(cursor->rows[n - 1].name);
        cursor->ended = cursor->ended || length >= sizeof cursor->after;
        if (!cursor->ended)
                memcpy(cursor->after, cursor->rows[n - 1].name, length + 1);
        return &cursor->rows[0];
}

void row_cursor_fail(const RowCursor *cursor, Pass *pass) {
        if (!disk_ended_pass(pass, cursor->error))
                pass_abort(pass, cursor->error, NULL);
}
