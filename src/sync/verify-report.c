/* What a person is told of damage: once for each, and of what stays again in each summary. */

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "basic/alloc.h"
#include "basic/log.h"
#include "basic/macros.h"
#include "basic/string-util.h"
#include "sync/message-ids.h"
#include "sync/verify-findings.h"
#include "sync/verify.h"

enum { KNOWN_TOLD_MAX = 16, HASH_TEXT_MAX = 2 * HASH_BYTES + 1, WHERE_MAX = 128 };

static char *path_of(const VerifyFile *file) {
        char *path = NULL;

        (void) tree_source_path(file->verify->engine->tree, file->node, file->row->name, &path);
        return path;
}

/* "from byte 8192 on, 2 blocks of 4 KiB" */
static const char *where(const VerifyFile *file, char *buffer, size_t size) {
        const Damage *damage = &file->damage;

        if (!file->has_damage || damage->n_blocks == 0)
                return "where is not known";
        (void) snprintf(buffer, size, "from byte %llu on, %llu %s of 4 KiB",
                        (unsigned long long) damage->first_byte,
                        (unsigned long long) damage->n_blocks,
                        damage->n_blocks == 1 ? "block" : "blocks");
        return buffer;
}

/* "read 0123…", "cannot be read" */
static const char *seen(const VerifyFile *file, int side, char *buffer) {
        Reading reading = side == SOURCE ? file->findings.source : file->findings.replica;

        if (side == SOURCE && verify_is_kept(file))
                return "not asked";
        return reading == READING_UNREADABLE ? "unreadable"
                                             : hash_format(&file->hashes[side], buffer);
}

static const char *recorded(const VerifyFile *file, char *buffer) {
        return file->row->has_hash ? hash_format(&file->row->hash, buffer) : "none";
}

static unsigned flags_of(Verdict verdict) {
        return verdict == VERDICT_SOURCE_ROT    ? CATALOG_SOURCE_ROTTEN
               : verdict == VERDICT_REPLICA_ROT ? CATALOG_REPLICA_ROTTEN
               : verdict == VERDICT_BOTH_ROT    ? CATALOG_SOURCE_ROTTEN | CATALOG_REPLICA_ROTTEN
                                                : CATALOG_UNDECIDED;
}

static const char *outlook(const VerifyFile *file, Verdict verdict) {
        OnRot on_rot = file->verify->engine->pair->config->on_rot;

        switch (verdict) {
        case VERDICT_SOURCE_ROT:
                return on_rot == ON_ROT_HEAL_SOURCE
                               ? "it is healed from the replica"
                               : "the replica has the good content, which stays there; restore it, "
                                 "or set Integrity.OnRot=heal-source";
        case VERDICT_REPLICA_ROT:
                if (verify_is_kept(file))
                        return "a policy keeps it apart from the source, which cannot heal it; "
                               "restore it from elsewhere";
                return on_rot == ON_ROT_REPORT ? "left so (Integrity.OnRot=report)"
                                               : "it is healed from the source";
        case VERDICT_BOTH_ROT:
                if (!file->has_choice)
                        return "no good content can be put together; restore it from elsewhere";
                return on_rot == ON_ROT_REPORT
                               ? "the good blocks of both make it whole; left so "
                                 "(Integrity.OnRot=report)"
                               : "the good blocks of both make it whole: it is healed";
        case VERDICT_CATALOG:
                return on_rot == ON_ROT_REPORT ? "left so (Integrity.OnRot=report)"
                                               : "the catalog takes over what both have";
        default:
                return "no recorded hash tells which is right; both are left as they are";
        }
}

static const struct {
        const char *id, *kind, *text;
} words[_VERDICT_MAX] = {
        [VERDICT_SOURCE_ROT] = { REBACKUP_MSG_ROT_SOURCE, "source-rot", "rot in the source" },
        [VERDICT_REPLICA_ROT] = { REBACKUP_MSG_ROT_REPLICA, "replica-rot", "rot in the replica" },
        [VERDICT_BOTH_ROT] = { REBACKUP_MSG_ROT_BOTH, "both-rot", "rot in source and replica" },
        [VERDICT_CATALOG] = { REBACKUP_MSG_ROT_CATALOG, "catalog", "a wrong hash in the catalog" },
        [VERDICT_UNDECIDED] = { REBACKUP_MSG_ROT_UNDECIDED, "undecided",
                                "source and replica differ" },
};

