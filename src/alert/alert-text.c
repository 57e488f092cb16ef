#include "alert/alert-text.h"

#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "basic/alloc.h"
#include "basic/string-util.h"

static void put(StringBuffer *text, const char *key, const char *value) {
        _cleanup_free_ char *escaped = NULL;

        if (!value)
                return;
        escaped = escape_bytes(value);
        if (!escaped) {
                text->failed = true;
                return;
        }
        string_buffer_append(text, key);
        string_buffer_append(text, "=");
        string_buffer_append(text, escaped);
        string_buffer_append(text, "\n");
}

static void put_item(StringBuffer *text, const Alert *alert) {
        put(text, "KIND", alert_kind_to_string(alert->kind));
        string_buffer_appendf(text, "TIME_USEC=%" PRIu64 "\n", alert->time);
        if (alert->error < 0)
                string_buffer_appendf(text, "ERRNO=%d\n", -alert->error);
        put(text, "MESSAGE_ID", alert->message_id);
        put(text, "PATH", alert->path);
        put(text, "MESSAGE", alert->message);
}

static void put_counts(StringBuffer *text, const AlertReport *report) {
        for (AlertKind kind = 0; kind < _ALERT_KIND_MAX; kind++) {
                if (report->n[kind] == 0)
                        continue;
                string_buffer_append(text, "COUNT_");
                for (const char *p = alert_kind_to_string(kind); *p; p++)
                        string_buffer_appendf(text, "%c", toupper((unsigned char) *p));
                string_buffer_appendf(text, "=%" PRIu64 "\n", report->n[kind]);
        }
}

int alert_text_format(const AlertReport *report, char **ret) {
        StringBuffer text = STRING_BUFFER_NULL;

        put(&text, "PAIR", report->pair);
        put(&text, "SOUND", report->sound ? "yes" : "no");
        put_counts(&text, report);
        for (size_t i = 0; i < report->n_items; i++)
                put_item(&text, &report->items[i]);
        *ret = string_buffer_take(&text);
        return *ret ? 0 : -ENOMEM;
}

/* Undoes escape_bytes() in place. */
static void unescape(char *text) {
        static const char letters[] = "ntr\\", meanings[] = "\n\t\r\\";
        char *to = text;

        for (const char *from = text; *from; from++) {
                const char *letter = from[0] == '\\' && from[1] ? strchr(letters, from[1]) : NULL;
                unsigned byte;

                if (letter) {
                        *to++ = meanings[letter - letters];
                        from++;
                } else if (from[0] == '\\' && from[1] == 'x' && isxdigit((unsigned char) from[2]) &&
                           sscanf(from + 2, "%2x", &byte) == 1 && byte > 0) {
                        *to++ = (char) byte;
                        from += isxdigit((unsigned char) from[3]) ? 3 : 2;
                } else
                        *to++ = *from;
        }
        *to = 0;
}

static int set_text(char **to, const char *value) {
        char *copy = strdup(value);

        if (!copy)
                return -ENOMEM;
        free(*to);
        *to = copy;
        return 0;
}

/* What the daemon writes is safe already, and has backslashes where names were escaped, which are
 * to stay as they are. What somebody else wrote becomes safe. */
static int set_message(char **to, const char *value) {
        StringBuffer text = STRING_BUFFER_NULL;
        char *safe;

        for (const char *p = value;; p++) {
                _cleanup_free_ char *part = strndup(p, strcspn(p, "\\"));
                _cleanup_free_ char *escaped = part ? escape_bytes(part) : NULL;

                if (!escaped)
                        text.failed = true;
                else
                        string_buffer_append(&text, escaped);
                p += strcspn(p, "\\");
                if (!*p)
                        break;
                string_buffer_append(&text, "\\");
        }
        safe = string_buffer_take(&text);
        if (!safe)
                return -ENOMEM;
        free(*to);
        *to = safe;
        return 0;
}

static bool message_id_is_valid(const char *text) {
        return strlen(text) == 32 && strspn(text, "0123456789abcdef") == 32;
}

static int set_item(Alert *alert, const char *key, char *value) {
        if (streq(key, "TIME_USEC"))
                alert->time = strtoull(value, NULL, 10);
        else if (streq(key, "ERRNO"))
                alert->error = -(int) CLAMP(strtol(value, NULL, 10), 0, 4095);
        else if (streq(key, "MESSAGE_ID") && message_id_is_valid(value))
                return set_text(&alert->message_id, value);
        else if (streq(key, "PATH"))
                return set_text(&alert->path, value);
        else if (streq(key, "MESSAGE"))
                return set_message(&alert->message, value);
        return 0;
}

static AlertKind counted_kind(const char *key) {
        for (AlertKind kind = 0; kind < _ALERT_KIND_MAX; kind++)
                if (strcasecmp(key, alert_kind_to_string(kind)) == 0)
                        return kind;
        return _ALERT_KIND_INVALID;
}

static void begin_item(AlertReport *report, const char *value) {
        AlertKind kind = alert_kind_from_string(value);

        if (kind < 0 || report->n_items == ALERT_ITEMS_MAX)
                return;
        report->items[report->n_items++].kind = kind;
}

static int set(AlertReport *report, const char *key, char *value) {
        const char *counted = startswith(key, "COUNT_");
        AlertKind kind = counted ? counted_kind(counted) : _ALERT_KIND_INVALID;

        if (kind >= 0)
                report->n[kind] = strtoull(value, NULL, 10);
        else if (streq(key, "PAIR"))
                return set_text(&report->pair, value);
        else if (streq(key, "SOUND"))
                report->sound = streq(value, "yes");
        else if (streq(key, "KIND"))
                begin_item(report, value);
        else if (report->n_items > 0)
                return set_item(&report->items[report->n_items - 1], key, value);
        return 0;
}

/* Each item has a message, and is counted. */
static int make_whole(AlertReport *report) {
        uint64_t n[_ALERT_KIND_MAX] = {};

        for (size_t i = 0; i < report->n_items; i++) {
                Alert *alert = &report->items[i];

                n[alert->kind]++;
                if (!alert->message && set_text(&alert->message, "(no message)") < 0)
                        return -ENOMEM;
        }
        for (AlertKind kind = 0; kind < _ALERT_KIND_MAX; kind++)
                report->n[kind] = MAX(report->n[kind], n[kind]);
        return report->n_items > 0 || alert_report_total(report) > 0 ? 0 : -EBADMSG;
}

int alert_text_parse(const char *text, AlertReport *ret) {
        _cleanup_(alert_report_done) AlertReport report = ALERT_REPORT_NULL;
        _cleanup_free_ char *copy = strdup(text);
        char *rest = NULL;
        int r = copy ? 0 : -ENOMEM;

        for (char *line = copy ? strtok_r(copy, "\n", &rest) : NULL; r >= 0 && line;
             line = strtok_r(NULL, "\n", &rest)) {
                char *value = strchr(line, '=');

                if (!value)
                        continue;
                *value++ = 0;
                unescape(value);
                r = set(&report, line, value);
        }
        if (r >= 0)
                r = make_whole(&report);
        if (r < 0)
                return r;
        *ret = TAKE_GENERIC(report, ALERT_REPORT_NULL);
        return 0;
}
