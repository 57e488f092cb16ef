#include "model-util.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void model_die(const char *format, ...) {
        int error = errno;
        va_list arguments;

        (void) fputs("policy-model: ", stderr);
        va_start(arguments, format);
        (void) vfprintf(stderr, format, arguments);
        va_end(arguments);
        (void) fprintf(stderr, " (%s)\n", strerror(error));
        exit(2);
}

void *must(void *p) {
        if (!p)
                model_die("out of memory");
        return p;
}

long must_call(long r, const char *what) {
        if (r < 0)
                model_die("%s", what);
        return r;
}

/* splitmix64 */
unsigned random_below(Random *random, unsigned limit) {
        uint64_t z = random->state += 0x9e3779b97f4a7c15u;

        z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
        z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
        return (unsigned) ((z ^ (z >> 31)) % limit);
}
