/* rebackupctl diff */

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sysexits.h>

#include "basic/alloc.h"
#include "basic/string-util.h"
#include "ctl/commands.h"
#include "ctl/interrupt.h"
#include "ctl/json.h"
#include "ctl/say.h"
#include "restore/differences.h"
#include "restore/recorded.h"
#include "restore/when.h"

#define NSEC_PER_MSEC INT64_C(1000000)

typedef struct Report {
        const CtlOptions *options;
        uint64_t n_different, n_failed;
        bool any; /* an element of the JSON array was written */
} Report;

static const char *name_of(const char *path) {
        return *path ? path : ".";
}

/* What the difference is in numbers, where that says more. */
static void append_values(StringBuffer *text, Difference one, const Stamp *a, const Stamp *b) {
        char before[WHEN_TEXT_MAX], after[WHEN_TEXT_MAX];

        switch (one) {
        case DIFFERENCE_TYPE:
                string_buffer_appendf(text, " (%s in the source, %s in the replica)",
                                      type_to_string(a->mode), type_to_string(b->mode));
                break;
        case DIFFERENCE_CONTENT:
                if (a->size != b->size)
                        string_buffer_appendf(text,
                                              " (%" PRIu64 " bytes in the source, %" PRIu64
                                              " in the replica)",
                                              a->size, b->size);
                break;
        case DIFFERENCE_MODE:
                string_buffer_appendf(text, " (%04o in the source, %04o in the replica)",
                                      a->mode & 07777U, b->mode & 07777U);
                break;
        case DIFFERENCE_OWNER:
                string_buffer_appendf(text,
                                      " (%" PRIu32 " in the source, %" PRIu32 " in the replica)",
                                      a->uid, b->uid);
                break;
        case DIFFERENCE_GROUP:
                string_buffer_appendf(text,
                                      " (%" PRIu32 " in the source, %" PRIu32 " in the replica)",
                                      a->gid, b->gid);
                break;
        case DIFFERENCE_MTIME:
                if (a->mtime < 0 || b->mtime < 0 ||
                    a->mtime / NSEC_PER_MSEC == b->mtime / NSEC_PER_MSEC)
                        break;
                string_buffer_appendf(
                        text, " (%s in the source, %s in the replica)",
                        when_format(before, sizeof before, (usec_t) a->mtime / NSEC_PER_USEC),
                        when_format(after, sizeof after, (usec_t) b->mtime / NSEC_PER_USEC));
                break;
        default:
                break;
        }
}

static void print_text(const DifferenceEvent *event) {
        _cleanup_(string_buffer_done) StringBuffer text = STRING_BUFFER_NULL;
        _cleanup_free_ char *name = escape_bytes(name_of(event->path));
        const char *separator = "";

        for (unsigned i = 0; i < N_DIFFERENCES; i++) {
                if (!(event->differences & 1U << i))
                        continue;
                string_buffer_append(&text, separator);
                string_buffer_append(&text, difference_to_string(1U << i));
                if (event->source && event->replica)
                        append_values(&text, 1U << i, event->source, event->replica);
                separator = ", ";
        }
        (void) printf("%s: %s\n", name ? name : "?", text.text ? text.text : "?");
}

static void print_side(const char *key, const Stamp *stamp) {
        (void) printf(",\"%s\":", key);
        if (!stamp) {
                (void) fputs("null", stdout);
                return;
        }
        (void) fputc('{', stdout);
        json_print_stamp(stdout, stamp);
        (void) fputc('}', stdout);
}

static void print_json(Report *report, const DifferenceEvent *event) {
        const char *separator = "";

        (void) fputs(report->any ? ",\n{\"path\":" : "\n{\"path\":", stdout);
        report->any = true;
        json_print_name(stdout, event->path);
        (void) fputs(",\"differences\":[", stdout);
        for (unsigned i = 0; i < N_DIFFERENCES; i++)
                if (event->differences & 1U << i) {
                        (void) printf("%s\"%s\"", separator, difference_to_string(1U << i));
                        separator = ",";
                }
        (void) fputc(']', stdout);
        print_side("source", event->source);
        print_side("replica", event->replica);
        if (event->error != 0) {
                (void) fputs(",\"error\":", stdout);
                json_print_name(stdout, strerror(-event->error));
        }
        (void) fputc('}', stdout);
}

static void on_difference(const DifferenceEvent *event, void *userdata) {
        Report *report = userdata;

        report->n_different += event->differences != 0;
        report->n_failed += event->error != 0;
        if (event->error != 0)
                say_error("%s: cannot be compared: %s", name_of(event->path),
                          strerror(-event->error));
        if (report->options->json)
                print_json(report, event);
        else if (event->differences != 0)
                print_text(event);
}

/* What the catalog says, if it can be had. 0 or -errno. */
static int acquire_proof(const RestorePair *pair, const char *path, RecordedProof *ret) {
        Recorded recorded = RECORDED_NULL;
        int r;

        r = recorded_open(pair, &recorded);
        if (r >= 0)
                r = recorded_proof(&recorded, path, ret);
        recorded_close(&recorded);
        return r;
}

