#pragma once

/* Memory that frees itself at the end of its scope. */

#include <stdlib.h>

#include "basic/macros.h"

static inline void freep(void *pointer) {
        free(*(void **) pointer);
}

#define _cleanup_free_ _cleanup_(freep)

/* N zeroed elements of TYPE, or NULL. */
#define new0(type, n) ((type *) calloc((n), sizeof(type)))

/* Frees and gives NULL, for `x = mfree(x)`. */
static inline void *mfree(void *pointer) {
        free(pointer);
        return NULL;
}
