#include "daemon/proof-text.h"

#include <errno.h>
#include <time.h>

#include "basic/string-util.h"

/* Of a digest; whole ones are shown by rebackupctl. */
enum { DIGITS_SHOWN = 16 };

static void put_time(StringBuffer *text, usec_t realtime) {
        time_t seconds = (time_t) (realtime / USEC_PER_SEC);
        char buffer[64];
        struct tm tm;

        if (localtime_r(&seconds, &tm) &&
            strftime(buffer, sizeof buffer, "%Y-%m-%d %H:%M", &tm) > 0)
                string_buffer_appendf(text, ", proven %s", buffer);
}

int proof_format(const Proof *proof, char **ret) {
        _cleanup_(string_buffer_done) StringBuffer text = STRING_BUFFER_NULL;
        char source[2 * HASH_BYTES + 1], replica[2 * HASH_BYTES + 1];

        *ret = NULL;
        if (!proof->is_known)
                return 0;
        (void) hash_format(&proof->source, source);
        (void) hash_format(&proof->replica, replica);
        if (!proof->is_identical)
                string_buffer_appendf(&text,
                                      "not identical: root %.*s of the source, %.*s of the replica",
                                      DIGITS_SHOWN, source, DIGITS_SHOWN, replica);
        else {
                string_buffer_appendf(&text, "identical, root %.*s", DIGITS_SHOWN, source);
                if (proof->at != 0)
                        put_time(&text, proof->at);
        }
        *ret = string_buffer_take(&text);
        return *ret ? 0 : -ENOMEM;
}
