#pragma once

/* Numbers as people read them. */

#include <stddef.h>
#include <stdint.h>

enum { COUNT_TEXT_MAX = 32 };

/* "0", "999", "84,123". Returns BUFFER. */
char *count_format(char *buffer, size_t size, uint64_t n);
