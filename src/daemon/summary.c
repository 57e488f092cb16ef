#include "daemon/summary.h"

#include <errno.h>

#include "basic/alloc.h"
#include "basic/count-text.h"
#include "basic/macros.h"
#include "basic/size.h"
#include "basic/string-util.h"

/* What a summary counts. Making a directory is copying it: so the numbers add up to what a person
 * sees in the tree. */
static const struct {
        Operation operation;
        const char *done, *planned;
        bool always; /* said in the totals of a run even when zero */
} words[] = {
        { OPERATION_COPY, "copied", "to copy", true },
        { OPERATION_UPDATE, "updated", "to update", true },
        { OPERATION_RENAME, "renamed", "to rename", true },
        { OPERATION_LINK, "linked", "to link", true },
        { OPERATION_METADATA, "metadata", "metadata", true },
        { OPERATION_REMOVE, "removed", "to remove", true },
        { OPERATION_ADOPT, "adopted", "to adopt", false },
        { OPERATION_HEAL, "healed", "to heal", true },
        { OPERATION_VERSION, "versioned", "to version", false },
        { OPERATION_KEEP, "kept", "to keep", false },
};

static uint64_t count_of(Counters *counters, Operation operation) {
        uint64_t n = counters->operations[operation];

        return operation == OPERATION_COPY ? n + counters->operations[OPERATION_MKDIR] : n;
}

static bool nothing_done(Counters *counters) {
        for (size_t i = 0; i < ELEMENTSOF(counters->operations); i++)
                if (counters->operations[i] > 0)
                        return false;
        return counters->n_unstable == 0 && counters->n_held == 0 && counters->n_foreign == 0 &&
               counters->n_conflicts == 0;
}

static void put_count(StringBuffer *text, const char *before, uint64_t n, const char *after) {
        char buffer[COUNT_TEXT_MAX];

        string_buffer_appendf(text, "%s%s %s", before, count_format(buffer, sizeof buffer, n),
                              after);
}

static void put_bytes(StringBuffer *text, uint64_t n_bytes, bool planned) {
        char buffer[SIZE_TEXT_MAX];

        string_buffer_appendf(text, "; %s %s", size_format(buffer, sizeof buffer, n_bytes),
                              planned ? "to copy" : "copied");
}

/* Hands over the finished line. */
static int finish(StringBuffer *text, char **ret) {
        char *line = string_buffer_take(text);

        if (!line)
                return -ENOMEM;
        *ret = line;
        return 0;
}

static void put_pass_counts(StringBuffer *text, Counters *counters, bool dry_run) {
        for (size_t i = 0; i < ELEMENTSOF(words); i++) {
                uint64_t n = count_of(counters, words[i].operation);

                if (n > 0)
                        put_count(text, ", ", n, dry_run ? words[i].planned : words[i].done);
        }
        if (counters->n_unstable > 0)
                put_count(text, ", ", counters->n_unstable, "never at rest");
        if (counters->n_held > 0)
                put_count(text, ", ", counters->n_held, "on hold");
        if (counters->n_foreign > 0)
                put_count(text, ", ", counters->n_foreign, "left as others changed them");
        if (counters->n_conflicts > 0)
                put_count(text, ", ", counters->n_conflicts,
                          counters->n_conflicts == 1 ? "conflict" : "conflicts");
        if (counters->operations[OPERATION_FAIL] > 0)
                put_count(text, ", ", counters->operations[OPERATION_FAIL], "failed");
        else
                string_buffer_append(text, ", nothing failed");
        if (counters->n_bytes > 0)
                put_bytes(text, counters->n_bytes, dry_run);
}

int summary_format_pass(Counters *counters, usec_t duration, bool dry_run, char **ret) {
        _cleanup_(string_buffer_done) StringBuffer text = STRING_BUFFER_NULL;
        char span[SPAN_TEXT_MAX];

        string_buffer_appendf(&text, "%s done in %s: ", dry_run ? "dry run" : "pass",
                              span_format(span, sizeof span, duration));
        put_count(&text, "", counters->n_entries, counters->n_entries == 1 ? "entry" : "entries");
        if (nothing_done(counters))
                string_buffer_append(&text, " in step");
        else
                put_pass_counts(&text, counters, dry_run);
        return finish(&text, ret);
}

