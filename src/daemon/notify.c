#include "daemon/notify.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include <systemd/sd-daemon.h>

#include "basic/string-util.h"

void notify_init(Notify *notify) {
        *notify = (Notify) { .enabled = getenv("NOTIFY_SOCKET") };
}

void notify_done(Notify *notify) {
        free(notify->status);
        *notify = (Notify) {};
}

void notify_ready(const Notify *notify) {
        if (notify->enabled)
                (void) sd_notify(0, "READY=1");
}

void notify_reloading(const Notify *notify, usec_t now) {
        if (notify->enabled)
                (void) sd_notifyf(0, "RELOADING=1\nMONOTONIC_USEC=%" PRIu64, now);
}

void notify_stopping(const Notify *notify) {
        if (notify->enabled)
                (void) sd_notify(0, "STOPPING=1");
}

void notify_watchdog(const Notify *notify) {
        if (notify->enabled)
                (void) sd_notify(0, "WATCHDOG=1");
}

void notify_extend_timeout(const Notify *notify, usec_t span) {
        if (notify->enabled)
                (void) sd_notifyf(0, "EXTEND_TIMEOUT_USEC=%" PRIu64, span);
}

void notify_failure(const Notify *notify, int error, const char *text) {
        if (!notify->enabled)
                return;
        (void) sd_notifyf(0, "STATUS=%s", text);
        if (error > 0)
                (void) sd_notifyf(0, "ERRNO=%d", error);
}

usec_t notify_status(Notify *notify, const char *status, usec_t now) {
        char *copy;

        if (!notify->enabled || (notify->status && streq(notify->status, status)))
                return 0;
        if (notify->sent > 0 && now < notify->sent + NOTIFY_STATUS_INTERVAL_USEC)
                return notify->sent + NOTIFY_STATUS_INTERVAL_USEC;

        copy = strdup(status);
        if (!copy)
                return 0;
        free(notify->status);
        notify->status = copy;
        notify->sent = now;
        (void) sd_notifyf(0, "STATUS=%s", status);
        return 0;
}
