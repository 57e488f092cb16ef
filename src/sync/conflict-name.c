#include "sync/conflict-name.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

enum { EXTENSION_MAX = 32, MIDDLE_MAX = 96 };
#define NSEC_PER_SEC INT64_C(1000000000)

/* With its dot; "" for none. A leading dot makes a hidden name and no extension. */
static const char *find_extension(const ConflictName *conflict) {
        const char *dot = conflict->is_directory ? NULL : strrchr(conflict->name, '.');
        bool has = dot && dot != conflict->name && dot[1] && strlen(dot) <= EXTENSION_MAX;

        return has ? dot : conflict->name + strlen(conflict->name);
}

static size_t format_middle(const ConflictName *conflict, char *buffer) {
        int64_t seconds = conflict->mtime / NSEC_PER_SEC - (conflict->mtime % NSEC_PER_SEC < 0);
        time_t at = (time_t) seconds;
        struct tm tm = {};
        int n;

        (void) gmtime_r(&at, &tm);
        n = snprintf(buffer, MIDDLE_MAX, ".conflict-%04lld%02d%02d-%02d%02d%02d-%s",
                     (long long) tm.tm_year + 1900, tm.tm_mon + 1, tm.tm_mday, tm.tm_hour,
                     tm.tm_min, tm.tm_sec, conflict->side);
        if (conflict->n_tried > 0)
                n += snprintf(buffer + n, (size_t) (MIDDLE_MAX - n), "-%u", conflict->n_tried + 1);
        return (size_t) n;
}

static size_t cut(const char *text, size_t length, size_t max) {
        if (length <= max)
                return length;
        /* Not amid a character. */
        while (max > 1 && ((unsigned char) text[max] & 0xc0) == 0x80)
                max--;
        return max;
}

void conflict_name_format(const ConflictName *conflict, char buffer[NAME_MAX + 1]) {
        const char *extension = find_extension(conflict);
        char middle[MIDDLE_MAX];
        size_t n_middle = format_middle(conflict, middle), n_extension = strlen(extension),
               n_stem = cut(conflict->name, (size_t) (extension - conflict->name),
                            NAME_MAX - n_middle - n_extension);

        memcpy(buffer, conflict->name, n_stem);
        memcpy(buffer + n_stem, middle, n_middle);
        memcpy(buffer + n_stem + n_middle, extension, n_extension + 1);
}
