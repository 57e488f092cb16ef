#include "basic/count-text.h"

#include <inttypes.h>
#include <stdio.h>

#include "basic/macros.h"

char *count_format(char *buffer, size_t size, uint64_t n) {
        char digits[COUNT_TEXT_MAX];
        size_t n_digits = (size_t) snprintf(digits, sizeof digits, "%" PRIu64, n), used = 0;

        assert(size > n_digits + n_digits / 3);
        for (size_t i = 0; i < n_digits; i++) {
                if (i > 0 && (n_digits - i) % 3 == 0)
                        buffer[used++] = ',';
                buffer[used++] = digits[i];
        }
        buffer[used] = 0;
        return buffer;
}
