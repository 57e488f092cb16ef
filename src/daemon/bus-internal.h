#pragma once

/* What the files of the bus share. Not for users of the bus. */

#include <stdbool.h>

#include <systemd/sd-bus.h>
#include <systemd/sd-event.h>

#include "basic/time-span.h"
#include "daemon/bus-authorize.h"
#include "daemon/bus.h"
#include "daemon/manager-barrier.h"
#include "daemon/pair-facts.h"

typedef struct BusQuestion BusQuestion;         /* see bus-explain.c */
typedef struct BusVerification BusVerification; /* see bus-verify.c */

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
        BusVerification *verification; /* owned; NULL: nobody asked for one */
        BusQuestion *questions;        /* owned */
        size_t n_questions;

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
/* Reads the flags that end a method's arguments. 0; -EINVAL, with RET_ERROR set, if there are
 * others than KNOWN. */
int bus_read_flags(sd_bus_message *message, uint64_t known, uint64_t *ret, sd_bus_error *ret_error);
/* "org.rebackup.Pair1.Error.Held" and the like, of all but BARRIER_PASSED. */
const char *bus_error_of(BarrierOutcome outcome);
/* A path argument: *RET is relative to the pair's root, and the caller's. */
int bus_read_path(sd_bus_message *message, char **ret, sd_bus_error *ret_error);
int bus_method_sync(sd_bus_message *message, void *userdata, sd_bus_error *ret_error);
int bus_method_approve(sd_bus_message *message, void *userdata, sd_bus_error *ret_error);
/* Pause, Resume and the like, told apart by the message's member. */
int bus_method_action(sd_bus_message *message, void *userdata, sd_bus_error *ret_error);
/* The connection goes: nobody waits for an answer any more. */
void bus_methods_done(Bus *bus);

/* bus-failures.c */
int bus_method_list_failures(sd_bus_message *message, void *userdata, sd_bus_error *ret_error);
/* When NAME of NODE is looked at next, CLOCK_REALTIME; 0: never by itself. */
uint64_t bus_next_look(Manager *manager, Node *node, const char *name);
/* Whether it waits to be looked at. */
bool bus_is_pending(Manager *manager, Node *node, const char *name);

/* bus-explain.c */
int bus_method_explain(sd_bus_message *message, void *userdata, sd_bus_error *ret_error);
/* Waits for the threads that look at files. */
void bus_explain_done(Bus *bus);

/* bus-verify.c */
int bus_method_verify(sd_bus_message *message, void *userdata, sd_bus_error *ret_error);
/* Whoever asked for a verification is not there any more. */
void bus_verify_done(Bus *bus);

/* bus-log-control.c: org.freedesktop.LogControl1(5). */
int bus_log_control_add(Bus *bus);