static void put_damage(StringBuffer *text, Counters *counters) {
        uint64_t n_healed = MIN((uint64_t) counters->n_rot_healed, (uint64_t) counters->n_rotten);

        put_count(text, "", counters->n_rotten, "damaged");
        put_count(text, ", ", n_healed, "healed");
        if (counters->n_rotten > n_healed)
                put_count(text, ", ", counters->n_rotten - n_healed, "left damaged");
}

int summary_format_verify(Counters *counters, const VerifyResult *result, usec_t duration,
                          char **ret) {
        _cleanup_(string_buffer_done) StringBuffer text = STRING_BUFFER_NULL;
        char span[SPAN_TEXT_MAX], size[SIZE_TEXT_MAX];

        put_count(&text, "verified ", counters->n_verified,
                  counters->n_verified == 1 ? "file" : "files");
        string_buffer_appendf(
                &text, ", %s in %s: ", size_format(size, sizeof size, counters->n_verified_bytes),
                span_format(span, sizeof span, duration));
        if (counters->n_rotten > 0)
                put_damage(&text, counters);
        else
                string_buffer_append(&text, "no damage");
        if (result->n_moved > 0)
                put_count(&text, ", ", result->n_moved, "changing");
        if (counters->operations[OPERATION_FAIL] > 0)
                put_count(&text, ", ", counters->operations[OPERATION_FAIL], "failed");
        if (result->coverage.n_without_hash > 0)
                put_count(&text, ", ", result->coverage.n_without_hash, "without a hash");
        if (result->coverage.n_damaged > 0)
                put_count(&text, ", ", result->coverage.n_damaged, "known to be damaged");
        if (result->is_cut_short)
                string_buffer_append(&text, "; not all was read");
        return finish(&text, ret);
}

int summary_format_survey(Counters *counters, usec_t duration, const char *side,
                          uint64_t n_deviating, char **ret) {
        _cleanup_(string_buffer_done) StringBuffer text = STRING_BUFFER_NULL;
        char span[SPAN_TEXT_MAX];

        string_buffer_appendf(&text, "rescan of the %s after lost events done in %s: ", side,
                              span_format(span, sizeof span, duration));
        put_count(&text, "", counters->n_entries, counters->n_entries == 1 ? "entry" : "entries");
        if (n_deviating == 0)
                string_buffer_append(&text, " as before");
        else
                put_count(&text, ", ", n_deviating,
                          n_deviating == 1 ? "directory compared" : "directories compared");
        if (!nothing_done(counters))
                put_pass_counts(&text, counters, false);
        return finish(&text, ret);
}

int summary_format_totals(Counters *counters, usec_t duration, char **ret) {
        _cleanup_(string_buffer_done) StringBuffer text = STRING_BUFFER_NULL;
        char span[SPAN_TEXT_MAX];
        const char *separator = ": ";

        string_buffer_appendf(&text, "stopped after %s", span_format(span, sizeof span, duration));
        for (size_t i = 0; i < ELEMENTSOF(words); i++) {
                uint64_t n = count_of(counters, words[i].operation);

                if (n == 0 && !words[i].always)
                        continue;
                put_count(&text, separator, n, words[i].done);
                separator = ", ";
        }
        put_count(&text, ", ", counters->operations[OPERATION_FAIL], "failed");
        put_bytes(&text, counters->n_bytes, false);
        if (counters->n_verified > 0 || counters->n_rotten > 0) {
                put_count(&text, "; ", counters->n_verified, "verified");
                put_count(&text, ", ", counters->n_rotten, "found damaged");
                put_count(&text, ", ", counters->n_rot_healed, "of them healed");
        }
        return finish(&text, ret);
}

int summary_format_start(const Config *config, const char *store, const char *backend, char **ret) {
        _cleanup_(string_buffer_done) StringBuffer text = STRING_BUFFER_NULL;
        _cleanup_free_ char *source = NULL, *replica = NULL, *place = NULL;
        char span[SPAN_TEXT_MAX];

        source = escape_bytes(config->source);
        replica = escape_bytes(config->replica);
        place = escape_bytes(store);
        if (!source || !replica || !place)
                return -ENOMEM;
        string_buffer_appendf(&text, "mirroring %s to %s (store %s, ", source, replica, place);
        if (backend)
                string_buffer_appendf(&text, "watching with %s, ", backend);
        else
                string_buffer_append(&text, "not watching, ");
        if (config->rescan_interval > 0)
                string_buffer_appendf(&text, "rescan every %s)",
                                      span_format(span, sizeof span, config->rescan_interval));
        else
                string_buffer_append(&text, "no periodic rescan)");
        return finish(&text, ret);
}
