/* What a person is told of single entries. Each event is logged here or in the committer, once. */

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <syslog.h>

#include "basic/alloc.h"
#include "basic/log.h"
#include "basic/macros.h"
#include "basic/size.h"
#include "basic/string-util.h"
#include "fs/attributes.h"
#include "sync/disk.h"
#include "sync/failures.h"
#include "sync/message-ids.h"
#include "sync/report.h"
#include "sync/visit.h"

enum { FOREIGN_TOLD_MAX = 4096, UNWATCHED_TOLD_MAX = 8 };
/* Nobody asks what is faster. */
#define SLOW_MIN_USEC (1 * USEC_PER_MSEC)
#define FOREIGN_TOLD_EVERY_USEC (24 * USEC_PER_HOUR)

void report_failure(Pass *pass, const Retry *retry, const char *what, int error) {
        _cleanup_free_ char *path = NULL, *shown = NULL;

        if (disk_ended_pass(pass, error))
                return;
        if (error == -ENOSPC || error == -EDQUOT)
                pass->short_of_room = true;
        atomic_fetch_add(&pass->result.counters.operations[OPERATION_FAIL], 1);
        (void) tree_source_path(pass->engine->tree, retry->node, retry->name, &path);
        shown = escape_bytes(path && path[0] ? path : ".");
        log_event(&(LogEvent) { .level = LOG_ERR,
                                .error = error,
                                .message_id = REBACKUP_MSG_FAIL,
                                .operation = operation_to_string(OPERATION_FAIL),
                                .path = path },
                  "failed to %s %s: %s; it will be tried again", what, shown ?: retry->name,
                  error == -EXDEV ? "its replica lies on another mount than the store"
                                  : strerror(-error));

        failures_note(pass, retry, what, error);

        Retry again = *retry;
        again.n_attempts++;
        pass_retry(pass, &again);
}

void visit_fail(Visit *visit, const Look *look, const char *what, int error) {
        if (error == -ECANCELED)
                return;
        Retry retry = { visit->node, look->name, look->first, look->n_attempts };
        report_failure(visit->pass, &retry, what, error);
}

void visit_restless(Visit *visit, const Look *look) {
        Retry retry = { visit->node, look->name, look->first, 0 };
        pass_retry(visit->pass, &retry);
}

void visit_shortfalls(Visit *visit, const Look *look, unsigned shortfalls) {
        Engine *engine = visit->engine;
        _cleanup_free_ char *path = NULL, *shown = NULL;
        unsigned fresh;

        if (shortfalls == 0)
                return;
        atomic_fetch_add(&visit->pass->result.counters.n_limited, 1);
        fresh = shortfalls & ~atomic_fetch_or(&engine->shortfalls_reported, shortfalls);
        if (fresh == 0)
                return;
        (void) tree_source_path(engine->tree, visit->node, look->name, &path);
        shown = escape_bytes(path ?: look->name);
        for (unsigned i = 0; i < N_SHORTFALLS; i++)
                if (fresh & (1U << i))
                        log_event(
                                &(LogEvent) { .level = LOG_WARNING,
                                              .message_id = REBACKUP_MSG_LIMITED,
                                              .path = path },
                                "the replica cannot hold the %s of %s (missing rights, or its file system has no "
                                "room for it); further cases are only counted",
                                shortfall_to_string(1U << i), shown ?: look->name);
}

/* How many there are is said when the pass is done; here a few are named. */
void visit_unwatched(Visit *visit, const Watch *watch) {
        Engine *engine = visit->engine;
        _cleanup_free_ char *path = NULL, *shown = NULL;

        if (atomic_fetch_add(&engine->n_unwatched_told, 1) >= UNWATCHED_TOLD_MAX ||
            tree_source_path(engine->tree, visit->node, NULL, &path) < 0)
                return;
        shown = escape_bytes(path[0] ? path : ".");
        log_info("left to rescans%s: directory %s", watch == engine->watch ? "" : " in the replica",
                 shown ?: "?");
}

/* A rescan comes upon the same again and again. */
static bool is_told(Engine *engine, const char *path) {
        bool fresh = true;

        (void) pthread_mutex_lock(&engine->mutex);
        if (engine->foreign_told ||
            recent_paths_new(FOREIGN_TOLD_EVERY_USEC, FOREIGN_TOLD_MAX, &engine->foreign_told) >= 0)
                fresh = recent_paths_note(engine->foreign_told, path, now_usec(CLOCK_REALTIME));
        (void) pthread_mutex_unlock(&engine->mutex);
        return !fresh;
}

void visit_foreign(Visit *visit, const Look *look) {
        _cleanup_free_ char *path = NULL, *shown = NULL;
        Engine *engine = visit->engine;

        atomic_fetch_add(&visit->pass->result.counters.n_foreign, 1);
        if (tree_source_path(engine->tree, visit->node, look->name, &path) < 0 ||
            is_told(engine, path))
                return;
        shown = escape_bytes(path[0] ? path : ".");
        log_event(&(LogEvent) { .level = LOG_WARNING,
                                .message_id = REBACKUP_MSG_FOREIGN,
                                .path = path },
                  "somebody %s %s in the replica; it is left so (ProtectReplica=report)",
                  !look->has_replica  ? "removed"
                  : !look->has_source ? "made"
                                      : "changed",
                  shown ?: look->name);
}

