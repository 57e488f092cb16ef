#pragma once

/* The catalog's rows of a directory in order, read ahead in chunks so that no statement stays open
 * while something is copied. */

#include "sync/engine-internal.h"

typedef struct RowCursor {
        CatalogReader *reader;
        int64_t directory_id;
        CatalogRow *rows; /* ROWS_CHUNK of them, the worker's */
        int n, i;         /* rows_read, and the next of them: to be moved on by the caller */
        bool ended;
        int error; /* without its rows nothing may be concluded about the directory */
        char after[1024];
} RowCursor;

/* The next row, borrowed until the cursor has moved on; NULL at the end and on errors. */
CatalogRow *row_cursor_peek(RowCursor *cursor);

/* What became of the pass of a cursor that failed. */
void row_cursor_fail(const RowCursor *cursor, Pass *pass);