/* Logs EVENT, and lists it for whoever asked for the verification. */
static void tell(const VerifyFile *file, const LogEvent *event, const char *kind,
                 const char *message) {
        Verify *verify = file->verify;
        VerifyFinding finding = { .path = (char *) event->path,
                                  .message = (char *) message,
                                  .kind = kind };

        log_event(event, "%s", message);
        if (verify->request.patrol || file->again)
                return;
        if (file->has_damage) {
                finding.first_byte = file->damage.first_byte;
                finding.n_blocks = file->damage.n_blocks;
        }
        (void) pthread_mutex_lock(&verify->mutex);
        verify_findings_add(&verify->findings, &finding);
        (void) pthread_mutex_unlock(&verify->mutex);
}

void verify_report(const VerifyFile *file, Verdict verdict) {
        char source[HASH_TEXT_MAX], replica[HASH_TEXT_MAX], known[HASH_TEXT_MAX], place[WHERE_MAX];
        _cleanup_free_ char *path = path_of(file), *shown = escape_bytes(path ?: file->row->name);
        _cleanup_(string_buffer_done) StringBuffer text = STRING_BUFFER_NULL;
        _cleanup_free_ char *message = NULL;
        bool is_old = (file->row->flags & CATALOG_DAMAGED) == flags_of(verdict);

        atomic_fetch_add(&file->verify->n_news, !is_old);
        string_buffer_appendf(&text, "%s: %s (%s; recorded %s, source %s, replica %s); %s",
                              words[verdict].text, shown ?: "?", where(file, place, sizeof place),
                              recorded(file, known), seen(file, SOURCE, source),
                              seen(file, REPLICA, replica), outlook(file, verdict));
        message = string_buffer_take(&text);
        /* What is healed a moment later is told each time. */
        tell(file,
             &(LogEvent) { .level = is_old ? LOG_DEBUG : LOG_ERR,
                           .message_id = words[verdict].id,
                           .operation = "verify",
                           .path = path },
             words[verdict].kind, message ?: words[verdict].text);
}

static int error_of(const VerifyFile *file) {
        return file->errors[SOURCE] < 0    ? file->errors[SOURCE]
               : file->errors[REPLICA] < 0 ? file->errors[REPLICA]
                                           : 0;
}

void verify_report_failure(const VerifyFile *file, const char *what, int error) {
        _cleanup_free_ char *path = path_of(file), *shown = escape_bytes(path ?: file->row->name);
        _cleanup_(string_buffer_done) StringBuffer text = STRING_BUFFER_NULL;
        _cleanup_free_ char *message = NULL;

        if (error == 0)
                error = error_of(file);
        if (error == -ECANCELED)
                return;
        atomic_fetch_add(&file->verify->pass->result.counters.operations[OPERATION_FAIL], 1);
        string_buffer_appendf(&text, "failed to %s %s: %s; it will be tried again", what,
                              shown ?: "?",
                              error == 0         ? "it reads differently each time"
                              : error == -EMLINK ? "the source's file has several names"
                                                 : strerror(-error));
        message = string_buffer_take(&text);
        tell(file,
             &(LogEvent) { .level = LOG_ERR,
                           .error = error,
                           .message_id = REBACKUP_MSG_VERIFY_FAILED,
                           .operation = "verify",
                           .path = path },
             "failed", message ?: "a file could not be read back");
}

/* What is known already */

static const char *side_of(const CatalogRow *row) {
        switch (row->flags & CATALOG_DAMAGED) {
        case CATALOG_SOURCE_ROTTEN:
                return "the source";
        case CATALOG_REPLICA_ROTTEN:
                return "the replica";
        case CATALOG_SOURCE_ROTTEN | CATALOG_REPLICA_ROTTEN:
                return "source and replica";
        default:
                return "source or replica";
        }
}

static void tell_known(Worker *worker, const CatalogRow *row) {
        _cleanup_free_ char *path = NULL, *shown = NULL;
        _cleanup_(node_unrefp) Node *node = NULL;

        if (locate_by_id(worker, row->parent, &node) >= 0)
                (void) tree_source_path(worker->engine->tree, node, row->name, &path);
        shown = escape_bytes(path ?: row->name);
        log_event(&(LogEvent) { .level = LOG_WARNING,
                                .message_id = REBACKUP_MSG_ROT_KNOWN,
                                .operation = "verify",
                                .path = path },
                  "still damaged in %s: %s", side_of(row), shown ?: "?");
}

void verify_report_known(Worker *worker) {
        CatalogRow rows[KNOWN_TOLD_MAX] = {};
        CatalogReader *reader;
        int n = 0;

        if (worker_reader(worker, &reader) >= 0)
                n = catalog_reader_damaged(reader, (CatalogPlace) { INT64_MIN, "" }, rows,
                                           KNOWN_TOLD_MAX);
        for (int i = 0; i < n; i++)
                tell_known(worker, &rows[i]);
        if (n == KNOWN_TOLD_MAX)
                log_warning("still damaged: more than these");
        for (size_t i = 0; i < ELEMENTSOF(rows); i++)
                catalog_row_done(&rows[i]);
}
