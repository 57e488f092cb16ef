#pragma once

/* Sizes in bytes as people write and read them. */

#include <stddef.h>
#include <stdint.h>

/* Parses "4096", "4K", "1.5G" (1024 based; K M G T P E, an optional "B" or "iB" after them). 0,
 * -EINVAL, -ERANGE. */
int size_parse(const char *text, uint64_t *ret);

enum { SIZE_TEXT_MAX = 32 };

/* "0 B", "512 B", "3.1 MiB". Returns BUFFER. */
char *size_format(char *buffer, size_t size, uint64_t n_bytes);