static const char *why_no_proof(int r) {
        switch (r) {
        case -ENOENT:
                return "nothing is recorded of it";
        case -ENODATA:
                return "there are no digests yet";
        case -EBUSY:
                return "it is being written to all the time";
        case -EBADMSG:
                return "it is damaged";
        default:
                return strerror(-r);
        }
}

static uint64_t n_read_back(const CatalogCoverage *coverage) {
        return coverage->n_files - coverage->n_without_hash - coverage->n_never;
}

static void print_coverage_text(const CatalogCoverage *coverage) {
        char at[WHEN_TEXT_MAX];

        if (coverage->oldest == 0)
                (void) puts("catalog: no content has been read back from the disks yet");
        else
                (void) printf("catalog: %" PRIu64 " of %" PRIu64
                              " files were read back from both disks, the first of them at %s\n",
                              n_read_back(coverage), coverage->n_files,
                              when_format(at, sizeof at, (usec_t) coverage->oldest));
}

static void print_proof_text(int r, const RecordedProof *proof) {
        char source[2 * HASH_BYTES + 1], replica[2 * HASH_BYTES + 1], at[WHEN_TEXT_MAX];

        if (r < 0) {
                (void) printf("catalog: no digests: %s\n", why_no_proof(r));
                return;
        }
        (void) hash_format(&proof->digests.source, source);
        (void) hash_format(&proof->digests.replica, replica);
        if (proof->n_kept > 0)
                (void) printf("catalog: %" PRIu64 " %s kept as Overwrite=no or Delete=no says\n",
                              proof->n_kept,
                              proof->n_kept == 1 ? "entry of the pair is"
                                                 : "entries of the pair are");
        if (proof->is_identical)
                (void) printf("catalog: recorded as identical, root %s\n", source);
        else
                (void) printf("catalog: not recorded as identical, root %s of the source,\n"
                              "         root %s of the replica\n",
                              source, replica);
        if (proof->proven != 0)
                (void) printf("catalog: a full pass found the whole pair equal, last at %s\n",
                              when_format(at, sizeof at, proof->proven));
        else
                (void) puts("catalog: no full pass has found the whole pair equal yet");
        print_coverage_text(&proof->coverage);
}

static void print_proof_json(int r, const RecordedProof *proof) {
        char digits[2 * HASH_BYTES + 1];

        if (r < 0) {
                (void) fputs(",\n\"catalog\":null", stdout);
                return;
        }
        (void) printf(",\n\"catalog\":{\"source\":\"%s\"",
                      hash_format(&proof->digests.source, digits));
        (void) printf(",\"replica\":\"%s\",\"identical\":%s,\"proven\":",
                      hash_format(&proof->digests.replica, digits),
                      proof->is_identical ? "true" : "false");
        json_print_time(stdout, proof->proven);
        (void) printf(",\"kept\":%" PRIu64, proof->n_kept);
        (void) printf(",\"files\":%" PRIu64 ",\"read_back\":%" PRIu64 ",\"oldest_read_back\":",
                      proof->coverage.n_files, n_read_back(&proof->coverage));
        json_print_time(stdout, (usec_t) proof->coverage.oldest);
        (void) fputc('}', stdout);
}

static void print_end(const Report *report, uint64_t n_entries, int r, const RecordedProof *proof) {
        const char *how = report->options->content ? "metadata and content" : "metadata";

        if (report->options->json) {
                (void) printf("%s],\n\"compared\":%" PRIu64 ",\"content\":%s",
                              report->any ? "\n" : "", n_entries,
                              report->options->content ? "true" : "false");
                print_proof_json(r, proof);
                (void) fputs("}\n", stdout);
                return;
        }
        if (report->n_different > 0)
                (void) printf("%" PRIu64 " of %" PRIu64 " entries differ, compared by %s\n",
                              report->n_different, n_entries, how);
        else if (report->n_failed > 0)
                (void) printf("%" PRIu64 " entries: no difference found, but %" PRIu64
                              " could not be compared\n",
                              n_entries, report->n_failed);
        else
                (void) printf("%" PRIu64 " entries: no difference, compared by %s\n", n_entries,
                              how);
        print_proof_text(r, proof);
}

int command_diff(const CtlOptions *options, const RestorePair *pair, const char *path) {
        Report report = { .options = options };
        const DifferencesRequest request = {
                .path = path,
                .content = options->content,
                .tell = on_difference,
                .tick = interrupt_tick,
                .userdata = &report,
        };
        RecordedProof proof = {};
        uint64_t n_entries = 0;
        char *error = NULL;
        int r, code;

        interrupt_catch();
        if (options->json)
                (void) fputs("{\"entries\":[", stdout);
        r = differences_find(pair, &request, &n_entries, &error);
        if (r != 0) {
                code = say_problem(r, error);
                interrupt_end();
                return code;
        }
        r = acquire_proof(pair, path, &proof);
        print_end(&report, n_entries, r, &proof);
        return finish_output(report.n_failed > 0      ? EX_IOERR
                             : report.n_different > 0 ? EXIT_DIFFERENT
                                                      : EX_OK);
}
