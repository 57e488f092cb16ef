#include "daemon/bus.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "basic/alloc.h"
#include "basic/log.h"
#include "basic/macros.h"
#include "config/bus-name.h"
#include "daemon/bus-internal.h"

/* Behind everything that mirrors: whoever floods the bus delays answers and nothing else. */
#define BUS_PRIORITY (SD_EVENT_PRIORITY_NORMAL + 10)
#define CHANGE_INTERVAL_USEC (250 * USEC_PER_MSEC)
#define CHANGE_ACCURACY_USEC (50 * USEC_PER_MSEC)
#define RETRY_MIN_USEC (1 * USEC_PER_SEC)
#define RETRY_MAX_USEC (1 * USEC_PER_MINUTE)
#define RETRY_ACCURACY_USEC (1 * USEC_PER_SEC)
/* A bus that does not take what it is sent is sent no more news. */
enum { QUEUED_MAX = 16 };

static void disconnect(Bus *bus) {
        if (!bus->bus)
                return;
        bus_methods_done(bus);
        bus_explain_done(bus);
        bus_verify_done(bus);
        authorizer_done(&bus->authorizer);
        (void) sd_bus_detach_event(bus->bus);
        bus->bus = sd_bus_close_unref(bus->bus);
}

static int set_timer(Bus *bus, sd_event_source **timer, usec_t after, usec_t accuracy,
                     sd_event_time_handler_t handler, const char *description) {
        int r;

        if (*timer) {
                r = sd_event_source_set_time_relative(*timer, after);
                return r < 0 ? r : sd_event_source_set_enabled(*timer, SD_EVENT_ONESHOT);
        }
        r = sd_event_add_time_relative(bus->manager->event, timer, CLOCK_MONOTONIC, after, accuracy,
                                       handler, bus);
        if (r < 0)
                return r;
        (void) sd_event_source_set_description(*timer, description);
        return sd_event_source_set_priority(*timer, BUS_PRIORITY);
}

static void try_to_connect(Bus *bus);

static int on_retry(sd_event_source *source, uint64_t usec, void *userdata) {
        (void) source, (void) usec;
        try_to_connect(ASSERT_PTR(userdata));
        return 0;
}

static void retry_later(Bus *bus) {
        usec_t delay = RETRY_MIN_USEC << MIN(bus->n_attempts, 6U);
        int r;

        bus->n_attempts++;
        r = set_timer(bus, &bus->retry_timer, MIN(delay, (usec_t) RETRY_MAX_USEC),
                      RETRY_ACCURACY_USEC, on_retry, "bus-retry");
        if (r < 0)
                (void) log_warning_errno(
                        r, "cannot wait for the bus, going on without it for good: %m");
}

static int on_disconnected(sd_bus_message *message, void *userdata, sd_bus_error *ret_error) {
        Bus *bus = ASSERT_PTR(userdata);

        (void) message, (void) ret_error;
        if (bus->was_connected)
                log_info("the connection to the bus broke off; mirroring goes on");
        disconnect(bus);
        retry_later(bus);
        return 0;
}

/* Whoever comes second, as at a restart, gets the name when the first one goes. */
static int on_name(sd_bus_message *message, void *userdata, sd_bus_error *ret_error) {
        Bus *bus = ASSERT_PTR(userdata);
        const sd_bus_error *error = sd_bus_message_get_error(message);

        (void) ret_error;
        if (sd_bus_error_has_name(error, SD_BUS_ERROR_NO_REPLY))
                return 0; /* it broke off before */
        bus->n_attempts = 0;
        if (error)
                log_notice("cannot be reached by rebackupctl: the bus does not give the name %s: "
                           "%s",
                           bus->name, error->message ?: error->name);
        else if (bus->was_connected)
                log_info("the bus is back");
        bus->was_connected = true;
        return 0;
}

