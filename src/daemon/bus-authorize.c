#include "daemon/bus-authorize.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "basic/alloc.h"
#include "basic/macros.h"
#include "basic/string-util.h"

struct AuthorizerQuery {
        AuthorizerQuery *next;
        Authorizer *authorizer;
        sd_bus_message *message; /* counted */
        sd_bus_slot *slot;
};

bool member_is_public(const char *interface, const char *member) {
        static const struct {
                const char *interface, *member;
        } open[] = {
                { "org.freedesktop.DBus.Introspectable", "Introspect" },
                { "org.freedesktop.DBus.Peer", "GetMachineId" },
                { "org.freedesktop.DBus.Peer", "Ping" },
                { "org.freedesktop.DBus.Properties", "Get" },
                { "org.freedesktop.DBus.Properties", "GetAll" },
        };

        for (size_t i = 0; interface && member && i < ELEMENTSOF(open); i++)
                if (streq(open[i].interface, interface) && streq(open[i].member, member))
                        return true;
        return false;
}

static void query_free(AuthorizerQuery *query) {
        Authorizer *authorizer = query->authorizer;

        for (AuthorizerQuery **at = &authorizer->queries; *at; at = &(*at)->next)
                if (*at == query) {
                        *at = query->next;
                        authorizer->n_queries--;
                        break;
                }
        sd_bus_slot_unref(query->slot);
        sd_bus_message_unref(query->message);
        free(query);
}
DEFINE_TRIVIAL_CLEANUP_FUNC(AuthorizerQuery *, query_free)

static const AuthorizerSender *find_sender(const Authorizer *authorizer, const char *name) {
        for (size_t i = 0; i < AUTHORIZER_SENDERS_MAX; i++)
                if (authorizer->senders[i].name && streq(authorizer->senders[i].name, name))
                        return &authorizer->senders[i];
        return NULL;
}

static int remember(Authorizer *authorizer, const char *name, uid_t uid) {
        AuthorizerSender *sender = &authorizer->senders[authorizer->next_sender];
        char *copy = strdup(name);

        if (!copy)
                return -ENOMEM;
        authorizer->next_sender = (authorizer->next_sender + 1) % AUTHORIZER_SENDERS_MAX;
        free(sender->name);
        *sender = (AuthorizerSender) { copy, uid };
        return 0;
}

static int refuse(sd_bus_message *message) {
        return sd_bus_reply_method_errorf(message, SD_BUS_ERROR_ACCESS_DENIED,
                                          "only root and the user that the service runs as may do "
                                          "this");
}

/* The bus says whose SENDER is. */
static int on_answer(sd_bus_message *answer, void *userdata, sd_bus_error *ret_error) {
        _cleanup_(query_freep) AuthorizerQuery *query = ASSERT_PTR(userdata);
        Authorizer *authorizer = query->authorizer;
        uint32_t uid;
        int r;

        (void) ret_error;
        r = sd_bus_message_is_method_error(answer, NULL) ? -ESRCH
                                                         : sd_bus_message_read(answer, "u", &uid);
        if (r >= 0)
                r = remember(authorizer, sd_bus_message_get_sender(query->message), uid);
        if (r >= 0)
                r = sd_bus_enqueue_for_read(authorizer->bus, query->message);
        if (r < 0)
                (void) refuse(query->message);
        return 1;
}

static int ask(Authorizer *authorizer, sd_bus_message *message, const char *sender) {
        AuthorizerQuery *query = new0(AuthorizerQuery, 1);
        int r;

        if (!query)
                return -ENOMEM;
        query->authorizer = authorizer;
        query->message = sd_bus_message_ref(message);
        query->next = authorizer->queries;
        authorizer->queries = query;
        authorizer->n_queries++;
        r = sd_bus_call_method_async(authorizer->bus, &query->slot, "org.freedesktop.DBus",
                                     "/org/freedesktop/DBus", "org.freedesktop.DBus",
                                     "GetConnectionUnixUser", on_answer, query, "s", sender);
        if (r < 0)
                query_free(query);
        return r;
}

static int on_message(sd_bus_message *message, void *userdata, sd_bus_error *ret_error) {
        Authorizer *authorizer = ASSERT_PTR(userdata);
        const char *sender = sd_bus_message_get_sender(message);
        const AuthorizerSender *known;

        (void) ret_error;
        if (!sd_bus_message_is_method_call(message, NULL, NULL) ||
            member_is_public(sd_bus_message_get_interface(message),
                             sd_bus_message_get_member(message)))
                return 0;
        if (!sender)
                return refuse(message);
        known = find_sender(authorizer, sender);
        if (known)
                return known->uid == 0 || known->uid == geteuid() ? 0 : refuse(message);
        if (authorizer->n_queries >= AUTHORIZER_QUERIES_MAX)
                return sd_bus_reply_method_errorf(message, SD_BUS_ERROR_LIMITS_EXCEEDED,
                                                  "too many callers at once");
        return ask(authorizer, message, sender) < 0 ? refuse(message) : 1;
}

int authorizer_init(Authorizer *authorizer, sd_bus *bus) {
        *authorizer = (Authorizer) { .bus = bus };
        return sd_bus_add_filter(bus, NULL, on_message, authorizer);
}

void authorizer_done(Authorizer *authorizer) {
        while (authorizer->queries)
                query_free(authorizer->queries);
        for (size_t i = 0; i < AUTHORIZER_SENDERS_MAX; i++)
                free(authorizer->senders[i].name);
        *authorizer = (Authorizer) {};
}
