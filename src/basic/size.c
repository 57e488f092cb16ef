#include "basic/size.h"

#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "basic/macros.h"

static const char suffixes[] = "BKMGTPE";

/* The shift that a unit such as "", "B", "K", "KB" or "KiB" stands for, or -1. */
static int unit_shift(const char *unit) {
        if (!*unit || strcmp(unit, "B") == 0)
                return 0;
        const char *found = strchr(suffixes + 1, toupper((unsigned char) *unit));
        if (!found)
                return -1;
        if (unit[1] && strcmp(unit + 1, "B") != 0 && strcmp(unit + 1, "iB") != 0)
                return -1;
        return 10 * (int) (found - suffixes);
}

int size_parse(const char *text, uint64_t *ret) {
        const char *p = text + strspn(text, " \t");
        uint64_t whole = 0, fraction = 0, scale = 1;
        const char *digits = p;
        int shift;

        for (; isdigit((unsigned char) *p); p++)
                if (__builtin_mul_overflow(whole, 10, &whole) ||
                    __builtin_add_overflow(whole, (uint64_t) (*p - '0'), &whole))
                        return -ERANGE;
        if (p == digits)
                return -EINVAL;
        if (*p == '.')
                for (p++; isdigit((unsigned char) *p); p++)
                        if (scale < 1000) {
                                fraction = fraction * 10 + (uint64_t) (*p - '0');
                                scale *= 10;
                        }
        p += strspn(p, " \t");
        shift = unit_shift(p);
        if (shift < 0)
                return -EINVAL;
        if (whole > UINT64_MAX >> shift)
                return -ERANGE;
        whole <<= shift;
        /* The fraction is less than one, so that the sum fits. */
        *ret = whole + (uint64_t) (((__uint128_t) fraction << shift) / scale);
        return 0;
}

char *size_format(char *buffer, size_t size, uint64_t n_bytes) {
        unsigned unit = 0, shift;
        uint64_t rest;

        while (unit + 2 < sizeof suffixes && n_bytes >> (10 * unit) >= 1024)
                unit++;
        if (unit == 0) {
                (void) snprintf(buffer, size, "%" PRIu64 " B", n_bytes);
                return buffer;
        }
        shift = 10 * unit;
        rest = n_bytes & ((UINT64_C(1) << shift) - 1);
        (void) snprintf(buffer, size, "%" PRIu64 ".%u %ciB", n_bytes >> shift,
                        (unsigned) ((__uint128_t) rest * 10 >> shift), suffixes[unit]);
        return buffer;
}
