/* The names of times. */

#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "basic/string-util.h"
#include "state/versions.h"

void version_time_format(usec_t at, char buffer[VERSION_TIME_BYTES]) {
        time_t seconds = (time_t) (at / USEC_PER_SEC);
        struct tm utc;
        size_t n;

        (void) gmtime_r(&seconds, &utc);
        n = strftime(buffer, VERSION_TIME_BYTES, "%Y-%m-%dT%H:%M:%S", &utc);
        (void) snprintf(buffer + n, VERSION_TIME_BYTES - n, ".%03uZ",
                        (unsigned) (at % USEC_PER_SEC / USEC_PER_MSEC));
}

/* Exchanges the characters between hours, minutes and seconds. */
static void set_separators(char *text, char separator) {
        char *clock = strchr(text, 'T');

        if (clock && strlen(clock) > 6)
                clock[3] = clock[6] = separator;
}

void version_time_format_plain(usec_t at, char buffer[VERSION_TIME_BYTES]) {
        version_time_format(at, buffer);
        set_separators(buffer, '-');
}

static bool is_format(usec_t at, const char *text) {
        char again[VERSION_TIME_BYTES];

        version_time_format(at, again);
        if (streq(again, text))
                return true;

        set_separators(again, '-');
        return streq(again, text);
}

int version_time_parse(const char *text, usec_t *ret) {
        struct tm utc = {};
        unsigned msec;
        usec_t at;

        assert(text);
        assert(ret);

        if (sscanf(text, "%6d-%2d-%2dT%2d%*1[-:]%2d%*1[-:]%2d.%3uZ", &utc.tm_year, &utc.tm_mon,
                   &utc.tm_mday, &utc.tm_hour, &utc.tm_min, &utc.tm_sec, &msec) != 7)
                return -EINVAL;

        utc.tm_year -= 1900;
        utc.tm_mon -= 1;

        /* What is too early or too late, the 31st of April and anything that sscanf(3) is lenient
         * about gives another text. */
        at = (usec_t) timegm(&utc) * USEC_PER_SEC + msec * USEC_PER_MSEC;
        if (!is_format(at, text))
                return -EINVAL;

        *ret = at;
        return 0;
}
