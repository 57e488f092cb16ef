/* The object /org/rebackup/Pair1: its properties are a snapshot, PairFacts, taken when somebody
 * reads them and when those who listen are told of changes. */

#include <errno.h>
#include <string.h>

#include "basic/macros.h"
#include "basic/string-util.h"
#include "config/bus-name.h"
#include "daemon/bus-internal.h"

static int get_counters(sd_bus *bus, const char *path, const char *interface, const char *property,
                        sd_bus_message *reply, void *userdata, sd_bus_error *ret_error) {
        const FactCounters *counters = ASSERT_PTR(userdata);
        int r;

        (void) bus, (void) path, (void) interface, (void) property, (void) ret_error;
        r = sd_bus_message_open_container(reply, 'a', "{st}");
        for (unsigned i = 0; r >= 0 && i < _FACT_COUNTER_MAX; i++)
                r = sd_bus_message_append(reply, "{st}", fact_counter_to_string(i),
                                          counters->values[i]);
        return r < 0 ? r : sd_bus_message_close_container(reply);
}

#define FACT(name, type, member, flags) \
        SD_BUS_PROPERTY(name, type, NULL, offsetof(Bus, facts.member), flags)
#define FIXED(name, type, member) FACT(name, type, member, SD_BUS_VTABLE_PROPERTY_CONST)
#define LIVE(name, type, member) FACT(name, type, member, SD_BUS_VTABLE_PROPERTY_EMITS_CHANGE)
#define COUNTERS(name, member)                                                    \
        SD_BUS_PROPERTY(name, "a{st}", get_counters, offsetof(Bus, facts.member), \
                        SD_BUS_VTABLE_PROPERTY_EMITS_CHANGE)
#define ACTION(name)                                                             \
        SD_BUS_METHOD_WITH_ARGS(name, SD_BUS_ARGS("t", flags), SD_BUS_NO_RESULT, \
                                bus_method_action, SD_BUS_VTABLE_UNPRIVILEGED)

static const sd_bus_vtable vtable[] = {
        SD_BUS_VTABLE_START(0),
        FIXED("Version", "s", version),
        FIXED("Name", "s", name),
        FIXED("Source", "s", source),
        FIXED("Replica", "s", replica),
        LIVE("Store", "s", store),
        FIXED("StartedUSec", "t", started),

        LIVE("State", "s", state),
        LIVE("Status", "s", status),
        LIVE("Reason", "s", reason),
        LIVE("HeldPlaces", "t", n_held),
        LIVE("HeldRemovals", "t", n_held_removals),
        LIVE("KeptEntries", "t", n_kept),
        LIVE("ConfigurationRefused", "b", config_refused),
        LIVE("InStepSinceUSec", "t", in_step_since),
        LIVE("Identical", "b", identical),
        LIVE("ProvenUSec", "t", proven),
        LIVE("Failures", "t", n_failures),
        LIVE("PendingChanges", "t", n_pending),
        LIVE("PendingSinceUSec", "t", pending_since),
        FACT("LagUSec", "t", lag, 0),
        LIVE("Entries", "t", n_entries),
        LIVE("Directories", "t", n_directories),

        LIVE("WatchBackend", "s", watch_backend),
        LIVE("WatchedDirectories", "t", n_watched),
        LIVE("FallenBackDirectories", "t", n_fallen_back),
        LIVE("UnwatchedDirectories", "t", n_unwatched),
        LIVE("ReplicaWatched", "b", replica_watched),
        LIVE("UnwatchedReplicaDirectories", "t", n_replica_unwatched),
        LIVE("Overflows", "t", n_overflows),

        LIVE("NextPassUSec", "t", next_pass),
        LIVE("LastPassBegunUSec", "t", last_pass_begun),
        LIVE("LastPassDurationUSec", "t", last_pass_duration),
        LIVE("LastPassResult", "s", last_pass_result),
        COUNTERS("LastPassCounters", last_pass_counters),
        COUNTERS("Counters", counters),

        LIVE("VersionsBytes", "t", versions_bytes),
        LIVE("VersionsMeasuredUSec", "t", versions_measured),

        LIVE("Verifying", "b", verifying),
        LIVE("Files", "t", n_files),
        LIVE("FilesVerified", "t", n_verified),
        LIVE("FilesNeverVerified", "t", n_never_verified),
        LIVE("FilesWithoutHash", "t", n_without_hash),
        LIVE("FilesDamaged", "t", n_damaged),
        LIVE("OldestVerifiedUSec", "t", oldest_verified),
        LIVE("VerifyRequested", "b", asked_to_verify),
        LIVE("VerifyBegunUSec", "t", verify_begun),
        LIVE("VerifyFiles", "t", verify_files),
        LIVE("VerifyFilesExpected", "t", verify_files_expected),
        LIVE("VerifyBytes", "t", verify_bytes),
        LIVE("VerifyBytesExpected", "t", verify_bytes_expected),
        LIVE("VerifyDamaged", "t", verify_damaged),

        LIVE("Pass", "s", pass),
        LIVE("PassBegunUSec", "t", pass_begun),
        LIVE("PassEntries", "t", pass_entries),
        LIVE("PassEntriesExpected", "t", pass_expected),
        LIVE("PassDirectories", "t", pass_directories),
        LIVE("PassBytes", "t", pass_bytes),
        LIVE("PassOperations", "t", pass_operations),
        LIVE("PassFailures", "t", pass_failed),

        SD_BUS_METHOD_WITH_ARGS("Sync", SD_BUS_ARGS("t", flags), SD_BUS_NO_RESULT, bus_method_sync,
                                SD_BUS_VTABLE_UNPRIVILEGED),
        SD_BUS_METHOD_WITH_ARGS("ListFailures", SD_BUS_ARGS("t", flags),
                                SD_BUS_RESULT("a(aysittut)", failures, "t", unlisted),
                                bus_method_list_failures, SD_BUS_VTABLE_UNPRIVILEGED),
        SD_BUS_METHOD_WITH_ARGS("Explain", SD_BUS_ARGS("ay", path, "t", flags),
                                SD_BUS_RESULT("a{sv}", explanation), bus_method_explain,
                                SD_BUS_VTABLE_UNPRIVILEGED),
        SD_BUS_METHOD_WITH_ARGS("Verify", SD_BUS_ARGS("ay", path, "t", flags),
                                SD_BUS_RESULT("s", summary, "a{st}", counters, "a(aystts)",
                                              findings, "t", unlisted),
                                bus_method_verify, SD_BUS_VTABLE_UNPRIVILEGED),
        SD_BUS_METHOD_WITH_ARGS("Approve", SD_BUS_ARGS("t", flags), SD_BUS_NO_RESULT,
                                bus_method_approve, SD_BUS_VTABLE_UNPRIVILEGED),
        ACTION("Rescan"),
        ACTION("DropExcluded"),
        ACTION("Pause"),
        ACTION("Resume"),
        ACTION("Reload"),
        SD_BUS_VTABLE_END,
};

