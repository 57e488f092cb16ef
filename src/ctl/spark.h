#pragma once

/* Numbers as pictures of one line. Pure. */

#include <stdbool.h>
#include <stddef.h>

/* One character for each of the N VALUES, as high as its share of the greatest; what is more than 0
 * shows. A fresh string, NULL when memory is short. */
char *spark_line(const double *values, size_t n, bool utf8);

/* A bar of SHARE (0 to 1) of WIDTH columns; what is more than 0 shows. A fresh string, NULL when
 * memory is short. */
char *spark_bar(double share, size_t width, bool utf8);
