#pragma once

/* What the files of the bus share. Not for users of the bus. */

#include <stdbool.h>

#include <systemd/sd-bus.h>
#include <systemd/sd-event.h>

#include "basic/time-span.h"
#include "daemon/bus-authorize.h"
#include "daemon/bus.h"
#include "daemon/manager.h"
#include "daemon/pair-facts.h"

struct Bus {
        Manager *manager; /* borrowed */
        char *pair;       /* the name of the pair; owned */
        char *name;       /* on the bus; owned. NULL: it has none, and there is no connection */

        sd_bus *bus; /* NULL: not connected */
        sd_event_source *retry_timer, *change_timer;
        unsigned n_attempts; /* to connect, in vain, in a row */
        bool was_connected;  /* once, and that was said */
        bool change_waits;   /* change_timer runs */
        usec_t told;         /* CLOCK_MONOTONIC: when those who listen were last told */
        Authorizer authorizer;

        PairFacts facts; /* what is read through the vtable */
        PairFacts told_facts;
};

/* bus-pair.c: the object and its interface. */
int bus_pair_add(Bus *bus);
/* Reads what is now. */
int bus_pair_refresh(Bus *bus);
/* Tells those who listen what is not as in told_facts. 0 or -errno. */
int bus_pair_emit(Bus *bus);

/* bus-methods.c */
int bus_method_sync(sd_bus_message *message, void *userdata, sd_bus_error *ret_error);
/* Pause, Resume and the like, told apart by the message's member. */
int bus_method_action(sd_bus_message *message, void *userdata, sd_bus_error *ret_error);
/* The connection goes: nobody waits for an answer any more. */
void bus_methods_done(Bus *bus);

/* bus-log-control.c: org.freedesktop.LogControl1(5). */
int bus_log_control_add(Bus *bus);
