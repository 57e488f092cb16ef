#include "daemon/proof-text.h"

#include <errno.h>
#include <inttypes.h>

#include "basic/local-time.h"
#include "basic/string-util.h"

/* Of a digest; whole ones are shown by rebackupctl. */
enum { DIGITS_SHOWN = 16 };

int proof_format(const Proof *proof, char **ret) {
        _cleanup_(string_buffer_done) StringBuffer text = STRING_BUFFER_NULL;
        char source[2 * HASH_BYTES + 1], replica[2 * HASH_BYTES + 1], time[LOCAL_TIME_MAX];

        *ret = NULL;
        if (!proof->is_known)
                return 0;
        (void) hash_format(&proof->source, source);
        (void) hash_format(&proof->replica, replica);
        if (proof->n_kept > 0)
                string_buffer_appendf(&text, "%" PRIu64 " %s as Overwrite and Delete say",
                                      proof->n_kept,
                                      proof->n_kept == 1 ? "entry kept" : "entries kept");
        else if (!proof->is_identical)
                string_buffer_appendf(&text,
                                      "not identical: root %.*s of the source, %.*s of the replica",
                                      DIGITS_SHOWN, source, DIGITS_SHOWN, replica);
        else {
                string_buffer_appendf(&text, "identical, root %.*s", DIGITS_SHOWN, source);
                if (proof->at != 0)
                        string_buffer_appendf(&text, ", proven %s",
                                              local_time_format(time, sizeof time, proof->at));
        }
        *ret = string_buffer_take(&text);
        return *ret ? 0 : -ENOMEM;
}
