#include "alert/hook-environment.h"

#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "basic/alloc.h"
#include "basic/string-util.h"

#define PREFIX "REBACKUP_"
enum { FACTS_MAX = 24 };

typedef struct Environment {
        char **items;
        size_t n, allocated;
        bool failed;
} Environment;

static void add(Environment *environment, char *item) {
        if (!item || environment->n + 1 >= environment->allocated) {
                free(item);
                environment->failed = true;
                return;
        }
        environment->items[environment->n++] = item;
}

static void put(Environment *environment, const char *name, const char *value) {
        char *item = NULL;

        if (!value)
                return;
        if (asprintf(&item, PREFIX "%s=%s", name, value) < 0)
                item = NULL;
        add(environment, item);
}

static void put_number(Environment *environment, const char *name, uint64_t value) {
        char text[32];

        (void) snprintf(text, sizeof text, "%" PRIu64, value);
        put(environment, name, text);
}

static void put_counts(Environment *environment, const AlertReport *report) {
        put_number(environment, "COUNT", alert_report_total(report));
        for (AlertKind kind = 0; kind < _ALERT_KIND_MAX; kind++) {
                char name[32];

                (void) snprintf(name, sizeof name, "COUNT_%s", alert_kind_to_string(kind));
                for (char *p = name; *p; p++)
                        *p = (char) toupper((unsigned char) *p);
                put_number(environment, name, report->n[kind]);
        }
}

static void put_worst(Environment *environment, const Alert *alert) {
        _cleanup_free_ char *shown = alert->path ? escape_bytes(alert->path) : NULL;

        put(environment, "KIND", alert_kind_to_string(alert->kind));
        put_number(environment, "TIME", alert->time / USEC_PER_SEC);
        put(environment, "MESSAGE_ID", alert->message_id);
        put(environment, "PATH", alert->path);
        put(environment, "PATH_ESCAPED", shown);
        if (alert->error == 0)
                return;
        put_number(environment, "ERRNO", (uint64_t) -alert->error);
        put(environment, "ERROR", strerror(-alert->error));
}

static void inherit(Environment *environment, char **from) {
        for (; from && *from; from++)
                if (!startswith(*from, PREFIX))
                        add(environment, strdup(*from));
}

static size_t count(char **environment) {
        size_t n = 0;

        while (environment && environment[n])
                n++;
        return n;
}

int hook_environment(const AlertReport *report, char **environment, char ***ret) {
        Environment made = { .allocated = count(environment) + FACTS_MAX + 1 };
        _cleanup_free_ char *headline = alert_report_headline(report),
                            *text = alert_report_describe(report);
        const Alert *worst = alert_report_worst(report);

        made.items = new0(char *, made.allocated);
        if (!made.items || !headline || !text) {
                free(made.items);
                return -ENOMEM;
        }
        inherit(&made, environment);
        put(&made, "PAIR", report->pair ?: "?");
        put(&made, "MESSAGE", headline);
        put(&made, "TEXT", text);
        put_counts(&made, report);
        if (worst)
                put_worst(&made, worst);
        if (made.failed) {
                hook_environment_free(made.items);
                return -ENOMEM;
        }
        *ret = made.items;
        return 0;
}

char **hook_environment_free(char **environment) {
        for (char **item = environment; item && *item; item++)
                free(*item);
        free(environment);
        return NULL;
}
