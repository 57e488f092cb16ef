#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "alert/alert-directory.h"
#include "alert/alert-text.h"
#include "basic/alloc.h"
#include "basic/fd.h"
#include "basic/log.h"
#include "basic/macros.h"
#include "basic/string-util.h"
#include "daemon/alert-kind.h"
#include "daemon/alert-limit.h"
#include "daemon/alert-starter.h"
#include "daemon/log-message.h"
#include "daemon/manager.h"
#include "daemon/message-ids.h"
#include "daemon/runtime-directory.h"
#include "sync/message-ids.h"

/* An entry keeps failing when it was tried so often, or for so long: 1 + 2 seconds go by between
 * the first three attempts. */
#define LASTING_ATTEMPTS 3
#define LASTING_USEC (5 * USEC_PER_MINUTE)

/* In the runtime directory: what alert_limit_format() gives, and a line while the service runs,
 * which one that is killed leaves there. */
#define STATE_FILE "alert-state"
#define RUNNING "RUNNING=yes\n"

struct Alerts {
        pthread_mutex_t mutex; /* below that of the log; nothing is logged under it */
        AlertLimit limit;
        int event_fd;               /* readable when another thread has added something */
        int runtime_fd, starter_fd; /* one of both, or none */
        sd_event_source *source;
        bool crashed; /* the process before us */
};

static void forget(Alerts *alerts, AlertKind kind) {
        (void) pthread_mutex_lock(&alerts->mutex);
        alert_limit_forget(&alerts->limit, kind);
        (void) pthread_mutex_unlock(&alerts->mutex);
}

/* Any thread, under the log's mutex. */
static void on_record(const LogRecord *record, void *userdata) {
        Alerts *alerts = ASSERT_PTR(userdata);
        Alert alert = {
                .kind = alert_kind_of_record(record),
                .time = now_usec(CLOCK_REALTIME),
                .message = (char *) record->message,
                .path = (char *) record->path,
                .message_id = (char *) record->message_id,
                .error = record->error,
        };
        AlertKind ended = alert_kind_that_ended(record);
        uint64_t one = 1;

        if (ended >= 0)
                forget(alerts, ended);
        if (alert.kind < 0)
                return;
        (void) pthread_mutex_lock(&alerts->mutex);
        (void) alert_limit_add(&alerts->limit, &alert, now_usec(CLOCK_MONOTONIC));
        (void) pthread_mutex_unlock(&alerts->mutex);
        ignore_result(write(alerts->event_fd, &one, sizeof one) < 0);
}

static int open_runtime(void) {
        _cleanup_free_ char *directory = NULL;
        int r, fd;

        r = runtime_directory(&directory);
        if (r < 0 || !directory)
                return r < 0 ? r : -ENOENT;
        fd = open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        return fd < 0 ? -errno : fd;
}

static void load_state(Alerts *alerts) {
        _cleanup_free_ char *text = NULL;

        if (alert_directory_read(alerts->runtime_fd, STATE_FILE, ALERT_TEXT_MAX, &text) < 0)
                return;
        alerts->crashed = startswith(text, RUNNING);
        (void) alert_limit_parse(text, now_usec(CLOCK_MONOTONIC), &alerts->limit);
}

static void save_state(Alerts *alerts, bool running) {
        _cleanup_free_ char *text = NULL, *limit = NULL;
        int r = -ENOMEM;

        if (alerts->runtime_fd < 0)
                return;
        (void) pthread_mutex_lock(&alerts->mutex);
        limit = alert_limit_format(&alerts->limit);
        (void) pthread_mutex_unlock(&alerts->mutex);
        if (limit && asprintf(&text, "%s%s", running ? RUNNING : "", limit) >= 0)
                r = alert_directory_write(alerts->runtime_fd, STATE_FILE, text);
        if (r < 0)
                (void) log_debug_errno(r, "cannot note what was alerted to: %m");
}

static void set_timer(Manager *manager) {
        Alerts *alerts = manager->alerts;
        usec_t due;

        (void) pthread_mutex_lock(&alerts->mutex);
        due = alert_limit_due(&alerts->limit, manager->config->alert_min_interval);
        (void) pthread_mutex_unlock(&alerts->mutex);
        manager_set_timer(manager, TIMER_ALERT, due);
}

static int on_added(sd_event_source *source, int fd, uint32_t revents, void *userdata) {
        uint64_t n;

        (void) source, (void) revents;
        ignore_result(read(fd, &n, sizeof n) < 0);
        set_timer(ASSERT_PTR(userdata));
        return 0;
}

static Alerts *alerts_free(Alerts *alerts) {
        if (!alerts)
                return NULL;
        log_remove_sink(on_record, alerts);
        sd_event_source_unref(alerts->source);
        alert_limit_done(&alerts->limit);
        (void) safe_close(alerts->event_fd);
        (void) safe_close(alerts->runtime_fd);
        (void) safe_close(alerts->starter_fd);
        (void) pthread_mutex_destroy(&alerts->mutex);
        free(alerts);
        return NULL;
}
DEFINE_TRIVIAL_CLEANUP_FUNC(Alerts *, alerts_free)