/* "copied a/b to the source (3.1 MiB in 12ms)" */
static void log_returned(const Returned *returned, const char *path) {
        _cleanup_free_ char *shown = escape_bytes(path && path[0] ? path : "."),
                            *from = returned->from ? escape_bytes(returned->from) : NULL;
        char size[SIZE_TEXT_MAX], span[SPAN_TEXT_MAX];
        LogEvent event = {
                .level = LOG_INFO,
                .message_id = REBACKUP_MSG_RETURNED,
                .operation = operation_to_string(returned->operation),
                .path = path,
                .bytes = returned->n_bytes,
                .has_bytes = returned->n_bytes > 0,
                .duration = returned->duration,
                .has_duration = returned->duration > 0,
        };

        if (event.has_bytes)
                log_event(&event, "%s %s in the source (%s in %s)",
                          operation_to_past(returned->operation), shown ?: "?",
                          size_format(size, sizeof size, returned->n_bytes),
                          span_format(span, sizeof span, returned->duration));
        else
                log_event(&event, "%s %s%s%s in the source", operation_to_past(returned->operation),
                          from ?: "", from ? " to " : "", shown ?: "?");
}

void visit_returned(Visit *visit, const Returned *returned) {
        Engine *engine = visit->engine;
        _cleanup_free_ char *path = NULL;

        atomic_fetch_add(&visit->pass->result.counters.operations[returned->operation], 1);
        atomic_fetch_add(&visit->pass->result.counters.n_bytes, returned->n_bytes);
        if (!engine->pair->config->log_operations || log_get_max_level() < LOG_INFO)
                return;
        if (tree_source_path(engine->tree, visit->node, returned->name, &path) >= 0)
                log_returned(returned, path);
}

void visit_conflicting(Visit *visit, const char *name, const char *conflict_name, bool is_sources) {
        _cleanup_free_ char *path = NULL, *shown = NULL, *shown_conflict = NULL;

        atomic_fetch_add(&visit->pass->result.counters.n_conflicts, 1);
        (void) tree_source_path(visit->engine->tree, visit->node, name, &path);
        shown = escape_bytes(path ?: name);
        shown_conflict = escape_bytes(conflict_name);
        log_event(&(LogEvent) { .level = LOG_WARNING,
                                .message_id = REBACKUP_MSG_CONFLICT,
                                .path = path },
                  "conflict: %s was changed on both sides; the %s keeps the name, what the %s had "
                  "is beside it as %s",
                  shown ?: "?", is_sources ? "replica's" : "source's",
                  is_sources ? "source" : "replica", shown_conflict ?: "?");
}

void visit_rotten(Visit *visit, const Look *look) {
        _cleanup_free_ char *path = NULL, *shown = NULL;

        if (look->row->flags & CATALOG_SOURCE_ROTTEN)
                return; /* it was told */
        atomic_fetch_add(&visit->pass->result.counters.n_rotten, 1);
        (void) tree_source_path(visit->engine->tree, visit->node, look->name, &path);
        shown = escape_bytes(path ?: look->name);
        log_event(&(LogEvent) { .level = LOG_ERR,
                                .message_id = REBACKUP_MSG_ROT_SOURCE,
                                .path = path },
                  "rot in the source: %s (its content changed although nobody wrote it); the "
                  "replica has the good content, which stays there",
                  shown ?: "?");
}

void visit_would(Visit *visit, const Look *look, Operation operation, const char *from) {
        _cleanup_free_ char *path = NULL, *shown = NULL, *shown_from = NULL;

        atomic_fetch_add(&visit->pass->result.counters.operations[operation], 1);
        (void) tree_source_path(visit->engine->tree, visit->node, look->name, &path);
        shown = escape_bytes(path && path[0] ? path : ".");
        shown_from = from ? escape_bytes(from) : NULL;
        log_event(&(LogEvent) { .level = LOG_INFO,
                                .operation = operation_to_string(operation),
                                .path = path },
                  "would %s %s%s%s%s", operation_to_string(operation), shown_from ?: "",
                  from ? " to " : "", shown ?: look->name,
                  operation == OPERATION_KEEP ? keep_reason(look->has_source) : "");
}

void visit_would_conflict(Visit *visit, const Look *look) {
        _cleanup_free_ char *path = NULL, *shown = NULL;

        atomic_fetch_add(&visit->pass->result.counters.n_conflicts, 1);
        (void) tree_source_path(visit->engine->tree, visit->node, look->name, &path);
        shown = escape_bytes(path ?: look->name);
        log_event(&(LogEvent) { .level = LOG_INFO, .path = path },
                  "would keep both contents of %s, which was changed on both sides", shown ?: "?");
}

