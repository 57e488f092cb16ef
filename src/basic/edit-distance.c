#include "basic/edit-distance.h"

#include <stdint.h>
#include <string.h>
#include <strings.h>

#include "basic/macros.h"

/* The dynamic programme over the table of all prefixes, of which two rows are kept in one. */
size_t edit_distance(const char *a, const char *b) {
        size_t row[EDIT_DISTANCE_MAX + 1], n = strlen(b);

        if (n > EDIT_DISTANCE_MAX)
                return SIZE_MAX;

        for (size_t j = 0; j <= n; j++)
                row[j] = j;

        for (size_t i = 1; a[i - 1]; i++) {
                size_t diagonal = row[0];

                row[0] = i;
                for (size_t j = 1; j <= n; j++) {
                        size_t differs = strncasecmp(&a[i - 1], &b[j - 1], 1) != 0;
                        size_t moved = MIN(row[j], row[j - 1]) + 1, changed = diagonal + differs;

                        diagonal = row[j];
                        row[j] = MIN(moved, changed);
                }
        }

        return row[n];
}