static int alerts_new(Manager *manager, int runtime_fd, int starter_fd, Alerts **ret) {
        _cleanup_(alerts_freep) Alerts *alerts = new0(Alerts, 1);
        int r;

        if (!alerts) {
                (void) safe_close(runtime_fd);
                (void) safe_close(starter_fd);
                return -ENOMEM;
        }
        (void) pthread_mutex_init(&alerts->mutex, NULL);
        alerts->runtime_fd = runtime_fd;
        alerts->starter_fd = starter_fd;
        alerts->event_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
        if (alerts->event_fd < 0)
                return -errno;
        if (runtime_fd >= 0)
                load_state(alerts);
        r = sd_event_add_io(manager->event, &alerts->source, alerts->event_fd, EPOLLIN, on_added,
                            manager);
        if (r >= 0)
                r = log_add_sink(on_record, alerts);
        if (r < 0)
                return r;
        (void) sd_event_source_set_description(alerts->source, "alerts");
        *ret = TAKE_PTR(alerts);
        return 0;
}

void manager_begin_alerts(Manager *manager, int starter_fd) {
        int runtime_fd = -EBADF;
        int r;

        if (starter_fd < 0) {
                runtime_fd = open_runtime();
                if (runtime_fd == -ENOENT)
                        return;
                if (runtime_fd < 0) {
                        (void) log_warning_errno(runtime_fd, "there will be no alerts: %m");
                        return;
                }
        }
        r = alerts_new(manager, runtime_fd, starter_fd, &manager->alerts);
        if (r < 0) {
                (void) log_warning_errno(r, "there will be no alerts: %m");
                return;
        }
        if (manager->alerts->crashed)
                log_message(LOG_ERR, REBACKUP_MSG_CRASHED,
                            "the service did not end in good order the last time: it crashed, hung "
                            "or was killed; its journal and \"coredumpctl\" may tell why");
        save_state(manager->alerts, true);
        set_timer(manager);
}

static void add_failure(Alerts *alerts, const Failure *failure) {
        _cleanup_free_ char *shown = escape_bytes(failure->path[0] ? failure->path : "."),
                            *message = NULL;
        Alert alert = { .kind = alert_kind_of_failure(failure->error),
                        .time = now_usec(CLOCK_REALTIME),
                        .path = failure->path,
                        .message_id = (char *) REBACKUP_MSG_FAIL,
                        .error = failure->error };

        if (!shown || asprintf(&message, "keeps failing to %s %s: %s", failure->what, shown,
                               strerror(-failure->error)) < 0)
                return;
        alert.message = message;
        (void) pthread_mutex_lock(&alerts->mutex);
        (void) alert_limit_add(&alerts->limit, &alert, now_usec(CLOCK_MONOTONIC));
        (void) pthread_mutex_unlock(&alerts->mutex);
}

void manager_alert_failures(Manager *manager) {
        FailureList list = FAILURE_LIST_NULL;

        if (!manager->alerts || !manager->engine || engine_n_failures(manager->engine) == 0 ||
            engine_take_lasting_failures(manager->engine, LASTING_ATTEMPTS, LASTING_USEC, &list) <
                    0)
                return;
        for (size_t i = 0; i < list.n_items; i++)
                add_failure(manager->alerts, &list.items[i]);
        failure_list_done(&list);
        set_timer(manager);
}

void manager_forget_alerts(Manager *manager, AlertKind kind) {
        if (manager->alerts)
                forget(manager->alerts, kind);
}

static void hand_over(Alerts *alerts, const AlertReport *report) {
        _cleanup_free_ char *text = NULL;
        int r;

        r = alert_text_format(report, &text);
        if (r >= 0 && alerts->starter_fd >= 0)
                r = alert_starter_send(alerts->starter_fd, text);
        else if (r >= 0)
                r = alert_directory_put(alerts->runtime_fd, text, now_usec(CLOCK_REALTIME));
        if (r < 0)
                (void) log_warning_errno(r, "cannot hand an alert over to rebackup-alert: %m");
}

static void tell(Manager *manager, usec_t now) {
        _cleanup_(alert_report_done) AlertReport report = ALERT_REPORT_NULL;
        Alerts *alerts = manager->alerts;

        (void) pthread_mutex_lock(&alerts->mutex);
        alert_limit_take(&alerts->limit, now, &report);
        (void) pthread_mutex_unlock(&alerts->mutex);
        report.pair = strdup(manager->sinks->pair ?: "?");
        report.sound = manager->config->alert_sound;
        hand_over(alerts, &report);
        save_state(alerts, true);
}

static bool is_due(const Manager *manager, usec_t now) {
        Alerts *alerts = manager->alerts;
        usec_t due;

        (void) pthread_mutex_lock(&alerts->mutex);
        due = alert_limit_due(&alerts->limit, manager->config->alert_min_interval);
        (void) pthread_mutex_unlock(&alerts->mutex);
        return due <= now;
}

void manager_tell_alerts(Manager *manager) {
        usec_t now = now_usec(CLOCK_MONOTONIC);

        if (!manager->alerts)
                return;
        if (is_due(manager, now))
                tell(manager, now);
        set_timer(manager);
}

void manager_end_alerts(Manager *manager) {
        Alerts *alerts = manager->alerts;
        usec_t now = now_usec(CLOCK_MONOTONIC), due;

        if (!alerts)
                return;
        log_remove_sink(on_record, alerts);
        due = alert_limit_due(&alerts->limit, manager->config->alert_min_interval);
        /* There is nothing more to gather; and in the foreground nobody comes after this process.
         */
        if (due != USEC_INFINITY &&
            (alerts->starter_fd >= 0 || alerts->limit.last == 0 ||
             now >= alerts->limit.last + manager->config->alert_min_interval))
                tell(manager, now);
        save_state(alerts, false);
        manager_set_timer(manager, TIMER_ALERT, USEC_INFINITY);
        manager->alerts = alerts_free(alerts);
}
