/* The method ListFailures of org.rebackup.Pair1. */

#include <errno.h>
#include <string.h>

#include "basic/macros.h"
#include "daemon/bus-internal.h"
#include "watch/dirty-look.h"

/* A point in time of the monotonic clock as CLOCK_REALTIME; 0 for never. */
static uint64_t to_realtime(usec_t monotonic) {
        usec_t now = now_usec(CLOCK_MONOTONIC), realtime = now_usec(CLOCK_REALTIME);

        if (monotonic == USEC_INFINITY)
                return 0;
        return monotonic > now ? realtime + (monotonic - now) : realtime;
}

uint64_t bus_next_look(Manager *manager, Node *node, const char *name) {
        usec_t due = dirty_due_of(manager->dirty, node, name, NULL);

        /* What is in no list is looked at with everything else. */
        return to_realtime(due == USEC_INFINITY ? manager->next_full : due);
}

bool bus_is_pending(Manager *manager, Node *node, const char *name) {
        return dirty_due_of(manager->dirty, node, name, NULL) != USEC_INFINITY;
}

static int append_failure(Manager *manager, sd_bus_message *reply, const Failure *failure) {
        int r;

        r = sd_bus_message_open_container(reply, 'r', "aysittut");
        if (r >= 0)
                r = sd_bus_message_append_array(reply, 'y', failure->path, strlen(failure->path));
        if (r >= 0)
                r = sd_bus_message_append(reply, "sittut", failure->what, -failure->error,
                                          failure->first, failure->last, failure->n_attempts,
                                          bus_next_look(manager, failure->node, failure->name));
        return r < 0 ? r : sd_bus_message_close_container(reply);
}

static int append_list(Manager *manager, sd_bus_message *reply, const FailureList *list) {
        int r;

        r = sd_bus_message_open_container(reply, 'a', "(aysittut)");
        for (size_t i = 0; r >= 0 && i < list->n_items; i++)
                r = append_failure(manager, reply, &list->items[i]);
        if (r >= 0)
                r = sd_bus_message_close_container(reply);
        return r < 0 ? r
                     : sd_bus_message_append(reply, "t",
                                             list->n_unlisted + manager->failures_dropped);
}

int bus_method_list_failures(sd_bus_message *message, void *userdata, sd_bus_error *ret_error) {
        _cleanup_(sd_bus_message_unrefp) sd_bus_message *reply = NULL;
        _cleanup_(failure_list_done) FailureList list = FAILURE_LIST_NULL;
        Manager *manager = ASSERT_PTR((Bus *) userdata)->manager;
        uint64_t flags;
        int r;

        r = bus_read_flags(message, 0, &flags, ret_error);
        if (r >= 0 && manager->engine)
                r = engine_list_failures(manager->engine, &list);
        if (r >= 0)
                r = sd_bus_message_new_method_return(message, &reply);
        if (r >= 0)
                r = append_list(manager, reply, &list);
        return r < 0 ? r : sd_bus_message_send(reply);
}
