#include "daemon/alert-limit.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "alert/alert-text.h"
#include "basic/alloc.h"
#include "basic/string-util.h"

/* Troubles seldom come alone: a disk that dies is found out by many at once. */
#define GATHER_USEC (1 * USEC_PER_SEC)
#define REPEAT_USEC (24 * USEC_PER_HOUR)

/* FNV-1a. */
static uint64_t hash_of(const Alert *alert) {
        uint64_t hash = UINT64_C(0xcbf29ce484222325);

        for (const char *p = alert->message ?: ""; *p; p++)
                hash = (hash ^ (unsigned char) *p) * UINT64_C(0x100000001b3);
        return hash;
}

static bool is_told(const AlertLimit *limit, const Alert *alert, uint64_t hash, usec_t now) {
        for (size_t i = 0; i < ALERT_TOLD_MAX; i++) {
                const AlertTold *told = &limit->told[i];

                if (told->when > 0 && told->kind == alert->kind && told->hash == hash &&
                    now < told->when + REPEAT_USEC)
                        return true;
        }
        return false;
}

/* A place that is free has been so since 0. */
static void remember(AlertLimit *limit, const Alert *alert, uint64_t hash, usec_t now) {
        AlertTold *oldest = &limit->told[0];

        for (size_t i = 1; i < ALERT_TOLD_MAX; i++)
                if (limit->told[i].when < oldest->when)
                        oldest = &limit->told[i];
        *oldest = (AlertTold) { .kind = alert->kind, .hash = hash, .when = MAX(now, 1U) };
}

int alert_limit_add(AlertLimit *limit, const Alert *alert, usec_t now) {
        uint64_t hash = hash_of(alert);

        if (is_told(limit, alert, hash, now)) {
                limit->pending.n[alert->kind]++;
                return 0;
        }
        remember(limit, alert, hash, now);
        if (limit->since == 0)
                limit->since = MAX(now, 1U);
        return alert_report_add(&limit->pending, alert);
}

void alert_limit_forget(AlertLimit *limit, AlertKind kind) {
        for (size_t i = 0; i < ALERT_TOLD_MAX; i++)
                if (limit->told[i].kind == kind)
                        limit->told[i] = (AlertTold) {};
}

usec_t alert_limit_due(const AlertLimit *limit, usec_t interval) {
        if (limit->since == 0)
                return USEC_INFINITY;
        return MAX(limit->since + GATHER_USEC, limit->last > 0 ? limit->last + interval : 0);
}

void alert_limit_take(AlertLimit *limit, usec_t now, AlertReport *ret) {
        *ret = TAKE_GENERIC(limit->pending, ALERT_REPORT_NULL);
        limit->since = 0;
        limit->last = MAX(now, 1U);
}

char *alert_limit_format(const AlertLimit *limit) {
        StringBuffer text = STRING_BUFFER_NULL;
        _cleanup_free_ char *pending = NULL;

        string_buffer_appendf(&text, "LAST=%" PRIu64 "\nSINCE=%" PRIu64 "\n", limit->last,
                              limit->since);
        for (size_t i = 0; i < ALERT_TOLD_MAX; i++) {
                const AlertTold *told = &limit->told[i];

                if (told->when > 0)
                        string_buffer_appendf(&text, "TOLD=%s %016" PRIx64 " %" PRIu64 "\n",
                                              alert_kind_to_string(told->kind), told->hash,
                                              told->when);
        }
        if (alert_text_format(&limit->pending, &pending) < 0)
                text.failed = true;
        else
                string_buffer_append(&text, pending);
        return string_buffer_take(&text);
}

static void parse_told(AlertLimit *limit, size_t *n, const char *value, usec_t now) {
        AlertTold told;
        char kind[16];

        if (*n == ALERT_TOLD_MAX ||
            sscanf(value, "%15s %" SCNx64 " %" SCNu64, kind, &told.hash, &told.when) != 3)
                return;
        told.kind = alert_kind_from_string(kind);
        if (told.kind >= 0 && told.when <= now)
                limit->told[(*n)++] = told;
}

int alert_limit_parse(const char *text, usec_t now, AlertLimit *ret) {
        _cleanup_(alert_limit_done) AlertLimit limit = ALERT_LIMIT_NULL;
        size_t n = 0;
        int r;

        for (const char *line = text; line; line = strchr(line, '\n')) {
                const char *value;

                line += *line == '\n';
                if ((value = startswith(line, "LAST=")))
                        limit.last = strtoull(value, NULL, 10);
                else if ((value = startswith(line, "SINCE=")))
                        limit.since = strtoull(value, NULL, 10);
                else if ((value = startswith(line, "TOLD=")))
                        parse_told(&limit, &n, value, now);
        }
        /* The clock of another boot. */
        if (limit.last > now)
                limit.last = 0;
        limit.since = MIN(limit.since, now);
        r = alert_text_parse(text, &limit.pending);
        if (r == -EBADMSG)
                limit.since = 0;
        if (r < 0 && r != -EBADMSG)
                return r;
        *ret = TAKE_GENERIC(limit, ALERT_LIMIT_NULL);
        return 0;
}

void alert_limit_done(AlertLimit *limit) {
        alert_report_done(&limit->pending);
        *limit = ALERT_LIMIT_NULL;
}