static const char *const message_ids[_OPERATION_MAX] = {
        [OPERATION_COPY] = REBACKUP_MSG_COPY,     [OPERATION_UPDATE] = REBACKUP_MSG_UPDATE,
        [OPERATION_RENAME] = REBACKUP_MSG_RENAME, [OPERATION_LINK] = REBACKUP_MSG_LINK,
        [OPERATION_MKDIR] = REBACKUP_MSG_MKDIR,   [OPERATION_METADATA] = REBACKUP_MSG_METADATA,
        [OPERATION_REMOVE] = REBACKUP_MSG_REMOVE, [OPERATION_ADOPT] = REBACKUP_MSG_ADOPT,
        [OPERATION_HEAL] = REBACKUP_MSG_HEAL,     [OPERATION_VERSION] = REBACKUP_MSG_VERSION,
        [OPERATION_KEEP] = REBACKUP_MSG_KEEP,     [OPERATION_FAIL] = REBACKUP_MSG_FAIL,
};

/* "copied a/b (3.1 MiB in 12ms)", "renamed a to b", "made directory c" */
static void log_operation(const Item *item, const char *path) {
        _cleanup_free_ char *shown = escape_bytes(path && path[0] ? path : ".");
        _cleanup_free_ char *from = item->from_path ? escape_bytes(item->from_path) : NULL;
        char size[SIZE_TEXT_MAX], span[SPAN_TEXT_MAX];
        bool has_bytes = item->n_bytes > 0;
        LogEvent event = {
                .level = LOG_INFO,
                .message_id = item->is_rot ? REBACKUP_MSG_ROT_HEALED : message_ids[item->operation],
                .operation = operation_to_string(item->operation),
                .path = path,
                .bytes = item->n_bytes,
                .has_bytes = has_bytes,
                .duration = item->duration,
                .has_duration = item->duration > 0,
        };

        if (has_bytes)
                log_event(&event, "%s %s (%s in %s)", operation_to_past(item->operation),
                          shown ?: "?", size_format(size, sizeof size, item->n_bytes),
                          span_format(span, sizeof span, item->duration));
        else if (from)
                log_event(&event, "%s %s to %s", operation_to_past(item->operation), from,
                          shown ?: "?");
        else
                log_event(&event, "%s %s%s", operation_to_past(item->operation), shown ?: "?",
                          item->operation == OPERATION_KEEP
                                  ? keep_reason(!(item->row.flags & CATALOG_KEPT_GONE))
                                  : "");
}

/* Published although the source never rested: it may show a state that never was. */
static void report_unstable(const Item *item) {
        Pass *pass = item->pass;
        _cleanup_free_ char *path = NULL, *shown = NULL;

        atomic_fetch_add(&pass->result.counters.n_unstable, 1);
        (void) tree_source_path(pass->engine->tree, item->node, item->row.name, &path);
        shown = escape_bytes(path ?: item->row.name);
        log_event(&(LogEvent) { .level = LOG_NOTICE,
                                .message_id = REBACKUP_MSG_UNSTABLE,
                                .path = path },
                  "%s does not rest; its latest copy is published and replaced when it does",
                  shown ?: "?");
}

/* What a full pass comes upon has changed at some time that nobody knows. */
static void note_lag(const Item *item) {
        usec_t now = now_usec(CLOCK_MONOTONIC);
        Pass *pass = item->pass;

        if (item->noticed > 0 && (pass->kind == PASS_DIRTY || pass->kind == PASS_LARGE))
                counters_add_lag(&pass->result.counters, now - MIN(item->noticed, now));
}

static void note_duration(const Item *item) {
        Slowest *slowest = &item->pass->result.slowest;
        _cleanup_free_ char *path = NULL;
        SlowOperation operation = {
                .duration = item->duration,
                .n_bytes = item->n_bytes,
        };

        if (item->duration < SLOW_MIN_USEC || !slowest_takes(slowest, item->duration) ||
            tree_source_path(item->pass->engine->tree, item->node, item->row.name, &path) < 0)
                return;
        operation.at = now_usec(CLOCK_REALTIME);
        operation.path = path;
        (void) snprintf(operation.what, sizeof operation.what, "%s",
                        operation_to_string(item->operation));
        (void) slowest_add(slowest, &operation);
}

void report_done(const Item *item) {
        Pass *pass = item->pass;
        _cleanup_free_ char *path = NULL;

        if (item->quiet || item->operation < 0)
                return;
        note_lag(item);
        note_duration(item);
        atomic_fetch_add(&pass->result.counters.operations[item->operation], 1);
        if (item->operation != OPERATION_LINK && item->operation != OPERATION_ADOPT)
                atomic_fetch_add(&pass->result.counters.n_bytes, item->n_bytes);
        if (item->is_rot)
                atomic_fetch_add(&pass->result.counters.n_rot_healed, 1);
        if (item->row.flags & CATALOG_UNSTABLE)
                report_unstable(item);
        if (!pass->engine->pair->config->log_operations || log_get_max_level() < LOG_INFO)
                return;
        if (tree_source_path(pass->engine->tree, item->node, item->row.name, &path) >= 0)
                log_operation(item, path);
}
