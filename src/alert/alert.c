#include "alert/alert.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "basic/alloc.h"
#include "basic/string-util.h"

static const char *const names[_ALERT_KIND_MAX] = {
        [ALERT_FAILING] = "failing", [ALERT_DISK] = "disk",     [ALERT_ROT] = "rot",
        [ALERT_HOLD] = "hold",       [ALERT_SOURCE] = "source", [ALERT_CONFIG] = "config",
        [ALERT_SERVICE] = "service",
};

/* For sentences that count. */
static const char *const nouns[_ALERT_KIND_MAX] = {
        [ALERT_FAILING] = "entries that keep failing",
        [ALERT_DISK] = "troubles with the replica's disk",
        [ALERT_ROT] = "findings of damaged content",
        [ALERT_HOLD] = "holds",
        [ALERT_SOURCE] = "times the source was gone",
        [ALERT_CONFIG] = "problems of the configuration",
        [ALERT_SERVICE] = "failures of the service",
};

const char *alert_kind_to_string(AlertKind kind) {
        return kind >= 0 && kind < _ALERT_KIND_MAX ? names[kind] : NULL;
}

AlertKind alert_kind_from_string(const char *text) {
        for (AlertKind kind = 0; kind < _ALERT_KIND_MAX; kind++)
                if (streq(names[kind], text))
                        return kind;
        return _ALERT_KIND_INVALID;
}

void alert_done(Alert *alert) {
        free(alert->message);
        free(alert->path);
        free(alert->message_id);
        *alert = (Alert) {};
}

static int copy_text(const char *text, char **ret) {
        if (!text)
                return 0;
        *ret = strndup(text, ALERT_MESSAGE_MAX);
        return *ret ? 0 : -ENOMEM;
}

/* A part of a path would be another path. */
static int copy_path(const char *path, char **ret) {
        if (!path || strlen(path) > ALERT_PATH_MAX)
                return 0;
        *ret = strdup(path);
        return *ret ? 0 : -ENOMEM;
}

int alert_copy(const Alert *alert, Alert *ret) {
        Alert copy = { .kind = alert->kind, .time = alert->time, .error = alert->error };
        int r;

        r = copy_text(alert->message, &copy.message);
        if (r >= 0)
                r = copy_path(alert->path, &copy.path);
        if (r >= 0)
                r = copy_text(alert->message_id, &copy.message_id);
        if (r < 0) {
                alert_done(&copy);
                return r;
        }
        *ret = copy;
        return 0;
}

static bool has_kind(const AlertReport *report, AlertKind kind, size_t n) {
        for (size_t i = 0; i < n; i++)
                if (report->items[i].kind == kind)
                        return true;
        return false;
}

/* Drops the last item of which there is another one of the same kind. There are fewer kinds than
 * items. */
static void make_room(AlertReport *report) {
        size_t i = report->n_items - 1;

        while (i > 0 && !has_kind(report, report->items[i].kind, i))
                i--;
        alert_done(&report->items[i]);
        report->n_items--;
        memmove(&report->items[i], &report->items[i + 1],
                (report->n_items - i) * sizeof report->items[0]);
        report->items[report->n_items] = (Alert) {};
}

static int keep(AlertReport *report, const Alert *alert) {
        Alert copy;
        int r;

        if (report->n_items == ALERT_ITEMS_MAX && has_kind(report, alert->kind, report->n_items))
                return 0;
        r = alert_copy(alert, &copy);
        if (r < 0)
                return r;
        if (report->n_items == ALERT_ITEMS_MAX)
                make_room(report);
        report->items[report->n_items++] = copy;
        return 0;
}

int alert_report_add(AlertReport *report, const Alert *alert) {
        assert(alert->kind >= 0 && alert->kind < _ALERT_KIND_MAX);
        report->n[alert->kind]++;
        return keep(report, alert);
}

int alert_report_merge(AlertReport *report, AlertReport *from) {
        int r = 0;

        for (AlertKind kind = 0; kind < _ALERT_KIND_MAX; kind++)
                report->n[kind] += from->n[kind];
        for (size_t i = 0; i < from->n_items && r >= 0; i++)
                r = keep(report, &from->items[i]);
        if (!report->pair)
                report->pair = TAKE_PTR(from->pair);
        report->sound |= from->sound;
        alert_report_done(from);
        return r;
}

uint64_t alert_report_total(const AlertReport *report) {
        uint64_t total = 0;

        for (AlertKind kind = 0; kind < _ALERT_KIND_MAX; kind++)
                total += report->n[kind];
        return total;
}

void alert_report_done(AlertReport *report) {
        for (size_t i = 0; i < report->n_items; i++)
                alert_done(&report->items[i]);
        free(report->pair);
        *report = ALERT_REPORT_NULL;
}

const Alert *alert_report_worst(const AlertReport *report) {
        const Alert *worst = NULL;

        for (size_t i = 0; i < report->n_items; i++)
                if (!worst || report->items[i].kind > worst->kind)
                        worst = &report->items[i];
        return worst;
}

char *alert_report_headline(const AlertReport *report) {
        const Alert *worst = alert_report_worst(report);
        StringBuffer text = STRING_BUFFER_NULL;
        uint64_t total = alert_report_total(report);

        string_buffer_append(&text, worst ? worst->message : "there is trouble");
        if (worst && total > 1)
                string_buffer_appendf(&text, " (and %" PRIu64 " more)", total - 1);
        return string_buffer_take(&text);
}

char *alert_report_describe(const AlertReport *report) {
        StringBuffer text = STRING_BUFFER_NULL;
        uint64_t total = alert_report_total(report);

        for (size_t i = 0; i < report->n_items; i++) {
                string_buffer_append(&text, report->items[i].message);
                string_buffer_append(&text, "\n");
        }
        if (total <= report->n_items)
                return string_buffer_take(&text);
        string_buffer_append(&text, "In all:\n");
        for (AlertKind kind = 0; kind < _ALERT_KIND_MAX; kind++)
                if (report->n[kind] > 0)
                        string_buffer_appendf(&text, "%" PRIu64 " %s\n", report->n[kind],
                                              nouns[kind]);
        return string_buffer_take(&text);
}
