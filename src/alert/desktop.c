#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include <systemd/sd-bus.h>

#include "alert/tell.h"
#include "basic/alloc.h"
#include "basic/log.h"
#include "basic/string-util.h"

#define NOTIFICATIONS "org.freedesktop.Notifications"
#define BUS_USEC (5 * USEC_PER_SEC)
/* Of the specification of desktop notifications. */
enum { URGENCY_CRITICAL = 2, EXPIRES_BY_DEFAULT = -1 };

/* The body may have markup, which names of files must not become. */
static char *escape_markup(const char *text) {
        StringBuffer buffer = STRING_BUFFER_NULL;

        for (; *text; text++)
                switch (*text) {
                case '&':
                        string_buffer_append(&buffer, "&amp;");
                        break;
                case '<':
                        string_buffer_append(&buffer, "&lt;");
                        break;
                case '>':
                        string_buffer_append(&buffer, "&gt;");
                        break;
                default:
                        string_buffer_append_bytes(&buffer, text, 1);
                }
        return string_buffer_take(&buffer);
}

static int make_message(sd_bus *bus, const char *summary, const char *body, sd_bus_message **ret) {
        int r;

        r = sd_bus_message_new_method_call(
                bus, ret, NOTIFICATIONS, "/org/freedesktop/Notifications", NOTIFICATIONS, "Notify");
        if (r >= 0)
                r = sd_bus_message_append(*ret, "susss", "rebackup", 0, "dialog-error", summary,
                                          body);
        if (r >= 0)
                r = sd_bus_message_append(*ret, "as", 0);
        if (r >= 0)
                r = sd_bus_message_append(*ret, "a{sv}", 2, "urgency", "y", URGENCY_CRITICAL,
                                          "suppress-sound", "b", true);
        if (r >= 0)
                r = sd_bus_message_append(*ret, "i", EXPIRES_BY_DEFAULT);
        return r;
}

static int notify(const char *summary, const char *body) {
        sd_bus_message *message = NULL;
        sd_bus *bus = NULL;
        int r;

        r = sd_bus_open_user(&bus);
        if (r >= 0)
                r = make_message(bus, summary, body, &message);
        if (r >= 0)
                r = sd_bus_call(bus, message, BUS_USEC, NULL, NULL);
        sd_bus_message_unref(message);
        sd_bus_flush_close_unref(bus);
        return r;
}

int tell_desktop(const AlertReport *report) {
        _cleanup_free_ char *headline = alert_report_headline(report), *body = NULL,
                            *summary = NULL, *pair = escape_bytes(report->pair ?: "?");
        int r;

        body = headline ? escape_markup(headline) : NULL;
        if (!body || !pair || asprintf(&summary, "rebackup %s", pair) < 0)
                return -ENOMEM;
        r = notify(summary, body);
        if (r < 0)
                return log_debug_errno(r, "no notification on a desktop: %m");
        return 0;
}
