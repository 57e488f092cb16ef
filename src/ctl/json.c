#include "ctl/json.h"

#include <inttypes.h>
#include <stdbool.h>
#include <string.h>
#include <sys/stat.h>

#include "ctl/say.h"
#include "state/versions.h"

/* Length of the UTF-8 sequence at P, 0 when there is none. Source: RFC 3629. */
static size_t sequence_length(const unsigned char *p) {
        static const uint32_t least[] = { 0, 0, 0x80, 0x800, 0x10000 };
        uint32_t c;
        size_t n;

        if (*p < 0x80)
                return 1;
        if (*p >= 0xf8 || *p < 0xc0)
                return 0;
        n = *p >= 0xf0 ? 4 : *p >= 0xe0 ? 3 : 2;
        c = *p & (0x7fU >> n);
        for (size_t i = 1; i < n; i++) {
                if ((p[i] & 0xc0) != 0x80)
                        return 0;
                c = c << 6 | (p[i] & 0x3fU);
        }
        return c < least[n] || c > 0x10ffff || (c >= 0xd800 && c < 0xe000) ? 0 : n;
}

static bool is_utf8(const char *text) {
        const unsigned char *p = (const unsigned char *) text;
        size_t n;

        for (; *p; p += n) {
                n = sequence_length(p);
                if (n == 0)
                        return false;
        }
        return true;
}

void json_print_name(FILE *file, const char *text) {
        const unsigned char *p = (const unsigned char *) text;

        if (!is_utf8(text)) {
                for (; *p; p++)
                        (void) fprintf(file, "%c%u", p == (const unsigned char *) text ? '[' : ',',
                                       *p);
                (void) fputc(']', file);
                return;
        }
        (void) fputc('"', file);
        for (; *p; p++)
                if (*p < 0x20 || *p == 0x7f)
                        (void) fprintf(file, "\\u%04x", *p);
                else
                        (void) fprintf(file, *p == '"' || *p == '\\' ? "\\%c" : "%c", *p);
        (void) fputc('"', file);
}

static void print_mtime(FILE *file, int64_t mtime) {
        int64_t second = (int64_t) NSEC_PER_SEC, nsec = mtime % second;
        time_t sec = mtime / second;
        char text[64];
        struct tm tm;

        if (nsec < 0) {
                nsec += second;
                sec--;
        }
        (void) gmtime_r(&sec, &tm);
        (void) strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%S", &tm);
        (void) fprintf(file, "\"%s.%09dZ\"", text, (int) nsec);
}

void json_print_stamp(FILE *file, const Stamp *stamp) {
        (void) fprintf(file,
                       "\"type\":\"%s\",\"size\":%" PRIu64 ",\"mode\":\"%04o\",\"uid\":%" PRIu32
                       ",\"gid\":%" PRIu32 ",\"mtime\":",
                       type_to_string(stamp->mode), stamp->size, stamp->mode & 07777U, stamp->uid,
                       stamp->gid);
        print_mtime(file, stamp->mtime);
}

void json_print_time(FILE *file, usec_t at) {
        char text[VERSION_TIME_BYTES];

        if (at == 0) {
                (void) fputs("null", file);
                return;
        }
        version_time_format(at, text);
        (void) fprintf(file, "\"%s\"", text);
}
