#include "restore/when.h"

#include <ctype.h>
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "basic/alloc.h"
#include "basic/string-util.h"

enum { FRACTION_DIGITS = 6 };

/* Exactly N digits. */
static bool take_number(const char **p, unsigned n, int *ret) {
        int number = 0;

        for (unsigned i = 0; i < n; i++) {
                if (!isdigit((unsigned char) (*p)[i]))
                        return false;
                number = number * 10 + ((*p)[i] - '0');
        }
        *p += n;
        *ret = number;
        return true;
}

static bool take_char(const char **p, char wanted) {
        if (**p != wanted)
                return false;
        (*p)++;
        return true;
}

/* What is finer than microseconds is dropped. */
static bool take_fraction(const char **p, usec_t *ret) {
        usec_t fraction = 0;
        unsigned n = 0;

        if (!take_char(p, '.'))
                return true;
        if (!isdigit((unsigned char) **p))
                return false;
        for (; isdigit((unsigned char) **p); (*p)++)
                if (n < FRACTION_DIGITS) {
                        fraction = fraction * 10 + (usec_t) (**p - '0');
                        n++;
                }
        for (; n < FRACTION_DIGITS; n++)
                fraction *= 10;
        *ret = fraction;
        return true;
}

static bool take_date(const char **p, struct tm *tm) {
        if (!take_number(p, 4, &tm->tm_year) || !take_char(p, '-') ||
            !take_number(p, 2, &tm->tm_mon) || !take_char(p, '-') ||
            !take_number(p, 2, &tm->tm_mday))
                return false;
        tm->tm_year -= 1900;
        tm->tm_mon--;
        return true;
}

static bool take_clock(const char **p, struct tm *tm, usec_t *fraction) {
        if (!take_number(p, 2, &tm->tm_hour) || !take_char(p, ':') ||
            !take_number(p, 2, &tm->tm_min))
                return false;
        if (!take_char(p, ':'))
                return true;
        return take_number(p, 2, &tm->tm_sec) && take_fraction(p, fraction);
}

/* mktime(3) and timegm(3) make the first of March of the thirtieth of February. */
static bool is_normal(const struct tm *given, const struct tm *made) {
        return given->tm_year == made->tm_year && given->tm_mon == made->tm_mon &&
               given->tm_mday == made->tm_mday && given->tm_min == made->tm_min &&
               given->tm_sec == made->tm_sec;
}

static int parse_calendar(const char *text, usec_t *ret) {
        struct tm tm = { .tm_isdst = -1 }, made;
        const char *p = text;
        usec_t fraction = 0;
        bool utc = false;
        time_t seconds;

        if (!take_date(&p, &tm))
                return -EINVAL;
        if (*p) {
                if (!take_char(&p, 'T') && !take_char(&p, ' '))
                        return -EINVAL;
                if (!take_clock(&p, &tm, &fraction))
                        return -EINVAL;
                utc = take_char(&p, 'Z');
        }
        if (*p || tm.tm_hour > 23)
                return -EINVAL;

        made = tm;
        seconds = utc ? timegm(&made) : mktime(&made);
        if (!is_normal(&tm, &made))
                return -EINVAL;
        if (seconds < 0)
                return -ERANGE;
        *ret = (usec_t) seconds * USEC_PER_SEC + fraction;
        return 0;
}

static int parse_age(const char *text, usec_t now, usec_t *ret) {
        _cleanup_free_ char *copy = strdup(text);
        size_t length;
        usec_t span;
        int r;

        if (!copy)
                return -ENOMEM;
        length = strlen(copy);
        if (length > strlen(" ago") && streq(copy + length - strlen(" ago"), " ago"))
                copy[length - strlen(" ago")] = '\0';
        r = span_parse(copy, &span);
        if (r < 0)
                return r;
        if (span > now)
                return -ERANGE;
        *ret = now - span;
        return 0;
}

int when_parse(const char *text, usec_t now, usec_t *ret) {
        int r;

        if (streq(text, "now")) {
                *ret = now;
                return 0;
        }
        r = parse_calendar(text, ret);
        return r == -EINVAL ? parse_age(text, now, ret) : r;
}

char *when_format(char *buffer, size_t size, usec_t at) {
        time_t seconds = (time_t) (at / USEC_PER_SEC);
        struct tm tm;
        size_t n;

        (void) localtime_r(&seconds, &tm);
        n = strftime(buffer, size, "%Y-%m-%d %H:%M:%S", &tm);
        (void) snprintf(buffer + n, size - n, ".%03u",
                        (unsigned) (at % USEC_PER_SEC / USEC_PER_MSEC));
        return buffer;
}
