#pragma once

/* Small things for all files of the model: what cannot fail, and numbers that are drawn. */

#include <stdint.h>

/* Ends the program, saying what failed and why. */
_Noreturn void model_die(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* P, unless it is NULL, which ends the program. */
void *must(void *p);

/* R, unless it is negative, which ends the program. */
long must_call(long r, const char *what);

typedef struct Random {
        uint64_t state;
} Random;

/* Less than LIMIT, which is not 0. */
unsigned random_below(Random *random, unsigned limit);