int bus_pair_refresh(Bus *bus) {
        PairFacts facts;
        int r;

        r = pair_facts_acquire(bus->manager, bus->pair, &facts);
        if (r < 0)
                return r;
        pair_facts_done(&bus->facts);
        bus->facts = facts;
        return 0;
}

/* A property of the vtable in a snapshot. */
static const void *member_of(const PairFacts *facts, const sd_bus_vtable *property) {
        return (const char *) facts + (property->x.property.offset - offsetof(Bus, facts));
}

static bool has_changed(const Bus *bus, const sd_bus_vtable *property) {
        const void *is = member_of(&bus->facts, property),
                   *was = member_of(&bus->told_facts, property);
        const char *text;

        switch (property->x.property.signature[0]) {
        case 's':
                text = *(char *const *) was;
                return !text || !streq(text, *(char *const *) is);
        case 't':
                return *(const uint64_t *) is != *(const uint64_t *) was;
        case 'b':
                return *(const int *) is != *(const int *) was;
        default:
                return memcmp(is, was, sizeof(FactCounters)) != 0;
        }
}

int bus_pair_emit(Bus *bus) {
        char *names[ELEMENTSOF(vtable)];
        size_t n = 0;
        int r;

        r = bus_pair_refresh(bus);
        if (r < 0)
                return r;
        for (const sd_bus_vtable *v = vtable; v->type != _SD_BUS_VTABLE_END; v++)
                if (v->type == _SD_BUS_VTABLE_PROPERTY &&
                    v->flags & SD_BUS_VTABLE_PROPERTY_EMITS_CHANGE && has_changed(bus, v))
                        names[n++] = (char *) v->x.property.member;
        if (n == 0)
                return 0;
        names[n] = NULL;
        r = sd_bus_emit_properties_changed_strv(bus->bus, BUS_PATH, BUS_INTERFACE, names);
        /* The next reader gets a snapshot of his own. */
        pair_facts_done(&bus->told_facts);
        bus->told_facts = bus->facts;
        bus->facts = PAIR_FACTS_NULL;
        return r;
}

/* Runs before a message is dealt with. */
static int on_message(sd_bus_message *message, void *userdata, sd_bus_error *ret_error) {
        Bus *bus = ASSERT_PTR(userdata);
        const char *path = sd_bus_message_get_path(message);
        int r;

        (void) ret_error;
        if (!path || !streq(path, BUS_PATH) ||
            !sd_bus_message_is_method_call(message, "org.freedesktop.DBus.Properties", NULL))
                return 0;
        r = bus_pair_refresh(bus);
        return r < 0 ? sd_bus_reply_method_errno(message, r, NULL) : 0;
}

int bus_pair_add(Bus *bus) {
        int r;

        r = sd_bus_add_filter(bus->bus, NULL, on_message, bus);
        return r < 0 ? r
                     : sd_bus_add_object_vtable(bus->bus, NULL, BUS_PATH, BUS_INTERFACE, vtable,
                                                bus);
}
