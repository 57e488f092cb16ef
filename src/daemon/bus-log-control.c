/* org.freedesktop.LogControl1(5): how much is logged can be changed while the service runs. */

#include <errno.h>
#include <syslog.h>

#include "basic/log.h"
#include "basic/macros.h"
#include "basic/string-util.h"
#include "daemon/bus-internal.h"

static const char *target_of(const Bus *bus) {
        return bus->manager->sinks->journal ? "journal" : "console";
}

static int get_level(sd_bus *connection, const char *path, const char *interface,
                     const char *property, sd_bus_message *reply, void *userdata,
                     sd_bus_error *ret_error) {
        (void) connection, (void) path, (void) interface, (void) property, (void) userdata,
                (void) ret_error;
        return sd_bus_message_append(reply, "s", log_level_to_string(log_get_max_level()));
}

static int set_level(sd_bus *connection, const char *path, const char *interface,
                     const char *property, sd_bus_message *message, void *userdata,
                     sd_bus_error *ret_error) {
        const char *text;
        int level, r;

        (void) connection, (void) path, (void) interface, (void) property, (void) userdata;
        r = sd_bus_message_read(message, "s", &text);
        if (r < 0)
                return r;
        level = log_level_from_string(text);
        if (level < 0)
                return sd_bus_error_setf(ret_error, SD_BUS_ERROR_INVALID_ARGS,
                                         "'%s' is no log level", text);
        log_set_max_level(level);
        log_info("log level set to %s", log_level_to_string(level));
        return 0;
}

static int get_target(sd_bus *connection, const char *path, const char *interface,
                      const char *property, sd_bus_message *reply, void *userdata,
                      sd_bus_error *ret_error) {
        (void) connection, (void) path, (void) interface, (void) property, (void) ret_error;
        return sd_bus_message_append(reply, "s", target_of(ASSERT_PTR(userdata)));
}

/* Where messages go is decided once, by what standard error is. */
static int set_target(sd_bus *connection, const char *path, const char *interface,
                      const char *property, sd_bus_message *message, void *userdata,
                      sd_bus_error *ret_error) {
        const char *text;
        int r;

        (void) connection, (void) path, (void) interface, (void) property;
        r = sd_bus_message_read(message, "s", &text);
        if (r < 0)
                return r;
        if (streq(text, "auto") || streq(text, target_of(ASSERT_PTR(userdata))))
                return 0;
        return sd_bus_error_setf(ret_error, SD_BUS_ERROR_NOT_SUPPORTED,
                                 "the log target cannot be changed while the service runs");
}

static int get_identifier(sd_bus *connection, const char *path, const char *interface,
                          const char *property, sd_bus_message *reply, void *userdata,
                          sd_bus_error *ret_error) {
        (void) connection, (void) path, (void) interface, (void) property, (void) userdata,
                (void) ret_error;
        return sd_bus_message_append(reply, "s", program_invocation_short_name);
}

/* Setters need no flag of their own: who may call them was looked at before. */
static const sd_bus_vtable vtable[] = {
        SD_BUS_VTABLE_START(0),
        SD_BUS_WRITABLE_PROPERTY("LogLevel", "s", get_level, set_level, 0,
                                 SD_BUS_VTABLE_UNPRIVILEGED),
        SD_BUS_WRITABLE_PROPERTY("LogTarget", "s", get_target, set_target, 0,
                                 SD_BUS_VTABLE_UNPRIVILEGED),
        SD_BUS_PROPERTY("SyslogIdentifier", "s", get_identifier, 0, 0),
        SD_BUS_VTABLE_END,
};

int bus_log_control_add(Bus *bus) {
        return sd_bus_add_object_vtable(bus->bus, NULL, "/org/freedesktop/LogControl1",
                                        "org.freedesktop.LogControl1", vtable, bus);
}
