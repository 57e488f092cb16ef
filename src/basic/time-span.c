#include "basic/time-span.h"

#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "basic/macros.h"

static const struct {
        usec_t usec;
        const char *names[5];
} units[] = {
        { 1, { "us", "usec", "µs", "μs" } }, /* U+00B5 and U+03BC */
        { USEC_PER_MSEC, { "ms", "msec" } },
        { USEC_PER_SEC, { "s", "sec", "second", "seconds" } },
        { USEC_PER_MINUTE, { "m", "min", "minute", "minutes" } },
        { USEC_PER_HOUR, { "h", "hr", "hour", "hours" } },
        { USEC_PER_DAY, { "d", "day", "days" } },
        { USEC_PER_WEEK, { "w", "week", "weeks" } },
        { USEC_PER_MONTH, { "M", "month", "months" } },
        { USEC_PER_YEAR, { "y", "year", "years" } },
};

static const usec_t *find_unit(const char *name, size_t length) {
        for (size_t i = 0; i < ELEMENTSOF(units); i++)
                for (const char *const *known = units[i].names; *known; known++)
                        if (strlen(*known) == length && strncmp(*known, name, length) == 0)
                                return &units[i].usec;
        return NULL;
}

usec_t now_usec(clockid_t clock) {
        struct timespec now;

        /* Cannot fail for the clocks that exist everywhere. */
        (void) clock_gettime(clock, &now);
        return (usec_t) now.tv_sec * USEC_PER_SEC + (usec_t) now.tv_nsec / NSEC_PER_USEC;
}

#define BLANKS " \t\n\r"

static const char *skip_blanks(const char *p) {
        return p + strspn(p, BLANKS);
}

/* The unit that follows a number, blanks between them or not. Without one it is seconds, but then
 * the next number must stand apart: "1.5.5" is none. */
static bool parse_unit(const char **p, usec_t *ret) {
        const char *s = skip_blanks(*p);
        size_t length = strcspn(s, BLANKS "0123456789.");
        const usec_t *unit;

        if (length == 0) {
                if (s == *p && *s)
                        return false;
                *p = s;
                *ret = USEC_PER_SEC;
                return true;
        }
        unit = find_unit(s, length);
        if (!unit)
                return false;
        *p = s + length;
        *ret = *unit;
        return true;
}

/* Digits of a fraction beyond these are dropped. */
#define FRACTION_SCALE_MAX UINT64_C(1000000)

/* A number: WHOLE and FRACTION/SCALE. */
typedef struct Number {
        uint64_t whole, fraction, scale;
} Number;

static int parse_number(const char **p, Number *ret) {
        Number number = { .scale = 1 };
        const char *s = *p;
        bool any = false;

        for (; isdigit((unsigned char) *s); s++, any = true)
                if (__builtin_mul_overflow(number.whole, 10, &number.whole) ||
                    __builtin_add_overflow(number.whole, (uint64_t) (*s - '0'), &number.whole))
                        return -ERANGE;
        if (*s == '.')
                for (s++, any = false; isdigit((unsigned char) *s); s++, any = true)
                        if (number.scale < FRACTION_SCALE_MAX) {
                                number.fraction = number.fraction * 10 + (uint64_t) (*s - '0');
                                number.scale *= 10;
                        }
        if (!any)
                return -EINVAL;
        *p = s;
        *ret = number;
        return 0;
}

/* A year of microseconds times the scale does not fit 64 bits. */
static usec_t fraction_of(usec_t unit, const Number *number) {
        return (usec_t) ((__uint128_t) unit * number->fraction / number->scale);
}

int span_parse(const char *text, usec_t *ret) {
        const char *p = skip_blanks(text);
        usec_t total = 0;

        if (strcmp(p, "infinity") == 0)
                return -ERANGE;
        if (!*p)
                return -EINVAL;
        while (*p) {
                Number number;
                usec_t unit, part;
                int r = parse_number(&p, &number);

                if (r < 0)
                        return r;
                if (!parse_unit(&p, &unit))
                        return -EINVAL;
                if (__builtin_mul_overflow(number.whole, unit, &part) ||
                    __builtin_add_overflow(part, fraction_of(unit, &number), &part) ||
                    __builtin_add_overflow(total, part, &total) || total == USEC_INFINITY)
                        return -ERANGE;
                p = skip_blanks(p);
        }
        *ret = total;
        return 0;
}

char *span_format(char *buffer, size_t size, usec_t span) {
        static const struct {
                const char *name;
                usec_t usec;
        } steps[] = { { "d", USEC_PER_DAY },
                      { "h", USEC_PER_HOUR },
                      { "min", USEC_PER_MINUTE },
                      { "s", USEC_PER_SEC } };

        if (span < USEC_PER_MSEC) {
                (void) snprintf(buffer, size, "%" PRIu64 "us", span);
                return buffer;
        }
        if (span < USEC_PER_SEC) {
                (void) snprintf(buffer, size, "%" PRIu64 "ms", span / USEC_PER_MSEC);
                return buffer;
        }
        if (span < 10 * USEC_PER_SEC && span % USEC_PER_SEC >= USEC_PER_SEC / 10) {
                (void) snprintf(buffer, size, "%" PRIu64 ".%" PRIu64 "s", span / USEC_PER_SEC,
                                span % USEC_PER_SEC / (USEC_PER_SEC / 10));
                return buffer;
        }
        for (size_t i = 0; i < ELEMENTSOF(steps); i++) {
                if (span < steps[i].usec)
                        continue;
                int n = snprintf(buffer, size, "%" PRIu64 "%s", span / steps[i].usec,
                                 steps[i].name);
                uint64_t rest = i + 1 < ELEMENTSOF(steps) ? span % steps[i].usec / steps[i + 1].usec
                                                          : 0;
                if (rest > 0 && n > 0 && (size_t) n < size)
                        (void) snprintf(buffer + n, size - (size_t) n, " %" PRIu64 "%s", rest,
                                        steps[i + 1].name);
                break;
        }
        return buffer;
}