static int set_up(Bus *bus) {
        sd_bus *connection = bus->bus;
        int r;

        r = sd_bus_set_exit_on_disconnect(connection, false);
        if (r >= 0)
                r = sd_bus_match_signal(connection, NULL, NULL, "/org/freedesktop/DBus/Local",
                                        "org.freedesktop.DBus.Local", "Disconnected",
                                        on_disconnected, bus);
        if (r >= 0)
                r = authorizer_init(&bus->authorizer, connection);
        if (r >= 0)
                r = bus_pair_add(bus);
        if (r >= 0)
                r = bus_log_control_add(bus);
        if (r >= 0)
                r = sd_bus_attach_event(connection, bus->manager->event, BUS_PRIORITY);
        /* Last, so that whoever sees the name finds everything there. */
        return r < 0 ? r
                     : sd_bus_request_name_async(connection, NULL, bus->name, SD_BUS_NAME_QUEUE,
                                                 on_name, bus);
}

/* A service of the system that runs as another user than root has no bus of that user. */
static bool is_users_own(void) {
        return geteuid() != 0 && (getenv("XDG_RUNTIME_DIR") || getenv("DBUS_SESSION_BUS_ADDRESS"));
}

static void try_to_connect(Bus *bus) {
        int r;

        r = is_users_own() ? sd_bus_open_user(&bus->bus) : sd_bus_open_system(&bus->bus);
        if (r >= 0)
                r = set_up(bus);
        if (r >= 0)
                return;
        (void) log_debug_errno(r, "no bus yet: %m");
        disconnect(bus);
        retry_later(bus);
}

static int on_change(sd_event_source *source, uint64_t usec, void *userdata) {
        Bus *bus = ASSERT_PTR(userdata);
        uint64_t n_queued = 0;
        int r;

        (void) source, (void) usec;
        bus->change_waits = false;
        bus->told = now_usec(CLOCK_MONOTONIC);
        if (!bus->bus || sd_bus_is_ready(bus->bus) <= 0 ||
            sd_bus_get_n_queued_write(bus->bus, &n_queued) < 0 || n_queued > QUEUED_MAX)
                return 0;
        r = bus_pair_emit(bus);
        if (r < 0)
                (void) log_debug_errno(r, "cannot tell the bus what changed: %m");
        return 0;
}

void bus_note_change(Bus *bus) {
        usec_t now = now_usec(CLOCK_MONOTONIC), due;

        if (!bus || !bus->bus || bus->change_waits)
                return;
        due = bus->told + CHANGE_INTERVAL_USEC;
        bus->change_waits = set_timer(bus, &bus->change_timer, due > now ? due - now : 0,
                                      CHANGE_ACCURACY_USEC, on_change, "bus-change") >= 0;
}

DEFINE_TRIVIAL_CLEANUP_FUNC(Bus *, bus_free)

int bus_new(Manager *manager, const char *name, Bus **ret) {
        _cleanup_(bus_freep) Bus *bus = new0(Bus, 1);
        int r;

        if (!bus)
                return -ENOMEM;
        bus->manager = manager;
        bus->pair = strdup(name);
        if (!bus->pair)
                return -ENOMEM;
        r = bus_name_format(name, &bus->name);
        if (r == -ENAMETOOLONG)
                log_notice("cannot be reached by rebackupctl: the name is too long for the bus");
        else if (r < 0)
                return r;
        else
                r = set_timer(bus, &bus->retry_timer, 0, 1, on_retry, "bus-retry");
        if (r < 0 && r != -ENAMETOOLONG)
                return r;
        *ret = TAKE_PTR(bus);
        return 0;
}

Bus *bus_free(Bus *bus) {
        if (!bus)
                return NULL;
        disconnect(bus);
        sd_event_source_disable_unref(bus->retry_timer);
        sd_event_source_disable_unref(bus->change_timer);
        pair_facts_done(&bus->facts);
        pair_facts_done(&bus->told_facts);
        free(bus->pair);
        free(bus->name);
        free(bus);
        return NULL;
}
