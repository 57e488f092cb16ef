#pragma once

/* Who may do what on the bus. What is readable by everyone is listed; all else, methods as well as
 * properties that can be set, is for root and for the user that the service runs as. Who a sender
 * is the bus is asked without waiting for it: the message comes back when the answer is there. */

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include <systemd/sd-bus.h>

enum {
        AUTHORIZER_SENDERS_MAX = 64,  /* remembered; the oldest goes */
        AUTHORIZER_QUERIES_MAX = 256, /* under way; beyond that callers are refused */
};

typedef struct AuthorizerSender {
        char *name; /* owned; no bus gives one out twice */
        uid_t uid;
} AuthorizerSender;

typedef struct AuthorizerQuery AuthorizerQuery;

typedef struct Authorizer {
        sd_bus *bus; /* borrowed */
        AuthorizerSender senders[AUTHORIZER_SENDERS_MAX];
        size_t next_sender;
        AuthorizerQuery *queries;
        size_t n_queries;
} Authorizer;

/* Looks at all messages of BUS from now on, before anything else does. */
int authorizer_init(Authorizer *authorizer, sd_bus *bus);
void authorizer_done(Authorizer *authorizer);

/* Whether everyone may call MEMBER of INTERFACE. Pure. */
bool member_is_public(const char *interface, const char *member);
