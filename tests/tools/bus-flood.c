/* bus-flood NAME COUNT: asks the pair that owns NAME on the system bus for all its properties COUNT
 * times, and never reads an answer. Says "sent" when all is under way, and stays until it is
 * killed. */

#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <systemd/sd-bus.h>

static int ask(sd_bus *bus, const char *name) {
        sd_bus_message *call = NULL;
        uint64_t cookie;
        int r;

        r = sd_bus_message_new_method_call(bus, &call, name, "/org/rebackup/Pair1",
                                           "org.freedesktop.DBus.Properties", "GetAll");
        if (r >= 0)
                r = sd_bus_message_append(call, "s", "org.rebackup.Pair1");
        if (r >= 0)
                r = sd_bus_send(bus, call, &cookie);
        sd_bus_message_unref(call);
        return r;
}

/* What is queued here goes out with the next message, as far as the bus takes it. */
static int flood(sd_bus *bus, const char *name, long count) {
        struct pollfd poll_fd = { .fd = sd_bus_get_fd(bus), .events = POLLOUT };
        int r = 0;

        for (long i = 0; r >= 0 && i < count; i++) {
                if (poll(&poll_fd, 1, 5000) <= 0)
                        return 0; /* the bus has enough of it */
                r = ask(bus, name);
        }
        return r;
}

int main(int argc, char **argv) {
        sd_bus *bus = NULL;
        int r;

        if (argc != 3)
                return 64;
        r = sd_bus_open_system(&bus);
        if (r >= 0)
                r = flood(bus, argv[1], atol(argv[2]));
        (void) puts(r < 0 ? strerror(-r) : "sent");
        (void) fflush(stdout);
        (void) pause();
        return 0;
}
