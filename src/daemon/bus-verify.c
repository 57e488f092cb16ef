/* The method Verify of org.rebackup.Pair1. It may take hours, and is for whoever asked: when that
 * one leaves the bus it ends. */

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "basic/alloc.h"
#include "basic/macros.h"
#include "config/bus-name.h"
#include "daemon/bus-internal.h"
#include "daemon/verify-demand.h"

/* Owned by the bus, until the answer is sent. */
struct BusVerification {
        Bus *bus;
        sd_bus_message *message;   /* counted */
        sd_bus_slot *match, *call; /* both tell when the sender goes */
};

static void verification_free(BusVerification *verification) {
        verification->bus->verification = NULL;
        sd_bus_slot_unref(verification->match);
        sd_bus_slot_unref(verification->call);
        sd_bus_message_unref(verification->message);
        free(verification);
}
DEFINE_TRIVIAL_CLEANUP_FUNC(BusVerification *, verification_free)

/* The answer */

static int append_counters(sd_bus_message *reply, const VerifyAnswer *answer) {
        const VerifyResult *result = answer->result;
        Counters *counters = answer->counters;
        const struct {
                const char *name;
                uint64_t value;
        } items[] = {
                { "files", counters->n_verified },
                { "bytes", counters->n_verified_bytes },
                { "damaged", counters->n_rotten },
                { "healed", MIN((uint64_t) counters->n_rot_healed, (uint64_t) counters->n_rotten) },
                { "changing", result->n_moved },
                { "failed", counters->operations[OPERATION_FAIL] },
                { "without-hash", result->coverage.n_without_hash },
                { "known-damaged", result->coverage.n_damaged },
                { "duration-usec", answer->duration },
        };
        int r;

        r = sd_bus_message_open_container(reply, 'a', "{st}");
        for (size_t i = 0; r >= 0 && i < ELEMENTSOF(items); i++)
                r = sd_bus_message_append(reply, "{st}", items[i].name, items[i].value);
        return r < 0 ? r : sd_bus_message_close_container(reply);
}

static int append_finding(sd_bus_message *reply, const VerifyFinding *finding) {
        int r;

        r = sd_bus_message_open_container(reply, 'r', "aystts");
        if (r >= 0)
                r = sd_bus_message_append_array(reply, 'y', finding->path, strlen(finding->path));
        if (r >= 0)
                r = sd_bus_message_append(reply, "stts", finding->kind, finding->first_byte,
                                          finding->n_blocks, finding->message);
        return r < 0 ? r : sd_bus_message_close_container(reply);
}

static int fill(sd_bus_message *reply, const VerifyAnswer *answer) {
        const VerifyFindings *findings = &answer->result->findings;
        int r;

        r = sd_bus_message_append(reply, "s", answer->summary);
        if (r >= 0)
                r = append_counters(reply, answer);
        if (r >= 0)
                r = sd_bus_message_open_container(reply, 'a', "(aystts)");
        for (size_t i = 0; r >= 0 && i < findings->n_items; i++)
                r = append_finding(reply, &findings->items[i]);
        if (r >= 0)
                r = sd_bus_message_close_container(reply);
        return r < 0 ? r : sd_bus_message_append(reply, "t", findings->n_unlisted);
}

static int reply_to(sd_bus_message *message, const VerifyAnswer *answer) {
        _cleanup_(sd_bus_message_unrefp) sd_bus_message *reply = NULL;
        int r;

        r = sd_bus_message_new_method_return(message, &reply);
        if (r >= 0)
                r = fill(reply, answer);
        if (r >= 0)
                r = sd_bus_message_send(reply);
        return r < 0 ? sd_bus_reply_method_errno(message, r, NULL) : r;
}

static void on_end(BarrierOutcome outcome, const char *text, const VerifyAnswer *answer,
                   void *userdata) {
        BusVerification *verification = ASSERT_PTR(userdata);

        if (answer)
                (void) reply_to(verification->message, answer);
        else
                (void) sd_bus_reply_method_errorf(verification->message, bus_error_of(outcome),
                                                  "%s", text);
        verification_free(verification);
}

/* Whether somebody waits for it */

void bus_verify_done(Bus *bus) {
        if (!bus->verification)
                return;
        verification_free(bus->verification);
        verify_demand_withdraw(bus->manager);
}

static int on_owner_changed(sd_bus_message *message, void *userdata, sd_bus_error *ret_error) {
        const char *name, *was, *is;

        (void) ret_error;
        if (sd_bus_message_read(message, "sss", &name, &was, &is) >= 0 && !is[0])
                bus_verify_done(userdata);
        return 0;
}

/* It may have gone before that was listened to. */
static int on_presence(sd_bus_message *answer, void *userdata, sd_bus_error *ret_error) {
        int is_there;

        (void) ret_error;
        if (sd_bus_message_is_method_error(answer, NULL) ||
            sd_bus_message_read(answer, "b", &is_there) < 0 || is_there)
                return 0;
        bus_verify_done(userdata);
        return 0;
}

/* Nothing here waits for the bus. */
static int follow(BusVerification *verification, const char *sender) {
        Bus *bus = verification->bus;
        _cleanup_free_ char *match = NULL;
        int r;

        if (asprintf(&match,
                     "type='signal',sender='org.freedesktop.DBus',"
                     "interface='org.freedesktop.DBus',member='NameOwnerChanged',arg0='%s'",
                     sender) < 0)
                return -ENOMEM;
        r = sd_bus_add_match_async(bus->bus, &verification->match, match, on_owner_changed, NULL,
                                   bus);
        if (r < 0)
                return r;
        return sd_bus_call_method_async(bus->bus, &verification->call, "org.freedesktop.DBus",
                                        "/org/freedesktop/DBus", "org.freedesktop.DBus",
                                        "NameHasOwner", on_presence, bus, "s", sender);
}

/* The question */

static int begin(Bus *bus, sd_bus_message *message, const char *path) {
        _cleanup_(verification_freep) BusVerification *verification = new0(BusVerification, 1);
        const char *sender = sd_bus_message_get_sender(message);
        int r;

        if (!verification)
                return -ENOMEM;
        verification->bus = bus;
        verification->message = sd_bus_message_ref(message);
        r = sender ? follow(verification, sender) : -EINVAL;
        if (r < 0)
                return r;
        bus->verification = verification;
        r = verify_demand_add(bus->manager, path, on_end, TAKE_PTR(verification));
        if (r < 0)
                verification_free(bus->verification);
        return r < 0 ? r : 1;
}

int bus_method_verify(sd_bus_message *message, void *userdata, sd_bus_error *ret_error) {
        _cleanup_free_ char *path = NULL;
        Bus *bus = ASSERT_PTR(userdata);
        uint64_t flags;
        int r;

        r = bus_read_path(message, &path, ret_error);
        if (r >= 0)
                r = bus_read_flags(message, 0, &flags, ret_error);
        if (r < 0)
                return r;
        r = bus->verification ? -EBUSY : begin(bus, message, path);
        if (r == -EBUSY)
                return sd_bus_error_set(ret_error, BUS_ERROR("Busy"),
                                        "a verification that somebody asked for runs already");
        if (r == -EOPNOTSUPP)
                return sd_bus_error_set(ret_error, BUS_ERROR("Failed"),
                                        "there are no hashes to verify against "
                                        "(Integrity.Checksum=off)");
        return r;
}
